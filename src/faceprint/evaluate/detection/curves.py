"""Figures of judged finds: precision and recall, average precision, misses per false find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = [
    "Curve",
    "Judged",
    "average_precision",
    "curve",
    "judge",
    "miss_rate_at",
    "recall_at_false",
]

F64 = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

_NONE = np.zeros(0, dtype=np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Finds of many photos that count, best score first.

    Attributes:
        scores: (N,) float32, falling.
        right: (N,) bool: it is a labelled face that no better find took.
        photos: (N,) indices of photos.
        faces: (P,) how many labelled faces count in each photo.
        starts: (K,) where each group of finds starts that come and go together: those of equal score.
    """

    scores: FloatArray
    right: npt.NDArray[np.bool_]
    photos: IntArray
    faces: IntArray
    starts: IntArray

    def condensed(self) -> Judged:
        """The same with groups that each end with a right find, and nothing after the last of these.

        The average precision is the same: a wrong find alone adds no recall and lowers the precision.
        """
        if not self.right.any():
            return Judged(self.scores[:0], self.right[:0], self.photos[:0], self.faces, _NONE)
        ends = np.append(self.starts[1:], len(self.scores))
        ends = ends[np.logical_or.reduceat(self.right, self.starts)]
        last = ends[-1]
        starts = np.append(0, ends[:-1])
        return Judged(self.scores[:last], self.right[:last], self.photos[:last], self.faces, starts)


def judge(
    scores: Sequence[FloatArray], partners: Sequence[IntArray], faces: Sequence[int]
) -> Judged:
    """The finds of all photos in one list, without those that are ignored.

    Args:
        scores: For each photo (D,) float32.
        partners: For each photo (D,) as `match_finds` gives them.
        faces: For each photo how many labelled faces count.
    """
    photos = np.repeat(np.arange(len(scores)), [len(some) for some in scores])
    flat_scores = np.concatenate([np.zeros(0, np.float32), *scores])
    flat_partners = np.concatenate([np.zeros(0, np.intp), *partners])
    counts = np.flatnonzero(flat_partners >= -1)
    order = counts[np.argsort(-flat_scores[counts], kind="stable")]
    ordered = flat_scores[order]
    return Judged(
        ordered,
        flat_partners[order] >= 0,
        photos[order],
        np.array(faces, dtype=np.intp),
        np.flatnonzero(np.diff(ordered, prepend=np.float32(np.inf))),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What each distinct score gives as a threshold, from the strictest on.

    Attributes:
        scores: (K,) float32, falling.
        right: (K,) float64, right finds at or above each.
        wrong: (K,) float64, wrong ones.
        faces: Labelled faces that count.
        photos: How many photos there are.
    """

    scores: FloatArray
    right: F64
    wrong: F64
    faces: float
    photos: float

    @property
    def recall(self) -> F64:
        """(K,) share of the labelled faces that are found; 0 where there are none."""
        return self.right / max(self.faces, 1.0)

    @property
    def precision(self) -> F64:
        """(K,) share of the finds that are right."""
        return self.right / np.maximum(self.right + self.wrong, 1e-12)

    @property
    def wrong_per_photo(self) -> F64:
        """(K,) wrong finds per photo (FPPI)."""
        return self.wrong / max(self.photos, 1.0)


def curve(judged: Judged, *, weights: npt.NDArray[np.floating] | None = None) -> Curve:
    """The curve over all thresholds; finds of equal score come and go together.

    Args:
        judged: The finds.
        weights: (P,) how often each photo counts; once unless given.
    """
    if weights is None:
        weights = np.ones(len(judged.faces))
    faces, photos = float(weights @ judged.faces), float(weights.sum())
    if not len(judged.starts):
        return Curve(judged.scores, np.zeros(0), np.zeros(0), faces, photos)
    weight = weights[judged.photos].astype(np.float64)
    right = np.cumsum(np.add.reduceat(weight * judged.right, judged.starts))
    both = np.cumsum(np.add.reduceat(weight, judged.starts))
    ends = np.append(judged.starts[1:], len(weight)) - 1
    return Curve(judged.scores[ends], right, both - right, faces, photos)


def average_precision(judged: Judged, *, weights: npt.NDArray[np.floating] | None = None) -> float:
    """The area under the curve of precision over recall, its precision made monotone.

    All points count, as in Pascal VOC since 2010; COCO samples the same curve at 101 recalls.

    Args:
        judged: The finds.
        weights: (P,) how often each photo counts; once unless given.

    Returns:
        0 to 1; NaN where no labelled face counts.
    """
    found = curve(judged, weights=weights)
    if found.faces == 0:
        return float("nan")
    envelope = np.maximum.accumulate(found.precision[::-1])[::-1]
    return float(np.diff(found.recall, prepend=0.0) @ envelope)


def miss_rate_at(found: Curve, wrong_per_photo: float) -> float:
    """The share of faces missed at the lowest threshold with at most that many wrong finds per photo.

    1 where already the best find gives more.
    """
    allowed = np.flatnonzero(found.wrong_per_photo <= wrong_per_photo)
    return 1.0 - float(found.recall[allowed[-1]]) if len(allowed) else 1.0


def recall_at_false(found: Curve, wrong: int) -> float:
    """The share of faces found at the lowest threshold with at most that many wrong finds in all."""
    allowed = np.flatnonzero(found.wrong <= wrong)
    return float(found.recall[allowed[-1]]) if len(allowed) else 0.0
