"""The parts of a head as outlines, which are small to send and move along with the face."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np

from faceprint.align import similarity
from faceprint.parse.classes import number_of
from faceprint.types import Face, FloatArray, Labels

__all__ = ["GROUPS", "Outlines", "anchor_of", "carry", "outline"]

Outlines = Mapping[str, tuple[FloatArray, ...]]
"""For each group of `GROUPS` that can be seen, closed polygons, (P, 2) float32 pixels each; where one lies in
another it is a hole."""

_ON_A_FACE = (
    "skin",
    "nose",
    "right brow",
    "left brow",
    "right eye",
    "left eye",
    "glasses",
    "mouth",
    "upper lip",
    "lower lip",
)

GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "hair": ("hair",),
        "hat": ("hat",),
        "face": _ON_A_FACE,
        "glasses": ("glasses",),
        "brows": ("right brow", "left brow"),
        "eyes": ("right eye", "left eye"),
        "lips": ("mouth", "upper lip", "lower lip"),
    }
)
"""What is outlined, and the classes of `faceprint.parse.CLASSES` that each takes together."""

_SIDE_PX = 128
"""Labels are made this small before they are outlined."""

_LEAST_SHARE = 0.0008
"""Specks of a smaller share of the region are left out."""

_COARSENESS_PX = 0.7


def outline(labels: Labels, *, left: float = 0.0, top: float = 0.0) -> Outlines:
    """The parts of a head in a region of a photo.

    Args:
        labels: (H, W) uint8, classes of the pixels of the region.
        left: Where the region begins in the photo, pixels.
        top: The same from above.
    """
    height, width = labels.shape
    if not height or not width:
        return MappingProxyType({})
    scale = min(1.0, _SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.asarray(cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    stretch = np.array([width / size[0], height / size[1]], dtype=np.float32)
    shift = np.array([left, top], dtype=np.float32)
    found = {
        name: tuple((polygon + 0.5) * stretch + shift for polygon in _polygons(small, classes))
        for name, classes in GROUPS.items()
    }
    return MappingProxyType({name: polygons for name, polygons in found.items() if polygons})


def anchor_of(face: Face) -> FloatArray:
    """The points of a face that outlines are tied to: its landmarks, or two corners of its box."""
    return face.box.reshape(2, 2) if face.landmarks is None else face.landmarks


def carry(outlines: Outlines, before: FloatArray, now: FloatArray) -> Outlines:
    """Outlines of a face that has moved.

    Args:
        outlines: Where they were.
        before: (K, 2) float32, the points that they are tied to, as they were then.
        now: The same points now.
    """
    matrix = similarity(before[None], now)[0]
    return MappingProxyType(
        {
            name: tuple(polygon @ matrix[:, :2].T + matrix[:, 2] for polygon in polygons)
            for name, polygons in outlines.items()
        }
    )


def _polygons(labels: Labels, classes: tuple[str, ...]) -> list[FloatArray]:
    mask = np.isin(labels, [number_of(name) for name in classes]).astype(np.uint8)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    least = _LEAST_SHARE * mask.size
    simple = (
        cv2.approxPolyDP(one, _COARSENESS_PX, True)[:, 0]
        for one in contours
        if cv2.contourArea(one) >= least
    )
    return [one.astype(np.float32) for one in simple if len(one) > 2]
