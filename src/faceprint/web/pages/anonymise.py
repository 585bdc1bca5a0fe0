"""A photo in, the same photo with faces hidden back."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import PurePath

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.errors import InputError
from faceprint.gallery.records import Call
from faceprint.media import encode_image
from faceprint.media.hide import HIDE_STYLES
from faceprint.pipeline.hiding.photos import Anonymiser, HiddenPhoto, HidePlan, Whom
from faceprint.web.access import PageUploader, PageVisitor
from faceprint.web.forms import Form, Upload
from faceprint.web.gallery import download
from faceprint.web.pages.render import page_form, render
from faceprint.web.pictures import preview_uri
from faceprint.web.sample import sample_available, sample_photo
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_MAX_INLINE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class _Outcome:
    hidden: HiddenPhoto
    preview: str
    whole: str


@router.get("/anonymise")
async def anonymise_page(request: Request, visitor: PageVisitor) -> Response:
    """Where a photo is given."""
    state = state_of(request)
    enrolled = await state.gallery_work.run(lambda: state.engine.gallery.template_count())
    return render(
        request,
        visitor,
        "anonymise.html",
        page="anonymise",
        enrolled=enrolled > 0,
        sample=sample_available(),
        result=None,
    )


@router.post("/anonymise")
async def anonymise_photo(request: Request, visitor: PageUploader) -> Response:
    """The photo with faces hidden, to look at and to keep; it is not kept here."""
    form = await page_form(request, visitor, photos=1)
    photo, plan = _photo(form), _plan(form)
    outcome: _Outcome = await state_of(request).photo_work.run(
        _hide, request, photo, plan, visitor.call("anonymise")
    )
    return render(
        request,
        visitor,
        "anonymise.html",
        page="anonymise",
        result=outcome,
        plan=plan,
        new_name=_new_name(photo),
        photo_name=photo.name,
    )


@router.post("/anonymise/picture")
async def anonymised_picture(request: Request, visitor: PageUploader) -> Response:
    """The same as a download."""
    form = await page_form(request, visitor, photos=1)
    photo, plan = _photo(form), _plan(form)
    state = state_of(request)

    def hide() -> bytes:
        anonymiser = Anonymiser(state.engine, plan, call=visitor.call("anonymise"))
        return encode_image(anonymiser.photo(photo.open()).pixels)

    return download(await state.photo_work.run(hide), _new_name(photo), "image/jpeg")


def _hide(request: Request, photo: Upload, plan: HidePlan, call: Call) -> _Outcome:
    hidden = Anonymiser(state_of(request).engine, plan, call=call).photo(photo.open())
    data = encode_image(hidden.pixels)
    whole = ""
    if len(data) <= _MAX_INLINE_BYTES:
        whole = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return _Outcome(hidden, preview_uri(hidden.pixels), whole)


def _plan(form: Form) -> HidePlan:
    """What the fields ask for.

    Raises:
        InputError: A choice that is not on the page.
    """
    how, whom = form.text("how") or "blur", form.text("whom") or Whom.EVERYONE
    if how not in HIDE_STYLES:
        raise InputError(f"The field how is one of {', '.join(HIDE_STYLES)}, got {how[:20]!r}.")
    if whom not in list(Whom):
        raise InputError(f"The field whom is one of {', '.join(Whom)}, got {whom[:20]!r}.")
    lines = form.paragraph("people").splitlines()
    people = tuple(line.strip() for line in lines if line.strip())
    return HidePlan(
        how=how,
        whom=Whom(whom),
        people=() if whom == Whom.EVERYONE else people,
        thorough=form.flag("thorough"),
    )


def _photo(form: Form) -> Upload:
    return sample_photo() if form.flag("sample") else form.photo()


def _new_name(photo: Upload) -> str:
    return f"{PurePath(photo.name).stem or 'photo'}-hidden.jpg"
