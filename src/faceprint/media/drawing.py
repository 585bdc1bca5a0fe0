"""Faces marked on a copy of a photo: outlines, landmarks, and names in any script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from faceprint.media.arrays import check_image
from faceprint.types import Decision, FloatArray, Image

__all__ = ["COLOURS", "Colour", "Mark", "draw_faces"]

Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

COLOURS: Final[Mapping[Decision, Colour]] = MappingProxyType(
    {
        Decision.MATCH: (0, 158, 115),
        Decision.UNSURE: (240, 228, 66),
        Decision.UNKNOWN: (213, 94, 0),
    }
)
"""A colour for each decision, told apart by people with any colour vision (Okabe and Ito, 2008)."""

_SHADE: Final[Colour] = (20, 20, 20)


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """What to draw for one face.

    Attributes:
        box: (4,) float32, x1 y1 x2 y2 in pixels; may reach beyond the image.
        landmarks: (N, 2) float32 pixels, or None for no dots.
        label: One line in any script; empty for none.
        colour: Of the outline, the dots and the label's plate.
    """

    box: FloatArray
    landmarks: FloatArray | None
    label: str
    colour: Colour


def draw_faces(image: Image, marks: Sequence[Mark], *, steady: bool = False) -> Image:
    """A copy of an image with faces outlined and named.

    Lines, dots and letters grow with the image and the face. A label stands on a plate of the
    mark's colour in black or white, whichever reads better; it stays inside the image, and off
    other labels and faces where there is room. What no font can show is spelled out in Latin
    letters.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        marks: The faces; one whose box is not finite is left out.
        steady: Place each label by its own face alone, so that in a video it does not hop from frame
            to frame; labels of faces close together may then cover each other.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: Not such an image.
    """
    check_image(image)
    canvas = np.array(image, order="C")
    drawn = [_near(mark, canvas) for mark in marks if np.isfinite(mark.box).all()]
    for mark in drawn:
        _draw_outline(canvas, mark)
    for mark in drawn:
        _draw_landmarks(canvas, mark)
    if any(mark.label for mark in drawn):
        from faceprint.media.labels import draw_labels

        labels = [(mark.box, mark.label, mark.colour) for mark in drawn]
        draw_labels(canvas, labels, steady=steady)
    return canvas


def _near(mark: Mark, canvas: Image) -> Mark:
    """The mark with its box cut to one image around the image, which keeps numbers sane."""
    height, width = canvas.shape[:2]
    limits = np.array([width, height, width, height], dtype=np.float32)
    return replace(mark, box=np.clip(mark.box, -limits, 2 * limits))


def _line_px(canvas: Image, mark: Mark) -> int:
    """Width of lines: 1/500 of the photo's longer side, but 1/25 of the face at most."""
    x1, y1, x2, y2 = mark.box.tolist()
    longest: int = max(canvas.shape[:2])
    return max(1, round(min(longest / 500 + 1, float(min(x2 - x1, y2 - y1)) / 25)))


def _draw_outline(canvas: Image, mark: Mark) -> None:
    import cv2

    x1, y1, x2, y2 = np.rint(mark.box).astype(int).tolist()
    line = _line_px(canvas, mark)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), _SHADE, line + 2)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), mark.colour, line)


def _draw_landmarks(canvas: Image, mark: Mark) -> None:
    import cv2

    if mark.landmarks is None:
        return
    radius = _line_px(canvas, mark)
    limit = 2.0 * max(canvas.shape[:2])
    for point in mark.landmarks[np.isfinite(mark.landmarks).all(axis=1)]:
        # cv2 takes fixed-point coordinates: 4 bits after the point place dots between pixels.
        x, y = np.rint(np.clip(point, -limit, limit) * 16).astype(int).tolist()
        cv2.circle(canvas, (x, y), radius * 16 + 16, _SHADE, -1, cv2.LINE_AA, 4)
        cv2.circle(canvas, (x, y), radius * 16, mark.colour, -1, cv2.LINE_AA, 4)
