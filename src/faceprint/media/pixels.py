"""Pixels out of Pillow in one copy.

Pillow hands pixels to NumPy through intermediate byte strings, which for a small photo costs half
as much as decoding it. Through the Arrow C data interface its memory can be read in place.
"""

from __future__ import annotations

import ctypes
from typing import Final

import numpy as np
from PIL import Image as PillowImage

from faceprint.types import Image

__all__ = ["copy_pixels"]

_POINTER_OF_CAPSULE: Final = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


_STRIP_BYTES: Final = 4 * 2**20
"""Larger images go in strips: Pillow shares memory in one piece only, of 16 MiB at most."""


class _ArrowArray(ctypes.Structure):
    """`struct ArrowArray` of the Arrow C data interface, up to what is read here."""


_ArrowArray._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_ArrowArray))),
]


def copy_pixels(image: PillowImage.Image) -> Image:
    """The pixels of a loaded image of mode RGB.

    Returns:
        (H, W, 3) uint8 RGB, C-contiguous, writable, with memory of its own.
    """
    width, height = image.size
    rows = max(1, _STRIP_BYTES // (4 * width))
    pixels = np.empty((height, width, 3), np.uint8)
    if rows >= height:
        _fill(pixels, image)
        return pixels
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        _fill(pixels[top:bottom], image.crop((0, top, width, bottom)))
    return pixels


def _fill(pixels: Image, image: PillowImage.Image) -> None:
    try:
        _, capsule = image.__arrow_c_array__()
    except (AttributeError, ValueError):
        pixels[:] = np.asarray(image)
        return
    import cv2

    array = _ArrowArray.from_address(_POINTER_OF_CAPSULE(capsule, b"arrow_array"))
    samples = array.children[0].contents if array.n_children == 1 else None
    height, width = pixels.shape[:2]
    if samples is None or samples.length != 4 * width * height or samples.offset or array.offset:
        pixels[:] = np.asarray(image)
        return
    # `capsule` owns this memory, and lives until the end of the function.
    padded = (ctypes.c_uint8 * samples.length).from_address(samples.buffers[1])
    four = np.frombuffer(padded, np.uint8).reshape(height, width, 4)
    cv2.cvtColor(four, cv2.COLOR_RGBA2RGB, dst=pixels)
