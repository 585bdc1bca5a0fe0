"""Where one shot of a video ends and the next begins."""

from __future__ import annotations

import cv2
import numpy as np

from faceprint.types import FloatArray, Image

__all__ = ["CutDetector"]

_SIZE = (64, 36)
_LIKE = 0.5
"""Correlation of two frames below which nothing stayed in its place."""

_COLOURS_MOVED = 0.15
"""Share of the picture whose colour must have gone elsewhere: a fast pan keeps its colours."""

_FLAT = 3.0
"""Standard deviation, in grey levels, below which a frame shows nothing."""

_BINS = (8, 4, 4)


class CutDetector:
    """Tells a cut from movement, frame by frame.

    Two neighbouring frames of one shot have their light and dark in the same places, whatever the
    movement; the correlation of their brightness says so, and does not mind a flash or a fade. At a cut
    it falls, and the colours change too.
    """

    def __init__(self) -> None:
        self._grey: FloatArray | None = None
        self._colours: FloatArray | None = None

    def is_cut(self, pixels: Image) -> bool:
        """Whether this frame is the first of a new shot; frames are given in order.

        Args:
            pixels: (H, W, 3) uint8 RGB, of any size.
        """
        small = cv2.resize(pixels, _SIZE, interpolation=cv2.INTER_AREA)
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
        grey -= grey.mean()
        colours = _histogram(np.asarray(small, dtype=np.uint8))
        before, colours_before = self._grey, self._colours
        self._grey, self._colours = grey, colours
        if before is None or colours_before is None:
            return False
        moved = float(np.abs(colours - colours_before).sum()) / 2
        return moved > _COLOURS_MOVED and _correlation(before, grey) < _LIKE


def _histogram(small: Image) -> FloatArray:
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV)
    ranges = [0, 180, 0, 256, 0, 256]
    counts = cv2.calcHist([hsv], [0, 1, 2], None, list(_BINS), ranges)
    return np.asarray(counts / counts.sum(), dtype=np.float32)


def _correlation(a: FloatArray, b: FloatArray) -> float:
    """Of two frames with mean 0; 1 where both are flat, 0 where one is."""
    spread_a, spread_b = float(a.std()), float(b.std())
    if min(spread_a, spread_b) < _FLAT:
        return 1.0 if max(spread_a, spread_b) < _FLAT else 0.0
    return float((a * b).mean()) / (spread_a * spread_b)
