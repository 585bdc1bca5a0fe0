"""How a camera was held: the EXIF orientation, read without trusting the rest of the metadata."""

from __future__ import annotations

import re
import struct
from typing import Any, Final

from PIL import Image as PillowImage

__all__ = ["stored_orientation", "upright"]

_ORIENTATION_TAG: Final = 0x0112
_SHORT: Final = 3
_XMP_ORIENTATION = re.compile(rb'tiff:Orientation(?:="|>)\s*([1-8])')

_TURNS: Final = {
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_270,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_90,
}


def upright(image: PillowImage.Image, orientation: int) -> PillowImage.Image:
    """The image turned and mirrored as its orientation asks; unknown values change nothing."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def stored_orientation(info: dict[Any, Any]) -> int:
    """The orientation (1 to 8) in the EXIF of a decoded image, else in its XMP, else 1.

    Args:
        info: The `info` of a Pillow image.
    """
    exif = info.get("exif")
    if exif is None and "Raw profile type exif" in info:
        exif = _unhex(info["Raw profile type exif"])
    found = _from_exif(exif) if isinstance(exif, bytes) else None
    if found is not None:
        return found
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or b""
    match = _XMP_ORIENTATION.search(xmp if isinstance(xmp, bytes) else str(xmp).encode())
    return int(match[1]) if match else 1


def _from_exif(exif: bytes) -> int | None:
    """The orientation in EXIF's first directory; None where there is none, or it is broken."""
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(order + "4xI", block)
        (count,) = struct.unpack_from(order + "H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", block, entry)
            if tag == _ORIENTATION_TAG:
                return value if kind == _SHORT and 1 <= value <= 8 else None
    except struct.error:
        return None
    return None


def _unhex(profile: object) -> bytes | None:
    """EXIF of a PNG text chunk as ImageMagick writes it: name, length, hexadecimal lines."""
    try:
        return bytes.fromhex("".join(str(profile).split("\n")[3:]))
    except ValueError:
        return None
