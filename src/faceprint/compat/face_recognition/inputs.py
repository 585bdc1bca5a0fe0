"""What the functions take, checked: photos, images, places of faces, numbers and names of models."""

from __future__ import annotations

import operator
import os
import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from faceprint.compat.face_recognition.errors import (
    LargeImageError,
    MissingPhotoError,
    NoPhotoError,
    UnknownFormatError,
    UnreadablePhotoError,
    WrongImageError,
    WrongValueError,
)
from faceprint.errors import ImageError, ImageTooLargeError
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
    "listed",
    "open_photo",
    "whole_number",
]

Item = TypeVar("Item")
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

_MOST_DOUBLINGS: Final = 32
"""More are over any limit, and their number alone would take long to work out."""
_FURTHEST: Final = 2**31
"""Sides of places further out than dlib counts."""


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
    if not isinstance(file, str | bytes | os.PathLike) and not hasattr(file, "read"):
        raise NoPhotoError(
            f"Expected the path of a photo, or a photo opened in mode 'rb', got {type(file).__name__}."
        )
    name = photo_name(file)
    try:
        with PillowImage.open(file, formats=_FORMATS) as image:
            _check_size(image.width, image.height, name, max_pixels=max_pixels)
            return np.array(image.convert(mode))
    except ImageTooLargeError:
        raise
    except FileNotFoundError as error:
        raise MissingPhotoError(f"There is no file {name}. Check the path.") from error
    except UnidentifiedImageError as error:
        raise UnknownFormatError(
            f"{name} is no photo in a format that is known here ({', '.join(_FORMATS)})."
        ) from error
    except PillowImage.DecompressionBombError as error:
        raise LargeImageError(f"{name} is too large to decode safely: {error}") from error
    except _DAMAGE as error:
        reason = getattr(error, "strerror", None) or error
        raise UnreadablePhotoError(
            f"{name} cannot be read ({reason}): expected the path of a photo, or a photo opened in mode "
            "'rb', whole and undamaged."
        ) from error


def _check_size(width: int, height: int, name: str, *, max_pixels: int) -> None:
    """Refuses what is too large.

    Raises:
        ImageTooLargeError: It is; also a ValueError.
    """
    if width * height > max_pixels:
        raise LargeImageError(
            f"{name} has {width} × {height} pixels, over the limit of {max_pixels:,}. Scale it down, or "
            "raise FACEPRINT_MAX_PIXELS."
        )


def as_image(image: object, *, max_pixels: int) -> Image:
    """An array as (H, W, 3) uint8 RGB.

    Raises:
        ImageError: No array, or one that is no image; also a ValueError.
    """
    if not isinstance(image, np.ndarray):
        raise WrongImageError(
            f"Expected an image as an array, as load_image_file gives, got {type(image).__name__}. "
            "Open a file with load_image_file first; turn another image into an array with "
            "numpy.array(image)."
        )
    try:
        return image_from_array(image, name="The image", max_pixels=max_pixels)
    except ImageTooLargeError as error:
        raise LargeImageError(str(error)) from error
    except ImageError as error:
        raise WrongImageError(str(error)) from error


def check_doubled(image: Image, doublings: int, *, max_pixels: int) -> None:
    """Refuses images that are too large once doubled.

    Raises:
        ImageTooLargeError: They are; also a ValueError.
    """
    height, width = image.shape[:2]
    if doublings > _MOST_DOUBLINGS or height * width * 4**doublings > max_pixels:
        raise LargeImageError(
            f"The image has {width} × {height} pixels, and doubled {doublings} times it would be over the "
            f"limit of {max_pixels:,}. Ask for fewer with number_of_times_to_upsample, scale the image "
            "down, or raise FACEPRINT_MAX_PIXELS."
        )


def as_boxes(places: Iterable[Sequence[int]], image: Image) -> npt.NDArray[np.int64]:
    """Places of faces as (N, 4) whole pixels x1 y1 x2 y2.

    Args:
        places: top, right, bottom, left of each; parts of them may lie outside the image.
        image: (H, W, 3).

    Raises:
        InputError: Not four numbers each, not in the order top, right, bottom, left, or wholly outside the
            image; also a ValueError.
    """
    height, width = image.shape[:2]
    boxes = [_as_box(place, height, width) for place in listed(places, "What holds the locations")]
    return np.array(boxes, dtype=np.int64).reshape(-1, 4)


def _as_box(place: Any, height: int, width: int) -> tuple[int, int, int, int]:
    try:
        top, right, bottom, left = (round(float(side)) for side in place)
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongValueError(
            f"The location of a face is (top, right, bottom, left) in pixels, got {place!r}."
        ) from error
    if top > bottom or left > right:
        raise WrongValueError(
            "The location of a face is (top, right, bottom, left), the top above the bottom and the left "
            f"before the right; got {place!r}. Mind the order."
        )
    outside = bottom < 0 or right < 0 or top >= height or left >= width
    if outside or max(-top, -left, bottom, right) >= _FURTHEST:
        raise WrongValueError(
            f"The location {place!r} (top, right, bottom, left) lies outside the image, which has {width} × "
            f"{height} pixels: there is no face. Take locations of the same image at the same scale."
        )
    return left, top, right, bottom


def check_pairs(images: int, lists: int) -> None:
    """Refuses images and lists of locations that do not pair up.

    Raises:
        InputError: There are more of the ones; also a ValueError.
    """
    if images != lists:
        raise WrongValueError(
            f"Got {lists} lists of locations for {images} images; expected one for each, or None."
        )


def listed(given: Iterable[Item], name: str) -> list[Item]:
    """What is given, as a list.

    Raises:
        InputError: It cannot be gone through; also a ValueError.
    """
    try:
        items = iter(given)
    except TypeError as error:
        raise WrongValueError(f"{name} is a list, got {type(given).__name__}.") from error
    return list(items)


def check_choice(given: object, choices: Sequence[str], what: str) -> None:
    """Refuses what is none of some names.

    Raises:
        InputError: It is none; also a ValueError.
    """
    if not isinstance(given, str) or given not in choices:
        raise WrongValueError(f"{given!r} is not {what}. Choose {' or '.join(choices)}.")


def whole_number(given: Any, name: str, *, least: int) -> int:
    """A whole number.

    Raises:
        InputError: It is none, or too small; also a ValueError.
    """
    try:
        number = operator.index(given)
    except TypeError as error:
        raise WrongValueError(f"{name} is a whole number, got {given!r}.") from error
    if number < least:
        raise WrongValueError(f"{name} is at least {least}, got {number}.")
    return number
