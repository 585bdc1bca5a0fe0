"""Faces made unrecognisable: blurred, cut into coarse squares, or covered.

What stands in a hidden place is made from a few numbers: the mean colours of four by five cells (blur)
or six by seven (squares) over face and hair, each channel rounded to eight levels. A larger face gets
larger cells, not more of them. The blur spreads these few colours smoothly, so that no deconvolution
can bring back more than they hold. A mask depends on nothing but where the face is.

Where a mask of the face's own shape is given, that place is replaced in the ellipse's stead, and hair
and background stay.

A few cells still tell dark hair from fair, and in a video they move over the face: whoever has many
frames, or photos of a few suspects to hide alike, can learn something from them. Where that matters,
use the mask. `benchmarks/hiding.csv` says what recognition makes of hidden faces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.errors import ImageError, InputError
from faceprint.media.arrays import check_image
from faceprint.types import FloatArray, Image

__all__ = ["HIDE_STYLES", "FaceMask", "HideStyle", "hide_faces"]

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


@dataclass(frozen=True, slots=True, eq=False)
class FaceMask:
    """The shape of one face in an image.

    Attributes:
        place: Left and top of `inside`, pixels; inside the image.
        inside: (h, w) bool: what is hidden.
    """

    place: tuple[int, int]
    inside: npt.NDArray[np.bool_]


def hide_faces(
    image: Image,
    boxes: FloatArray,
    *,
    how: HideStyle = "blur",
    margin: float = 0.25,
    masks: Sequence[FaceMask | None] | None = None,
) -> Image:
    """A copy of an image in which faces cannot be recognised.

    An ellipse from above the hair line to below the chin is replaced, hair and ears with it, unless there is
    a mask of the face.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        boxes: (N, 4) float32, x1 y1 x2 y2 in pixels; may reach beyond the image.
        how: Smoothly blurred, in coarse squares, or covered in one dark grey.
        margin: What is hidden beyond each side of a box, as a share of that side's length.
        masks: For each box the shape to hide instead of the ellipse; None for the ellipse, also where the
            mask is empty.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: Not such an image, boxes that are not (N, 4) finite numbers, masks of another number, or
            one that reaches beyond the image.
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
    shapes = [None] * len(boxes) if masks is None else list(masks)
    if len(shapes) != len(boxes):
        raise ImageError(
            f"Expected a mask or None for each of {len(boxes)} boxes, got {len(shapes)}."
        )
    hidden = np.array(image, order="C")
    for box, mask in zip(boxes, shapes, strict=True):
        if mask is not None and mask.inside.any():
            _hide_shape(hidden, mask, how)
        else:
            _hide(hidden, box.astype(np.float64), how, margin)
    return hidden


def _hide_shape(canvas: Image, mask: FaceMask, how: HideStyle) -> None:
    rows, columns = (np.flatnonzero(mask.inside.any(axis=axis)) for axis in (1, 0))
    inside = mask.inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    left, top = mask.place[0] + int(columns[0]), mask.place[1] + int(rows[0])
    part = canvas[max(top, 0) : top + inside.shape[0], max(left, 0) : left + inside.shape[1]]
    if part.shape[:2] != inside.shape:
        raise ImageError(
            f"A mask of {inside.shape} pixels at {(left, top)} reaches beyond the image of "
            f"{canvas.shape[:2]}."
        )
    part[inside] = _MASK if how == "mask" else _coarse(part, how)[inside]


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
