"""Which detection is which track: the cheapest pairing of all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from faceprint.geometry import iou_matrix
from faceprint.types import FloatArray

__all__ = ["Pairs", "pair_by_likeness", "pair_by_place", "place_likeness"]

_FAR = 2.0
"""Middles further apart than this, in face widths, are not one face."""

Pairs = list[tuple[int, int]]
"""Row and column of each pair."""


def place_likeness(tracks: FloatArray, detections: FloatArray) -> FloatArray:
    """How well boxes lie on boxes, 0 to 1: (T, 4) and (D, 4) float32 pixels to (T, D) float32.

    Half is the overlap, half the nearness of the middles in face widths, which still tells small fast
    faces apart that no longer overlap. A face of another size is another face.
    """
    if not len(tracks) or not len(detections):
        return np.zeros((len(tracks), len(detections)), dtype=np.float32)
    sides = [np.maximum(b[:, 2:] - b[:, :2], 1e-3) for b in (tracks, detections)]
    middles = [(b[:, :2] + b[:, 2:]) / 2 for b in (tracks, detections)]
    widths = [side.mean(axis=1) for side in sides]
    size = np.maximum(widths[0][:, None], widths[1][None])
    away = np.linalg.norm(middles[0][:, None] - middles[1][None], axis=2) / size
    ratio = np.minimum(widths[0][:, None], widths[1][None]) / size
    near = np.clip(1 - away / _FAR, 0, 1)
    likeness = (iou_matrix(tracks, detections) + near) / 2
    return np.where(ratio > 0.5, likeness, 0).astype(np.float32)


def pair_by_place(likeness: FloatArray, *, least: float) -> Pairs:
    """Track and detection of each pair, so that the likeness of all together is greatest."""
    return _pair(likeness, likeness >= least)


def pair_by_likeness(scores: FloatArray, *, least: FloatArray | float) -> Pairs:
    """The same by cosine similarity: (T, N) float32, each pair with its own least."""
    return _pair(scores, scores >= least)


def _pair(likeness: FloatArray, allowed: npt.NDArray[np.bool_]) -> Pairs:
    if not likeness.size or not allowed.any():
        return []
    rows, columns = linear_sum_assignment(np.where(allowed, -likeness, 10.0))
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if allowed[r, c]]
