"""Images out: encoded bytes, and files that appear whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final, Literal

import numpy as np
from PIL import Image as PillowImage

from faceprint.errors import ImageError, ImageFormatError
from faceprint.files import write_whole
from faceprint.media.arrays import check_image
from faceprint.types import Image

__all__ = ["encode_image", "write_image"]

EncodedFormat = Literal["jpeg", "png", "webp"]

_FORMAT_OF_SUFFIX: Final[dict[str, EncodedFormat]] = {
    ".jfif": "jpeg",
    ".jpe": "jpeg",
    ".jpeg": "jpeg",
    ".jpg": "jpeg",
    ".png": "png",
    ".webp": "webp",
}
_LONGEST_SIDE_PX: Final = {"jpeg": 65500, "png": 2**31 - 1, "webp": 16383}
_FULL_COLOUR_QUALITY: Final = 90


def encode_image(image: Image, *, format: EncodedFormat = "jpeg", quality: int = 92) -> bytes:
    """An image as JPEG, PNG or WebP bytes, without metadata.

    Args:
        image: (H, W, 3) uint8 RGB.
        format: PNG is lossless.
        quality: 1 to 100, for JPEG and WebP; from 90 on, JPEG keeps colour at full resolution.

    Raises:
        ImageError: Not such an array, or a side too long for the format.
    """
    check_image(image)
    _check_sides(image, format)
    buffer = io.BytesIO()
    picture = PillowImage.fromarray(np.ascontiguousarray(image))
    if format == "png":
        picture.save(buffer, "PNG", compress_level=3)
    elif format == "webp":
        picture.save(buffer, "WEBP", quality=quality, method=3)
    else:
        subsampling = 0 if quality >= _FULL_COLOUR_QUALITY else 2
        picture.save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return buffer.getvalue()


def write_image(path: str | Path, image: Image) -> None:
    """Writes an image in the format of the suffix; the file appears whole or not at all.

    Args:
        path: Ends in .jpg, .jpeg, .png or .webp; an existing file is replaced. Its folder must
            exist.
        image: (H, W, 3) uint8 RGB.

    Raises:
        ImageFormatError: The suffix names no format that is written here.
        ImageError: The array is no such image, or the disk refuses (no folder, no permission,
            full).
    """
    target = Path(path)
    kind = _FORMAT_OF_SUFFIX.get(target.suffix.lower())
    if kind is None:
        raise ImageFormatError(
            f"{target} ends in {target.suffix or 'no suffix'!r}; expected .jpg, .png or .webp."
        )
    data = encode_image(image, format=kind)
    try:
        write_whole(target, data)
    except OSError as error:
        raise ImageError(f"{target} cannot be written: {error.strerror or error}.") from error


def _check_sides(image: Image, kind: EncodedFormat) -> None:
    if max(image.shape[:2]) > _LONGEST_SIDE_PX[kind]:
        raise ImageError(
            f"An image of {image.shape[1]} × {image.shape[0]} pixels is too large for {kind}, "
            f"which ends at {_LONGEST_SIDE_PX[kind]:,} a side. Write it as png, or scale it down."
        )
