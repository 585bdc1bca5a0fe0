"""The first page: a photo in, the same photo with names back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.gallery.records import Call
from faceprint.pipeline.results import Identification
from faceprint.web.access import PageUploader, PageVisitor
from faceprint.web.forms import Form, Upload
from faceprint.web.pages.render import page_form, render, wants_fragment
from faceprint.web.pictures import crop_uri, labelled_answer, preview_uri
from faceprint.web.sample import sample_available, sample_photo
from faceprint.web.state import state_of
from faceprint.web.views import FaceView, face_views

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class _Outcome:
    found: Identification
    faces: list[FaceView]
    preview: str


@router.get("/")
async def identify_page(request: Request, visitor: PageVisitor) -> Response:
    """Where a photo is given."""
    state = state_of(request)
    enrolled = await state.gallery_work.run(lambda: state.engine.gallery.template_count())
    return render(
        request,
        visitor,
        "identify.html",
        page="identify",
        newcomer=enrolled == 0,
        sample=sample_available(),
    )


@router.post("/identify")
async def identify_photo(request: Request, visitor: PageUploader) -> Response:
    """The faces of a photo with names: a whole page, or its inner part for a script."""
    form = await page_form(request, visitor, photos=1)
    photo = _photo(form)
    state = state_of(request)
    # A script shows the browser's own copy, unless the browser cannot read the format.
    with_preview = not wants_fragment(request) or form.flag("preview")
    outcome = await state.photo_work.run(
        _identify, request, form, photo, visitor.call("identify"), with_preview=with_preview
    )
    template = "_result.html" if wants_fragment(request) else "result.html"
    return render(
        request,
        visitor,
        template,
        page="identify",
        photo_name=photo.name,
        digest=hashlib.sha256(photo.data).hexdigest(),
        is_sample=form.flag("sample"),
        thorough=form.flag("thorough"),
        found=outcome.found,
        faces=outcome.faces,
        preview=outcome.preview,
    )


@router.post("/identify/picture")
async def labelled_picture(request: Request, visitor: PageUploader) -> Response:
    """The photo with names drawn on it, as a download."""
    form = await page_form(request, visitor, photos=1)
    return await labelled_answer(request, form, _photo(form), call=visitor.call("identify"))


@router.get("/sample.png")
async def sample(visitor: PageVisitor) -> Response:
    """The photo to try."""
    return Response(sample_photo().data, media_type="image/png")


def _identify(
    request: Request, form: Form, photo: Upload, call: Call, *, with_preview: bool
) -> _Outcome:
    engine = state_of(request).engine
    found = engine.identify(photo.open(), call=call, thorough=form.flag("thorough"))
    crops = [crop_uri(crop) for crop in found.embedded.crops]
    preview = preview_uri(found.detection.pixels) if with_preview else ""
    return _Outcome(found, face_views(found, crops), preview)


def _photo(form: Form) -> Upload:
    return sample_photo() if form.flag("sample") else form.photo()
