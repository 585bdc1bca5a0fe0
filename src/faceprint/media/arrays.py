"""Arrays that callers bring: checked, and made 8-bit RGB."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from faceprint.errors import ImageError, ImageTooLargeError
from faceprint.media.colour import over_white, shrink_to_bytes
from faceprint.types import Image

__all__ = ["check_image", "image_from_array"]

_WANTED = "(H, W), (H, W, 3) RGB or (H, W, 4) RGBA, of uint8, uint16, or floats from 0 to 1"


def image_from_array(array: npt.NDArray[np.generic], *, name: str, max_pixels: int) -> Image:
    """An array as (H, W, 3) uint8 RGB, C-contiguous, in memory that the caller cannot change.

    Args:
        array: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; uint8, uint16 over its full
            range, or floats from 0 to 1. Transparent parts are laid on white.
        name: What to call it in messages.
        max_pixels: Limit of H × W.

    Raises:
        ImageTooLargeError: More pixels than the limit.
        ImageError: Another shape or dtype, no pixels at all, NaN, infinity, or floats outside 0 to
            1.
    """
    _check_shape(array, name=name, max_pixels=max_pixels)
    pixels = _to_bytes(array, name=name)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    if pixels.shape[2] == 4:
        rgba = PillowImage.fromarray(np.ascontiguousarray(pixels))
        return np.array(over_white(rgba.convert("RGB"), rgba.getchannel("A")))
    frozen = isinstance(pixels.base, bytes) or (pixels.base is None and not pixels.flags.writeable)
    owned = pixels is not array
    return np.ascontiguousarray(pixels) if owned or frozen else np.array(pixels, order="C")


def check_image(image: Image) -> None:
    """Refuses what is no image.

    Raises:
        ImageError: Not (H, W, 3) uint8, or without pixels.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise ImageError(
            f"An array of {image.dtype} and shape {image.shape} is no image; expected (H, W, 3) "
            "uint8 RGB."
        )


def _check_shape(array: npt.NDArray[np.generic], *, name: str, max_pixels: int) -> None:
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        hint = ""
        if array.ndim == 3 and array.shape[0] in (1, 3, 4):
            hint = " Channels come last here: array.transpose(1, 2, 0)."
        if array.ndim == 4:
            hint = " Pass the images of a batch one by one."
        raise ImageError(f"{name} is an array of shape {array.shape}; expected {_WANTED}.{hint}")
    if array.size == 0:
        raise ImageError(f"{name} is an array of shape {array.shape}, which has no pixels.")
    if array.shape[0] * array.shape[1] > max_pixels:
        raise ImageTooLargeError(
            f"{name} has {array.shape[1]} × {array.shape[0]} pixels, over the limit of "
            f"{max_pixels:,}. Scale it down, or raise the limit."
        )


def _to_bytes(array: npt.NDArray[np.generic], *, name: str) -> Image:
    if array.dtype == np.uint8:
        return np.asarray(array, dtype=np.uint8)
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
        return shrink_to_bytes(array.astype(np.uint16), name=name)
    if array.dtype.kind != "f":
        raise ImageError(
            f"{name} is an array of {array.dtype}; expected {_WANTED}. If its values are 0 to 255, "
            "pass array.astype(np.uint8)."
        )
    samples = np.asarray(array, dtype=array.dtype.newbyteorder("="))
    if not np.isfinite(samples).all():
        raise ImageError(
            f"{name} holds pixels that are NaN or infinite. Replace them by numbers first."
        )
    low, high = float(samples.min()), float(samples.max())
    if low < 0 or high > 1:
        raise ImageError(
            f"{name} is an array of floats from {low:g} to {high:g}; expected 0 to 1. If its "
            "values are 0 to 255, pass array.astype(np.uint8)."
        )
    return np.rint(samples.astype(np.float32) * 255).astype(np.uint8)
