"""Faces made unrecognisable: blurred, cut into coarse squares, or covered.

What stands in a hidden place is made from a few numbers: the mean colours of four by five cells (blur)
or six by seven (squares) over face and hair, each channel rounded to eight levels. A larger face gets
larger cells, not more of them. The blur spreads these few colours smoothly, so that no deconvolution
can bring back more than they hold. A mask depends on nothing but where the face is.

A few cells still tell dark hair from fair, and in a video they move over the face: whoever has many
frames, or photos of a few suspects to hide alike, can learn something from them. Where that matters,
use the mask. `benchmarks/hiding.csv` says what recognition makes of hidden faces.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import cv2
import numpy as np

from faceprint.errors import ImageError, InputError
from faceprint.media.arrays import check_image
from faceprint.types import FloatArray, Image

__all__ = ["HIDE_STYLES", "HideStyle", "hide_faces"]

HideStyle = Literal["blur", "pixelate", "mask"]
"""How faces are hidden."""

HIDE_STYLES: Final[tuple[HideStyle, ...]] = get_args(HideStyle)

_CELLS: Final = {"blur": 4, "pixelate": 6}
"""Cells across the shorter side of a hidden place; six, blurred, are often found to be a face again."""

_CELL_PX: Final = 3
"""No cell is smaller: a tiny face gets fewer of them."""

_STEP: Final = 32
"""Colours of cells are rounded to the middle of steps of this size."""

_FINE: Final = 12
"""Pixels a cell while it is blurred."""

_UPWARDS: Final = 0.05
"""Boxes start below the hair line: the hidden place is moved up by this share of their height."""

_MASK: Final = (48, 48, 48)


def hide_faces(
    image: Image, boxes: FloatArray, *, how: HideStyle = "blur", margin: float = 0.25
) -> Image:
    """A copy of an image in which faces cannot be recognised.

    An ellipse from above the hair line to below the chin is replaced, hair and ears with it.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        boxes: (N, 4) float32, x1 y1 x2 y2 in pixels; may reach beyond the image.
        how: Smoothly blurred, in coarse squares, or covered in one dark grey.
        margin: What is hidden beyond each side of a box, as a share of that side's length.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: Not such an image, or boxes that are not (N, 4) finite numbers.
        InputError: Another `how`, or a negative margin.
    """
    check_image(image)
    if how not in HIDE_STYLES:
        raise InputError(f"Faces are hidden by {', '.join(HIDE_STYLES)}, got {how!r}.")
    if not margin >= 0:
        raise InputError(f"The margin around a face is 0 or more, got {margin}.")
    boxes = np.asarray(boxes, dtype=np.float32)
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not np.isfinite(boxes).all():
        raise ImageError(f"Expected (N, 4) finite numbers as boxes, got shape {boxes.shape}.")
    hidden = np.array(image, order="C")
    for box in boxes:
        _hide(hidden, box.astype(np.float64), how, margin)
    return hidden


def _hide(canvas: Image, box: np.ndarray, how: HideStyle, margin: float) -> None:
    sides = np.abs(box[2:] - box[:2])
    centre = (box[:2] + box[2:]) / 2 - (0, _UPWARDS * sides[1])
    radii = np.maximum(sides * (0.5 + margin), 1)
    limits = np.array(canvas.shape[1::-1])
    left, top = np.clip(np.floor(centre - radii), 0, limits).astype(int)
    right, bottom = np.clip(np.ceil(centre + radii), 0, limits).astype(int)
    if left >= right or top >= bottom:
        return
    part = canvas[top:bottom, left:right]
    # Pixel k spans k to k + 1: its middle is what lies in the ellipse or not.
    across = ((np.arange(left, right) + 0.5 - centre[0]) / radii[0]) ** 2
    down = ((np.arange(top, bottom) + 0.5 - centre[1]) / radii[1]) ** 2
    inside = across[None, :] + down[:, None] <= 1
    part[inside] = _MASK if how == "mask" else _coarse(part, how)[inside]


def _coarse(part: Image, how: Literal["blur", "pixelate"]) -> Image:
    """The part rebuilt from the rounded mean colours of a few cells."""
    height, width = part.shape[:2]
    cell = max(_CELL_PX, min(height, width) / _CELLS[how])
    columns, rows = max(1, round(width / cell)), max(1, round(height / cell))
    means = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    colours = np.asarray(means, dtype=np.uint8) // _STEP * _STEP + _STEP // 2
    if how == "pixelate":
        squares = cv2.resize(colours, (width, height), interpolation=cv2.INTER_NEAREST)
        return np.asarray(squares, dtype=np.uint8)
    fine = cv2.resize(colours, None, fx=_FINE, fy=_FINE, interpolation=cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(fine, (0, 0), 0.45 * _FINE)
    return np.asarray(cv2.resize(soft, (width, height)), dtype=np.uint8)
