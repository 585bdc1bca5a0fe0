"""Labels and finds of one run, and the figures of some or all of the faces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isclose

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.detection.curves import (
    Curve,
    Judged,
    average_precision,
    curve,
    judge,
    miss_rate_at,
)
from faceprint.evaluate.detection.finds import FoundFaces
from faceprint.evaluate.detection.labels import BoolArray, LabelledPhoto
from faceprint.evaluate.detection.matching import IGNORED, UNMATCHED, match_finds
from faceprint.evaluate.detection.results import Part
from faceprint.evaluate.estimates import Estimate, widened
from faceprint.geometry import iou_matrix
from faceprint.match import bootstrap_interval, rate
from faceprint.types import FloatArray

__all__ = ["Bench"]

F64 = npt.NDArray[np.float64]

_IOU = 0.5
_IOUS = tuple(np.arange(50, 100, 5) / 100)
_LARGE = 200_000
"""Finds from which on intervals rest on a fifth of the resamples."""


class Bench:
    """Labels and finds of one run, with the overlaps computed once.

    Args:
        photos: P of them.
        finds: Of each.
        resamples: How often photos are drawn anew for intervals.

    Attributes:
        own_partners: For each photo, the labelled face of each usual find; see `match_finds`.
    """

    def __init__(
        self, photos: Sequence[LabelledPhoto], finds: Sequence[FoundFaces], *, resamples: int
    ) -> None:
        self._photos = photos
        self._finds = finds
        self._overlaps = [
            iou_matrix(one.doubtful[:, :4], photo.boxes)
            for photo, one in zip(photos, finds, strict=True)
        ]
        self._usual_overlaps = [
            iou_matrix(one.usual[:, :4], photo.boxes)
            for photo, one in zip(photos, finds, strict=True)
        ]
        self._ignored = [photo.ignored for photo in photos]
        self.own_partners = [
            match_finds(overlaps, photo.ignored, iou=_IOU)
            for overlaps, photo in zip(self._usual_overlaps, photos, strict=True)
        ]
        many = sum(map(len, self._overlaps)) > _LARGE
        self._resamples = max(1, resamples // 5) if many else resamples

    def judged(
        self,
        ignored: Sequence[BoolArray] | None = None,
        *,
        iou: float = _IOU,
        heights: tuple[float, float] | None = None,
    ) -> Judged:
        """The doubtful finds, judged; wrong ones of another height than asked are left out."""
        ignored = self._ignored if ignored is None else ignored
        scores, partners = [], []
        for one, overlaps, left_out in zip(self._finds, self._overlaps, ignored, strict=True):
            some = match_finds(overlaps, left_out, iou=iou)
            if heights is not None:
                some[(some == UNMATCHED) & ~_within(one.doubtful, heights)] = IGNORED
            scores.append(one.doubtful[:, 4])
            partners.append(some)
        return judge(scores, partners, [int((~some).sum()) for some in ignored])

    def estimate(self, figure: Callable[[F64], float]) -> Estimate:
        """A figure, and its interval over photos drawn anew.

        Args:
            figure: From how often each photo counts, (P,) float64, to the figure.
        """
        count = len(self._photos)
        value = figure(np.ones(count))
        if np.isnan(value):
            return Estimate(value, value, value)

        def drawn(rows: npt.NDArray[np.intp]) -> float:
            again = figure(np.bincount(rows, minlength=count).astype(np.float64))
            return value if np.isnan(again) else again

        low, high = bootstrap_interval(drawn, np.arange(count), resamples=self._resamples)
        return Estimate(value, min(low, value), max(high, value))

    def average_precision(self, judged: Judged) -> Estimate:
        """Of some judged finds; where photos drawn anew show no spread, with the interval of recall."""
        short = judged.condensed()
        drawn = self.estimate(lambda w: average_precision(short, weights=w))
        return _spread(drawn, [judged])

    def mean_average_precision(self) -> Estimate:
        """Over IoU 0.5 to 0.95."""
        judged = [self.judged(iou=iou).condensed() for iou in _IOUS]
        drawn = self.estimate(
            lambda w: float(np.mean([average_precision(one, weights=w) for one in judged]))
        )
        return _spread(drawn, judged)

    def miss_rate(self, judged: Judged, wrong_per_photo: float) -> Estimate:
        """At so many wrong finds per photo."""
        drawn = self.estimate(lambda w: miss_rate_at(curve(judged, weights=w), wrong_per_photo))
        faces = int(judged.faces.sum())
        return _counted(round(drawn.value * faces), faces, drawn)

    def own_recall(self, counts: Sequence[BoolArray] | None = None) -> Estimate:
        """At the product's threshold, of the faces that count, or of some of them."""
        if counts is None:
            counts = [~some for some in self._ignored]
        faces = np.array([some.sum() for some in counts], dtype=np.float64)
        found = np.array(
            [
                some[partners[partners >= 0]].sum()
                for some, partners in zip(counts, self.own_partners, strict=True)
            ],
            dtype=np.float64,
        )
        return self._share_of(found, faces)

    def own_precision(self, heights: tuple[float, float] | None = None) -> Estimate:
        """At the product's threshold, of all finds, or of those of some heights."""
        right, wrong = (np.zeros(len(self._photos)) for _ in range(2))
        for row, (one, partners) in enumerate(zip(self._finds, self.own_partners, strict=True)):
            asked = (
                np.ones(len(partners), dtype=bool)
                if heights is None
                else _within(one.usual, heights)
            )
            right[row] = (asked & (partners >= 0)).sum()
            wrong[row] = (asked & (partners == UNMATCHED)).sum()
        return self._share_of(right, right + wrong)

    def size_part(self, low: float, high: float) -> tuple[Part, Curve]:
        """Faces of some heights; a find on another face is ignored."""
        inside = [_within(photo.boxes, (low, high)) for photo in self._photos]
        ignored = [some | ~right for some, right in zip(self._ignored, inside, strict=True)]
        judged = self.judged(ignored, heights=(low, high))
        part = Part(
            name=_size_name(low, high),
            faces=int(judged.faces.sum()),
            recall=self.own_recall([~some for some in ignored]),
            precision=self.own_precision((low, high)),
            average_precision=self.average_precision(judged),
        )
        return part, curve(judged)

    def subset_part(self, name: str) -> Part:
        """Faces of a subset that the set defines; a find on another face is ignored."""
        ignored = [photo.ignored | ~photo.subsets[name] for photo in self._photos]
        judged = self.judged(ignored)
        return Part(
            name=name,
            faces=int(judged.faces.sum()),
            recall=self.own_recall([~some for some in ignored]),
            precision=None,
            average_precision=self.average_precision(judged),
        )

    def label_parts(self) -> list[Part]:
        """Recall for whatever else is said of faces; a detector gives no such label, so no precision."""
        names = sorted({label for photo in self._photos for some in photo.labels for label in some})
        parts = []
        for name in names:
            counts = [
                np.array([name in some for some in photo.labels], dtype=bool) & ~photo.ignored
                for photo in self._photos
            ]
            faces = int(sum(some.sum() for some in counts))
            if faces:
                parts.append(Part(name, faces, self.own_recall(counts), None, None))
        return parts

    def _share_of(self, part: F64, whole: F64) -> Estimate:
        """How much of what each photo has, (P,), is of some kind."""
        drawn = self.estimate(lambda w: _share(np.dot(w, part), np.dot(w, whole)))
        return _counted(int(part.sum()), int(whole.sum()), drawn)


def _counted(part: int, whole: int, drawn: Estimate) -> Estimate:
    """A share whose interval covers the exact one of its counts too: without a single error, photos drawn
    anew show no spread."""
    if not whole:
        return drawn
    both = widened(rate(part, whole), drawn)
    return Estimate(drawn.value, both.low, both.high)


def _spread(drawn: Estimate, judged: Sequence[Judged]) -> Estimate:
    """A mean of average precisions: where it has no width, with the mean interval of how many faces are
    found at any score."""
    faces = int(judged[0].faces.sum())
    if not faces or not isclose(drawn.low, drawn.high, rel_tol=1e-9):
        return drawn
    found = [rate(int(one.right.sum()), faces) for one in judged]
    low, high = (float(np.mean([getattr(one, end) for one in found])) for end in ("low", "high"))
    return Estimate(drawn.value, min(low, drawn.value), max(high, drawn.value))


def _within(boxes: FloatArray, heights: tuple[float, float]) -> BoolArray:
    tall = boxes[:, 3] - boxes[:, 1]
    inside: BoolArray = (tall >= heights[0]) & (tall < heights[1])
    return inside


def _size_name(low: float, high: float) -> str:
    if low == 0:
        return f"under {high:g} px"
    return f"{low:g} px and more" if np.isinf(high) else f"{low:g} to {high:g} px"


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
