"""The gallery store over SQL tables and a folder of pictures."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, func, select, update

from faceprint.errors import (
    GalleryUnavailableError,
    InputError,
    PersonNotFoundError,
)
from faceprint.gallery import rows, transfer
from faceprint.gallery.access import AccessLog
from faceprint.gallery.archive import opened
from faceprint.gallery.cache import IndexCache, last_sequence
from faceprint.gallery.checks import (
    check_call,
    check_consent,
    check_dimension,
    check_model_id,
    check_templates,
    check_vectors,
)
from faceprint.gallery.database import Database
from faceprint.gallery.enrolment import Batch, add_batch
from faceprint.gallery.index import Hit, SearchPlan
from faceprint.gallery.names import clean_name, clean_text, name_key
from faceprint.gallery.pictures import PendingPictures, PictureFolder
from faceprint.gallery.records import (
    Access,
    Call,
    Change,
    ChangeKind,
    Consent,
    EnrolReceipt,
    EraseReceipt,
    NewTemplate,
    Person,
    Template,
)
from faceprint.gallery.schema import accesses, changes, consents, models, people, templates
from faceprint.types import Candidate, FloatArray

__all__ = ["SqlGallery"]

_log = logging.getLogger(__name__)


class SqlGallery:
    """Keeps `GalleryStore`: the database has the last word, searches run over a copy in memory.

    Safe to use from several threads, and by several processes that each open the gallery
    themselves.
    """

    def __init__(
        self, database: Database, pictures: PictureFolder, plan: SearchPlan | None = None
    ) -> None:
        """Takes a database and the folder beside it, and finishes what a killed process left."""
        self._database = database
        self._pictures = pictures
        self._log = AccessLog(database)
        self._indexes = IndexCache(plan)
        self._counts: tuple[int, dict[str, int]] = (-1, {})
        if not database.read_only:
            self._sweep()
            database.scrub()

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
        """Adds templates to a person, all or none; see `GalleryStore.enrol`."""
        check_call(call)
        check_model_id(model_id)
        now = datetime.now(UTC)
        batch = Batch(
            model_id, tuple(templates), check_templates(templates), consent, notes, call, now
        )
        if consent is not None:
            check_consent(consent, now=now)
        if person_id is None and name is None:
            raise InputError("An enrolment needs a name, or the id of somebody enrolled.")
        if person_id is not None and new:
            raise InputError("An enrolment is of a new person or of the one of an id, not of both.")
        cleaned = None if name is None else clean_name(name)
        with self._writing() as (connection, pending):
            if person_id is not None:
                key: int | None = rows.find_by_id(connection, person_id)
            else:
                key = None if new else rows.find_by_name(connection, cleaned or "")
            return add_batch(connection, pending, batch, person_key=key, name=cleaned or "")

    def search(
        self, vectors: FloatArray, *, model_id: str, call: Call, k: int = 5
    ) -> list[tuple[Candidate, ...]]:
        """The `k` most alike people for each probe, best first; see `GalleryStore.search`.

        Raises:
            EmbeddingError: The probes are no finite unit vectors, or of another length.
        """
        check_call(call)
        check_model_id(model_id)
        if k < 1:
            raise InputError(f"A search gives at least one candidate; k is {k}.")
        probes = check_vectors(vectors)
        with self._database.read() as connection:
            index = self._indexes.current(connection, model_id)
            if index is None:
                found: list[tuple[Candidate, ...]] = [() for _ in probes]
            else:
                check_dimension(probes, index.vectors.shape[1], model_id=model_id)
                found = _candidates(connection, index.search(probes, k=k))
        self._log.add("searched", call, asked=len(probes), answered=sum(map(len, found)))
        return found

    def template_count(self, model_id: str | None = None) -> int:
        """How many templates there are, of one model or of all."""
        with self._database.read() as connection:
            sequence = last_sequence(connection)
            known, counts = self._counts
            if known != sequence:
                counted = (
                    select(models.c.model_id, func.count(templates.c.key))
                    .join(templates, templates.c.model_key == models.c.key)
                    .group_by(models.c.model_id)
                )
                counts = {row[0]: row[1] for row in connection.execute(counted)}
                self._counts = (sequence, counts)
        return sum(counts.values()) if model_id is None else counts.get(model_id, 0)

    def people(self) -> list[Person]:
        """Everybody, by name; without the documents of their consents."""
        with self._database.read() as connection:
            return rows.person_records(connection)

    def person(self, name_or_id: str) -> Person:
        """One person, by id or else by name, with the documents of the consents.

        Raises:
            PersonNotFoundError: Nobody, or several of that name.
        """
        with self._database.read() as connection:
            wanted = people.c.person_id == clean_text(name_or_id)
            key = connection.execute(select(people.c.key).where(wanted)).scalar()
            if key is None:
                key = rows.find_by_name(connection, name_or_id.strip())
            if key is None:
                raise PersonNotFoundError(
                    f"Nobody in this gallery has the name or id {clean_text(name_or_id)!r}."
                )
            return rows.person_record(connection, key, documents=True)

    def templates(self, person_id: str) -> list[Template]:
        """A person's templates, oldest first."""
        with self._database.read() as connection:
            return rows.template_records(connection, person_id)

    def vectors(self, person_id: str, *, model_id: str) -> FloatArray:
        """A person's templates of one model: (N, D) float32, oldest first."""
        with self._database.read() as connection:
            key = rows.find_by_id(connection, person_id)
            return rows.person_vectors(connection, key, model_id)

    def picture(self, digest: str) -> bytes:
        """A kept picture as encoded bytes; its digest is checked.

        Raises:
            GalleryCorruptError: The file is missing or has another digest.
        """
        return self._pictures.read(digest)

    def add_consent(self, person_id: str, consent: Consent, *, call: Call) -> Person:
        """Adds a consent record to a person.

        Raises:
            ConsentError: The record is incomplete or has expired.
        """
        check_consent(consent, now=datetime.now(UTC))
        with self._changing("consented", person_id, call) as (connection, key):
            rows.add_consent(connection, key, consent)
            return rows.person_record(connection, key)

    def rename(self, person_id: str, name: str, *, call: Call) -> Person:
        """Gives a person another name."""
        cleaned = clean_name(name)
        with self._changing("renamed", person_id, call) as (connection, key):
            values = {"name": cleaned, "name_key": name_key(cleaned)}
            connection.execute(update(people).where(people.c.key == key).values(values))
            return rows.person_record(connection, key)

    def note(self, person_id: str, notes: str, *, call: Call) -> Person:
        """Replaces a person's notes."""
        with self._changing("noted", person_id, call) as (connection, key):
            values = {"notes": clean_text(notes)}
            connection.execute(update(people).where(people.c.key == key).values(values))
            return rows.person_record(connection, key)

    def merge(self, into_id: str, from_id: str, *, call: Call) -> Person:
        """Moves templates, pictures, consents and notes of one person to another, who stays."""
        if into_id == from_id:
            raise InputError("A person cannot be merged with themselves. Give two ids.")
        with self._changing("merged", into_id, call) as (connection, into):
            gone = rows.find_by_id(connection, from_id)
            rows.add_change(
                connection,
                "merged",
                person_id=from_id,
                person_key=gone,
                call=call,
                at=datetime.now(UTC),
            )
            notes = [rows.person_record(connection, key).notes for key in (into, gone)]
            joined = "\n".join(part for part in notes if part)
            connection.execute(update(people).where(people.c.key == into).values(notes=joined))
            for table in (templates, consents):
                moved = update(table).where(table.c.person_key == gone)
                connection.execute(moved.values(person_key=into))
            connection.execute(delete(people).where(people.c.key == gone))
            return rows.person_record(connection, into)

    def erase(self, person_id: str, *, call: Call) -> EraseReceipt:
        """Removes a person from rows, files, free pages and this process's memory.

        Other processes drop the vectors from memory at their next search.
        """
        check_call(call)
        now = datetime.now(UTC)
        with self._pictures.pending() as pending:
            with self._database.write() as connection:
                key = rows.find_by_id(connection, person_id)
                theirs = templates.c.person_key == key
                count = connection.execute(select(func.count()).where(theirs)).scalar_one()
                named = select(templates.c.picture_digest).distinct().where(theirs)
                digests = [one.hex() for one in connection.execute(named).scalars() if one]
                if digests:
                    pending.expect()
                connection.execute(delete(people).where(people.c.key == key))
                rows.add_change(
                    connection, "erased", person_id=person_id, person_key=key, call=call, at=now
                )
                self._database.owe_scrub(connection)
            swept = self._remove_unnamed(digests)
            if swept is None:
                pending.leave()
        self._refresh()
        scrubbed = self._database.scrub() and swept is not None
        return EraseReceipt(person_id, count, swept or 0, now, scrubbed=scrubbed)

    def changes(self, since: int = 0) -> list[Change]:
        """The change log after a sequence number, oldest first."""
        columns = [column for column in changes.c if column is not changes.c.person_key]
        chosen = select(*columns).where(changes.c.sequence > since).order_by(changes.c.sequence)
        with self._database.read() as connection:
            return [Change(**row) for row in connection.execute(chosen).mappings()]

    def accesses(self, since: int = 0) -> list[Access]:
        """The log of searches and exports after a sequence number, oldest first.

        A search of another process appears within about a second.
        """
        if not self._database.read_only:
            self._log.flush()
        chosen = select(accesses).where(accesses.c.sequence > since).order_by(accesses.c.sequence)
        with self._database.read() as connection:
            return [Access(**row) for row in connection.execute(chosen).mappings()]

    def export(self, path: Path, *, call: Call, person_id: str | None = None) -> int:
        """Writes everybody, or one person, with pictures and vectors to an archive.

        Returns:
            The number of people.

        Raises:
            GalleryUnavailableError: The archive cannot be written.
            GalleryCorruptError: A picture is missing or damaged.
        """
        check_call(call)
        with self._database.read() as connection:
            count = transfer.export(connection, self._pictures, Path(path), person_id=person_id)
        self._log.add("exported", call, asked=count, answered=count)
        self._log.flush()
        return count

    def import_(self, path: Path, *, call: Call) -> int:
        """Adds the people of an archive, all or none; who stands here already gets what is missing.

        Returns:
            The number of people that were added or completed.

        Raises:
            GalleryCorruptError: The archive does not check out.
            GalleryVersionError: A newer faceprint wrote it.
        """
        check_call(call)
        with opened(Path(path)) as archive, self._writing() as (connection, pending):
            return transfer.add_people(connection, pending, archive, call=call)

    def close(self) -> None:
        """Writes the log of searches and gives up files and connections."""
        if not self._database.closed:
            self._log.close()
            self._database.close()

    @contextmanager
    def _writing(self) -> Iterator[tuple[Connection, PendingPictures]]:
        """A transaction that may write pictures; after a failure those without rows are removed."""
        try:
            with self._pictures.pending() as pending, self._database.write() as connection:
                yield connection, pending
        except BaseException:
            self._sweep()
            raise

    @contextmanager
    def _changing(
        self, kind: ChangeKind, person_id: str, call: Call
    ) -> Iterator[tuple[Connection, int]]:
        """A transaction about one person that is entered in the change log."""
        check_call(call)
        with self._database.write() as connection:
            key = rows.find_by_id(connection, person_id)
            at = datetime.now(UTC)
            rows.add_change(connection, kind, person_id=person_id, person_key=key, call=call, at=at)
            yield connection, key

    def _remove_unnamed(self, digests: Sequence[str]) -> int | None:
        """Removes pictures that no row names any more; None where the storage is busy now."""
        if not digests:
            return 0
        try:
            with self._database.write() as connection:
                unnamed = rows.unnamed_pictures(connection, digests)
                self._pictures.remove(unnamed)
        except GalleryUnavailableError as error:
            _log.warning("Erased pictures are removed at the next opening: %s", error)
            return None
        return len(unnamed)

    def _sweep(self) -> None:
        """Removes pictures that a broken transaction left; whoever is busy now is swept later."""
        if not self._pictures.is_unsettled():
            return
        try:
            with self._database.write() as connection:
                digests = select(templates.c.picture_digest).distinct()
                named = {one.hex() for one in connection.execute(digests).scalars() if one}
                self._pictures.sweep(named)
        except GalleryUnavailableError as error:
            _log.warning("Left-over pictures are removed at the next opening: %s", error)

    def _refresh(self) -> None:
        for model_id in self._indexes.models():
            with self._database.read() as connection:
                self._indexes.current(connection, model_id)


def _candidates(connection: Connection, found: list[list[Hit]]) -> list[tuple[Candidate, ...]]:
    """Hits with the names and ids of this moment."""
    hits = [hit for one in found for hit in one]
    who = rows.people_by_key(connection, {hit.person_key for hit in hits})
    which = rows.template_ids_by_key(connection, {hit.template_key for hit in hits})
    return [
        tuple(
            Candidate(
                person_id=who[hit.person_key][0],
                name=who[hit.person_key][1],
                score=hit.score,
                template_id=which[hit.template_key],
            )
            for hit in one
        )
        for one in found
    ]
