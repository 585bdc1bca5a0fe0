"""Several prepared datasets as one, to train on together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.train.data.duplicates import COPY_BITS, look_alike, near_pairs
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.tasks.base import IntArray
from faceprint.types import FloatArray, Image

__all__ = ["JoinedCrops"]


class JoinedCrops:
    """The rows of one dataset, then those of others, whose people are not looked at.

    Args:
        first: The dataset that splits and people are of.
        more: Others, whose photos alone are used.

    Raises:
        InputError: They were cut out differently.
    """

    def __init__(self, first: PreparedDataset, more: Sequence[PreparedDataset]) -> None:
        self.parts: tuple[PreparedDataset, ...] = (first, *more)
        for other in more:
            if (other.alignment, other.side_px) != (first.alignment, first.side_px):
                raise InputError(
                    f"{other.folder} holds {other.alignment} crops of {other.side_px} px, {first.folder} "
                    f"{first.alignment} crops of {first.side_px} px. Prepare both alike."
                )
        self._starts = np.cumsum([0, *(len(part) for part in self.parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What each photo is called; names of different parts may be the same."""
        return tuple(name for part in self.parts for name in part.names)

    @cached_property
    def identity(self) -> IntArray:
        """(N,) int64, of the first part alone; -1 for the photos of others."""
        found = np.full(len(self), -1, dtype=np.int64)
        found[: len(self.parts[0])] = self.parts[0].identity
        return found

    @cached_property
    def labels(self) -> Mapping[str, FloatArray]:
        """Each (N,) float32; NaN where a part has no such label."""
        names = sorted({name for part in self.parts for name in part.labels})
        return {
            name: np.concatenate(
                [
                    part.labels.get(name, np.full(len(part), np.nan, dtype=np.float32))
                    for part in self.parts
                ]
            )
            for name in names
        }

    def copies_of(self, rows: IntArray) -> npt.NDArray[np.bool_]:
        """(N,) bool: which photos of the other datasets are copies of some of the first one's, or nearly.

        Args:
            rows: Of the first dataset.
        """
        digests = np.array([one for part in self.parts for one in part.photo_digests])
        found = np.isin(digests, digests[rows])
        looked_at = np.zeros(len(self), dtype=bool)
        looked_at[rows] = True
        hashes = np.concatenate([part.hashes for part in self.parts])
        first, second = near_pairs(hashes, radius=COPY_BITS)
        asked = looked_at[first] & (second >= len(self.parts[0]))
        first, second = first[asked], second[asked]
        found[second[look_alike(self, first, second)]] = True
        found[: len(self.parts[0])] = False
        return found

    def read(self, rows: IntArray) -> Image:
        """(len(rows), S, S, 3) uint8 RGB."""
        side = self.parts[0].side_px
        out = np.empty((len(rows), side, side, 3), dtype=np.uint8)
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(owners):
            mine = owners == number
            out[mine] = self.parts[number].read(rows[mine] - self._starts[number])
        return out
