"""Many photos in, who is in which of them back, by way of a background job."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.web.access import PageVisitor
from faceprint.web.jobs.desk import JobDesk
from faceprint.web.jobs.intake import begin_folder
from faceprint.web.pages.render import created, render
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_RECENT = 3


@router.get("/folder")
async def folder_page(request: Request, visitor: PageVisitor) -> Response:
    """Where a folder is chosen."""
    jobs = await JobDesk(request, visitor).jobs()
    return render(
        request,
        visitor,
        "folder.html",
        page="folder",
        max_bytes=state_of(request).options.max_video_bytes,
        most_photos=state_of(request).options.max_folder_photos,
        recent=[job for job in jobs if job.kind == "folder"][:_RECENT],
    )


@router.post("/folder")
async def upload_folder(request: Request, visitor: PageVisitor) -> Response:
    """Receives the photos and leads to their job."""
    job = await begin_folder(request, visitor, JobDesk(request, visitor).csrf_check())
    return created(request, f"/jobs/{job.job_id}")
