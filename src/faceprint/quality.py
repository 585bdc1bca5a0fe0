"""A first quality score per face: how well it can be compared, without knowing whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from faceprint.types import Face, FloatArray, Image, Quality

__all__ = ["measure_quality"]

_SHARP_LAPLACIAN = 150.0
"""Variance of the Laplacian of a 112-pixel crop at which a face counts as sharp; 8-bit grey."""

_LARGE_EYE_DISTANCE_PX = 36.0
"""Distance between the eyes at which a face counts as large: that of the 112-pixel template."""


def measure_quality(faces: Sequence[Face], crops: Image) -> tuple[Face, ...]:
    """The same faces with their quality.

    Each part is 1 where nothing is wanting and falls to 0. The score is their geometric mean drawn
    towards the weakest: one bad part is enough to spoil a comparison.

    Args:
        faces: N faces; without landmarks, size comes from the box and frontality counts as 1.
        crops: (N, S, S, 3) uint8 RGB, their aligned crops.
    """
    return tuple(
        replace(face, quality=_quality(face, crop)) for face, crop in zip(faces, crops, strict=True)
    )


def _quality(face: Face, crop: Image) -> Quality:
    eyes = face.width * 0.45 if face.landmarks is None else _eye_distance(face.landmarks)
    parts = {
        "sharpness": _share(_laplacian_variance(crop), _SHARP_LAPLACIAN),
        "size": _share(eyes, _LARGE_EYE_DISTANCE_PX),
        "frontality": 1.0 if face.landmarks is None else _frontality(face.landmarks),
        "confidence": float(np.clip((face.score - 0.5) / 0.4, 0, 1)),
    }
    values = np.array(list(parts.values()))
    score = float(np.sqrt(values.min() * np.prod(values) ** (1 / len(values))))
    return Quality(score=score, **parts)


def _share(value: float, enough: float) -> float:
    return float(np.clip(value / enough, 0, 1))


def _laplacian_variance(crop: Image) -> float:
    small = crop if crop.shape[0] == 112 else cv2.resize(crop, (112, 112))
    grey = cv2.cvtColor(np.asarray(small, dtype=np.uint8), cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _eye_distance(landmarks: FloatArray) -> float:
    return float(np.linalg.norm(landmarks[1] - landmarks[0]))


def _frontality(landmarks: FloatArray) -> float:
    """1 for a nose midway between the eyes, seen along the line of the eyes; 0 for a profile."""
    right, left, nose = landmarks[:3].astype(np.float64)
    along = left - right
    place = float(np.dot(nose - right, along) / max(float(np.dot(along, along)), 1e-9))
    return float(np.clip(1.2 - 2.4 * abs(place - 0.5), 0, 1))
