"""From an enrolment form to the engine."""

from __future__ import annotations

import hashlib
from typing import cast, get_args

from fastapi import Request
from starlette.exceptions import HTTPException

from faceprint.errors import InputError, PersonNotFoundError
from faceprint.pipeline.enrolling import KeepPicture
from faceprint.pipeline.results import Enrolment
from faceprint.web.access import Visitor
from faceprint.web.forms import Form
from faceprint.web.gallery import Gallery
from faceprint.web.sample import sample_photo
from faceprint.web.state import state_of

__all__ = ["enrol_from"]


async def enrol_from(
    request: Request, form: Form, visitor: Visitor, *, person_id: str | None = None
) -> Enrolment:
    """Enrols what a form says.

    Raises:
        HTTPException: 409 where several people have the name, or another photo came than was shown.
        InputError: The form cannot be used.
    """
    state = state_of(request)
    name = form.text("name")
    person_id = person_id or form.text("person_id") or None
    if person_id is not None:
        name = (await Gallery(state, visitor).person(person_id)).name
    if not name:
        raise InputError("Give the name of the person.")
    photos = form.files.get("photos", ())
    if form.flag("sample") and not photos:
        photos = (sample_photo(),)
    if not photos:
        raise InputError("Choose at least one photo of the person.")
    _check_digest(form, photos[0].data)
    try:
        return await state.photo_work.run(
            state.engine.enrol,
            name,
            [photo.open() for photo in photos],
            call=visitor.call("enrol"),
            consent=form.consent(recorded_by=visitor.actor),
            person_id=person_id,
            new=form.flag("new"),
            largest=form.flag("largest"),
            face=form.index("face"),
            thorough=form.flag("thorough"),
            keep=_keep(form),
            notes=form.paragraph("notes", limit=5000),
        )
    except PersonNotFoundError as error:
        raise HTTPException(409, str(error)) from error


def _check_digest(form: Form, data: bytes) -> None:
    """The index of a face means something in the photo that it was counted in, and in no other."""
    expected = form.text("digest")
    if expected and expected != hashlib.sha256(data).hexdigest():
        raise HTTPException(
            409,
            "This is another photo than the one shown. Choose the same one, or look at it first.",
        )


def _keep(form: Form) -> KeepPicture:
    keep = form.text("keep") or "crop"
    if keep not in get_args(KeepPicture):
        raise InputError(f"The field keep is one of {', '.join(get_args(KeepPicture))}.")
    return cast(KeepPicture, keep)
