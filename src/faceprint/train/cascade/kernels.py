"""The inner loops of cascade training, compiled by Numba. Needs the extra `train`.

All of them give up the interpreter's lock, so that threads run them side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.integral import Sums
from faceprint.types import FloatArray

__all__ = ["best_cuts", "judge_windows", "scan_level", "transposed_responses"]

Function = TypeVar("Function", bound=Callable[..., object])

_Ints = npt.NDArray[np.int64]
_Doubles = npt.NDArray[np.float64]


def _compiled(function: Function) -> Function:
    return cast(Function, numba.njit(cache=True, nogil=True)(function))


@_compiled
def transposed_responses(
    windows: npt.NDArray[np.int32],
    scales: FloatArray,
    places: npt.NDArray[np.int64],
    weights: npt.NDArray[np.int32],
    counts: _Ints,
    out: FloatArray,
) -> None:
    """The answers of F features in N windows, as `faceprint.detect.viola_jones.haar.responses`.

    Args:
        windows: (P, N) int32, flat integral images as columns.
        scales: (N,) float32, one over each window's deviation.
        places: (F, 9) int64, rows of `windows`.
        weights: (F, 9) int32.
        counts: (F,) int64, how many of them count.
        out: (F, N) float32, written.
    """
    raw = np.empty(windows.shape[1], dtype=np.int32)
    for row in range(places.shape[0]):
        raw[:] = 0
        for slot in range(counts[row]):
            raw += weights[row, slot] * windows[places[row, slot]]
        for column in range(raw.shape[0]):
            out[row, column] = np.float32(raw[column]) * scales[column]


@_compiled
def best_cuts(
    orders: npt.NDArray[np.uint16],
    signed: _Doubles,
    highest: _Doubles,
    lowest: _Doubles,
) -> None:
    """How far the running sum of signed weights gets, along the windows sorted by each feature.

    A stump that takes the windows up to a cut for faces errs by the weight of the faces less that sum, and
    one that takes those after it, by the weight of the backgrounds plus that sum.

    Args:
        orders: (F, N) uint16, windows by rising response; the top bit says that the next one's response is
            larger, so that a threshold fits between.
        signed: (32768,) float64, weights of the windows: faces as they are, backgrounds negative.
        highest: (F,) float64, written: the largest sum at a cut; -inf where there is none.
        lowest: (F,) float64, written: the smallest; inf where there is none.
    """
    end = orders.shape[0] - 1
    # Four features side by side: each sum waits for its last addition, and the others fill the time.
    for row in range(0, orders.shape[0], 4):
        second, third, fourth = min(row + 1, end), min(row + 2, end), min(row + 3, end)
        one, two, three, four = orders[row], orders[second], orders[third], orders[fourth]
        a = b = c = d = 0.0
        high_a = high_b = high_c = high_d = -np.inf
        low_a = low_b = low_c = low_d = np.inf
        for place in range(orders.shape[1]):
            a += signed[one[place] & 0x7FFF]
            if one[place] & 0x8000:
                high_a, low_a = max(high_a, a), min(low_a, a)
            b += signed[two[place] & 0x7FFF]
            if two[place] & 0x8000:
                high_b, low_b = max(high_b, b), min(low_b, b)
            c += signed[three[place] & 0x7FFF]
            if three[place] & 0x8000:
                high_c, low_c = max(high_c, c), min(low_c, c)
            d += signed[four[place] & 0x7FFF]
            if four[place] & 0x8000:
                high_d, low_d = max(high_d, d), min(low_d, d)
        highest[row], lowest[row] = high_a, low_a
        highest[second], lowest[second] = high_b, low_b
        highest[third], lowest[third] = high_c, low_c
        highest[fourth], lowest[fourth] = high_d, low_d


@_compiled
def _stage_margin(
    flat: npt.NDArray[np.int32],
    base: int,
    scale: np.float32,
    offsets: _Ints,
    weights: npt.NDArray[np.int32],
    counts: _Ints,
    thresholds: FloatArray,
    polarities: FloatArray,
    alphas: _Doubles,
    first: int,
    last: int,
) -> float:
    votes = 0.0
    for stump in range(first, last):
        raw = 0
        for slot in range(counts[stump]):
            raw += weights[stump, slot] * flat[base + offsets[stump, slot]]
        # Sums wrap at 32 bits, and so must what is made of them.
        response = np.float32(np.int32(raw)) * scale
        if polarities[stump] * response < polarities[stump] * thresholds[stump]:
            votes += alphas[stump]
    return votes


@_compiled
def judge_windows(
    flat: npt.NDArray[np.int32],
    scales: FloatArray,
    size: int,
    offsets: _Ints,
    weights: npt.NDArray[np.int32],
    counts: _Ints,
    thresholds: FloatArray,
    polarities: FloatArray,
    alphas: _Doubles,
    starts: _Ints,
    limits: _Doubles,
    passed: npt.NDArray[np.int64],
) -> None:
    """How many stages each window passes before one rejects it; `passed` is (N,) int64, written."""
    for window in range(scales.shape[0]):
        passed[window] = limits.shape[0]
        for stage in range(limits.shape[0]):
            votes = _stage_margin(
                flat,
                window * size,
                scales[window],
                offsets,
                weights,
                counts,
                thresholds,
                polarities,
                alphas,
                starts[stage],
                starts[stage + 1],
            )
            if votes < limits[stage]:
                passed[window] = stage
                break


@_compiled
def scan_level(
    sums: Sums,
    squares: Sums,
    side: int,
    step: int,
    shift_x: int,
    shift_y: int,
    offsets: _Ints,
    weights: npt.NDArray[np.int32],
    counts: _Ints,
    thresholds: FloatArray,
    polarities: FloatArray,
    alphas: _Doubles,
    starts: _Ints,
    limits: _Doubles,
    found: npt.NDArray[np.int64],
) -> int:
    """Finds the windows of one picture that pass all stages.

    Args:
        sums: (H + 1, W + 1) int32.
        squares: Of squared grey levels.
        side: Of the windows.
        step: Pixels from window to window.
        shift_x: Left edge of the first.
        shift_y: Its top edge.
        offsets: And so on: see `faceprint.detect.viola_jones.lookups.Lookups`.
        weights: See there.
        counts: See there.
        thresholds: See there.
        polarities: See there.
        alphas: See there.
        starts: See there.
        limits: See there.
        found: (M, 2) int64, written: left and top edges, as far as they fit.

    Returns:
        How many there are.
    """
    flat = sums.ravel()
    columns = sums.shape[1]
    area = side * side
    count = 0
    for top in range(shift_y, sums.shape[0] - side, step):
        for left in range(shift_x, columns - side, step):
            total = np.int32(
                sums[top + side, left + side]
                - sums[top, left + side]
                - sums[top + side, left]
                + sums[top, left]
            )
            squared = np.int32(
                squares[top + side, left + side]
                - squares[top, left + side]
                - squares[top + side, left]
                + squares[top, left]
            )
            mean = total / area
            variance = squared / area - mean * mean
            scale = np.float32(1.0 / np.sqrt(max(variance, 1.0)))
            face = True
            for stage in range(limits.shape[0]):
                votes = _stage_margin(
                    flat,
                    top * columns + left,
                    scale,
                    offsets,
                    weights,
                    counts,
                    thresholds,
                    polarities,
                    alphas,
                    starts[stage],
                    starts[stage + 1],
                )
                if votes < limits[stage]:
                    face = False
                    break
            if face:
                if count < found.shape[0]:
                    found[count, 0] = left
                    found[count, 1] = top
                count += 1
    return count
