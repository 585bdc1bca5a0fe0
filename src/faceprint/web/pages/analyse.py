"""A photo in, the same photo back with layers over it, and what is told of each face."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.gallery.records import Call
from faceprint.media import draw_faces, encode_image
from faceprint.pipeline.analysis_picture import analysis_pixels, head_labels
from faceprint.pipeline.appearance import Analysis, Looks
from faceprint.pipeline.labels import analysis_marks
from faceprint.web.access import PageUploader, PageVisitor, Visitor
from faceprint.web.analysis import AnalysedView, analysed_views, parts_uri
from faceprint.web.appearance import check_on
from faceprint.web.forms import Form, Upload
from faceprint.web.gallery import download
from faceprint.web.pages.render import page_form, render, wants_fragment
from faceprint.web.pictures import preview_uri
from faceprint.web.sample import sample_available, sample_photo
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_FIELDS = ("names", "parts", "appearance", "thorough")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a form asks for.

    Attributes:
        fields: Its ticked boxes, to ask the same again.
        call: Who asks for names; None if nobody does.
    """

    photo: Upload
    fields: tuple[str, ...]
    looks: Looks
    call: Call | None

    @property
    def thorough(self) -> bool:
        """Whether to look for very small faces too."""
        return "thorough" in self.fields


@dataclass(frozen=True, slots=True)
class _Outcome:
    found: Analysis
    faces: list[AnalysedView]
    preview: str
    parts: str


@router.get("/analyse")
async def analyse_page(request: Request, visitor: PageVisitor) -> Response:
    """Where a photo is given."""
    state = state_of(request)
    enrolled = await state.gallery_work.run(lambda: state.engine.gallery.template_count())
    return render(
        request,
        visitor,
        "analyse.html",
        page="analyse",
        enrolled=enrolled > 0,
        sample=sample_available(),
        attributes=state.options.attributes,
    )


@router.post("/analyse")
async def analyse_photo(request: Request, visitor: PageUploader) -> Response:
    """What is told of the faces of a photo: a whole page, or its inner part for a script."""
    form = await page_form(request, visitor, photos=1)
    asked = _read(request, form, visitor)
    state = state_of(request)
    fragment = wants_fragment(request)
    # A script shows the browser's own copy, unless the browser cannot read the format.
    with_preview = not fragment or form.flag("preview")
    outcome = await state.photo_work.run(_analyse, request, asked, with_preview=with_preview)
    return render(
        request,
        visitor,
        "_analysis.html" if fragment else "analysis.html",
        page="analyse",
        photo_name=asked.photo.name,
        is_sample=form.flag("sample"),
        fields=asked.fields,
        attributes=state.options.attributes,
        found=outcome.found,
        faces=outcome.faces,
        preview=outcome.preview,
        parts=outcome.parts,
    )


@router.post("/analyse/picture")
async def analysed_picture(request: Request, visitor: PageUploader) -> Response:
    """The photo with all layers drawn on it, as a download."""
    form = await page_form(request, visitor, photos=1)
    asked = _read(request, form, visitor)

    def draw() -> bytes:
        found = _found(request, asked)
        return encode_image(draw_faces(analysis_pixels(found), analysis_marks(found)))

    data = await state_of(request).photo_work.run(draw)
    stem = PurePath(asked.photo.name).stem or "photo"
    return download(data, f"{stem}-analysed.jpg", "image/jpeg")


def _read(request: Request, form: Form, visitor: Visitor) -> _Asked:
    """What a form asks for.

    Raises:
        HTTPException: 403 for estimates in an app that does not make them.
        InputError: There is no photo.
    """
    fields = tuple(name for name in _FIELDS if form.flag(name))
    if "appearance" in fields:
        check_on(state_of(request))
    return _Asked(
        photo=sample_photo() if form.flag("sample") else form.photo(),
        fields=fields,
        looks=Looks(parts="parts" in fields, appearance="appearance" in fields),
        call=visitor.call("analyse") if "names" in fields else None,
    )


def _found(request: Request, asked: _Asked) -> Analysis:
    engine = state_of(request).engine
    return engine.analyze(
        asked.photo.open(), looks=asked.looks, call=asked.call, thorough=asked.thorough
    )


def _analyse(request: Request, asked: _Asked, *, with_preview: bool) -> _Outcome:
    found = _found(request, asked)
    shown = found.segmentation
    return _Outcome(
        found,
        analysed_views(found),
        preview_uri(found.detection.pixels) if with_preview else "",
        "" if shown is None or not found.faces else parts_uri(head_labels(shown.labels)),
    )
