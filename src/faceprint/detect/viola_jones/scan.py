"""A cascade at every place and size of a photo, in NumPy.

The photo is shrunk step by step, and each of its sizes scanned with windows of the size that was trained on.
The first stage looks at all places at once, in whole shifted images; the next ones at the places that are
left; and the last ones, with their many features, at the pixels of the few windows that remain, as one matrix
product, which gives the same sums.
"""

from __future__ import annotations

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

_EARLY_STUMPS: Final = 160
"""Stages are judged place by place as long as they have no more stumps together."""
_DECIDE_EVERY: Final = 3
"""So many stumps after each other, places whose stage is decided by then are taken out."""
_CUT_AT_ONCE: Final = 4096
_ROUNDING: Final = 1e-6

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
class _Sheet:
    """The photo at all sizes, one below the other, so that a window's look-ups lie alike in all of them.

    Attributes:
        grey: (R, C) uint8.
        sums: (R, C) int32, the integral image of each size.
        tops: (L,) where each size begins.
        pixels: (L, 2) how many pixels of the photo one of each size is, across and down.
        sizes: (L, 2) int64, height and width.
    """

    grey: Grey
    sums: Sums
    tops: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]


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
        if min(grey.shape) / self._smallest < self._lookups.side_px:
            nothing = np.zeros((0, 4), dtype=np.float32)
            return Passed(nothing, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.float32))
        early = max(1, min(self._early, self.stages - missed))
        sheet = self._sheet(grey)
        places, scales = self._first_stage(sheet)
        for stage in range(1, early):
            kept = self._passing(sheet, places, scales, stage)
            places, scales = places[kept], scales[kept]
        stages = np.full(len(places), early, dtype=np.int64)
        margins = np.zeros(len(places), dtype=np.float32)
        for start in range(0, len(places), _CUT_AT_ONCE):
            part = slice(start, start + _CUT_AT_ONCE)
            pixels = self._cut(sheet, places[part])
            self._finish(pixels, scales[part], early, stages[part], margins[part])
        kept = np.flatnonzero(stages >= max(self.stages - missed, 1))
        return Passed(self._windows(sheet, places[kept]), stages[kept], margins[kept])

    def _sheet(self, grey: Grey) -> _Sheet:
        height, width = grey.shape
        sizes, scale = [], self._smallest
        while min(height, width) / scale >= self._lookups.side_px:
            sizes.append((int(height / scale), int(width / scale)))
            scale *= self._scale
        heights = np.array([size[0] + 1 for size in sizes])
        tops = np.cumsum([0, *heights])
        shape = (int(tops[-1]), sizes[0][1] + 1)
        levels, sums = np.zeros(shape, dtype=np.uint8), np.zeros(shape, dtype=np.int32)
        for top, (high, wide) in zip(tops.tolist(), sizes, strict=False):
            small = grey
            if (high, wide) != grey.shape:
                small = np.asarray(
                    cv2.resize(grey, (wide, high), interpolation=cv2.INTER_AREA), dtype=np.uint8
                )
            levels[top : top + high, :wide] = small
            sums[top : top + high + 1, : wide + 1] = summed(small)
        shapes = np.array(sizes, dtype=np.int64)
        return _Sheet(levels, sums, tops[:-1], np.array([width, height]) / shapes[:, ::-1], shapes)

    def _first_stage(self, sheet: _Sheet) -> tuple[_Rows, FloatArray]:
        """Where windows pass the first stage, as places in the flat sheet, and one over their deviations."""
        side, step, columns = self._lookups.side_px, self._step, sheet.sums.shape[1]
        places, kept = [], []
        for top, (high, wide) in zip(sheet.tops.tolist(), sheet.sizes.tolist(), strict=True):
            sums = sheet.sums[top : top + high + 1, : wide + 1]
            squares = squared_sums(sheet.grey[top : top + high, :wide])
            scales = inverse_deviations(sums, squares, side, step=step)
            rows, across = np.nonzero(self._votes(sums, scales) >= self._lookups.limits[0])
            places.append((rows * step + top) * columns + across * step)
            kept.append(scales[rows, across])
        return np.concatenate(places), np.concatenate(kept)

    def _votes(self, sums: Sums, scales: FloatArray) -> npt.NDArray[np.float64]:
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
            votes += self._yes(raw, scales, stump) * look.alphas[stump]
        return votes

    def _passing(self, sheet: _Sheet, places: _Rows, scales: FloatArray, stage: int) -> _Rows:
        """Which of some places pass one of the early stages, in their order."""
        look = self._lookups
        flat, offsets = sheet.sums.ravel(), look.offsets(sheet.sums.shape[1])
        first, last = int(look.starts[stage]), int(look.starts[stage + 1])
        to_come = float(look.alphas[first:last].sum())
        rows, votes = np.arange(len(places)), np.zeros(len(places), dtype=np.float64)
        passed = np.zeros(len(places), dtype=np.bool_)
        for stump in range(first, last):
            raw = np.zeros(len(places), dtype=np.int32)
            for slot in range(look.counts[stump]):
                seen = flat.take(places + offsets[stump, slot])
                _add(raw, seen, int(look.weights[stump, slot]))
            votes += self._yes(raw, scales, stump) * look.alphas[stump]
            to_come -= float(look.alphas[stump])
            if stump + 1 == last or (stump + 1 - first) % _DECIDE_EVERY == 0:
                enough = votes >= look.limits[stage]
                passed[rows[enough]] = True
                # Less than the slack that thresholds have: rounding decides nothing.
                left = np.flatnonzero(~enough & (votes + to_come >= look.limits[stage] - _ROUNDING))
                rows, votes = rows.take(left), votes.take(left)
                places, scales = places.take(left), scales.take(left)
        return np.flatnonzero(passed)

    def _yes(
        self, raw: npt.NDArray[np.int32], scales: FloatArray, stump: int
    ) -> npt.NDArray[np.bool_]:
        response, threshold = raw.astype(np.float32), self._lookups.thresholds[stump]
        response *= scales
        found: npt.NDArray[np.bool_] = (
            response < threshold if self._lookups.polarities[stump] > 0 else response > threshold
        )
        return found

    def _cut(self, sheet: _Sheet, places: _Rows) -> FloatArray:
        """The pixels of windows, one row each."""
        side = self._lookups.side_px
        rows, columns = np.divmod(places, sheet.sums.shape[1])
        views = np.lib.stride_tricks.sliding_window_view(sheet.grey, (side, side))
        return views[rows, columns].reshape(-1, side * side).astype(np.float32)

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
            part = slice(int(look.starts[stage]), int(look.starts[stage + 1]))
            # Whole numbers below 2^24: exact in any order, also as float32.
            response = (pixels @ self._matrix[:, part]) * scales[:, None]
            yes = look.polarities[part] * response < look.polarities[part] * look.thresholds[part]
            votes = yes @ look.alphas[part]
            passing = np.flatnonzero(votes >= look.limits[stage])
            rows, pixels, scales = rows[passing], pixels[passing], scales[passing]
            stages[rows] = stage + 1
            if not len(rows):
                return
        limit, most = look.limits[-1], look.alphas[part].sum()
        margins[rows] = (votes[passing] - limit) / max(most - limit, _ROUNDING)

    def _windows(self, sheet: _Sheet, places: _Rows) -> FloatArray:
        """Places as windows of the photo."""
        rows, columns = np.divmod(places, sheet.sums.shape[1])
        level = np.searchsorted(sheet.tops, rows, side="right") - 1
        corners = np.stack([columns, rows - sheet.tops[level]], axis=1)
        both = np.concatenate([corners, corners + self._lookups.side_px], axis=1)
        windows: FloatArray = (both * np.tile(sheet.pixels[level], 2)).astype(np.float32)
        return windows


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
