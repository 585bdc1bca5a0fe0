"""Queries: rows to records and records to rows, each within the caller's transaction."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import numpy as np
from sqlalchemy import ColumnElement, Connection, RowMapping, Table, func, insert, select

from faceprint.errors import GalleryCorruptError, PersonNotFoundError
from faceprint.gallery.names import clean_text, name_key
from faceprint.gallery.records import Call, ChangeKind, Consent, NewTemplate, Person, Template
from faceprint.gallery.schema import changes, consents, models, people, templates
from faceprint.types import FloatArray

__all__ = [
    "add_change",
    "add_consent",
    "add_person",
    "add_template",
    "find_by_id",
    "find_by_name",
    "matrix",
    "model_key",
    "people_by_key",
    "person_record",
    "person_records",
    "person_vectors",
    "template_ids_by_key",
    "template_records",
    "unnamed_pictures",
]

_Value = TypeVar("_Value")

_AT_ONCE = 5000


def find_by_id(connection: Connection, person_id: str) -> int:
    """The key of a person.

    Raises:
        PersonNotFoundError: Nobody has that id.
    """
    key = connection.execute(select(people.c.key).where(people.c.person_id == person_id)).scalar()
    if key is None:
        raise PersonNotFoundError(f"Nobody in this gallery has the id {clean_text(person_id)!r}.")
    return int(key)


def find_by_name(connection: Connection, name: str) -> int | None:
    """The key of the only person of a name, None if there is nobody.

    Raises:
        PersonNotFoundError: Several people have that name.
    """
    found = connection.execute(
        select(people.c.key, people.c.person_id)
        .where(people.c.name_key == name_key(clean_text(name)))
        .order_by(people.c.key)
    ).all()
    if len(found) > 1:
        raise PersonNotFoundError(
            f"{len(found)} people are called {name!r}; say which one by id: "
            + ", ".join(row.person_id for row in found)
        )
    return int(found[0].key) if found else None


def add_person(
    connection: Connection,
    name: str,
    *,
    notes: str,
    at: datetime,
    person_id: str | None = None,
) -> int:
    """Adds a person, under a new id unless one is given; returns the key."""
    row = {
        "person_id": person_id or str(uuid.uuid4()),
        "name": name,
        "name_key": name_key(name),
        "notes": clean_text(notes),
        "created_at": at,
    }
    return _inserted(connection, people, row)


def add_consent(connection: Connection, person_key: int, consent: Consent) -> None:
    """Adds a consent record to a person."""
    document_name = consent.document_name
    if document_name is None and consent.document is not None:
        document_name = "document"
    row = {
        "person_key": person_key,
        "text": clean_text(consent.text),
        "purpose": clean_text(consent.purpose),
        "given_at": consent.given_at,
        "recorded_by": clean_text(consent.recorded_by),
        "expires_at": consent.expires_at,
        "document_name": None if document_name is None else clean_text(document_name),
        "document": consent.document,
    }
    connection.execute(insert(consents).values(row))


def model_key(connection: Connection, model_id: str, dimension: int) -> tuple[int, int]:
    """The key and the dimension of a model, which is added if it is new."""
    found = connection.execute(
        select(models.c.key, models.c.dimension).where(models.c.model_id == model_id)
    ).first()
    if found is not None:
        return int(found.key), int(found.dimension)
    return _inserted(connection, models, {"model_id": model_id, "dimension": dimension}), dimension


def add_template(
    connection: Connection,
    template: NewTemplate,
    vector: FloatArray,
    *,
    person_key: int,
    model_key: int,
    picture_digest: str | None,
    at: datetime,
    template_id: str | None = None,
) -> str:
    """Adds a template, under a new id unless one is given; returns the id."""
    row = {
        "template_id": template_id or str(uuid.uuid4()),
        "person_key": person_key,
        "model_key": model_key,
        "detector": clean_text(template.detector),
        "source": clean_text(template.source),
        "source_digest": bytes.fromhex(template.source_digest),
        "box": np.asarray(template.box, dtype="<f4").tobytes(),
        "quality": float(template.quality),
        "created_at": at,
        "picture_digest": None if picture_digest is None else bytes.fromhex(picture_digest),
        "picture_kind": template.picture_kind,
        "vector": vector.astype("<f4").tobytes(),
    }
    connection.execute(insert(templates).values(row))
    return str(row["template_id"])


def add_change(
    connection: Connection,
    kind: ChangeKind,
    *,
    person_id: str,
    person_key: int,
    call: Call,
    at: datetime,
) -> None:
    """Adds an entry to the change log."""
    connection.execute(
        insert(changes).values(
            kind=kind,
            person_id=person_id,
            person_key=person_key,
            at=at,
            actor=clean_text(call.actor),
            purpose=clean_text(call.purpose),
        )
    )


def person_record(connection: Connection, person_key: int, *, documents: bool = False) -> Person:
    """One person; see `person_records`."""
    return person_records(connection, people.c.key == person_key, documents=documents)[0]


def person_records(
    connection: Connection, wanted: ColumnElement[bool] | None = None, *, documents: bool = False
) -> list[Person]:
    """People by name.

    Args:
        connection: In a transaction.
        wanted: A condition on `people`; everybody without one.
        documents: Whether to read the documents of the consents too.
    """
    chosen = select(people).order_by(people.c.name_key, people.c.key)
    counted = select(templates.c.person_key, func.count()).group_by(templates.c.person_key)
    if wanted is not None:
        chosen = chosen.where(wanted)
        counted = counted.where(templates.c.person_key.in_(select(people.c.key).where(wanted)))
    counts = {row[0]: row[1] for row in connection.execute(counted)}
    agreed = _consents_by_person(connection, wanted, documents=documents)
    return [
        Person(
            person_id=row["person_id"],
            name=row["name"],
            notes=row["notes"],
            created_at=row["created_at"],
            consents=tuple(agreed[row["key"]]),
            template_count=counts.get(row["key"], 0),
        )
        for row in connection.execute(chosen).mappings()
    ]


def _consents_by_person(
    connection: Connection, wanted: ColumnElement[bool] | None, *, documents: bool
) -> dict[int, list[Consent]]:
    columns = [column for column in consents.c if documents or column is not consents.c.document]
    chosen = select(*columns).order_by(consents.c.given_at, consents.c.key)
    if wanted is not None:
        chosen = chosen.where(consents.c.person_key.in_(select(people.c.key).where(wanted)))
    grouped: dict[int, list[Consent]] = defaultdict(list)
    for row in connection.execute(chosen).mappings():
        fields = {name: value for name, value in row.items() if name not in ("key", "person_key")}
        grouped[row["person_key"]].append(Consent(**fields))
    return grouped


def template_records(connection: Connection, person_id: str) -> list[Template]:
    """A person's templates, oldest first."""
    columns = [column for column in templates.c if column is not templates.c.vector]
    chosen = (
        select(*columns, models.c.model_id)
        .join(models, models.c.key == templates.c.model_key)
        .where(templates.c.person_key == find_by_id(connection, person_id))
        .order_by(templates.c.created_at, templates.c.key)
    )
    return [_template(row, person_id) for row in connection.execute(chosen).mappings()]


def _template(row: RowMapping, person_id: str) -> Template:
    picture: bytes | None = row["picture_digest"]
    return Template(
        template_id=row["template_id"],
        person_id=person_id,
        model_id=row["model_id"],
        detector=row["detector"],
        source=row["source"],
        source_digest=row["source_digest"].hex(),
        box=np.frombuffer(row["box"], dtype="<f4"),
        quality=row["quality"],
        created_at=row["created_at"],
        picture_digest=None if picture is None else picture.hex(),
        picture_kind=row["picture_kind"],
    )


def person_vectors(connection: Connection, person_key: int, model_id: str) -> FloatArray:
    """A person's vectors of one model: (N, D) float32, oldest first.

    Raises:
        GalleryCorruptError: A stored vector has another length than those of its model.
    """
    model = (
        connection.execute(select(models).where(models.c.model_id == model_id)).mappings().first()
    )
    if model is None:
        return np.empty((0, 0), dtype=np.float32)
    chosen = (
        select(templates.c.vector)
        .where(templates.c.person_key == person_key, templates.c.model_key == model["key"])
        .order_by(templates.c.created_at, templates.c.key)
    )
    return matrix(connection.execute(chosen).scalars().all(), model["dimension"])


def matrix(blobs: Sequence[bytes], dimension: int) -> FloatArray:
    """Stored vectors as (N, D) float32.

    Raises:
        GalleryCorruptError: One has another length.
    """
    if any(len(blob) != 4 * dimension for blob in blobs):
        raise GalleryCorruptError(
            f"A stored embedding has another length than the {dimension} values of its model. "
            "Restore the gallery from a backup."
        )
    return np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), dimension)


def people_by_key(connection: Connection, keys: set[int]) -> dict[int, tuple[str, str]]:
    """The id and the name for each of some keys."""
    columns = (people.c.key, people.c.person_id, people.c.name)
    return {
        row.key: (row.person_id, row.name)
        for part in _parts(sorted(keys))
        for row in connection.execute(select(*columns).where(people.c.key.in_(part)))
    }


def template_ids_by_key(connection: Connection, keys: set[int]) -> dict[int, str]:
    """The id for each of some keys."""
    columns = (templates.c.key, templates.c.template_id)
    return {
        row.key: row.template_id
        for part in _parts(sorted(keys))
        for row in connection.execute(select(*columns).where(templates.c.key.in_(part)))
    }


def unnamed_pictures(connection: Connection, digests: Iterable[str]) -> list[str]:
    """Those of some pictures that no template names any more."""
    asked = [bytes.fromhex(digest) for digest in digests]
    named: set[bytes | None] = set()
    for part in _parts(asked):
        wanted = templates.c.picture_digest.in_(part)
        named.update(connection.execute(select(templates.c.picture_digest).where(wanted)).scalars())
    return [digest.hex() for digest in asked if digest not in named]


def _inserted(connection: Connection, table: Table, row: Mapping[str, object]) -> int:
    """Adds a row; gives its key."""
    statement = insert(table).values(row).returning(table.c.key)
    return int(connection.execute(statement).scalar_one())


def _parts(values: Sequence[_Value]) -> Iterator[Sequence[_Value]]:
    """Slices that fit the number of parameters of one statement."""
    for first in range(0, len(values), _AT_ONCE):
        yield values[first : first + _AT_ONCE]
