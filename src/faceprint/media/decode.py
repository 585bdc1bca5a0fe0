"""Encoded bytes to pixels, through a fixed list of decoders."""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Final

from PIL import Image as PillowImage
from PIL import ImageFile

from faceprint.errors import ImageError, ImageFormatError, ImageTooLargeError, MissingExtraError
from faceprint.media.colour import to_srgb
from faceprint.media.orientation import stored_orientation, upright
from faceprint.media.pixels import copy_pixels
from faceprint.media.quiet import quiet_decoder
from faceprint.media.signature import Format, detect_format
from faceprint.types import Image

__all__ = ["decode_image"]

_DECODERS: Final = {
    Format.AVIF: ("PIL.AvifImagePlugin", "AvifImageFile"),
    Format.BMP: ("PIL.BmpImagePlugin", "BmpImageFile"),
    Format.GIF: ("PIL.GifImagePlugin", "GifImageFile"),
    Format.HEIF: ("pillow_heif", "HeifImageFile"),
    Format.JPEG: ("PIL.JpegImagePlugin", "JpegImageFile"),
    Format.PNG: ("PIL.PngImagePlugin", "PngImageFile"),
    Format.TIFF: ("PIL.TiffImagePlugin", "TiffImageFile"),
    Format.WEBP: ("PIL.WebPImagePlugin", "WebPImageFile"),
}

# What the decoders are known to raise on damaged bytes, apart from their own errors.
_DAMAGE: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

_SUBFILE_TAG: Final = 254
_REDUCED: Final = 1


def decode_image(data: bytes, *, name: str, max_pixels: int) -> Image:
    """Encoded bytes as (H, W, 3) uint8 RGB: first frame, upright, sRGB, transparent parts on white.

    The size is checked against the header before anything is decoded. Decoders are called
    directly, so that neither Pillow's own limit nor its list of plugins, both global, has a say.

    Raises:
        ImageFormatError: Not a photo of a known format.
        ImageTooLargeError: More pixels than the limit.
        ImageError: Damaged or cut short.
        MissingExtraError: HEIC without the extra "heif".
    """
    kind = detect_format(data, name=name)
    decoder = _decoder(kind)
    with quiet_decoder() if _may_warn(kind, data) else nullcontext():
        try:
            image = _load(decoder, data, name=name, max_pixels=max_pixels)
            rgb = to_srgb(image, name=name)
        except PillowImage.DecompressionBombError as error:
            raise ImageTooLargeError(f"{name} is too large to decode safely: {error}") from error
        except _DAMAGE as error:
            raise ImageError(
                f"{name} is a damaged {kind} file, or cut short ({_reason(error)}). Copy it again "
                "from where it came."
            ) from error
    # Pillow turns TIFF files while loading; everything else is turned here.
    orientation = 1 if kind is Format.TIFF else stored_orientation(image.info)
    return copy_pixels(upright(rgb, orientation))


def _decoder(kind: Format) -> Callable[[io.BytesIO], ImageFile.ImageFile]:
    module, name = _DECODERS[kind]
    try:
        decoder: Callable[[io.BytesIO], ImageFile.ImageFile] = getattr(
            importlib.import_module(module), name
        )
    except ImportError as error:
        if kind is not Format.HEIF:
            raise
        raise MissingExtraError("Reading HEIC photos", extra="heif") from error
    return decoder


def _load(
    decoder: Callable[[io.BytesIO], ImageFile.ImageFile], data: bytes, *, name: str, max_pixels: int
) -> ImageFile.ImageFile:
    image = decoder(io.BytesIO(data))
    width, height = image.size
    if width * height > max_pixels:
        raise ImageTooLargeError(
            f"{name} has {width} × {height} pixels, over the limit of {max_pixels:,}. Scale it "
            "down, or raise the limit."
        )
    if getattr(image, "tag_v2", {}).get(_SUBFILE_TAG) == _REDUCED:
        raise ImageFormatError(
            f"{name} is a camera raw file or another TIFF that opens with a thumbnail only. "
            "Export it as JPEG first."
        )
    image.load()
    return image


def _may_warn(kind: Format, data: bytes) -> bool:
    """Whether the decoder may warn: of broken EXIF, TIFF directories or frames."""
    return kind is not Format.JPEG or b"Exif\0" in data


def _reason(error: BaseException) -> str:
    return str(error).strip().rstrip(".") or type(error).__name__
