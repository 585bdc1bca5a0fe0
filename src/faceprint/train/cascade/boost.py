"""AdaBoost over decision stumps, as in the paper's table 1: exact thresholds, by sorted responses."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.cascade import Stump
from faceprint.detect.viola_jones.haar import FeatureTable
from faceprint.detect.viola_jones.integral import Grey, inverse_deviations, squared_sums, summed
from faceprint.train.cascade.kernels import best_cuts, transposed_responses
from faceprint.types import FloatArray

__all__ = ["MOST_WINDOWS", "Booster", "WindowSums", "best_threshold", "window_sums"]

MOST_WINDOWS: Final = 2**15 - 1
"""Windows of a stage: their numbers share 16 bits with a mark."""

_CUT: Final = np.uint16(0x8000)
_CHUNK: Final = 128
"""Features that are sorted at a time; their keys then stay near the processor."""
_PARTS: Final = 4
_LEAST_ERROR: Final = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class WindowSums:
    """Windows as training looks at them.

    Attributes:
        columns: ((side + 1)^2, N) int32, flat integral images as columns.
        scales: (N,) float32, one over the deviation of each.
    """

    columns: npt.NDArray[np.int32]
    scales: FloatArray

    def __len__(self) -> int:
        return len(self.scales)

    def responses(self, table: FeatureTable) -> FloatArray:
        """What F features answer in them: (F, N) float32."""
        out = np.empty((len(table), len(self)), dtype=np.float32)
        places = (
            table.corners[..., 0].astype(np.int64) * (table.side_px + 1) + table.corners[..., 1]
        )
        counts = np.count_nonzero(table.weights, axis=1).astype(np.int64)
        weights = table.weights.astype(np.int32)
        transposed_responses(self.columns, self.scales, places, weights, counts, out)
        return out


def window_sums(windows: Grey) -> WindowSums:
    """Integral images and deviations of (N, S, S) uint8 windows."""
    side = windows.shape[1]
    sums, squares = summed(windows), squared_sums(windows)
    scales = inverse_deviations(sums, squares, side)[:, 0, 0]
    columns = np.ascontiguousarray(sums.reshape(len(windows), (side + 1) ** 2).T)
    return WindowSums(columns, np.ascontiguousarray(scales))


class Booster:
    """Chooses one stump after the other.

    Weights begin as 1/2m for each of m faces and 1/2l for each of l backgrounds; after each stump with the
    error e, those that it got right are multiplied by beta = e / (1 - e), and its yes counts
    alpha = log(1 / beta).

    Args:
        table: Features to choose from.
        faces: Windows of faces.
        backgrounds: Windows of anything else.
        threads: That sort and search.

    Raises:
        ValueError: There are more windows than 32,767, or none of one sort.
    """

    def __init__(
        self, table: FeatureTable, faces: WindowSums, backgrounds: WindowSums, *, threads: int = 2
    ) -> None:
        counts = len(faces), len(backgrounds)
        if min(counts) < 1 or sum(counts) > MOST_WINDOWS:
            raise ValueError(
                f"expected faces and backgrounds, at most {MOST_WINDOWS}, got {counts}"
            )
        self._table = table
        self._threads = threads
        self._windows = WindowSums(
            np.concatenate([faces.columns, backgrounds.columns], axis=1),
            np.concatenate([faces.scales, backgrounds.scales]),
        )
        self.labels = np.repeat([True, False], counts)
        self.weights = np.repeat([0.5 / count for count in counts], counts)
        self._orders = np.empty((len(table), sum(counts)), dtype=np.uint16)
        self._side_by_side(self._sort)

    def add(self) -> Stump:
        """The stump with the smallest error under the weights as they are, which it then changes.

        Raises:
            ValueError: No feature tells faces from backgrounds.
        """
        self.weights /= self.weights.sum()
        row = self._best_row()
        response = self._windows.responses(self._table.part(np.array([row])))[0]
        threshold, polarity, error = best_threshold(response, self.labels, self.weights)
        if not error < 0.5:
            raise ValueError("no feature tells faces from backgrounds")
        beta = max(error, _LEAST_ERROR) / (1 - max(error, _LEAST_ERROR))
        right = (polarity * response < polarity * np.float32(threshold)) == self.labels
        self.weights[right] *= beta
        return Stump(
            self._table.feature(row), threshold, polarity, float(np.log(1 / beta)), float(error)
        )

    def _best_row(self) -> int:
        signed = np.zeros(2**15)
        signed[: len(self.weights)] = np.where(self.labels, self.weights, -self.weights)
        highest, lowest = np.empty(len(self._table)), np.empty(len(self._table))

        def search(rows: slice) -> None:
            best_cuts(self._orders[rows], signed, highest[rows], lowest[rows])

        self._side_by_side(search)
        of_faces = self.weights[self.labels].sum()
        of_backgrounds = self.weights[~self.labels].sum()
        return int(np.argmin(np.minimum(of_faces - highest, of_backgrounds + lowest)))

    def _sort(self, rows: slice) -> None:
        """Fills in the orders of some features."""
        for start in range(rows.start, rows.stop, _CHUNK):
            some = np.arange(start, min(start + _CHUNK, rows.stop))
            # Sorted as whole numbers, floats need their negative half turned round; adding 0 makes -0 to 0.
            bits = (self._windows.responses(self._table.part(some)) + np.float32(0)).view(np.int32)
            ranks = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).astype(np.int64)
            keys = ranks << 16 | np.arange(len(self._windows))
            keys.sort(axis=1)
            orders = (keys & 0xFFFF).astype(np.uint16)
            orders[:, :-1] |= np.where(np.diff(keys >> 16) > 0, _CUT, np.uint16(0))
            self._orders[some] = orders

    def _side_by_side(self, work: Callable[[slice], None]) -> None:
        # More parts than threads: one that is held up leaves the rest to the others.
        edges = np.linspace(0, len(self._table), _PARTS * self._threads + 1).astype(int).tolist()
        parts = [slice(a, b) for a, b in pairwise(edges) if a < b]
        with ThreadPoolExecutor(self._threads) as threads:
            for _ in threads.map(work, parts):
                pass


def best_threshold(
    response: FloatArray, labels: npt.NDArray[np.bool_], weights: npt.NDArray[np.float64]
) -> tuple[float, int, float]:
    """The threshold and polarity of one feature with the smallest weighted error.

    Args:
        response: (N,) float32.
        labels: (N,) whether each is a face.
        weights: (N,) float64, which add up to 1.

    Returns:
        The threshold, halfway between two responses; the polarity, 1 where faces lie below it and -1 where
        they lie above; the error. Where all responses are the same, 0, 1 and 0.5.
    """
    order = np.argsort(response, kind="stable")
    ordered = response[order]
    sums = np.cumsum(np.where(labels, weights, -weights)[order])
    cuts = np.flatnonzero(ordered[1:] > ordered[:-1])
    if not len(cuts):
        return 0.0, 1, 0.5
    below = weights[labels].sum() - sums[cuts]
    above = weights[~labels].sum() + sums[cuts]
    polarity = 1 if below.min() <= above.min() else -1
    errors = below if polarity == 1 else above
    cut = cuts[np.argmin(errors)]
    low, high = ordered[cut], ordered[cut + 1]
    middle = low + (high - low) / np.float32(2)
    if not low < middle < high:
        middle = high if polarity == 1 else low
    return float(middle), polarity, float(max(errors.min(), 0.0))
