"""An image at many sizes, laid out in one picture, as dlib's CNN detector looks at it.

Each size is five sixths of the one before. The first ones stand below each other, the others beside them
from the bottom up, with a border between them. Sizes, places and resampling are dlib's own, so that the
detector finds what it finds in dlib.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["Tiling", "fill", "lay_out", "resample", "rounded"]

_RATE: Final = 5 / 6
_BACK: Final = 6 / 5
_SHIFT_PX: Final = 0.3
_GAP_PX: Final = 10
_BORDER_PX: Final = 11
_LEAST_HEIGHT_PX: Final = 5
_LANES: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Tiling:
    """Where the sizes of an image lie.

    Attributes:
        places: (K, 4) whole pixels x1 y1 x2 y2 of each size, the largest first; the last pixels belong to it.
        height: Of the whole picture.
        width: Likewise.
    """

    places: npt.NDArray[np.int64]
    height: int
    width: int

    def into_image(self, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Boxes of the picture as boxes of the image, each by the size that its middle lies nearest to.

        Args:
            boxes: (N, 4) pixels of the picture, the last pixels included.

        Returns:
            (N, 4) pixels of the image, likewise.
        """
        middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
        low, high = self.places[None, :, :2], self.places[None, :, 2:]
        away = np.linalg.norm(middles - np.clip(middles, low, high), axis=2)
        levels = away.argmin(axis=1)
        points = boxes.reshape(-1, 2, 2) - self.places[levels, None, :2]
        for level in range(1, len(self.places)):
            # Step by step, as dlib does it: many coordinates come to lie on halves of pixels.
            points = np.where((levels >= level)[:, None, None], points * _BACK + _SHIFT_PX, points)
        return points.reshape(-1, 4)


def lay_out(height: int, width: int) -> Tiling:
    """The layout for an image of some size; both sides at least one pixel."""
    sizes = [(height, width)]
    while True:
        height, width = math.floor(_RATE * height), math.floor(_RATE * width)
        if not height * width or height < _LEAST_HEIGHT_PX:
            break
        sizes.append((height, width))
    column = _column_height(sizes)
    places: list[tuple[int, int, int, int]] = []
    y, whole_width = _BORDER_PX, sizes[0][1]
    for tall, wide in sizes:
        if y >= column + _BORDER_PX:
            break
        places.append((_BORDER_PX, y, _BORDER_PX + wide - 1, y + tall - 1))
        y += tall + _GAP_PX
    y -= _GAP_PX
    for tall, wide in sizes[len(places) :]:
        right = _BORDER_PX + whole_width - 1
        if y - tall <= places[0][3] and right - wide + 1 <= places[0][2]:
            break
        places.append((right - wide + 1, y - tall, right, y - 1))
        y -= tall + _GAP_PX
    border = 2 * _BORDER_PX
    return Tiling(np.array(places), column + border, whole_width + border)


def _column_height(sizes: list[tuple[int, int]]) -> int:
    """How far down the first column goes: until the next size fits beside the last one."""
    first, first_width = sizes[0]
    all_of_them = sum(height + _GAP_PX for height, _ in sizes) - 2 * _GAP_PX
    column, width_before = 0, 0
    for height, width in sizes:
        fits = width <= first_width - width_before - _GAP_PX
        if fits and 2 * (column - first) >= all_of_them - first:
            break
        column += height + _GAP_PX
        width_before = width
    return column - _GAP_PX


def fill(pixels: FloatArray, tiling: Tiling) -> FloatArray:
    """The picture of an image at all sizes.

    Args:
        pixels: (H, W, 3) float32; 0 is what the gaps are filled with.
        tiling: Of its size.

    Returns:
        (tiling.height, tiling.width, 3) float32.
    """
    picture = np.zeros((tiling.height, tiling.width, 3), dtype=np.float32)
    for x1, y1, x2, y2 in tiling.places.tolist():
        if pixels.shape[:2] != (y2 - y1 + 1, x2 - x1 + 1):
            pixels = resample(pixels, height=y2 - y1 + 1, width=x2 - x1 + 1)
        picture[y1 : y2 + 1, x1 : x2 + 1] = pixels
    return picture


def resample(pixels: FloatArray, *, height: int, width: int) -> FloatArray:
    """An image at another size, bilinear, with corner pixels on corner pixels.

    Args:
        pixels: (H, W, 3) float32.
        height: Wanted.
        width: Likewise.

    Returns:
        (height, width, 3) float32.
    """
    scale = (pixels.shape[0] - 1) / max(height - 1, 1)
    rows = np.cumsum(np.full(height, scale)) - scale
    tops = np.floor(rows).astype(np.intp)
    share = (rows - tops).astype(np.float32)[:, None, None]
    bottoms = np.minimum(tops + 1, pixels.shape[0] - 1)
    mixed = pixels[tops] * (1 - share) + pixels[bottoms] * share
    columns = _columns(pixels.shape[1], width)
    lefts = np.floor(columns).astype(np.intp)
    share = (columns - lefts).astype(np.float32)[None, :, None]
    rights = np.minimum(lefts + 1, pixels.shape[1] - 1)
    resampled: FloatArray = mixed[:, lefts] * (1 - share) + mixed[:, rights] * share
    return resampled


def _columns(given: int, wanted: int) -> npt.NDArray[np.float64]:
    """Where each wanted column lies among those given, (wanted,).

    dlib steps through them four at a time in float32, whose errors add up, and takes the last ones singly.
    """
    scale = (given - 1) / max(wanted - 1, 1)
    lanes = np.zeros((wanted // _LANES + 2, _LANES), dtype=np.float32)
    lanes[0] = -_LANES * scale + np.arange(_LANES) * scale
    lanes[1:] = _LANES * scale
    steps = np.cumsum(lanes, axis=0, dtype=np.float32)[1:].astype(np.float64)
    steps = np.maximum(steps, 0)
    (ends,) = np.nonzero(np.trunc(steps[:, -1]) + 1 >= given)
    whole = _LANES * int(ends[0]) if len(ends) else len(steps) * _LANES
    rest = np.arange(whole, wanted) * scale
    columns = np.concatenate([steps.ravel()[:whole], rest])[:wanted]
    limited: npt.NDArray[np.float64] = np.minimum(columns, given - 1)
    return limited


def rounded(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Whole pixels, halves away from zero."""
    whole: npt.NDArray[np.int64] = np.copysign(np.floor(np.abs(boxes) + 0.5), boxes).astype(
        np.int64
    )
    return whole
