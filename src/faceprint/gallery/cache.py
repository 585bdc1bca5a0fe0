"""Indexes in memory, rebuilt from the database or brought up to date by its change log."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select

from faceprint.gallery.index import ModelIndex, SearchPlan
from faceprint.gallery.memory import TemplateMemory, TemplateRows
from faceprint.gallery.rows import matrix
from faceprint.gallery.schema import changes, models, templates

__all__ = ["IndexCache", "last_sequence"]

_ROWS_AT_ONCE = 8192
_PEOPLE_AT_ONCE = 5000
_PEOPLE_TO_PATCH = 1000
_SHARE_TO_PATCH = 16
_KINDS_THAT_MOVE_TEMPLATES = ("enrolled", "imported", "merged", "erased")


class IndexCache:
    """The indexes of all models searched so far, kept up to date by the change log. Thread-safe."""

    def __init__(self, plan: SearchPlan | None = None) -> None:
        """Takes how the indexes are searched."""
        self._plan = plan or SearchPlan()
        self._lock = threading.Lock()
        self._indexes: dict[str, ModelIndex] = {}

    def current(self, connection: Connection, model_id: str) -> ModelIndex | None:
        """The index of a model as the connection sees the database; None for an unknown model.

        The connection must not have read anything before in its transaction: its view of the
        database has to begin inside the lock, so that it is never older than the index.
        """
        with self._lock:
            sequence = last_sequence(connection)
            index = self._indexes.get(model_id)
            if index is not None and index.sequence == sequence:
                return index
            found = connection.execute(
                select(models.c.key, models.c.dimension).where(models.c.model_id == model_id)
            ).first()
            if found is None:
                return None
            table = _Table(connection, found.key, found.dimension)
            fresh = self._refreshed(table, index, sequence)
            self._indexes[model_id] = fresh
            return fresh

    def models(self) -> list[str]:
        """The models that have an index now."""
        with self._lock:
            return list(self._indexes)

    def _refreshed(self, table: _Table, index: ModelIndex | None, sequence: int) -> ModelIndex:
        # A lower sequence means that the file was replaced by another one.
        if index is not None and sequence >= index.sequence:
            most = max(_PEOPLE_TO_PATCH, index.count // _SHARE_TO_PATCH)
            people = table.changed_people(index.sequence, most=most + 1)
            if not people:
                return replace(index, sequence=sequence)
            if len(people) <= most:
                return index.patched(people, table.rows_of(people), sequence=sequence)
        return ModelIndex.over(table.all_rows(), sequence=sequence, plan=self._plan)


def last_sequence(connection: Connection) -> int:
    """The sequence number of the newest change, 0 if there is none."""
    return connection.execute(select(func.max(changes.c.sequence))).scalar() or 0


class _Table:
    """The templates of one model, within a transaction."""

    def __init__(self, connection: Connection, model_key: int, dimension: int) -> None:
        self._connection = connection
        self._dimension = dimension
        self._wanted = templates.c.model_key == model_key

    def changed_people(self, since: int, *, most: int) -> list[int]:
        """Keys of those whose templates may have changed, `most` of them at most."""
        moved = self._connection.execute(
            select(changes.c.person_key)
            .distinct()
            .where(changes.c.sequence > since, changes.c.kind.in_(_KINDS_THAT_MOVE_TEMPLATES))
            .limit(most)
        ).scalars()
        return [int(key) for key in moved]

    def all_rows(self) -> TemplateMemory:
        """Every template."""
        counted = select(func.count()).where(self._wanted)
        count = self._connection.execute(counted).scalar_one()
        memory = TemplateMemory.empty(count, self._dimension)
        for part in self._parts(self._wanted):
            memory = memory.appended(memory.filled, part)
        return memory

    def rows_of(self, people: Sequence[int]) -> TemplateRows:
        """The templates of some people."""
        none = TemplateMemory.empty(0, self._dimension).rows(0)
        parts = [none]
        for first in range(0, len(people), _PEOPLE_AT_ONCE):
            some = templates.c.person_key.in_(people[first : first + _PEOPLE_AT_ONCE])
            parts += self._parts(self._wanted & some)
        return TemplateRows(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _parts(self, wanted: ColumnElement[bool]) -> Iterator[TemplateRows]:
        """Templates by key, some thousands at a time."""
        chosen = select(templates.c.key, templates.c.person_key, templates.c.vector).where(wanted)
        found = self._connection.execute(chosen.order_by(templates.c.key))
        for rows in found.partitions(_ROWS_AT_ONCE):
            keys, owners, blobs = zip(*rows, strict=True)
            yield TemplateRows(
                matrix(blobs, self._dimension),
                np.array(keys, dtype=np.int64),
                np.array(owners, dtype=np.int64),
            )
