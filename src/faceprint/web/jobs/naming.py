"""From the form beside an unknown person of a video to the gallery."""

from __future__ import annotations

from fastapi import Request
from starlette.exceptions import HTTPException

from faceprint.errors import InputError, PersonNotFoundError
from faceprint.jobs import JobStateError
from faceprint.pipeline.results import Enrolment
from faceprint.web.access import Visitor
from faceprint.web.forms import Form
from faceprint.web.gallery import Gallery
from faceprint.web.jobs.desk import JobDesk
from faceprint.web.jobs.video import name_person
from faceprint.web.state import state_of

__all__ = ["name_from"]


async def name_from(
    request: Request, form: Form, visitor: Visitor, job_id: str, key: str
) -> Enrolment:
    """Enrols a person of a video as a form says: under a new name, or as somebody known.

    Raises:
        HTTPException: 409 where several people have the name.
        InputError: The form cannot be used, or there is no such person in the video.
    """
    state = state_of(request)
    desk = JobDesk(request, visitor)
    job = await desk.job(job_id)
    if job.active:
        raise JobStateError("This job has not ended yet. Wait for its result.")
    name, person_id = form.text("name"), form.text("person_id") or None
    if person_id is not None:
        name = (await Gallery(state, visitor).person(person_id)).name
    if not name:
        raise InputError("Give the name of the person.")
    folder = await desk.folder(job)
    try:
        return await state.photo_work.run(
            name_person,
            state.engine,
            folder,
            key,
            name=name,
            person_id=person_id,
            new=form.flag("new"),
            consent=form.consent(recorded_by=visitor.actor),
            call=visitor.call("enrol"),
        )
    except PersonNotFoundError as error:
        raise HTTPException(409, str(error)) from error
