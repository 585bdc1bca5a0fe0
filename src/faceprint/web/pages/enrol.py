"""Enrolling somebody."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.web.access import PageUploader, PageVisitor
from faceprint.web.enrolment import enrol_from
from faceprint.web.pages.render import page_form, render, wants_fragment
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


@router.get("/enrol")
async def enrol_page(request: Request, visitor: PageVisitor) -> Response:
    """Where somebody is enrolled."""
    return render(request, visitor, "enrol.html", page="enrol")


@router.post("/enrol")
async def enrol(request: Request, visitor: PageUploader) -> Response:
    """What came of it."""
    most = state_of(request).options.max_photos
    form = await page_form(request, visitor, photos=most, documents=1)
    enrolment = await enrol_from(request, form, visitor)
    template = "_enrolled.html" if wants_fragment(request) else "enrolled.html"
    return render(request, visitor, template, page="enrol", enrolment=enrolment)
