"""What a detector found in a photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceprint.types import FloatArray

__all__ = ["FoundFaces", "no_finds", "pack", "unpack"]

_HEAD = 3


@dataclass(frozen=True, slots=True, eq=False)
class FoundFaces:
    """What a detector found in one photo.

    Attributes:
        width: Of the upright photo, pixels; 0 if it cannot be read.
        height: The same.
        usual: (U, 5) float32: x1 y1 x2 y2 in pixels and the score, best first, as the product finds them.
        doubtful: (A, 5) float32: all of these and doubtful finds with lower scores, best first.
    """

    width: int
    height: int
    usual: FloatArray
    doubtful: FloatArray


def no_finds() -> FoundFaces:
    """What is found in a photo that cannot be read."""
    nothing = np.zeros((0, 5), dtype=np.float32)
    return FoundFaces(0, 0, nothing, nothing)


def pack(found: FoundFaces) -> bytes:
    """Finds as bytes."""
    head = np.array([found.width, found.height, len(found.usual)], dtype=np.int32)
    return head.tobytes() + np.concatenate([found.usual, found.doubtful]).tobytes()


def unpack(data: bytes) -> FoundFaces:
    """Finds from bytes of `pack`."""
    width, height, count = np.frombuffer(data, dtype=np.int32, count=_HEAD).tolist()
    rows = np.frombuffer(data, dtype=np.float32, offset=4 * _HEAD).reshape(-1, 5).copy()
    return FoundFaces(width, height, rows[:count], rows[count:])
