"""A photo in, the same photo with faces hidden back."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.gallery.records import Call
from faceprint.media import encode_image
from faceprint.pipeline.hiding import Anonymiser, HiddenPhoto, HidePlan
from faceprint.web.access import PageUploader, PageVisitor
from faceprint.web.forms import Form, Upload
from faceprint.web.hiding import hidden_answer, hidden_name, read_plan
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
    photo, plan = _photo(form), read_plan(form)
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
        new_name=hidden_name(photo),
        photo_name=photo.name,
    )


@router.post("/anonymise/picture")
async def anonymised_picture(request: Request, visitor: PageUploader) -> Response:
    """The same as a download."""
    form = await page_form(request, visitor, photos=1)
    return await hidden_answer(request, form, _photo(form), call=visitor.call("anonymise"))


def _hide(request: Request, photo: Upload, plan: HidePlan, call: Call) -> _Outcome:
    hidden = Anonymiser(state_of(request).engine, plan, call=call).photo(photo.open())
    data = encode_image(hidden.pixels)
    whole = ""
    if len(data) <= _MAX_INLINE_BYTES:
        whole = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    return _Outcome(hidden, preview_uri(hidden.pixels), whole)


def _photo(form: Form) -> Upload:
    return sample_photo() if form.flag("sample") else form.photo()
