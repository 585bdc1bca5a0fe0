"""A cascade at every place and size of a photo, in NumPy.

The photo is shrunk step by step, and each of its sizes scanned with windows of the size that was trained on.
The first stage looks at all places at once, in whole shifted images; the next ones at the places that are
left; and the last ones, with their many features, at the pixels of the few windows that remain, as one matrix
product, which gives the same sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.detect.viola_jones.integral import (
    Grey,
    Sums,
    inverse_deviations,
    squared_sums,
    summed,
)
from faceprint.detect.viola_jones.lookups import Lookups, look_up
from faceprint.types import FloatArray

__all__ = ["Passed", "Scanner"]

_EARLY_STUMPS: Final = 45
"""Stages are judged place by place as long as they have no more stumps together."""
_CUT_AT_ONCE: Final = 4096

_Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Passed:
    """The windows that passed.

    Attributes:
        windows: (N, 4) float32 pixels of the photo.
        stages: (N,) int64, how many stages each passed.
        margins: (N,) float32, 0 to 1: how far its yeses lie above the threshold of the last stage, as a share
            of what they could; 0 for those that did not pass all stages.
    """

    windows: FloatArray
    stages: npt.NDArray[np.int64]
    margins: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class _Level:
    """The photo at one size; a pixel of it is so many pixels of the photo wide and high."""

    grey: Grey
    across: float
    down: float


@dataclass(frozen=True, slots=True, eq=False)
class _Cut:
    """Windows that passed the early stages."""

    pixels: Grey
    scales: FloatArray
    windows: FloatArray


class Scanner:
    """A cascade, ready to scan.

    Args:
        cascade: With at least one stage.
        scale: From one size of windows to the next.
        step: Pixels of the shrunk photo from window to window.
        smallest_px: The smallest windows, pixels of the photo; no smaller than those trained on.
    """

    def __init__(
        self, cascade: Cascade, *, scale: float = 1.2, step: int = 1, smallest_px: float = 24.0
    ) -> None:
        self._lookups = look_up(cascade)
        self._scale = scale
        self._step = step
        self._smallest = max(smallest_px, cascade.side_px) / cascade.side_px
        self._early = _early_stages(self._lookups)
        self._matrix = _pixel_weights(cascade)
        self.stages = len(cascade.stages)

    def scan(self, grey: Grey, *, missed: int = 0) -> Passed:
        """The windows of a photo that pass all stages, or all but the last few.

        Args:
            grey: (H, W) uint8; one smaller than a window has none.
            missed: How many of the last stages need not be passed.
        """
        early = max(1, min(self._early, self.stages - missed))
        cut = [self._early_windows(level, early) for level in self._levels(grey)]
        side = self._lookups.side_px
        if not cut:
            nothing = np.zeros((0, 4), dtype=np.float32)
            return Passed(nothing, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
        pixels = np.concatenate([one.pixels for one in cut])
        scales = np.concatenate([one.scales for one in cut])
        windows = np.concatenate([one.windows for one in cut])
        stages = np.full(len(pixels), early, dtype=np.int64)
        margins = np.zeros(len(pixels), dtype=np.float32)
        for start in range(0, len(pixels), _CUT_AT_ONCE):
            part = slice(start, start + _CUT_AT_ONCE)
            flat = pixels[part].reshape(-1, side * side).astype(np.float32)
            self._finish(flat, scales[part], early, stages[part], margins[part])
        kept = stages >= max(self.stages - missed, 1)
        return Passed(windows[kept], stages[kept], margins[kept])

    def _levels(self, grey: Grey) -> Iterator[_Level]:
        height, width = grey.shape
        scale = self._smallest
        while min(height, width) / scale >= self._lookups.side_px:
            size = (int(width / scale), int(height / scale))
            small = grey
            if size != (width, height):
                small = np.asarray(
                    cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8
                )
            yield _Level(small, width / size[0], height / size[1])
            scale *= self._scale

    def _early_windows(self, level: _Level, early: int) -> _Cut:
        """What passes so many early stages at one size."""
        sums, side, step = summed(level.grey), self._lookups.side_px, self._step
        scales = inverse_deviations(sums, squared_sums(level.grey), side, step=step)
        rows, columns = np.nonzero(self._dense_votes(sums, scales) >= self._lookups.limits[0])
        scales = scales[rows, columns]
        rows, columns = rows * step, columns * step
        places = rows * sums.shape[1] + columns
        flat, offsets = sums.ravel(), self._lookups.offsets(sums.shape[1])
        for stage in range(1, early):
            passing = self._sparse_votes(flat, offsets, places, scales, stage)
            kept = np.flatnonzero(passing >= self._lookups.limits[stage])
            places, scales = places[kept], scales[kept]
        rows, columns = np.divmod(places, sums.shape[1])
        views = np.lib.stride_tricks.sliding_window_view(level.grey, (side, side))
        corners = np.stack([columns, rows, columns + side, rows + side], axis=1)
        to_photo = np.array([level.across, level.down] * 2)
        return _Cut(views[rows, columns], scales, (corners * to_photo).astype(np.float32))

    def _dense_votes(self, sums: Sums, scales: FloatArray) -> npt.NDArray[np.float64]:
        """What each window of a picture reaches in the first stage."""
        look, step = self._lookups, self._step
        height, width = (length - look.side_px for length in sums.shape)
        votes = np.zeros(scales.shape, dtype=np.float64)
        for stump in range(look.starts[1]):
            raw = np.zeros(scales.shape, dtype=np.int32)
            for slot in range(look.counts[stump]):
                row, column = (int(one) for one in look.corners[stump, slot])
                seen = sums[row : row + height : step, column : column + width : step]
                _add(raw, seen, int(look.weights[stump, slot]))
            votes += self._yes(raw.astype(np.float32) * scales, stump) * look.alphas[stump]
        return votes

    def _sparse_votes(
        self, flat: Sums, offsets: _Rows, places: _Rows, scales: FloatArray, stage: int
    ) -> npt.NDArray[np.float64]:
        """What the windows at some places reach in one of the early stages."""
        look = self._lookups
        votes = np.zeros(len(places), dtype=np.float64)
        for stump in range(look.starts[stage], look.starts[stage + 1]):
            raw = np.zeros(len(places), dtype=np.int32)
            for slot in range(look.counts[stump]):
                seen = flat.take(places + offsets[stump, slot])
                _add(raw, seen, int(look.weights[stump, slot]))
            votes += self._yes(raw.astype(np.float32) * scales, stump) * look.alphas[stump]
        return votes

    def _yes(self, response: FloatArray, stump: int) -> npt.NDArray[np.bool_]:
        threshold = self._lookups.thresholds[stump]
        found: npt.NDArray[np.bool_] = (
            response < threshold if self._lookups.polarities[stump] > 0 else response > threshold
        )
        return found

    def _finish(
        self,
        pixels: FloatArray,
        scales: FloatArray,
        early: int,
        stages: npt.NDArray[np.int64],
        margins: FloatArray,
    ) -> None:
        """Judges cut windows by the other stages; `stages` and `margins` are written."""
        look = self._lookups
        rows = np.arange(len(pixels))
        # The last one is judged again where it is among the early ones, for the sake of its margins.
        for stage in range(min(early, self.stages - 1), self.stages):
            if not len(rows):
                return
            part = slice(int(look.starts[stage]), int(look.starts[stage + 1]))
            # Whole numbers below 2^24: exact in any order, also as float32.
            response = (pixels[rows] @ self._matrix[:, part]) * scales[rows, None]
            yes = look.polarities[part] * response < look.polarities[part] * look.thresholds[part]
            votes = yes @ look.alphas[part]
            passing = votes >= look.limits[stage]
            rows, votes = rows[passing], votes[passing]
            stages[rows] = stage + 1
            if stage + 1 == self.stages:
                limit, most = look.limits[stage], look.alphas[part].sum()
                margins[rows] = (votes - limit) / max(most - limit, 1e-6)


def _early_stages(look: Lookups) -> int:
    """How many stages are judged place by place: at least the first, and all but the last at most."""
    few = int(np.searchsorted(look.starts[1:], _EARLY_STUMPS, side="right"))
    return max(1, min(few, len(look.limits) - 1))


def _pixel_weights(cascade: Cascade) -> FloatArray:
    """By what each pixel of a window counts for each stump: (side^2, K) float32."""
    side, stumps = cascade.side_px, cascade.stumps
    counts = np.zeros((len(stumps), side, side), dtype=np.float32)
    for image, stump in zip(counts, stumps, strict=True):
        for x, y, width, height, weight in stump.feature.cells():
            image[y : y + height, x : x + width] = weight
    return np.ascontiguousarray(counts.reshape(len(stumps), -1).T)


def _add(total: npt.NDArray[np.int32], seen: npt.NDArray[np.int32], weight: int) -> None:
    """Adds something so many times; most weights are 1 or -1, which need no product."""
    if weight == 1:
        total += seen
    elif weight == -1:
        total -= seen
    else:
        total += seen * np.int32(weight)
