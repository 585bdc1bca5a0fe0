"""The people enrolled."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import Response

from faceprint.errors import ConsentError
from faceprint.web.access import PageUploader, PageVisitor, Visitor
from faceprint.web.gallery import Gallery
from faceprint.web.pages.render import page_form, render, see_other
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False, prefix="/people")

_PAGE_SIZE = 60


def _gallery(request: Request, visitor: Visitor) -> Gallery:
    return Gallery(state_of(request), visitor)


@router.get("")
async def people_page(
    request: Request, visitor: PageVisitor, q: str = "", start: int = 0
) -> Response:
    """Everybody, by name."""
    gallery = _gallery(request, visitor)
    found = await gallery.people(q[:200])
    start = max(0, start)
    shown = found[start : start + _PAGE_SIZE]
    return render(
        request,
        visitor,
        "people.html",
        page="people",
        query=q[:200],
        total=len(found),
        people=shown,
        portraits=await gallery.portraits(shown),
        earlier=max(0, start - _PAGE_SIZE) if start else None,
        later=start + _PAGE_SIZE if start + _PAGE_SIZE < len(found) else None,
        now=datetime.now(UTC),
    )


@router.get("/{person_id}")
async def person_page(request: Request, visitor: PageVisitor, person_id: str) -> Response:
    """One person: faces, consent, changes."""
    person, templates = await _gallery(request, visitor).person_and_templates(person_id)
    return render(
        request,
        visitor,
        "person.html",
        page="people",
        person=person,
        templates=templates,
        now=datetime.now(UTC),
    )


@router.post("/{person_id}/rename")
async def rename(request: Request, visitor: PageVisitor, person_id: str) -> Response:
    """Gives a person another name."""
    form = await page_form(request, visitor)
    gallery = _gallery(request, visitor)
    await gallery.person(person_id)
    await gallery.rename(person_id, form.text("name"))
    return see_other(f"/people/{person_id}?done=renamed")


@router.post("/{person_id}/notes")
async def note(request: Request, visitor: PageVisitor, person_id: str) -> Response:
    """Replaces a person's notes."""
    form = await page_form(request, visitor)
    gallery = _gallery(request, visitor)
    await gallery.person(person_id)
    await gallery.note(person_id, form.paragraph("notes", limit=5000))
    return see_other(f"/people/{person_id}?done=noted")


@router.post("/{person_id}/consents")
async def add_consent(request: Request, visitor: PageUploader, person_id: str) -> Response:
    """Adds a consent record."""
    form = await page_form(request, visitor, documents=1)
    consent = form.consent(recorded_by=visitor.actor)
    if consent is None:
        raise ConsentError("Write down what was agreed, or add the document.")
    await _gallery(request, visitor).add_consent(person_id, consent)
    return see_other(f"/people/{person_id}?done=consented")


@router.get("/{person_id}/merge")
async def merge_page(
    request: Request, visitor: PageVisitor, person_id: str, q: str = ""
) -> Response:
    """Whom to merge into this person."""
    gallery = _gallery(request, visitor)
    person = await gallery.person(person_id)
    found = [one for one in await gallery.people(q[:200]) if one.person_id != person_id]
    shown = found[:_PAGE_SIZE]
    return render(
        request,
        visitor,
        "merge.html",
        page="people",
        person=person,
        query=q[:200],
        people=shown,
        total=len(found),
        portraits=await gallery.portraits([person, *shown]),
    )


@router.post("/{person_id}/merge")
async def merge(request: Request, visitor: PageVisitor, person_id: str) -> Response:
    """Merges the chosen person into this one."""
    form = await page_form(request, visitor)
    await _gallery(request, visitor).merge(person_id, form.text("from_id"))
    return see_other(f"/people/{person_id}?done=merged")


@router.get("/{person_id}/erase")
async def erase_page(request: Request, visitor: PageVisitor, person_id: str) -> Response:
    """Asks before erasing."""
    person, templates = await _gallery(request, visitor).person_and_templates(person_id)
    return render(request, visitor, "erase.html", page="people", person=person, templates=templates)


@router.post("/{person_id}/erase")
async def erase(request: Request, visitor: PageVisitor, person_id: str) -> Response:
    """Erases a person."""
    await page_form(request, visitor)
    await _gallery(request, visitor).erase(person_id)
    return see_other("/people?done=erased")


@router.get("/{person_id}/pictures/{digest}")
async def picture(request: Request, visitor: PageVisitor, person_id: str, digest: str) -> Response:
    """A kept picture."""
    return await _gallery(request, visitor).picture(person_id, digest)


@router.get("/{person_id}/consents/{number}/document")
async def consent_document(
    request: Request, visitor: PageVisitor, person_id: str, number: int
) -> Response:
    """The file of a consent record."""
    return await _gallery(request, visitor).consent_document(person_id, number)
