"""The gallery: enrol, list, change, merge, erase."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from faceprint.gallery.records import Consent
from faceprint.web.access import ApiUploader, ApiVisitor, Visitor
from faceprint.web.api.contract import ERRORS, form_body
from faceprint.web.api.schemas import (
    ConsentIn,
    ConsentOut,
    EnrolmentOut,
    EraseOut,
    MergeIn,
    PeopleOut,
    PersonDetailOut,
    PersonIn,
    PersonOut,
    TemplateOut,
)
from faceprint.web.enrolment import enrol_from
from faceprint.web.forms import clean_text, parse_expiry, read_form
from faceprint.web.gallery import Gallery
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["people"], responses=ERRORS)

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: ERRORS[422] | {"description": "Several people have that name; give person_id."}
}
_ENROL_FIELDS = (
    "photos",
    "thorough",
    "largest",
    "name",
    "person_id",
    "new",
    "face",
    "keep",
    "notes",
    "consent",
    "document",
    "purpose",
    "expires",
    "recorded_by",
)


def _gallery(request: Request, visitor: Visitor) -> Gallery:
    return Gallery(state_of(request), visitor)


@router.post(
    "/enrol",
    responses=_CONFLICT,
    openapi_extra=form_body(*_ENROL_FIELDS, required=("name", "photos")),
)
async def enrol(request: Request, visitor: ApiUploader) -> EnrolmentOut:
    """Enrols somebody from one or more photos, all or none. Needs consent: text or document."""
    form = await read_form(request, photos=state_of(request).options.max_photos, documents=1)
    enrolment = await enrol_from(request, form, visitor)
    return EnrolmentOut.model_validate(enrolment.to_dict())


@router.get("/people")
async def people(
    request: Request,
    visitor: ApiVisitor,
    q: Annotated[str, Query(max_length=200, description="Part of the name.")] = "",
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> PeopleOut:
    """The people enrolled, by name."""
    found = await _gallery(request, visitor).people(q)
    page = found[offset : offset + limit]
    return PeopleOut(total=len(found), people=[PersonOut.of(person) for person in page])


@router.get("/people/{person_id}")
async def person(request: Request, visitor: ApiVisitor, person_id: str) -> PersonDetailOut:
    """One person with consents and enrolled faces."""
    found, templates = await _gallery(request, visitor).person_and_templates(person_id)
    fields: dict[str, Any] = PersonOut.fields_of(found)
    return PersonDetailOut(**fields, faces=[TemplateOut.of(one) for one in templates])


@router.patch("/people/{person_id}")
async def change_person(
    request: Request, visitor: ApiVisitor, person_id: str, change: PersonIn
) -> PersonOut:
    """Gives a person another name, other notes, or both."""
    gallery = _gallery(request, visitor)
    changed = await gallery.person(person_id)
    if change.name is not None:
        changed = await gallery.rename(person_id, change.name)
    if change.notes is not None:
        changed = await gallery.note(person_id, change.notes)
    return PersonOut.of(changed)


@router.delete("/people/{person_id}")
async def erase_person(request: Request, visitor: ApiVisitor, person_id: str) -> EraseOut:
    """Removes a person with templates, pictures and consents. There is no way back."""
    return EraseOut.of(await _gallery(request, visitor).erase(person_id))


@router.post("/people/{person_id}/merge")
async def merge_people(
    request: Request, visitor: ApiVisitor, person_id: str, merge: MergeIn
) -> PersonOut:
    """Moves everything of `from_id` to the person in the path, who stays."""
    return PersonOut.of(await _gallery(request, visitor).merge(person_id, merge.from_id))


@router.post(
    "/people/{person_id}/photos", openapi_extra=form_body(*_ENROL_FIELDS, required=("photos",))
)
async def add_photos(request: Request, visitor: ApiUploader, person_id: str) -> EnrolmentOut:
    """Adds photos to a person."""
    form = await read_form(request, photos=state_of(request).options.max_photos, documents=1)
    enrolment = await enrol_from(request, form, visitor, person_id=person_id)
    return EnrolmentOut.model_validate(enrolment.to_dict())


@router.get("/people/{person_id}/consents")
async def consents(request: Request, visitor: ApiVisitor, person_id: str) -> list[ConsentOut]:
    """A person's consent records, oldest first."""
    found = await _gallery(request, visitor).person(person_id)
    return [ConsentOut.of(consent) for consent in found.consents]


@router.post("/people/{person_id}/consents")
async def add_consent(
    request: Request, visitor: ApiVisitor, person_id: str, given: ConsentIn
) -> PersonOut:
    """Adds a consent record."""
    consent = Consent(
        text=clean_text(given.text, what="text", limit=10_000, lines=True),
        purpose=clean_text(given.purpose, what="purpose", limit=200),
        given_at=datetime.now(UTC),
        recorded_by=clean_text(given.recorded_by or "", what="recorded_by", limit=200)
        or visitor.actor,
        expires_at=parse_expiry(given.expires or ""),
    )
    return PersonOut.of(await _gallery(request, visitor).add_consent(person_id, consent))


@router.get("/people/{person_id}/consents/{number}/document", response_class=Response)
async def consent_document(
    request: Request, visitor: ApiVisitor, person_id: str, number: int
) -> Response:
    """The file of a consent record; records count from 0, oldest first."""
    return await _gallery(request, visitor).consent_document(person_id, number)


@router.get("/people/{person_id}/pictures/{digest}", response_class=Response)
async def picture(request: Request, visitor: ApiVisitor, person_id: str, digest: str) -> Response:
    """A kept picture."""
    return await _gallery(request, visitor).picture(person_id, digest)
