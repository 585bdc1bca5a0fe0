"""Pictures for a report: the faces cut out of their photos, small, within the page."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from faceprint.errors import FaceprintError
from faceprint.evaluate.report.blocks import Picture
from faceprint.media import encode_image, read_image
from faceprint.types import Image

__all__ = ["crops_picture", "cut_out", "picture_uris"]

Box = tuple[float, float, float, float]

_SIDE_PX: Final = 160
_MARGIN: Final = 0.35
_QUALITY: Final = 82


def picture_uris(picture: Picture) -> tuple[str | None, ...]:
    """A data URI for each photo of a picture; None for a photo that cannot be read any more."""
    if picture.encoded:
        return tuple(map(_data_uri, picture.encoded))
    return tuple(_uri(path, box) for path, box in zip(picture.photos, picture.boxes, strict=True))


def crops_picture(
    crops: Image,
    photos: Sequence[str],
    caption: str = "",
    reason: str = "",
    *,
    names: Sequence[str] = (),
) -> Picture:
    """A picture of faces that are at hand as pixels.

    Args:
        crops: (N, S, S, 3) uint8 RGB.
        photos: Where each came from, as in "Ada_Lovelace/Ada_Lovelace_0001.jpg".
        caption: What is to be said of them.
        reason: What may be the cause.
        names: What each is called; the names of the photos unless given.
    """
    encoded = tuple(encode_image(cut_out(crop, None), quality=_QUALITY) for crop in crops)
    paths = tuple(map(Path, photos))
    called = tuple(names or map(_title, paths))
    return Picture(paths, (None,) * len(paths), called, caption, reason, encoded)


def cut_out(image: Image, box: Box | None) -> Image:
    """The square around a box, as far as the image goes, scaled to 160 pixels at most.

    Args:
        image: (H, W, 3) uint8 RGB.
        box: x1, y1, x2, y2 in pixels; the whole image without one, or with one that holds nothing.
    """
    height, width = image.shape[:2]
    part = image
    if box is not None and all(math.isfinite(value) for value in box):
        middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        half = max(box[2] - box[0], box[3] - box[1]) * (0.5 + _MARGIN)
        left, right = max(0, round(middle_x - half)), min(width, round(middle_x + half))
        top, bottom = max(0, round(middle_y - half)), min(height, round(middle_y + half))
        if right - left > 1 and bottom - top > 1:
            part = image[top:bottom, left:right]
    scale = _SIDE_PX / max(part.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(part)
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    scaled: Image = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return scaled


def _title(photo: Path) -> str:
    """The name of a photo without its suffix, and without a folder whose name it repeats."""
    repeated = photo.stem.startswith(photo.parent.name)
    return photo.stem if repeated else str(photo.with_suffix(""))


def _uri(path: Path, box: Box | None) -> str | None:
    try:
        pixels = read_image(path).pixels
        data = encode_image(cut_out(pixels, box), quality=_QUALITY)
    except FaceprintError:
        return None
    return _data_uri(data)


def _data_uri(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
