"""What one enrolment does to the tables, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import Connection, select, update

from faceprint.errors import ConsentError
from faceprint.gallery import rows
from faceprint.gallery.checks import check_dimension
from faceprint.gallery.names import clean_text
from faceprint.gallery.pictures import PendingPictures
from faceprint.gallery.records import Call, ChangeKind, Consent, EnrolReceipt, NewTemplate, Person
from faceprint.gallery.schema import people, templates
from faceprint.geometry import iou_matrix
from faceprint.types import FloatArray

__all__ = ["Batch", "add_batch"]

_SAME_FACE_IOU = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """One enrolment, checked.

    Attributes:
        model_id: The embedding model.
        templates: What to add.
        vectors: (N, D) float32, one per template.
        consent: None if the person's own record has to do.
        notes: Free text.
        call: Who enrols and what for.
        at: Timezone-aware.
    """

    model_id: str
    templates: tuple[NewTemplate, ...]
    vectors: FloatArray
    consent: Consent | None
    notes: str
    call: Call
    at: datetime


def add_batch(
    connection: Connection,
    pending: PendingPictures,
    batch: Batch,
    *,
    person_key: int | None,
    name: str,
) -> EnrolReceipt:
    """Adds the templates of a batch to a person, who is made if `person_key` is None.

    Raises:
        ConsentError: No consent given, and the person has none that is valid.
        EmbeddingError: Vectors of another length than those of the model so far.
    """
    model_key, dimension = rows.model_key(connection, batch.model_id, batch.vectors.shape[1])
    check_dimension(batch.vectors, dimension, model_id=batch.model_id)
    created = person_key is None
    if person_key is None:
        _require_consent(None, batch)
        person_key = rows.add_person(connection, name, notes=batch.notes, at=batch.at)
    else:
        _require_consent(rows.person_record(connection, person_key), batch)
    added = _add_new_faces(connection, pending, batch, person_key=person_key, model_key=model_key)
    agreed = _add_consent(connection, batch, person_key, repeated=not added)
    noted = not created and _add_notes(connection, batch, person_key)
    person = rows.person_record(connection, person_key)
    kind: ChangeKind | None = (
        "enrolled" if added else "consented" if agreed else "noted" if noted else None
    )
    if kind is not None:
        rows.add_change(
            connection,
            kind,
            person_id=person.person_id,
            person_key=person_key,
            call=batch.call,
            at=batch.at,
        )
    return EnrolReceipt(person, created, tuple(added), len(batch.templates) - len(added))


def _require_consent(person: Person | None, batch: Batch) -> None:
    if batch.consent is not None:
        return
    if person is None:
        raise ConsentError(
            "A new person needs a consent record: what was agreed to, by whom recorded."
        )
    if person.consent_at(batch.at) is None:
        raise ConsentError(
            f"The consent of person {person.person_id} has expired. Ask for a new one and record "
            "it."
        )


def _add_new_faces(
    connection: Connection,
    pending: PendingPictures,
    batch: Batch,
    *,
    person_key: int,
    model_key: int,
) -> list[str]:
    """Adds those faces that the person was not enrolled with before; gives the new ids."""
    added: list[str] = []
    for template, vector in zip(batch.templates, batch.vectors, strict=True):
        known = _boxes(
            connection, template.source_digest, person_key=person_key, model_key=model_key
        )
        if _is_among(template.box, known):
            continue
        picture = None if template.picture is None else pending.write(template.picture)
        added.append(
            rows.add_template(
                connection,
                template,
                vector,
                person_key=person_key,
                model_key=model_key,
                picture_digest=picture,
                at=batch.at,
            )
        )
    return added


def _boxes(
    connection: Connection, source_digest: str, *, person_key: int, model_key: int
) -> Sequence[bytes]:
    """The boxes that a person was enrolled with in one photo."""
    chosen = select(templates.c.box).where(
        templates.c.person_key == person_key,
        templates.c.model_key == model_key,
        templates.c.source_digest == bytes.fromhex(source_digest),
    )
    return connection.execute(chosen).scalars().all()


def _is_among(box: FloatArray, known: Sequence[bytes]) -> bool:
    """Whether a box is one of some known ones, give or take what a detector varies by."""
    if not known:
        return False
    boxes = np.frombuffer(b"".join(known), dtype="<f4").reshape(-1, 4)
    given = np.asarray(box, dtype=np.float32)[None]
    same = (boxes == given).all(axis=1) | (iou_matrix(given, boxes)[0] >= _SAME_FACE_IOU)
    return bool(same.any())


def _add_consent(connection: Connection, batch: Batch, person_key: int, *, repeated: bool) -> bool:
    """Adds the batch's consent record; one that only repeats what is there is left out."""
    if batch.consent is None:
        return False
    if repeated:
        person = rows.person_record(connection, person_key, documents=True)
        if any(_agrees(batch.consent, before) for before in person.consents):
            return False
    rows.add_consent(connection, person_key, batch.consent)
    return True


def _agrees(consent: Consent, before: Consent) -> bool:
    alike = replace(consent, given_at=before.given_at, document_name=before.document_name)
    return alike == before


def _add_notes(connection: Connection, batch: Batch, person_key: int) -> bool:
    """Adds notes below those that a person has."""
    notes = clean_text(batch.notes)
    before = rows.person_record(connection, person_key).notes
    if not notes or notes in before:
        return False
    joined = f"{before}\n{notes}" if before else notes
    connection.execute(update(people).where(people.c.key == person_key).values(notes=joined))
    return True
