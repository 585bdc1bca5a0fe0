"""A video in, a timeline of who is in it back, by way of a background job."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.web.access import PageVisitor
from faceprint.web.jobs.desk import JobDesk
from faceprint.web.jobs.intake import begin_video
from faceprint.web.pages.render import created, render
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_RECENT = 3


@router.get("/video")
async def video_page(request: Request, visitor: PageVisitor) -> Response:
    """Where a video is given."""
    jobs = await JobDesk(request, visitor).jobs()
    return render(
        request,
        visitor,
        "video.html",
        page="video",
        max_bytes=state_of(request).options.max_video_bytes,
        recent=[job for job in jobs if job.kind == "video"][:_RECENT],
    )


@router.post("/video")
async def upload_video(request: Request, visitor: PageVisitor) -> Response:
    """Receives a video and leads to its job."""
    job = await begin_video(request, visitor, JobDesk(request, visitor).csrf_check())
    return created(request, f"/jobs/{job.job_id}")
