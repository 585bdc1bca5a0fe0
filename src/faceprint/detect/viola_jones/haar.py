"""The Haar-like features of the paper: sums over rectangles side by side, subtracted from each other.

Viola, Jones, "Robust Real-Time Face Detection", IJCV 2004, section 2. All cells of a feature are of one size.
The dark cell in the middle of three counts twice, so that an evenly lit window answers 0 to every feature.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.integral import Sums
from faceprint.types import FloatArray

__all__ = [
    "FEATURE_KINDS",
    "WINDOW_PX",
    "Feature",
    "FeatureTable",
    "enumerate_features",
    "responses",
    "table_of",
]

WINDOW_PX: Final = 24
"""Side of the window that the paper trains on."""

FEATURE_KINDS: Final[Mapping[str, tuple[tuple[int, ...], ...]]] = MappingProxyType(
    {
        "edge-vertical": ((1, -1),),
        "edge-horizontal": ((1,), (-1,)),
        "line-vertical": ((1, -2, 1),),
        "line-horizontal": ((1,), (-2,), (1,)),
        "checker": ((1, -1), (-1, 1)),
    }
)
"""The five kinds: by which each cell counts, row by row. "vertical" says how the edge or line runs."""

_NAMES: Final = tuple(FEATURE_KINDS)
_CORNERS: Final = 9
"""The most look-ups that a feature takes: three rows of three corners."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature in the window.

    Attributes:
        kind: One of `FEATURE_KINDS`.
        x: Left edge, pixels of the window.
        y: Top edge.
        width: Of the whole feature, all cells together.
        height: Likewise.
    """

    kind: str
    x: int
    y: int
    width: int
    height: int

    def cells(self) -> tuple[tuple[int, int, int, int, int], ...]:
        """Its rectangles: left, top, width, height, and by what their sum counts."""
        weights = FEATURE_KINDS[self.kind]
        wide, high = self.width // len(weights[0]), self.height // len(weights)
        return tuple(
            (self.x + column * wide, self.y + row * high, wide, high, weight)
            for row, line in enumerate(weights)
            for column, weight in enumerate(line)
        )


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Many features as arrays.

    Attributes:
        side_px: Side of the window.
        kinds: (F,) uint8, places in `FEATURE_KINDS`.
        places: (F, 4) int16: x, y, width, height, as in `Feature`.
    """

    side_px: int
    kinds: npt.NDArray[np.uint8]
    places: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.kinds)

    def feature(self, index: int) -> Feature:
        """One of them."""
        x, y, width, height = (int(one) for one in self.places[index])
        return Feature(_NAMES[self.kinds[index]], x, y, width, height)

    def part(self, rows: npt.NDArray[np.integer]) -> FeatureTable:
        """Some of them."""
        return FeatureTable(self.side_px, self.kinds[rows], self.places[rows])

    def counts(self) -> dict[str, int]:
        """How many there are of each kind."""
        found = np.bincount(self.kinds, minlength=len(_NAMES))
        return {name: int(count) for name, count in zip(_NAMES, found, strict=True)}

    @cached_property
    def corners(self) -> npt.NDArray[np.int16]:
        """Rows and columns of the integral image that are looked up: (F, 9, 2) int16, padded with 0."""
        return self._lookups[0]

    @cached_property
    def weights(self) -> npt.NDArray[np.int8]:
        """By what each of them counts: (F, 9) int8, padded with 0."""
        return self._lookups[1]

    @cached_property
    def _lookups(self) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.int8]]:
        corners = np.zeros((len(self), _CORNERS, 2), dtype=np.int16)
        weights = np.zeros((len(self), _CORNERS), dtype=np.int8)
        for index, name in enumerate(_NAMES):
            rows = np.flatnonzero(self.kinds == index)
            x, y, width, height = self.places[rows].astype(np.int16).T
            for slot, (down, across, weight) in enumerate(_corner_weights(name)):
                cells = FEATURE_KINDS[name]
                corners[rows, slot, 0] = y + down * (height // len(cells))
                corners[rows, slot, 1] = x + across * (width // len(cells[0]))
                weights[rows, slot] = weight
        return corners, weights


def table_of(features: Sequence[Feature], side_px: int = WINDOW_PX) -> FeatureTable:
    """Features as a table, in their order."""
    places = [(one.x, one.y, one.width, one.height) for one in features]
    return FeatureTable(
        side_px,
        np.array([_NAMES.index(one.kind) for one in features], dtype=np.uint8),
        np.array(places, dtype=np.int16).reshape(-1, 4),
    )


def enumerate_features(
    side_px: int = WINDOW_PX, kinds: Sequence[str] = tuple(FEATURE_KINDS)
) -> FeatureTable:
    """Every feature of some kinds at every place and size of the window.

    Args:
        side_px: Side of the window.
        kinds: Of `FEATURE_KINDS`.

    Returns:
        For all five kinds and 24 pixels 162,336 of them.

    >>> enumerate_features().counts()["checker"]
    20736
    """
    found, names = [], []
    for kind in kinds:
        cells = FEATURE_KINDS[kind]
        spans = [
            np.array(
                [
                    (start, length)
                    for length in range(count, side_px + 1, count)
                    for start in range(side_px - length + 1)
                ],
                dtype=np.int16,
            ).reshape(-1, 2)
            for count in (len(cells[0]), len(cells))
        ]
        across, down = (
            grid.ravel() for grid in np.meshgrid(*(np.arange(len(span)) for span in spans))
        )
        horizontal, vertical = spans[0][across], spans[1][down]
        places = np.stack(
            [horizontal[:, 0], vertical[:, 0], horizontal[:, 1], vertical[:, 1]], axis=1
        )
        found.append(places)
        names.append(np.full(len(places), _NAMES.index(kind), dtype=np.uint8))
    return FeatureTable(side_px, np.concatenate(names), np.concatenate(found))


def responses(table: FeatureTable, windows: Sums, scales: FloatArray) -> FloatArray:
    """What each feature answers in each window, in grey levels times pixels, for a deviation of 1.

    Args:
        table: F features.
        windows: (N, side + 1, side + 1) int32, the windows' integral images.
        scales: (N,) float32, one over the deviation of each window: see `inverse_deviations`.

    Returns:
        (N, F) float32.
    """
    flat = windows.reshape(len(windows), -1)
    places = table.corners[..., 0].astype(np.intp) * (table.side_px + 1) + table.corners[..., 1]
    raw = np.zeros((len(windows), len(table)), dtype=np.int32)
    for slot in range(_CORNERS):
        raw += flat[:, places[:, slot]] * table.weights[:, slot].astype(np.int32)
    scaled: FloatArray = raw.astype(np.float32) * scales[:, None]
    return scaled


def _corner_weights(kind: str) -> list[tuple[int, int, int]]:
    """Corners of a kind's cells as (row, column, weight); those that cancel out are left out.

    The sum over a cell is its corners with signs, so that neighbouring cells share corners.
    """
    cells = np.array(FEATURE_KINDS[kind])
    padded = np.pad(cells, 1)
    found = padded[:-1, :-1] - padded[:-1, 1:] - padded[1:, :-1] + padded[1:, 1:]
    return [(int(row), int(column), int(found[row, column])) for row, column in np.argwhere(found)]
