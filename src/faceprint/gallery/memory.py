"""The templates of one model in memory: arrays that grow at their end, and forget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["Keys", "TemplateMemory", "TemplateRows"]

Keys = npt.NDArray[np.int64]
"""Database keys: (N,) int64."""

_SPARE_SHARE = 16
_LEAST_SPARE = 4096


class TemplateRows(NamedTuple):
    """Some templates.

    Attributes:
        vectors: (N, D) float32 of L2 norm 1.
        template_keys: (N,) int64, database keys of the rows.
        owners: (N,) int64, database keys of their people.
    """

    vectors: FloatArray
    template_keys: Keys
    owners: Keys

    def chosen(self, rows: npt.NDArray[np.bool_]) -> TemplateRows:
        """A copy of some of them: (N,) bool."""
        return TemplateRows(self.vectors[rows], self.template_keys[rows], self.owners[rows])


@dataclass(slots=True)
class _Fill:
    rows: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TemplateMemory:
    """Rows with room behind them, so that adding one does not copy a million.

    Rows in use never change, except that they can be forgotten: their numbers become zero, for
    all who still look at them. One writer at a time; readers go by the number of rows that they
    know of.

    Attributes:
        vectors: (C, D) float32.
        template_keys: (C,) int64.
        owners: (C,) int64.
        dead: (C,) bool, whether a row is forgotten.
    """

    vectors: FloatArray
    template_keys: Keys
    owners: Keys
    dead: npt.NDArray[np.bool_]
    _fill: _Fill = field(default_factory=_Fill)

    @classmethod
    def empty(cls, rows: int, dimension: int) -> TemplateMemory:
        """Room for so many rows and some more."""
        room = rows + max(rows // _SPARE_SHARE, _LEAST_SPARE)
        return cls(
            np.empty((room, dimension), dtype=np.float32),
            np.empty(room, dtype=np.int64),
            np.empty(room, dtype=np.int64),
            np.zeros(room, dtype=np.bool_),
        )

    @property
    def filled(self) -> int:
        """How many rows are in use."""
        return self._fill.rows

    def appended(self, after: int, rows: TemplateRows) -> TemplateMemory:
        """The memory with rows behind its first `after`: itself where there is room.

        Where rows were added behind `after` before, they stay with whoever knows of them, and the
        result is a copy.
        """
        end = after + len(rows.owners)
        memory = self
        if end > len(self.owners) or after != self.filled:
            memory = TemplateMemory.empty(end, self.vectors.shape[1])
            memory._write(0, self.rows(after))
            memory.dead[:after] = self.dead[:after]
        memory._write(after, rows)
        return memory

    def owned(self, rows: npt.NDArray[np.intp], owners: Keys) -> TemplateMemory:
        """The memory with some rows in the hands of other people; shares all but the owners."""
        changed = self.owners.copy()
        changed[rows] = owners
        return TemplateMemory(self.vectors, self.template_keys, changed, self.dead, self._fill)

    def rows(self, count: int) -> TemplateRows:
        """The first rows, forgotten ones included."""
        return TemplateRows(self.vectors[:count], self.template_keys[:count], self.owners[:count])

    def living(self, count: int) -> TemplateRows:
        """A copy of those of the first rows that are not forgotten."""
        return self.rows(count).chosen(~self.dead[:count])

    def forget(self, rows: npt.NDArray[np.intp]) -> None:
        """Overwrites rows in place."""
        self.dead[rows] = True
        self.vectors[rows] = 0

    def _write(self, first: int, rows: TemplateRows) -> None:
        last = first + len(rows.owners)
        self.vectors[first:last] = rows.vectors
        self.template_keys[first:last] = rows.template_keys
        self.owners[first:last] = rows.owners
        self._fill.rows = last
