"""The square that a cascade sees of a face, and the box that other detectors draw around the same face.

Its window reaches from the forehead to just below the mouth, and sideways to the outline of the face. Boxes
are those of YuNet, which are taller than wide and reach down to the chin: a find of the cascade is given as
such a box, so that it can be compared with the labels and the finds of others.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["box_of", "window_around", "window_of"]

_Exact = npt.NDArray[np.float64]

_SIDE: Final = 2.4
"""Side of the window in spans of a face: the root mean square of the distance between the eyes and that from
between the eyes to the mouth. Neither shrinks as much as one of them where a face turns or nods."""
_RAISED: Final = 0.1
"""By so many spans the middle of the window lies above the middle between eyes and mouth."""

_BOX_WIDTH: Final = 0.890
_BOX_HEIGHT: Final = 1.180
_BOX_RAISED: Final = 0.028
"""YuNet's box in sides of the window: medians over the 471 faces that it finds in 400 photos of LFW
(peopleDevTrain), where they vary by 7 % in size, and by 7 % sideways and 4 % up and down in place."""


def window_of(landmarks: FloatArray) -> FloatArray:
    """The upright squares that show faces as the cascade sees them.

    Args:
        landmarks: (N, 5, 2) float32 pixels: right eye, left eye, nose, right and left mouth corner.

    Returns:
        (N, 4) float32 pixels; NaN for a face without landmarks.
    """
    points = landmarks.reshape(-1, 5, 2).astype(np.float64)
    eyes, mouth = points[:, :2].mean(axis=1), points[:, 3:].mean(axis=1)
    apart = ((points[:, 0] - points[:, 1]) ** 2).sum(axis=1)
    down = ((mouth - eyes) ** 2).sum(axis=1)
    spans = np.sqrt((apart + down) / 2)
    middles = (eyes + mouth) / 2
    middles[:, 1] -= _RAISED * spans
    return _around(middles, np.repeat(spans[:, None] * _SIDE, 2, axis=1))


def box_of(windows: FloatArray) -> FloatArray:
    """The boxes that YuNet would draw around the faces in windows.

    Args:
        windows: (N, 4) float32 pixels.

    Returns:
        (N, 4) float32 pixels.
    """
    whole = windows.astype(np.float64)
    middles, sides = (whole[:, :2] + whole[:, 2:]) / 2, whole[:, 2] - whole[:, 0]
    middles[:, 1] -= _BOX_RAISED * sides
    return _around(middles, np.stack([_BOX_WIDTH * sides, _BOX_HEIGHT * sides], axis=1))


def window_around(boxes: FloatArray) -> FloatArray:
    """The windows of faces of which only boxes are known: `box_of` the other way round.

    The area of a box says how large the window is, whatever its shape.

    Args:
        boxes: (N, 4) float32 pixels.

    Returns:
        (N, 4) float32 pixels.
    """
    whole = boxes.astype(np.float64)
    middles, size = (whole[:, :2] + whole[:, 2:]) / 2, np.maximum(whole[:, 2:] - whole[:, :2], 0)
    sides = np.sqrt(size.prod(axis=1) / (_BOX_WIDTH * _BOX_HEIGHT))
    middles[:, 1] += _BOX_RAISED * sides
    return _around(middles, np.repeat(sides[:, None], 2, axis=1))


def _around(middles: _Exact, sizes: _Exact) -> FloatArray:
    """(N, 4) float32 boxes of a width and height around points."""
    boxes = np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=1)
    return boxes.astype(np.float32)
