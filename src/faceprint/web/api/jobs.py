"""Long work: a video or many photos in, a job back, its result later."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from faceprint.web.access import ApiUploader, ApiVisitor
from faceprint.web.api.contract import ERRORS, form_body
from faceprint.web.api.job_schemas import JobOut, JobsOut
from faceprint.web.api.schemas import EnrolmentOut
from faceprint.web.forms import read_form
from faceprint.web.jobs.desk import JobDesk, file_answer
from faceprint.web.jobs.intake import begin_folder, begin_video
from faceprint.web.jobs.naming import name_from

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["jobs"], responses=ERRORS)

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: ERRORS[422] | {"description": "The job is not in a state in which that can be done."}
}
_FULL: dict[int | str, dict[str, Any]] = {
    507: ERRORS[422] | {"description": "The disk is too full."}
}
_RAW = {"video/*": {"schema": {"type": "string", "format": "binary"}}}
_VIDEO_BODY = form_body("video", "start", "end", "every", "labelled", required=("video",))
_VIDEO_BODY["requestBody"]["content"] |= _RAW


@router.post("/videos", responses=_FULL, openapi_extra=_VIDEO_BODY)
async def identify_video(request: Request, visitor: ApiVisitor) -> JobOut:
    """Takes a video and starts the job that says who is in it, and when.

    A body that is no form is the video itself; its name and the fields then stand in the query.
    """
    return JobOut.of(await begin_video(request, visitor, lambda fields: None))


@router.post(
    "/folders", responses=_FULL, openapi_extra=form_body("photos", "thorough", required=("photos",))
)
async def identify_folder(request: Request, visitor: ApiVisitor) -> JobOut:
    """Takes many photos and starts the job that says who is in which of them."""
    return JobOut.of(await begin_folder(request, visitor, lambda fields: None))


@router.get("/jobs")
async def jobs(
    request: Request,
    visitor: ApiVisitor,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> JobsOut:
    """The background jobs, newest first."""
    found = await JobDesk(request, visitor).jobs()
    page = found[offset : offset + limit]
    return JobsOut(total=len(found), jobs=[JobOut.of(job) for job in page])


@router.get("/jobs/{job_id}")
async def job(request: Request, visitor: ApiVisitor, job_id: str) -> JobOut:
    """One job: how far it is, and the files of its result."""
    return JobOut.of(await JobDesk(request, visitor).job(job_id))


@router.post("/jobs/{job_id}/cancel", responses=_CONFLICT)
async def cancel_job(request: Request, visitor: ApiVisitor, job_id: str) -> JobOut:
    """Tells a job to stop; what it has found so far is kept."""
    return JobOut.of(await JobDesk(request, visitor).cancel(job_id))


@router.delete("/jobs/{job_id}", status_code=204, responses=_CONFLICT)
async def delete_job(request: Request, visitor: ApiVisitor, job_id: str) -> Response:
    """Removes a job that has ended, with all its files. There is no way back."""
    await JobDesk(request, visitor).delete(job_id)
    return Response(status_code=204)


@router.post(
    "/jobs/{job_id}/people/{key}",
    responses=_CONFLICT,
    openapi_extra=form_body(
        "name", "person_id", "new", "consent", "document", "purpose", "expires", "recorded_by"
    ),
)
async def name_person(
    request: Request, visitor: ApiUploader, job_id: str, key: str
) -> EnrolmentOut:
    """Names a person of a video, by the key in timeline.json, and enrols them from its pictures."""
    form = await read_form(request, photos=0, documents=1)
    enrolment = await name_from(request, form, visitor, job_id, key)
    return EnrolmentOut.model_validate(enrolment.to_dict())


@router.get("/jobs/{job_id}/files/{name:path}", response_class=Response)
async def job_file(request: Request, visitor: ApiVisitor, job_id: str, name: str) -> Response:
    """One file of a result, whole or in ranges."""
    return file_answer(await JobDesk(request, visitor).file(job_id, name))
