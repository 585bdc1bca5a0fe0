"""Exact search in memory: all templates of one model as a matrix, rebuilt from the database."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, func, select

from faceprint.gallery.rows import matrix
from faceprint.gallery.schema import changes, models, templates
from faceprint.types import FloatArray

__all__ = ["Hit", "IndexCache", "ModelIndex", "last_sequence"]

_Keys = npt.NDArray[np.int64]

_SCORES_AT_ONCE = 2**24
_PROBES_WITHOUT_BLAS = 2
_ROWS_AT_ONCE = 8192
_MOST_PEOPLE_TO_PATCH = 1000
_KINDS_THAT_MOVE_TEMPLATES = ("enrolled", "imported", "merged", "erased")


class Hit(NamedTuple):
    """One person found: database keys and the cosine similarity."""

    person_key: int
    template_key: int
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class ModelIndex:
    """The templates of one model at one state of the database.

    Attributes:
        vectors: (N, D) float32, sorted by person.
        template_keys: (N,) int64, database keys of the rows.
        owners: (N,) int64, database keys of their people, rising.
        sequence: The last change that it contains.
        people: (P,) int64, each owner once.
        starts: (P,) row at which each person's templates begin.
    """

    vectors: FloatArray
    template_keys: _Keys
    owners: _Keys
    sequence: int
    people: _Keys = field(init=False)
    starts: npt.NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        people, starts = np.unique(self.owners, return_index=True)
        object.__setattr__(self, "people", people)
        object.__setattr__(self, "starts", starts)

    @classmethod
    def of(
        cls, vectors: FloatArray, template_keys: _Keys, owners: _Keys, *, sequence: int
    ) -> ModelIndex:
        """An index of rows in any order; shapes as in the attributes."""
        if np.any(owners[1:] < owners[:-1]):
            order = np.argsort(owners, kind="stable")
            vectors, template_keys, owners = vectors[order], template_keys[order], owners[order]
        return cls(vectors, template_keys, owners, sequence)

    def patched(self, people: Sequence[int], rows: ModelIndex, *, sequence: int) -> ModelIndex:
        """The index after some people's templates changed to those of `rows`."""
        stay = ~np.isin(self.owners, np.array(people, dtype=np.int64))
        if stay.all() and not len(rows.owners):
            return replace(self, sequence=sequence)
        return ModelIndex.of(
            np.concatenate([self.vectors if stay.all() else self.vectors[stay], rows.vectors]),
            np.concatenate([self.template_keys[stay], rows.template_keys]),
            np.concatenate([self.owners[stay], rows.owners]),
            sequence=sequence,
        )

    def search(self, probes: FloatArray, *, k: int) -> list[list[Hit]]:
        """The `k` most alike people for each probe, best first; equal scores in order of enrolment.

        Args:
            probes: (M, D) float32 unit vectors.
            k: At least 1.
        """
        if not len(self.owners):
            return [[] for _ in probes]
        at_once = max(1, _SCORES_AT_ONCE // len(self.owners))
        hits: list[list[Hit]] = []
        for first in range(0, len(probes), at_once):
            scores = self._scores(probes[first : first + at_once])
            best = np.maximum.reduceat(scores, self.starts, axis=1)
            hits.extend(self._top(*pair, k=k) for pair in zip(scores, best, strict=True))
        return hits

    def _scores(self, probes: FloatArray) -> FloatArray:
        """Cosine similarity of every probe to every row: (M, N) float32."""
        # A product of a matrix with so few vectors waits for memory, not for arithmetic: threads of
        # BLAS gain little, and lose several milliseconds where the cores have other work.
        if len(probes) <= _PROBES_WITHOUT_BLAS:
            return np.stack([np.vecdot(self.vectors, probe) for probe in probes])
        scores: FloatArray = probes @ self.vectors.T
        return scores

    def _top(self, scores: FloatArray, best: FloatArray, *, k: int) -> list[Hit]:
        """The hits of one probe, from the scores of its rows (N,) and of its people (P,)."""
        if k < len(best):
            least = np.partition(best, len(best) - k)[len(best) - k]
            places = np.flatnonzero(best >= least)
        else:
            places = np.arange(len(best))
        places = places[np.argsort(-best[places], kind="stable")][:k]
        return [self._hit(int(place), scores) for place in places]

    def _hit(self, place: int, scores: FloatArray) -> Hit:
        first = self.starts[place]
        last = self.starts[place + 1] if place + 1 < len(self.starts) else len(scores)
        row = first + scores[first:last].argmax()
        score = float(np.clip(scores[row], -1, 1))
        return Hit(int(self.people[place]), int(self.template_keys[row]), score)


class IndexCache:
    """The indexes of all models searched so far, kept up to date by the change log. Thread-safe."""

    def __init__(self) -> None:
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
            fresh = _refresh(connection, index, found.key, found.dimension, sequence)
            fresh.vectors.flags.writeable = False
            self._indexes[model_id] = fresh
            return fresh

    def models(self) -> list[str]:
        """The models that have an index now."""
        with self._lock:
            return list(self._indexes)


def last_sequence(connection: Connection) -> int:
    """The sequence number of the newest change, 0 if there is none."""
    return connection.execute(select(func.max(changes.c.sequence))).scalar() or 0


def _refresh(
    connection: Connection, index: ModelIndex | None, model_key: int, dimension: int, sequence: int
) -> ModelIndex:
    # A lower sequence means that the file was replaced by another one.
    if index is None or sequence < index.sequence:
        return _load(connection, model_key, dimension, sequence, None)
    moved = connection.execute(
        select(changes.c.person_key)
        .distinct()
        .where(changes.c.sequence > index.sequence, changes.c.kind.in_(_KINDS_THAT_MOVE_TEMPLATES))
        .limit(_MOST_PEOPLE_TO_PATCH + 1)
    ).scalars()
    people = [int(key) for key in moved]
    if len(people) > _MOST_PEOPLE_TO_PATCH:
        return _load(connection, model_key, dimension, sequence, None)
    if not people:
        return replace(index, sequence=sequence)
    rows = _load(connection, model_key, dimension, sequence, people)
    return index.patched(people, rows, sequence=sequence)


def _load(
    connection: Connection,
    model_key: int,
    dimension: int,
    sequence: int,
    people: Sequence[int] | None,
) -> ModelIndex:
    """Reads the templates of one model, of some people or of all."""
    wanted = templates.c.model_key == model_key
    if people is not None:
        wanted &= templates.c.person_key.in_(people)
    count = connection.execute(select(func.count()).where(wanted)).scalar_one()
    vectors = np.empty((count, dimension), dtype=np.float32)
    keys = np.empty((count, 2), dtype=np.int64)
    chosen = select(templates.c.key, templates.c.person_key, templates.c.vector).where(wanted)
    first = 0
    for rows in connection.execute(chosen.order_by(templates.c.key)).partitions(_ROWS_AT_ONCE):
        last = first + len(rows)
        template_keys, owners, blobs = zip(*rows, strict=True)
        keys[first:last, 0], keys[first:last, 1] = template_keys, owners
        vectors[first:last] = matrix(blobs, dimension)
        first = last
    return ModelIndex.of(
        vectors,
        np.ascontiguousarray(keys[:, 0]),
        np.ascontiguousarray(keys[:, 1]),
        sequence=sequence,
    )
