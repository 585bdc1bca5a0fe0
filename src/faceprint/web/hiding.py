"""From a form to a photo with faces hidden."""

from __future__ import annotations

from pathlib import PurePath

from fastapi import Request
from fastapi.responses import Response

from faceprint.errors import InputError
from faceprint.gallery.records import Call
from faceprint.media import encode_image
from faceprint.media.hide import HIDE_STYLES
from faceprint.pipeline.hiding import Anonymiser, HidePlan, Whom
from faceprint.web.forms import Form, Upload
from faceprint.web.gallery import download
from faceprint.web.state import state_of

__all__ = ["hidden_answer", "hidden_name", "read_plan"]


def read_plan(form: Form) -> HidePlan:
    """What the fields ask for.

    Raises:
        InputError: A choice that there is not, or people are named where everyone is hidden.
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
        people=people,
        thorough=form.flag("thorough"),
    )


async def hidden_answer(request: Request, form: Form, photo: Upload, *, call: Call) -> Response:
    """The photo with faces hidden, as a download; it is not kept here."""
    plan, state = read_plan(form), state_of(request)

    def hide() -> bytes:
        anonymiser = Anonymiser(state.engine, plan, call=call)
        return encode_image(anonymiser.photo(photo.open()).pixels)

    return download(await state.photo_work.run(hide), hidden_name(photo), "image/jpeg")


def hidden_name(photo: Upload) -> str:
    """What the new photo is called."""
    return f"{PurePath(photo.name).stem or 'photo'}-hidden.jpg"
