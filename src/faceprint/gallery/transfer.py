"""Export and import: between the tables and an archive, within the caller's transaction."""

from __future__ import annotations

import hashlib
import os
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import ColumnElement, Connection, RowMapping, select, true

from faceprint.errors import GalleryCorruptError, InputError
from faceprint.gallery import rows
from faceprint.gallery.archive import (
    MANIFEST,
    Archive,
    ArchivedConsent,
    ArchivedModel,
    ArchivedPerson,
    ArchivedTemplate,
    Manifest,
    document_entry,
    encode_vectors,
    picture_entry,
    vectors_entry,
)
from faceprint.gallery.faults import storage_error
from faceprint.gallery.names import clean_name
from faceprint.gallery.pictures import PendingPictures, PictureFolder
from faceprint.gallery.records import Call, Consent, NewTemplate
from faceprint.gallery.schema import consents, models, people, templates

__all__ = ["add_people", "export"]


def export(
    connection: Connection, pictures: PictureFolder, path: Path, *, person_id: str | None
) -> int:
    """Writes everybody, or one person, to an archive that only its owner can read; gives the count.

    Raises:
        PersonNotFoundError: Nobody has that id.
        GalleryUnavailableError: The archive cannot be written.
        GalleryCorruptError: A picture is missing or damaged.
    """
    wanted: ColumnElement[bool] = true()
    if person_id is not None:
        wanted = people.c.key == rows.find_by_id(connection, person_id)
    with _replacing(path) as archive:
        documents = _write_documents(connection, archive, wanted)
        manifest, vectors = _manifest(connection, wanted, documents)
        for number, content in enumerate(vectors):
            archive.writestr(vectors_entry(number), content)
        for digest in sorted(manifest.pictures()):
            archive.writestr(picture_entry(digest), _picture(pictures, digest))
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=1))
    return len(manifest.people)


@contextmanager
def _replacing(path: Path) -> Iterator[zipfile.ZipFile]:
    """A ZIP that takes its place only once it is whole."""
    partial: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name}.", suffix=".partial"
        )
        partial = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            with zipfile.ZipFile(
                stream, "w", zipfile.ZIP_STORED, strict_timestamps=False
            ) as archive:
                yield archive
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise storage_error(error, path) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def _picture(pictures: PictureFolder, digest: str) -> bytes:
    try:
        return pictures.read(digest)
    except GalleryCorruptError as error:
        raise GalleryCorruptError(
            f"{error} Or somebody was erased during the export: then export again."
        ) from error


def _write_documents(
    connection: Connection, archive: zipfile.ZipFile, wanted: ColumnElement[bool]
) -> dict[int, str]:
    """Writes the documents of consents; the digest for each key of `consents`."""
    chosen = (
        select(consents.c.key, consents.c.document)
        .join(people, people.c.key == consents.c.person_key)
        .where(wanted, consents.c.document.is_not(None))
    )
    digests: dict[int, str] = {}
    for key, document in connection.execute(chosen, execution_options={"yield_per": 1}):
        digest = hashlib.sha256(document).hexdigest()
        if digest not in digests.values():
            archive.writestr(document_entry(digest), document)
        digests[key] = digest
    return digests


def _manifest(
    connection: Connection, wanted: ColumnElement[bool], documents: dict[int, str]
) -> tuple[Manifest, list[bytes]]:
    """The manifest, and the vectors of each of its models as .npy files."""
    archived, vectors = _templates(connection, wanted)
    agreed: dict[int, list[ArchivedConsent]] = defaultdict(list)
    columns = [column for column in consents.c if column is not consents.c.document]
    chosen = select(*columns).join(people, people.c.key == consents.c.person_key).where(wanted)
    for row in connection.execute(chosen.order_by(consents.c.given_at, consents.c.key)).mappings():
        agreed[row["person_key"]].append(_consent(row, documents.get(row["key"])))
    found = connection.execute(select(people).where(wanted).order_by(people.c.key)).mappings()
    files: list[bytes] = []
    archived_models: list[ArchivedModel] = []
    for model_id, blobs in vectors.items():
        matrix = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(len(blobs), -1)
        files.append(encode_vectors(matrix))
        archived_models.append(
            ArchivedModel(
                model_id=model_id,
                dimension=matrix.shape[1],
                templates=len(matrix),
                sha256=hashlib.sha256(files[-1]).hexdigest(),
            )
        )
    manifest = Manifest(
        created_at=datetime.now(UTC),
        models=tuple(archived_models),
        people=tuple(
            ArchivedPerson(
                person_id=row["person_id"],
                name=row["name"],
                notes=row["notes"],
                created_at=row["created_at"],
                consents=tuple(agreed[row["key"]]),
                templates=tuple(archived[row["key"]]),
            )
            for row in found
        ),
    )
    return manifest, files


def _consent(row: RowMapping, document: str | None) -> ArchivedConsent:
    return ArchivedConsent(
        text=row["text"],
        purpose=row["purpose"],
        given_at=row["given_at"],
        recorded_by=row["recorded_by"],
        expires_at=row["expires_at"],
        document=document,
        document_name=row["document_name"],
    )


def _templates(
    connection: Connection, wanted: ColumnElement[bool]
) -> tuple[dict[int, list[ArchivedTemplate]], dict[str, list[bytes]]]:
    """Templates by person, and vectors by model in the order that the templates number them."""
    chosen = (
        select(templates, models.c.model_id)
        .join(models, models.c.key == templates.c.model_key)
        .join(people, people.c.key == templates.c.person_key)
        .where(wanted)
        .order_by(templates.c.created_at, templates.c.key)
    )
    numbers: dict[str, int] = {}
    vectors: dict[str, list[bytes]] = defaultdict(list)
    archived: dict[int, list[ArchivedTemplate]] = defaultdict(list)
    for row in connection.execute(chosen).mappings():
        model = numbers.setdefault(row["model_id"], len(numbers))
        picture: bytes | None = row["picture_digest"]
        archived[row["person_key"]].append(
            ArchivedTemplate(
                template_id=row["template_id"],
                model=model,
                row=len(vectors[row["model_id"]]),
                detector=row["detector"],
                source=row["source"],
                source_digest=row["source_digest"].hex(),
                box=tuple(np.frombuffer(row["box"], dtype="<f4").tolist()),
                quality=row["quality"],
                created_at=row["created_at"],
                picture=None if picture is None else picture.hex(),
                picture_kind=row["picture_kind"],
            )
        )
        vectors[row["model_id"]].append(row["vector"])
    return archived, vectors


def add_people(
    connection: Connection, pending: PendingPictures, archive: Archive, *, call: Call
) -> int:
    """Adds the people of an archive that checked out; how many were added or completed.

    A template that is here already, under whatever person, is not added again.

    Raises:
        GalleryCorruptError: A name that no gallery stores, or vectors of another length than here.
    """
    model_keys: list[int] = []
    for model in archive.manifest.models:
        key, dimension = rows.model_key(connection, model.model_id, model.dimension)
        if model.dimension != dimension:
            raise GalleryCorruptError(
                f"The archive was not imported: its embeddings of {model.model_id} have "
                f"{model.dimension} values, those of this gallery {dimension}."
            )
        model_keys.append(key)
    here = set(connection.execute(select(templates.c.template_id)).scalars())
    return sum(
        _add_person(connection, pending, archive, person, model_keys, here, call)
        for person in archive.manifest.people
    )


def _add_person(
    connection: Connection,
    pending: PendingPictures,
    archive: Archive,
    person: ArchivedPerson,
    model_keys: list[int],
    here: set[str],
    call: Call,
) -> bool:
    """Adds or completes one person; whether there was anything to do."""
    wanted = people.c.person_id == person.person_id
    key = connection.execute(select(people.c.key).where(wanted)).scalar()
    missing = [template for template in person.templates if template.template_id not in here]
    if key is None:
        # All of them stand under another id: this person was merged into somebody here.
        if person.templates and not missing:
            return False
        key = rows.add_person(
            connection,
            _name(person),
            notes=person.notes,
            at=person.created_at,
            person_id=person.person_id,
        )
        known: tuple[Consent, ...] = ()
        changed = True
    else:
        known = rows.person_record(connection, key, documents=True).consents
        changed = bool(missing)
    for archived in person.consents:
        consent = _agreement(archive, archived)
        if consent not in known:
            rows.add_consent(connection, key, consent)
            changed = True
    for template in missing:
        _add_template(connection, pending, archive, template, key, model_keys[template.model])
    if changed:
        now = datetime.now(UTC)
        rows.add_change(
            connection, "imported", person_id=person.person_id, person_key=key, call=call, at=now
        )
    return changed


def _name(person: ArchivedPerson) -> str:
    try:
        return clean_name(person.name)
    except InputError as error:
        raise GalleryCorruptError(f"The archive was not imported: {error}") from error


def _agreement(archive: Archive, consent: ArchivedConsent) -> Consent:
    return Consent(
        text=consent.text,
        purpose=consent.purpose,
        given_at=consent.given_at,
        recorded_by=consent.recorded_by,
        expires_at=consent.expires_at,
        document=None if consent.document is None else archive.document(consent.document),
        document_name=consent.document_name,
    )


def _add_template(
    connection: Connection,
    pending: PendingPictures,
    archive: Archive,
    template: ArchivedTemplate,
    person_key: int,
    model_key: int,
) -> None:
    vector = archive.vectors[template.model][template.row]
    picture = None if template.picture is None else archive.picture(template.picture)
    rows.add_template(
        connection,
        NewTemplate(
            vector=vector,
            detector=template.detector,
            source=template.source,
            source_digest=template.source_digest,
            box=np.array(template.box, dtype=np.float32),
            quality=template.quality,
        ),
        vector,
        person_key=person_key,
        model_key=model_key,
        picture_digest=None if picture is None else pending.write(picture),
        at=template.created_at,
        template_id=template.template_id,
    )
