"""Average precision as WIDER FACE's own evaluation computes it, for figures beside published ones.

It differs from ours in four points: scores are first spread over 0 to 1 (lowest and highest of all finds);
the curve is read at 1,000 thresholds; a find has one choice among the faces of its photo
(`first_choices`); and photos without any labelled face are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.detection.curves import average_precision, judge
from faceprint.evaluate.detection.labels import LabelledPhoto
from faceprint.evaluate.detection.matching import first_choices
from faceprint.geometry import iou_matrix
from faceprint.types import FloatArray

__all__ = ["official_precision"]

_IOU = 0.5
_THRESHOLDS = 1000


def official_precision(
    photos: Sequence[LabelledPhoto],
    finds: Sequence[FloatArray],
    subset: str,
    *,
    thresholds: int | None = _THRESHOLDS,
) -> float:
    """Average precision on one of the official subsets.

    Args:
        photos: With their subsets.
        finds: For each photo (D, 5) float32: x1 y1 x2 y2 score, best first.
        subset: As in "easy": its faces count, all others are ignored.
        thresholds: How many thresholds the curve is read at; None for all scores, which is exact.

    Returns:
        0 to 1; NaN where no face counts.
    """
    pairs = [(photo, some) for photo, some in zip(photos, finds, strict=True) if len(photo.boxes)]
    partners = [
        first_choices(iou_matrix(some[:, :4], photo.boxes), ~photo.subsets[subset], iou=_IOU)
        for photo, some in pairs
    ]
    faces = [int(photo.subsets[subset].sum()) for photo, _ in pairs]
    judged = judge(_spread([some[:, 4] for _, some in pairs]), partners, faces)
    if thresholds is None:
        return average_precision(judged)
    total = sum(faces)
    if not total:
        return float("nan")
    levels = 1 - np.arange(1, thresholds + 1) / thresholds
    kept = np.searchsorted(-judged.scores, -levels, side="right")
    right = np.concatenate([[0], np.cumsum(judged.right)])[kept].astype(np.float64)
    return _area(right / total, right / np.maximum(kept, 1))


def _spread(scores: Sequence[FloatArray]) -> list[FloatArray]:
    """All scores moved and stretched together to 0 to 1."""
    flat = np.concatenate([np.zeros(0, np.float32), *scores])
    if not len(flat):
        return list(scores)
    low, width = flat.min(), max(float(np.ptp(flat)), 1e-12)
    return [((some - low) / width).astype(np.float32) for some in scores]


def _area(recall: npt.NDArray[np.float64], precision: npt.NDArray[np.float64]) -> float:
    """Under the curve of points of rising recall, its precision made monotone."""
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.diff(recall, prepend=0.0) @ envelope)
