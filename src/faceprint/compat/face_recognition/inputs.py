"""What the functions take, checked: photos, images, places of faces, numbers and names of models."""

from __future__ import annotations

import operator
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from faceprint.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    InputError,
)
from faceprint.media import photo_name
from faceprint.media.arrays import image_from_array
from faceprint.types import Image

__all__ = [
    "Location",
    "as_boxes",
    "as_image",
    "check_choice",
    "check_doubled",
    "check_pairs",
    "open_photo",
    "whole_number",
]

Location = tuple[int, int, int, int]
"""top, right, bottom, left in pixels."""

_FORMATS: Final = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
_DAMAGE: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""What Pillow is known to raise on damaged bytes, and on what is no file."""


class _WrongValueError(InputError, ValueError):
    """Programs written for face_recognition catch ValueError."""


class _MissingPhotoError(ImageNotFoundError, FileNotFoundError):
    """Programs written for face_recognition catch FileNotFoundError."""


class _UnknownFormatError(ImageFormatError, UnidentifiedImageError):
    """Programs written for face_recognition catch Pillow's error."""


class _UnreadablePhotoError(ImageError, OSError):
    """Programs written for face_recognition catch OSError."""


def open_photo(file: str | Path | BinaryIO, mode: str, *, max_pixels: int) -> npt.NDArray[np.uint8]:
    """A photo's pixels as Pillow has them: neither turned nor brought to sRGB.

    Args:
        file: A path or a binary file object.
        mode: "RGB" or "L".
        max_pixels: Limit of width × height, checked before decoding.

    Raises:
        ImageTooLargeError: Over the limit.
        ImageError: It cannot be read; also the error that face_recognition would raise.
    """
    name = photo_name(file)
    try:
        with PillowImage.open(file, formats=_FORMATS) as image:
            _check_size(image.width, image.height, name, max_pixels=max_pixels)
            return np.array(image.convert(mode))
    except FileNotFoundError as error:
        raise _MissingPhotoError(f"There is no file {name}. Check the path.") from error
    except UnidentifiedImageError as error:
        raise _UnknownFormatError(
            f"{name} is no photo in a format that is known here ({', '.join(_FORMATS)})."
        ) from error
    except PillowImage.DecompressionBombError as error:
        raise ImageTooLargeError(f"{name} is too large to decode safely: {error}") from error
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or error
        raise _UnreadablePhotoError(
            f"{name} cannot be read ({reason}): expected the path of a photo, or a photo opened in mode "
            "'rb', whole and undamaged."
        ) from error


def _check_size(width: int, height: int, name: str, *, max_pixels: int) -> None:
    """Refuses what is too large.

    Raises:
        ImageTooLargeError: It is.
    """
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"{name} has {width} × {height} pixels, over the limit of {max_pixels:,}. Scale it down, or "
            "raise FACEPRINT_MAX_PIXELS."
        )


def as_image(image: object, *, max_pixels: int) -> Image:
    """An array as (H, W, 3) uint8 RGB.

    Raises:
        ImageError: No array, or one that is no image.
    """
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f"Expected an image as an array, as load_image_file gives, got {type(image).__name__}. "
            "Open a file with load_image_file first; turn another image into an array with "
            "numpy.array(image)."
        )
    return image_from_array(image, name="The image", max_pixels=max_pixels)


def check_doubled(image: Image, doublings: int, *, max_pixels: int) -> None:
    """Refuses images that are too large once doubled.

    Raises:
        ImageTooLargeError: They are.
    """
    height, width = image.shape[:2]
    if height * width * 4**doublings > max_pixels:
        raise ImageTooLargeError(
            f"The image has {width} × {height} pixels, and doubled {doublings} times it would be over the "
            f"limit of {max_pixels:,}. Ask for fewer with number_of_times_to_upsample, scale the image "
            "down, or raise FACEPRINT_MAX_PIXELS."
        )


def as_boxes(places: Iterable[Sequence[int]]) -> npt.NDArray[np.int64]:
    """Places of faces as (N, 4) whole pixels x1 y1 x2 y2.

    Raises:
        InputError: Not four numbers each, or not in the order top, right, bottom, left.
    """
    boxes = [_as_box(place) for place in places]
    return np.array(boxes, dtype=np.int64).reshape(-1, 4)


def _as_box(place: Any) -> tuple[int, int, int, int]:
    try:
        top, right, bottom, left = (round(float(side)) for side in place)
    except (TypeError, ValueError, OverflowError) as error:
        raise _WrongValueError(
            f"The location of a face is (top, right, bottom, left) in pixels, got {place!r}."
        ) from error
    if top > bottom or left > right:
        raise _WrongValueError(
            "The location of a face is (top, right, bottom, left), the top above the bottom and the left "
            f"before the right; got {place!r}. Mind the order."
        )
    return left, top, right, bottom


def check_pairs(images: int, lists: int) -> None:
    """Refuses images and lists of locations that do not pair up.

    Raises:
        InputError: There are more of the ones; also a ValueError.
    """
    if images != lists:
        raise _WrongValueError(
            f"Got {lists} lists of locations for {images} images; expected one for each, or None."
        )


def check_choice(given: object, choices: Sequence[str], what: str) -> None:
    """Refuses what is none of some names.

    Raises:
        InputError: It is none; also a ValueError.
    """
    if given not in choices:
        raise _WrongValueError(f"{given!r} is not {what}. Choose {' or '.join(choices)}.")


def whole_number(given: Any, name: str, *, least: int) -> int:
    """A whole number.

    Raises:
        InputError: It is none, or too small; also a ValueError.
    """
    try:
        number = operator.index(given)
    except TypeError as error:
        raise _WrongValueError(f"{name} is a whole number, got {given!r}.") from error
    if number < least:
        raise _WrongValueError(f"{name} is at least {least}, got {number}.")
    return number
