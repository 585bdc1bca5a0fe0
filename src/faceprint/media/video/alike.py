"""Leaves out frames that show what the one before showed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from faceprint.media.video.records import Frame
from faceprint.types import FloatArray, Image

__all__ = ["skip_alike"]

_GRID: Final = (64, 36)


def skip_alike(frames: Iterable[Frame], *, min_change: float) -> Iterator[Frame]:
    """Frames that differ from the last one given; the first always is.

    The difference is the mean over a grid of 64 × 36 grey cells, so that noise and compression
    do not count, and a change of the picture does.

    Args:
        frames: In order.
        min_change: From 0 (all but exact repeats) to 1 (black to white); 0.02 drops frames of a
            still scene.

    Raises:
        ValueError: `min_change` lies outside 0 to 1.
    """
    if not 0 <= min_change <= 1:
        raise ValueError(f"A change between frames is a share from 0 to 1, got {min_change:g}.")
    return _differing(frames, min_change)


def _differing(frames: Iterable[Frame], min_change: float) -> Iterator[Frame]:
    given: FloatArray | None = None
    for frame in frames:
        cells = _cells(frame.pixels)
        if given is None or _change(cells, given) > min_change:
            given = cells
            yield frame


def _cells(pixels: Image) -> FloatArray:
    """(36, 64) float32, 0 to 1: mean brightness of each cell."""
    import cv2

    small = cv2.resize(pixels, _GRID, interpolation=cv2.INTER_AREA)
    return (cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) / 255).astype(np.float32)


def _change(a: FloatArray, b: FloatArray) -> float:
    return float(np.abs(a - b).mean())
