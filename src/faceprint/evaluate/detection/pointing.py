"""What went wrong in a run: causes counted, and the plainest cases pointed at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor

import cv2
import numpy as np

from faceprint.align import crop_boxes
from faceprint.errors import FaceprintError
from faceprint.evaluate.detection.finds import FoundFaces
from faceprint.evaluate.detection.labels import LabelledPhoto
from faceprint.evaluate.detection.matching import UNMATCHED, IntArray
from faceprint.evaluate.detection.results import Pointed
from faceprint.geometry import box_areas, clip_boxes, iou_matrix
from faceprint.media import read_image
from faceprint.types import FloatArray

__all__ = ["Mistakes", "find_mistakes"]

_COUNT = 24
_SMALL_PX = 20.0
_SAME_FACE = 0.5
_NEAR = 0.2
_CUT_OFF = 0.9
_BLURRED_LAPLACIAN = 40.0
"""Variance of the Laplacian of the face at 64 pixels, 8-bit grey, below which it counts as blurred."""

_DARK, _BRIGHT = 50.0, 205.0
_COVERED = ("occlusion: partial", "occlusion: heavy")


@dataclass(frozen=True, slots=True)
class Mistakes:
    """What went wrong at the product's threshold.

    Attributes:
        misses: The largest of the missed faces, at most 24.
        strays: The best scores among finds that are no labelled face, at most 24.
        miss_causes: How many faces were missed for each cause.
        stray_causes: How many wrong finds there are of each kind.
    """

    misses: tuple[Pointed, ...]
    strays: tuple[Pointed, ...]
    miss_causes: tuple[tuple[str, int], ...]
    stray_causes: tuple[tuple[str, int], ...]


def find_mistakes(
    photos: Sequence[LabelledPhoto], finds: Sequence[FoundFaces], partners: Sequence[IntArray]
) -> Mistakes:
    """Misses and wrong finds of a run.

    Args:
        photos: P of them.
        finds: Of each.
        partners: Of the usual finds of each, as `match_finds` gives them.
    """
    misses: list[tuple[float, Pointed, str]] = []
    strays: list[tuple[float, Pointed, str]] = []
    for photo, found, some in zip(photos, finds, partners, strict=True):
        misses += _misses(photo, found, some)
        strays += _strays(photo, found, some)
    places = {photo.name: (photo, found) for photo, found in zip(photos, finds, strict=True)}
    worst = sorted(misses, key=lambda one: -one[0])[:_COUNT]
    surest = sorted(strays, key=lambda one: -one[0])[:_COUNT]
    return Mistakes(
        tuple(_with_looks(one, *places[one.name]) for _, one, _ in worst),
        tuple(one for _, one, _ in surest),
        tuple(Counter(cause for _, _, cause in misses).most_common()),
        tuple(Counter(cause for _, _, cause in strays).most_common()),
    )


def _misses(
    photo: LabelledPhoto, found: FoundFaces, partners: IntArray
) -> Iterator[tuple[float, Pointed, str]]:
    """Area, record and cause of each missed face."""
    missed = np.setdiff1d(np.flatnonzero(~photo.ignored), partners)
    boxes = photo.boxes[missed]
    usual = iou_matrix(boxes, found.usual[:, :4]).max(axis=1, initial=0)
    on_it = iou_matrix(boxes, found.doubtful[:, :4]) >= _SAME_FACE
    scores = np.where(on_it, found.doubtful[:, 4], -1).max(axis=1, initial=-1)
    for index, box, near, score, area in zip(
        missed, boxes, usual, scores, box_areas(boxes), strict=True
    ):
        if not found.width:
            cause = reason = "its photo cannot be read"
        elif near >= _SAME_FACE:
            cause = reason = "found together with a neighbour, as one face"
        elif near >= _NEAR:
            cause = "found, but the box lies otherwise"
            reason = f"{cause} (IoU {_cut(near)})"
        elif score > 0:
            cause = "found with a score below the threshold"
            reason = f"doubted: its score of {_cut(score)} is below the threshold"
        else:
            cause = reason = "not found at any score"
        best = float(score) if score > 0 else None
        pointed = Pointed(
            "miss", photo.path, photo.name, _corners(box), best, photo.labels[index], reason
        )
        yield float(area), pointed, cause


def _strays(
    photo: LabelledPhoto, found: FoundFaces, partners: IntArray
) -> Iterator[tuple[float, Pointed, str]]:
    """Score, record and kind of each wrong find."""
    rows = found.usual[partners == UNMATCHED]
    overlaps = iou_matrix(rows[:, :4], photo.boxes).max(axis=1, initial=0)
    for row, best in zip(rows, overlaps, strict=True):
        if best >= _SAME_FACE:
            cause = reason = "a labelled face, found twice"
        elif best >= _NEAR:
            cause = "a labelled face, but the box lies otherwise"
            reason = f"{cause} (IoU {_cut(best)})"
        else:
            cause = "no label near it: an unlabelled face, or no face"
            height = float(row[3] - row[1])
            reason = f"{cause}; small" if height < _SMALL_PX else cause
        score = float(row[4])
        yield (
            score,
            Pointed("stray", photo.path, photo.name, _corners(row[:4]), score, (), reason),
            cause,
        )


def _with_looks(one: Pointed, photo: LabelledPhoto, found: FoundFaces) -> Pointed:
    looks = _looks(photo, np.array([one.box], dtype=np.float32), found, one.labels)
    return Pointed(
        one.kind,
        one.photo,
        one.name,
        one.box,
        one.score,
        one.labels,
        "; ".join((one.reason, *looks)),
    )


def _looks(
    photo: LabelledPhoto, box: FloatArray, found: FoundFaces, labels: tuple[str, ...]
) -> Iterator[str]:
    """What the photo and its labels show of a face."""
    if box[0, 3] - box[0, 1] < _SMALL_PX:
        yield "small"
    inside = box_areas(clip_boxes(box, width=found.width, height=found.height))[0]
    if found.width and inside < _CUT_OFF * box_areas(box)[0]:
        yield "cut off by the edge of the photo"
    if any(label in _COVERED for label in labels):
        yield "covered, as labelled"
    if "pose: atypical" in labels:
        yield "turned, as labelled"
    try:
        image = read_image(photo.path)
    except FaceprintError:
        return  # counted as unreadable already
    grey = cv2.cvtColor(crop_boxes(image.pixels, box, size_px=64)[0], cv2.COLOR_RGB2GRAY)
    if cv2.Laplacian(grey, cv2.CV_32F).var() < _BLURRED_LAPLACIAN:
        yield "blurred"
    if (mean := float(grey.mean())) < _DARK or mean > _BRIGHT:
        yield "dark" if mean < _DARK else "overexposed"


def _cut(share: float) -> str:
    """Two decimals, rounded down: what misses a limit must not read as meeting it."""
    return f"{floor(float(share) * 100) / 100:.2f}"


def _corners(box: FloatArray) -> tuple[float, float, float, float]:
    x1, y1, x2, y2 = (float(value) for value in box)
    return x1, y1, x2, y2
