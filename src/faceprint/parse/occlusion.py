"""How much of a face is covered, as its labels tell: by dark glasses, a mask, a hand, hair.

A measure beside the quality score, not a part of it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.parse.classes import number_of
from faceprint.types import FloatArray, Labels

__all__ = ["FACE_CLASSES", "face_oval", "occlusion"]

FACE_CLASSES: Final = (
    "skin",
    "right brow",
    "left brow",
    "right eye",
    "left eye",
    "nose",
    "mouth",
    "upper lip",
    "lower lip",
)
"""What an uncovered face shows; a beard counts as skin."""

_CENTRE: Final = 0.48
_ACROSS: Final = 0.74
_DOWN: Final = 0.95
"""Of the oval from the brows to the chin: how far down its middle lies from between the eyes, and its radii,
in distances from there to the middle of the mouth."""


def occlusion(
    labels: Labels, landmarks: FloatArray, *, within: npt.NDArray[np.bool_] | None = None
) -> float:
    """The share of the face that shows something else than skin, brows, eyes, nose and lips.

    The face is taken to be an oval around the five landmarks, from the brows to the chin. Of a head that is
    turned far to a side, part of that oval lies beside the face and counts as covered.

    Args:
        labels: (H, W) uint8 class numbers.
        landmarks: (5, 2) float32, pixels of `labels`.
        within: (H, W), which pixels the photo shows; all without it. A face that the photo's border cuts is
            judged by what is left of it.

    Returns:
        0 to 1; 1 where none of the oval lies in `labels` and `within`.
    """
    oval = face_oval(labels.shape, landmarks)
    if within is not None:
        oval &= within
    if not oval.any():
        return 1.0
    shown = np.isin(labels[oval], [number_of(name) for name in FACE_CLASSES])
    return 1.0 - float(shown.mean())


def face_oval(shape: tuple[int, ...], landmarks: FloatArray) -> npt.NDArray[np.bool_]:
    """Which pixels lie in the oval from the brows to the chin: (H, W) bool.

    Args:
        shape: (H, W).
        landmarks: (5, 2) float32, pixels of it.
    """
    points = landmarks.astype(np.float64)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    x, y = mouth - eyes
    squared = max(x * x + y * y, 1e-6)
    columns = np.arange(shape[1]) - eyes[0]
    rows = (np.arange(shape[0]) - eyes[1])[:, None]
    down = (columns * x + rows * y) / squared
    across = (columns * y - rows * x) / squared
    inside: npt.NDArray[np.bool_] = (across / _ACROSS) ** 2 + ((down - _CENTRE) / _DOWN) ** 2 < 1
    return inside
