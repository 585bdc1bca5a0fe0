"""Integral images: the sum over any rectangle in four look-ups (Viola and Jones 2004, section 2.1).

Sums are kept modulo 2^32, which is enough: differences wrap back as long as a rectangle's own sum fits, and
256 grey levels do up to 8.4 million pixels, their squares up to 33,000.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["Grey", "Sums", "inverse_deviations", "rectangle_sums", "squared_sums", "summed"]

Grey = npt.NDArray[np.uint8]
"""Grey levels: (H, W) uint8."""

Sums = npt.NDArray[np.int32]
"""An integral image: (H + 1, W + 1) int32, modulo 2^32, with a first row and column of zeros."""

_LEAST_DEVIATION = 1.0
"""Grey levels; flatter windows than this are noise, and are not stretched any further."""


def summed(grey: npt.NDArray[np.integer]) -> Sums:
    """The integral image: at (y, x) the sum of all pixels above y and left of x.

    Made in one pass by the paper's pair of recurrences: row sums s(x, y) = s(x - 1, y) + i(x, y), and
    ii(x, y) = ii(x, y - 1) + s(x, y).

    Args:
        grey: (..., H, W) integers; the images of a batch are summed each for itself.

    Returns:
        (..., H + 1, W + 1) int32, modulo 2^32.

    >>> summed(np.array([[1, 2], [3, 4]], dtype=np.uint8)).tolist()
    [[0, 0, 0], [0, 1, 3], [0, 4, 10]]
    """
    *batch, height, width = grey.shape
    sums = np.zeros((*batch, height + 1, width + 1), dtype=np.int32)
    # In place in memory without gaps, NumPy adds several times faster than on the way to another array.
    inner = grey.astype(np.int32)
    np.cumsum(inner, axis=-1, out=inner)
    np.cumsum(inner, axis=-2, out=inner)
    sums[..., 1:, 1:] = inner
    return sums


def squared_sums(grey: Grey) -> Sums:
    """The integral image of the squared grey levels, as `summed`."""
    return summed(np.square(grey, dtype=np.int32))


def rectangle_sums(
    sums: Sums, top: int, left: int, height: int, width: int
) -> npt.NDArray[np.int32]:
    """Sums over the rectangles of one size at one place of each image: (...,) int32."""
    bottom, right = top + height, left + width
    found: npt.NDArray[np.int32] = (
        sums[..., bottom, right]
        - sums[..., top, right]
        - sums[..., bottom, left]
        + sums[..., top, left]
    )
    return found


def inverse_deviations(sums: Sums, squares: Sums, side_px: int, *, step: int = 1) -> FloatArray:
    """What the features of each window are multiplied by: one over the deviation of its grey levels.

    The deviation is that of the paper's section 5.3, sqrt(mean(x^2) - mean(x)^2), and at least 1.

    Args:
        sums: (..., H + 1, W + 1) int32.
        squares: Of the squared grey levels, likewise.
        side_px: Side of the windows.
        step: Pixels from window to window.

    Returns:
        (..., ceil((H - side + 1) / step), ceil((W - side + 1) / step)) float32, 0 to 1; windows in
        reading order.
    """
    area = side_px * side_px
    mean = _window_sums(sums, side_px, step) / area
    variance = _window_sums(squares, side_px, step) / area - mean * mean
    deviation = np.sqrt(np.maximum(variance, _LEAST_DEVIATION**2))
    inverse: FloatArray = (1.0 / deviation).astype(np.float32)
    return inverse


def _window_sums(sums: Sums, side_px: int, step: int) -> npt.NDArray[np.int32]:
    """The sums of all windows, (..., rows, columns)."""
    starts, ends = slice(0, -side_px, step), slice(side_px, None, step)
    found: npt.NDArray[np.int32] = (
        sums[..., ends, ends]
        - sums[..., starts, ends]
        - sums[..., ends, starts]
        + sums[..., starts, starts]
    )
    return found
