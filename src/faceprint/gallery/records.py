"""What a gallery holds and gives back: people, consent, templates, changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from faceprint.types import FloatArray

__all__ = [
    "Access",
    "AccessKind",
    "Call",
    "Change",
    "ChangeKind",
    "Consent",
    "EnrolReceipt",
    "EraseReceipt",
    "NewTemplate",
    "Person",
    "PictureKind",
    "Template",
]

PictureKind = Literal["crop", "photo"]
"""What is kept of an enrolled photo: the aligned crop, or the whole photo."""

ChangeKind = Literal["enrolled", "renamed", "noted", "merged", "erased", "imported", "consented"]
"""What a change was. A merge is two entries, of who stayed and of who went."""

AccessKind = Literal["searched", "exported"]
"""What was done with a gallery without changing it."""


@dataclass(frozen=True, slots=True)
class Call:
    """Who asks the gallery for something, and what for; kept with every write and search.

    Attributes:
        actor: A user, a service or a device, as in "cli:ana" or "web".
        purpose: As in "enrol", "door", "identify".
    """

    actor: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's agreement to be enrolled.

    Attributes:
        text: The wording agreed to, or a description of the document.
        purpose: What the templates may be used for.
        given_at: When, timezone-aware.
        recorded_by: Who recorded it.
        expires_at: When it ends, timezone-aware; None if it does not.
        document: The evidence as a file, as in a scanned form; None where there is only text. A
            gallery gives it back with one person asked for by id or name, and leaves it out of
            lists.
        document_name: File name of the document; set wherever there is one.
    """

    text: str
    purpose: str
    given_at: datetime
    recorded_by: str
    expires_at: datetime | None = None
    document: bytes | None = None
    document_name: str | None = None

    @classmethod
    def given(
        cls, text: str, purpose: str, *, by: str, expires_at: datetime | None = None
    ) -> Consent:
        """A consent that is given now.

        >>> Consent.given("Signed form 17", "door", by="reception").recorded_by
        'reception'
        """
        return cls(text, purpose, datetime.now(UTC), by, expires_at)


@dataclass(frozen=True, slots=True, eq=False)
class NewTemplate:
    """One embedding to enrol.

    Attributes:
        vector: (D,) float32, L2 norm 1.
        detector: Card name of the detector that found the face.
        source: What the photo is called.
        source_digest: SHA-256 of the photo, hexadecimal.
        box: (4,) float32, the face in that photo, pixels.
        quality: 0 to 1.
        picture: Encoded JPEG, PNG or WebP to keep; None to keep none.
        picture_kind: What the picture shows.
    """

    vector: FloatArray
    detector: str
    source: str
    source_digest: str
    box: FloatArray
    quality: float
    picture: bytes | None = None
    picture_kind: PictureKind = "crop"


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """One enrolled embedding, without its vector.

    Attributes:
        template_id: Stable id.
        person_id: Whose it is.
        model_id: The embedding model.
        detector: Card name of the detector that found the face.
        source: What the photo was called.
        source_digest: SHA-256 of the photo, hexadecimal.
        box: (4,) float32, pixels of that photo.
        quality: 0 to 1.
        created_at: Timezone-aware.
        picture_digest: SHA-256 of the kept picture; None if none is kept.
        picture_kind: What the kept picture shows.
    """

    template_id: str
    person_id: str
    model_id: str
    detector: str
    source: str
    source_digest: str
    box: FloatArray
    quality: float
    created_at: datetime
    picture_digest: str | None
    picture_kind: PictureKind


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody enrolled.

    Attributes:
        person_id: Stable id.
        name: Not unique.
        notes: Free text.
        created_at: Timezone-aware.
        consents: All consent records, oldest first.
        template_count: How many templates, of any model.
    """

    person_id: str
    name: str
    notes: str
    created_at: datetime
    consents: tuple[Consent, ...]
    template_count: int

    def consent_at(self, when: datetime) -> Consent | None:
        """The newest consent record that is valid at a time, or None."""
        valid = [c for c in self.consents if c.expires_at is None or c.expires_at > when]
        return valid[-1] if valid else None


@dataclass(frozen=True, slots=True)
class EnrolReceipt:
    """What an enrolment did.

    Attributes:
        person: The person afterwards.
        created: Whether the person is new.
        template_ids: The templates added, in the order given; a face that this person had already
            been enrolled with (same photo, same model, same box) is not added again.
        already_enrolled: How many of those there were.
    """

    person: Person
    created: bool
    template_ids: tuple[str, ...]
    already_enrolled: int


@dataclass(frozen=True, slots=True)
class EraseReceipt:
    """What an erasure removed; holds no personal data.

    Attributes:
        person_id: The id that is gone.
        templates: How many templates were removed.
        pictures: How many kept pictures were removed.
        erased_at: Timezone-aware.
        scrubbed: Whether the freed parts of the files are overwritten too; False while other
            processes keep the files busy, in which case the next opening does it.
        results: How many results of background jobs were deleted because they named the person.
    """

    person_id: str
    templates: int
    pictures: int
    erased_at: datetime
    scrubbed: bool = True
    results: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the change log.

    Attributes:
        sequence: Rises by at least one with every change; never reused.
        kind: `enrolled`, `renamed`, `noted`, `merged`, `erased`, `imported` or `consented`.
        person_id: Whom it concerns.
        at: Timezone-aware.
        actor: Who did it.
        purpose: What for.
    """

    sequence: int
    kind: str
    person_id: str
    at: datetime
    actor: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Access:
    """One search or export, as the audit log keeps it; holds no personal data of those enrolled.

    Attributes:
        sequence: Rises with every access; never reused.
        kind: `searched` or `exported`.
        at: Timezone-aware.
        actor: Who did it.
        purpose: What for.
        asked: How many probes, or people, it was about.
        answered: How many candidates, or people, were given out.
    """

    sequence: int
    kind: str
    at: datetime
    actor: str
    purpose: str
    asked: int
    answered: int
