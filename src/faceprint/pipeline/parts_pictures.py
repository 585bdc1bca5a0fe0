"""Pictures of what the pixels of heads show: coloured over the photo, as a mask, cut out."""

from __future__ import annotations

import io
from collections.abc import Collection
from typing import Final

import cv2
import numpy as np
from PIL import Image as PillowImage

from faceprint.errors import ImageError, InputError
from faceprint.media.arrays import check_image
from faceprint.parse.classes import CLASSES, number_of
from faceprint.types import Image, Labels

__all__ = ["HEAD_CLASSES", "PALETTE", "cut_out", "overlay", "palette_png", "rgba_png"]

PALETTE: Final = np.array(
    [
        [0, 0, 0],  # background
        [235, 190, 150],  # skin
        [120, 85, 40],  # right brow
        [150, 110, 60],  # left brow
        [0, 114, 178],  # right eye
        [86, 180, 233],  # left eye
        [20, 20, 110],  # glasses
        [230, 159, 0],  # right ear
        [255, 200, 80],  # left ear
        [255, 255, 60],  # earring
        [240, 130, 110],  # nose
        [255, 255, 255],  # mouth
        [213, 20, 70],  # upper lip
        [170, 0, 50],  # lower lip
        [190, 140, 220],  # neck
        [120, 230, 230],  # necklace
        [0, 158, 115],  # clothes
        [140, 30, 30],  # hair
        [204, 60, 200],  # hat
    ],
    dtype=np.uint8,
)
"""(19, 3) uint8 RGB: a colour for each class of `faceprint.parse.classes.CLASSES`."""

HEAD_CLASSES: Final = tuple(name for name in CLASSES if name not in ("background", "clothes"))
"""What belongs to a head."""

_BAND_PIXELS: Final = 2**20
_EDGE_PX: Final = 0.7


def overlay(image: Image, labels: Labels, *, strength: float = 0.5) -> Image:
    """A copy of a photo, coloured by what its pixels show; the background stays as it is.

    Args:
        image: (H, W, 3) uint8 RGB; not changed.
        labels: (H, W) uint8 class numbers.
        strength: 0 for the photo alone, 1 for the colours alone.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: Not such an image, or labels of another shape or of classes that there are not.
        InputError: Another strength.
    """
    _check(image, labels)
    if not 0 <= strength <= 1:
        raise InputError(f"The strength of an overlay is 0 to 1, got {strength}.")
    coloured = np.array(image, order="C")
    step = max(1, _BAND_PIXELS // image.shape[1])
    for top in range(0, len(image), step):
        band, some = coloured[top : top + step], labels[top : top + step]
        mixed = cv2.addWeighted(band, 1 - strength, PALETTE[some], strength, 0)
        np.copyto(band, np.asarray(mixed, dtype=np.uint8), where=some[..., None] > 0)
    return coloured


def palette_png(labels: Labels) -> bytes:
    """Labels as a PNG whose pixels are class numbers, shown in the colours of `PALETTE`.

    Args:
        labels: (H, W) uint8 class numbers.

    Raises:
        ImageError: They are no such labels.
    """
    _check_labels(labels)
    picture = PillowImage.fromarray(np.ascontiguousarray(labels))
    picture.putpalette(PALETTE.tobytes())
    return _png(picture)


def cut_out(image: Image, labels: Labels, *, classes: Collection[str] = HEAD_CLASSES) -> Image:
    """What a photo shows of some classes, on a transparent ground.

    What is fully transparent is black: nothing of the photo hides in it.

    Args:
        image: (H, W, 3) uint8 RGB.
        labels: (H, W) uint8 class numbers.
        classes: What is kept.

    Returns:
        (H, W, 4) uint8 RGBA.

    Raises:
        ImageError: Not such an image, or labels of another shape or of classes that there are not.
        InputError: A class that there is not.
    """
    _check(image, labels)
    unknown = [name for name in classes if name not in CLASSES]
    if unknown:
        raise InputError(f"There is no class {unknown[0]!r}. Choose of: {', '.join(CLASSES)}.")
    kept = np.zeros(256, dtype=np.uint8)
    kept[[number_of(name) for name in classes]] = 255
    alpha = cv2.GaussianBlur(kept[labels], (0, 0), _EDGE_PX)
    cut = np.zeros((*labels.shape, 4), dtype=np.uint8)
    cut[..., 3] = alpha
    np.copyto(cut[..., :3], image, where=alpha[..., None] > 0)
    return cut


def rgba_png(picture: Image) -> bytes:
    """An (H, W, 4) uint8 RGBA picture as PNG, without metadata."""
    return _png(PillowImage.fromarray(np.ascontiguousarray(picture)))


def _png(picture: PillowImage.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def _check(image: Image, labels: Labels) -> None:
    check_image(image)
    _check_labels(labels)
    if labels.shape != image.shape[:2]:
        raise ImageError(
            f"Labels of shape {labels.shape} are not those of an image of {image.shape[:2]} pixels."
        )


def _check_labels(labels: Labels) -> None:
    if labels.ndim != 2 or labels.dtype != np.uint8 or labels.size == 0:
        raise ImageError(
            f"Expected labels of shape (H, W) and dtype uint8, got {labels.shape} {labels.dtype}."
        )
    if int(labels.max()) >= len(CLASSES):
        raise ImageError(
            f"There are {len(CLASSES)} classes, from 0 on; got the number {int(labels.max())}."
        )
