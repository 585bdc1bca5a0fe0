"""Where a head looks, drawn as its three axes on a copy of a photo."""

from __future__ import annotations

from typing import Final

import numpy as np

from faceprint.media.arrays import check_image
from faceprint.media.drawing import Colour
from faceprint.types import FloatArray, Image

__all__ = ["AXIS_COLOURS", "axes_of", "draw_axes"]

AXIS_COLOURS: Final[tuple[Colour, Colour, Colour]] = ((213, 94, 0), (0, 158, 115), (86, 180, 233))
"""Of the axes to the left ear, to the chin, and out of the face; told apart by people with any colour vision
(Okabe and Ito, 2008)."""

_SHADE: Final[Colour] = (20, 20, 20)


def axes_of(yaw: float, pitch: float, roll: float) -> FloatArray:
    """How the axes of a head lie in the image, seen from far away.

    Args:
        yaw: Degrees, greater than 0 towards the right of the image.
        pitch: Degrees, greater than 0 upwards.
        roll: Degrees, greater than 0 clockwise in the image.

    Returns:
        (3, 2) float32, x to the right and y down, each of length 1 at most: to the left ear (of the person),
        to the chin, and out of the face. For 0, 0, 0 they are (1, 0), (0, 1) and (0, 0).
    """
    y, p, r = np.radians([yaw, pitch, roll])
    level = np.array(
        [
            [np.cos(y), 0],
            [np.sin(y) * np.sin(p), np.cos(p)],
            [np.sin(y) * np.cos(p), -np.sin(p)],
        ]
    )
    tilt = np.array([[np.cos(r), np.sin(r)], [-np.sin(r), np.cos(r)]])
    axes: FloatArray = (level @ tilt).astype(np.float32)
    return axes


def draw_axes(
    image: Image, centre: FloatArray, size: float, yaw: float, pitch: float, roll: float
) -> Image:
    """A copy of an image with the axes of one head drawn on it.

    The axis that points out of the face is drawn over the others and ends in a dot; of a head that looks into
    the camera it is that dot alone.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        centre: (2,) float32 pixels, where the axes begin, as the middle of the face.
        size: Length of an axis that lies in the image, in pixels; about two thirds of a face looks well.
        yaw: See `axes_of`, as are the other angles; where one is not finite, nothing is drawn.
        pitch: Degrees.
        roll: Degrees.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: Not such an image.
    """
    import cv2

    check_image(image)
    canvas = np.array(image, order="C")
    if not np.isfinite([*centre, size, yaw, pitch, roll]).all():
        return canvas
    ends = np.asarray(centre, dtype=np.float32) + size * axes_of(yaw, pitch, roll)
    # cv2 takes fixed-point coordinates: 4 bits after the point place lines between pixels.
    limit = 4.0 * max(canvas.shape)
    points = np.rint(np.clip([centre, *ends], -limit, limit) * 16).astype(int).tolist()
    middle, *tips = (tuple(point) for point in points)
    line = max(1, round(min(max(canvas.shape[:2]) / 300 + 1, size / 12)))
    for tip, colour in zip(tips, AXIS_COLOURS, strict=True):
        cv2.line(canvas, middle, tip, _SHADE, line + 2, cv2.LINE_AA, 4)
        cv2.line(canvas, middle, tip, colour, line, cv2.LINE_AA, 4)
    cv2.circle(canvas, tips[2], (line + 2) * 16, _SHADE, -1, cv2.LINE_AA, 4)
    cv2.circle(canvas, tips[2], (line + 1) * 16, AXIS_COLOURS[2], -1, cv2.LINE_AA, 4)
    return canvas
