"""Photos in: a path, encoded bytes, a file object or an array to one `NamedImage`."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from faceprint.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
)
from faceprint.media.arrays import image_from_array
from faceprint.media.decode import decode_image
from faceprint.types import NamedImage, Photo

__all__ = ["photo_name", "read_image"]

_BYTES_PER_PIXEL: Final = 8
_BYTES_AT_LEAST: Final = 64 * 2**20
_PIECE: Final = 2**20


def read_image(
    photo: Photo, *, name: str | None = None, max_pixels: int = 100_000_000
) -> NamedImage:
    """Reads a photo at its full size: upright, 8-bit sRGB, transparent parts on white, first frame.

    Formats are JPEG, PNG, WebP, AVIF, TIFF, BMP, GIF, and HEIC with the extra "heif", told apart
    by their bytes, never by the suffix. Safe to call from several threads; decoding releases the
    interpreter lock.

    Args:
        photo: A path, encoded bytes, a binary file object (read from where it stands), or an array:
            (H, W), (H, W, 3) RGB or (H, W, 4) RGBA of uint8, of uint16 over its full range, or of
            floats from 0 to 1. Arrays of bool and other integers are refused.
        name: What to call the photo in results and messages; else the path, else "photo".
        max_pixels: Limit of width × height, checked before decoding. A file may hold 8 bytes for
            each of these pixels, and 64 MiB in any case.

    Returns:
        The name, the pixels (H, W, 3) uint8 RGB, C-contiguous and sharing no memory that the
        caller can write to, and the SHA-256 of the encoded bytes, or of shape and pixels for an
        array.

    Raises:
        ImageNotFoundError: There is no such file.
        ImageFormatError: Not a photo: a folder, empty, or a format without a decoder.
        ImageTooLargeError: Over the limit of pixels or bytes.
        ImageError: Damaged, cut short, not permitted to be read, or an array that is no image.
        MissingExtraError: A HEIC photo without the extra "heif".
    """
    label = photo_name(photo) if name is None else name
    if isinstance(photo, np.ndarray):
        pixels = image_from_array(photo, name=label, max_pixels=max_pixels)
        digest = hashlib.sha256(repr(pixels.shape).encode())
        digest.update(pixels.data)
        return NamedImage(label, pixels, digest.hexdigest())
    max_bytes = max(_BYTES_AT_LEAST, _BYTES_PER_PIXEL * max_pixels)
    data = _read_bytes(photo, name=label, max_bytes=max_bytes)
    if len(data) > max_bytes:
        raise _too_long(label, max_bytes)
    pixels = decode_image(data, name=label, max_pixels=max_pixels)
    return NamedImage(label, pixels, hashlib.sha256(data).hexdigest())


def photo_name(photo: Photo) -> str:
    """What a photo is called: its path, the name of its file object, or "photo"."""
    if isinstance(photo, str | Path):
        return os.fspath(photo)
    name = getattr(photo, "name", None)
    return name if isinstance(name, str) else "photo"


def _read_bytes(photo: str | Path | bytes | BinaryIO, *, name: str, max_bytes: int) -> bytes:
    """The encoded bytes; more than the limit only where they lie in memory already."""
    if isinstance(photo, bytes | bytearray | memoryview):
        return bytes(photo)
    if isinstance(photo, str | os.PathLike):
        return _read_file(photo, name=name, max_bytes=max_bytes)
    if hasattr(photo, "read"):
        return _read_stream(photo, name=name, max_bytes=max_bytes)
    raise ImageError(
        f"{name} is a {type(photo).__name__}; expected a path, encoded bytes, a binary file "
        "object or a NumPy array."
    )


def _read_file(path: str | Path, *, name: str, max_bytes: int) -> bytes:
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - Path.open costs as much as reading
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                return _read_stream(file, name=name, max_bytes=max_bytes)
            if status.st_size > max_bytes:
                raise _too_long(name, max_bytes)
            return file.readall()
    except FileNotFoundError as error:
        raise ImageNotFoundError(_missing(path, name)) from error
    except (OSError, ValueError) as error:
        if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises on names that are too long
            raise ImageFormatError(_folder(path, name)) from error
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(f"{name} cannot be read: {reason}.") from error


def _folder(path: str | Path, name: str) -> str:
    if not os.access(path, os.R_OK | os.X_OK):
        return f"{name} is a folder that may not be listed. Ask its owner for permission."
    return f"{name} is a folder; expected one photo."


def _missing(path: str | Path, name: str) -> str:
    if str(path).startswith(("http:", "https:", "data:")):
        return f"{name} is an address on the web; expected a file. Download it first."
    return (
        f"There is no file {name}. Check the path, which starts from {Path.cwd()} unless absolute."
    )


def _read_stream(stream: BinaryIO | io.FileIO, *, name: str, max_bytes: int) -> bytes:
    """Reads in pieces, because some streams set aside as much memory as they are asked for."""
    pieces: list[bytes] = []
    length = 0
    while length <= max_bytes:
        try:
            piece = stream.read(_PIECE)
        except (OSError, ValueError) as error:
            raise ImageError(f"{name} cannot be read: {error}.") from error
        if not piece:
            return b"".join(pieces)
        if not isinstance(piece, bytes):
            raise ImageError(
                f"{name} reads as {type(piece).__name__}; expected bytes. Open it in mode 'rb'."
            )
        pieces.append(piece)
        length += len(piece)
    raise _too_long(name, max_bytes)


def _too_long(name: str, max_bytes: int) -> ImageTooLargeError:
    return ImageTooLargeError(
        f"{name} is over the limit of {max_bytes:,} bytes. Scale the photo down, or raise the "
        "limit of pixels, which sets this one."
    )
