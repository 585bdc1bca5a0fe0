"""The background jobs: how far they are, and what came of them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.jobs import Job
from faceprint.web.access import PageUploader, PageVisitor, Visitor
from faceprint.web.gallery import Gallery
from faceprint.web.jobs.desk import JobDesk, file_answer
from faceprint.web.jobs.folder import RESULT, read_result
from faceprint.web.jobs.naming import name_from
from faceprint.web.jobs.timeline import view_timeline
from faceprint.web.pages.render import page_form, render, see_other, wants_fragment
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False, prefix="/jobs")

_MOST_CHOICES = 500


@router.get("")
async def jobs_page(request: Request, visitor: PageVisitor) -> Response:
    """All jobs, newest first."""
    jobs = await JobDesk(request, visitor).jobs()
    return render(
        request,
        visitor,
        "jobs.html",
        page="jobs",
        jobs=jobs,
        keep_days=state_of(request).options.keep_jobs_days,
    )


@router.get("/{job_id}")
async def job_page(request: Request, visitor: PageVisitor, job_id: str) -> Response:
    """One job: its progress, then its result."""
    desk = JobDesk(request, visitor)
    job = await desk.job(job_id)
    template, context = await _result(request, visitor, job, desk)
    return render(
        request,
        visitor,
        template,
        page="jobs",
        job=job,
        keep_days=state_of(request).options.keep_jobs_days,
        **context,
    )


@router.post("/{job_id}/cancel")
async def cancel(request: Request, visitor: PageVisitor, job_id: str) -> Response:
    """Tells a job to stop."""
    await page_form(request, visitor)
    await JobDesk(request, visitor).cancel(job_id)
    return see_other(f"/jobs/{job_id}")


@router.post("/{job_id}/delete")
async def delete(request: Request, visitor: PageVisitor, job_id: str) -> Response:
    """Removes a job with all its files."""
    await page_form(request, visitor)
    await JobDesk(request, visitor).delete(job_id)
    return see_other("/jobs?done=deleted")


@router.post("/{job_id}/people/{key}")
async def name_somebody(request: Request, visitor: PageUploader, job_id: str, key: str) -> Response:
    """Enrols a person of a video."""
    form = await page_form(request, visitor, documents=1)
    enrolment = await name_from(request, form, visitor, job_id, key)
    template = "_enrolled.html" if wants_fragment(request) else "enrolled.html"
    return render(
        request,
        visitor,
        template,
        page="jobs",
        enrolment=enrolment,
        back=f"/jobs/{job_id}#{key}",
    )


@router.get("/{job_id}/files/{name:path}")
async def file(
    request: Request, visitor: PageVisitor, job_id: str, name: str, download: bool = False
) -> Response:
    """One file of a result."""
    path = await JobDesk(request, visitor).file(job_id, name)
    return file_answer(path, download=download)


async def _result(
    request: Request, visitor: Visitor, job: Job, desk: JobDesk
) -> tuple[str, dict[str, Any]]:
    """The template of a job and what it shows of the result."""
    if job.active:
        return "job.html", {}
    state = state_of(request)
    folder = await desk.folder(job)
    if "timeline.json" in job.files:
        people = await Gallery(state, visitor).people()
        shown = await state.job_work.run(view_timeline, job, folder)
        return "job_video.html", {"timeline": shown, "people": people[:_MOST_CHOICES]}
    if RESULT in job.files:
        return "job_folder.html", {"result": await state.job_work.run(read_result, folder)}
    return "job.html", {}
