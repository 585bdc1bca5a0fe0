"""The contract that every gallery store keeps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from faceprint.gallery.records import (
    Call,
    Change,
    Consent,
    EnrolReceipt,
    EraseReceipt,
    NewTemplate,
    Person,
    Template,
)
from faceprint.types import Candidate, FloatArray

__all__ = ["GalleryStore"]


class GalleryStore(Protocol):
    """A database of people and their templates. Safe to call from several threads and processes."""

    def enrol(
        self,
        templates: Sequence[NewTemplate],
        *,
        model_id: str,
        call: Call,
        name: str | None = None,
        person_id: str | None = None,
        new: bool = False,
        consent: Consent | None = None,
        notes: str = "",
    ) -> EnrolReceipt:
        """Adds templates to a person, all or none.

        A `person_id`, or a `name` that exists once, adds to that person; a name that does not
        exist, or `new`, makes another person.

        Raises:
            ConsentError: No consent given, and the person has none that is valid now.
            PersonNotFoundError: No such id, or several people of that name (the message lists their
            ids).
            EmbeddingError: A vector is not finite, not of norm 1, or of another length than the
                templates of that model so far.
            GalleryUnavailableError: The storage is locked, read-only or full; nothing was changed.
        """
        ...

    def search(
        self, vectors: FloatArray, *, model_id: str, call: Call, k: int = 5
    ) -> list[tuple[Candidate, ...]]:
        """The `k` most alike people for each row of (N, D) float32 unit vectors, best first.

        Each person stands for their nearest template of that model. Exact, unless the gallery was opened
        for approximate search.
        """
        ...

    def template_count(self, model_id: str | None = None) -> int:
        """How many templates there are, of one model or of all."""
        ...

    def people(self) -> list[Person]:
        """Everybody, by name."""
        ...

    def person(self, name_or_id: str) -> Person:
        """One person.

        Raises:
            PersonNotFoundError: Nobody, or several of that name.
        """
        ...

    def templates(self, person_id: str) -> list[Template]:
        """A person's templates, oldest first."""
        ...

    def vectors(self, person_id: str, *, model_id: str) -> FloatArray:
        """A person's templates of one model: (N, D) float32, oldest first."""
        ...

    def picture(self, digest: str) -> bytes:
        """A kept picture as encoded bytes; its digest is checked.

        Raises:
            GalleryCorruptError: The file is missing or has another digest.
        """
        ...

    def add_consent(self, person_id: str, consent: Consent, *, call: Call) -> Person:
        """Adds a consent record to a person."""
        ...

    def rename(self, person_id: str, name: str, *, call: Call) -> Person:
        """Gives a person another name."""
        ...

    def note(self, person_id: str, notes: str, *, call: Call) -> Person:
        """Replaces a person's notes."""
        ...

    def merge(self, into_id: str, from_id: str, *, call: Call) -> Person:
        """Moves templates, pictures and consents of one person to another, who stays."""
        ...

    def erase(self, person_id: str, *, call: Call) -> EraseReceipt:
        """Removes a person with all that belongs to them, from files and free pages too."""
        ...

    def changes(self, since: int = 0) -> list[Change]:
        """The change log after a sequence number, oldest first."""
        ...

    def export(self, path: Path, *, call: Call, person_id: str | None = None) -> int:
        """Writes everybody, or one person, to an archive; gives the number of people."""
        ...

    def import_(self, path: Path, *, call: Call) -> int:
        """Adds the people of an archive, all or none; gives the number added or completed.

        Who stands here by id already gets what is missing.
        """
        ...

    def close(self) -> None:
        """Gives up files and connections."""
        ...
