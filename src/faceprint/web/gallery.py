"""The gallery as routes use it: off the event loop, by id alone, with the visitor as the actor."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import Response

from faceprint.errors import InputError, PersonNotFoundError
from faceprint.gallery.records import Consent, EraseReceipt, Person, Template
from faceprint.gallery.store import GalleryStore
from faceprint.pipeline.erasing import delete_results
from faceprint.web.access import Visitor
from faceprint.web.forms import clean_text, display_name
from faceprint.web.state import WebState

__all__ = ["Gallery"]

_SIGNATURES = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG", "image/png"), (b"RIFF", "image/webp"))


class Gallery:
    """The gallery for one request."""

    def __init__(self, state: WebState, visitor: Visitor) -> None:
        self._state = state
        self._visitor = visitor

    @property
    def _store(self) -> GalleryStore:
        return self._state.engine.gallery

    async def people(self, query: str = "") -> list[Person]:
        """Everybody whose name contains the query, by name."""
        everybody = await self._state.gallery_work.run(lambda: self._store.people())
        wanted = query.strip().casefold()
        return [person for person in everybody if wanted in person.name.casefold()]

    async def person(self, person_id: str) -> Person:
        """One person.

        Raises:
            PersonNotFoundError: Nobody has that id.
        """
        found = await self._state.gallery_work.run(lambda: self._store.person(person_id))
        if found.person_id != person_id:
            raise PersonNotFoundError(f"Nobody has the id {person_id[:100]!r}.")
        return found

    async def person_and_templates(self, person_id: str) -> tuple[Person, list[Template]]:
        """One person with the enrolled faces, oldest first."""
        person = await self.person(person_id)
        templates = await self._state.gallery_work.run(lambda: self._store.templates(person_id))
        return person, templates

    async def portraits(self, people: list[Person]) -> dict[str, str | None]:
        """The digest of the best kept picture of each person, by id."""
        ids = [person.person_id for person in people]
        found = await self._state.gallery_work.run(lambda: [self._portrait(one) for one in ids])
        return dict(zip(ids, found, strict=True))

    def _portrait(self, person_id: str) -> str | None:
        templates = self._store.templates(person_id)
        kept = [one for one in templates if one.picture_digest]
        return max(kept, key=lambda one: one.quality).picture_digest if kept else None

    async def rename(self, person_id: str, name: str) -> Person:
        """Gives a person another name."""
        clean = clean_text(name, what="name", limit=200)
        if not clean:
            raise InputError("A person needs a name; the one given is empty.")
        call = self._visitor.call("rename")
        return await self._state.gallery_work.run(
            lambda: self._store.rename(person_id, clean, call=call)
        )

    async def note(self, person_id: str, notes: str) -> Person:
        """Replaces a person's notes."""
        clean = clean_text(notes, what="notes", limit=5000, lines=True)
        call = self._visitor.call("note")
        return await self._state.gallery_work.run(
            lambda: self._store.note(person_id, clean, call=call)
        )

    async def add_consent(self, person_id: str, consent: Consent) -> Person:
        """Adds a consent record."""
        await self.person(person_id)
        call = self._visitor.call("consent")
        return await self._state.gallery_work.run(
            lambda: self._store.add_consent(person_id, consent, call=call)
        )

    async def merge(self, into_id: str, from_id: str) -> Person:
        """Moves everything of one person to another."""
        if into_id == from_id:
            raise HTTPException(409, "A person cannot be merged into themselves.")
        await self.person(into_id)
        await self.person(from_id)
        call = self._visitor.call("merge")
        return await self._state.gallery_work.run(
            lambda: self._store.merge(into_id, from_id, call=call)
        )

    async def erase(self, person_id: str) -> EraseReceipt:
        """Removes a person with everything, also the results of jobs that name them."""
        await self.person(person_id)
        call = self._visitor.call("erase")
        receipt = await self._state.gallery_work.run(
            lambda: self._store.erase(person_id, call=call)
        )
        results = await self._state.job_work.run(
            lambda: delete_results(self._state.background.store, person_id)
        )
        return replace(receipt, results=results)

    async def picture(self, person_id: str, digest: str) -> Response:
        """A kept picture of this person as an answer."""
        _, templates = await self.person_and_templates(person_id)
        if digest not in {one.picture_digest for one in templates}:
            raise HTTPException(404, "This person has no such picture.")
        data = await self._state.gallery_work.run(lambda: self._store.picture(digest))
        return Response(data, media_type=_media_type(data))

    async def consent_document(self, person_id: str, number: int) -> Response:
        """The file of a consent record as a download."""
        person = await self.person(person_id)
        consent = person.consents[number] if 0 <= number < len(person.consents) else None
        if consent is None or consent.document is None:
            raise HTTPException(404, "There is no such document.")
        name = display_name(consent.document_name or "consent")
        return download(consent.document, name, "application/octet-stream")


def download(data: bytes, name: str, media_type: str) -> Response:
    """Bytes that the browser saves under a name."""
    disposition = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return Response(data, media_type=media_type, headers={"Content-Disposition": disposition})


def _media_type(data: bytes) -> str:
    kinds = (kind for start, kind in _SIGNATURES if data.startswith(start))
    return next(kinds, "application/octet-stream")
