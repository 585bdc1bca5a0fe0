"""How sure a find must be: the score that keeps false finds on validation photos within what was asked."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.detect.viola_jones.detector import ViolaJones
from faceprint.geometry import iou_matrix
from faceprint.train.recipes.cascade import TuningConfig
from faceprint.train.scenes import Scene, Scenes
from faceprint.types import Face, FloatArray

__all__ = ["Tuned", "score_within", "tune"]

_SAME: Final = 0.5
"""Finds that overlap a known face by this much are that face."""
_DOUBTFUL: Final = 0.5
"""Finds of which so much lies in a doubtful place count neither way."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was chosen, and what it gives on the photos that it was chosen on.

    Attributes:
        min_score: Finds below this are dropped.
        found: Share of the known faces that are found.
        false_positives: Per photo.
        photos: Photos.
    """

    min_score: float
    found: float
    false_positives: float
    photos: int


def tune(
    cascade: Cascade,
    scenes: Scenes,
    config: TuningConfig,
    *,
    progress: Callable[[str, int, int], None] | None = None,
) -> Tuned:
    """Chooses the least score that gives no more false finds than asked.

    Args:
        cascade: All of it.
        scenes: Photos that it was not trained on.
        config: What is asked.
        progress: Told how many photos were looked at.

    Raises:
        ImageError: A photo cannot be read any more.
    """
    detector = ViolaJones(cascade, min_score=0.0)
    count = min(len(scenes), config.photos)
    # Spread over all folders of photos.
    chosen = np.linspace(0, len(scenes) - 1, count).round().astype(int).tolist()
    right, wrong = [np.zeros(0, dtype=np.float32)], [np.zeros(0, dtype=np.float32)]
    for done, number in enumerate(chosen):
        if progress is not None:
            progress("choosing how sure a find must be", done, count)
        (faces,) = detector.detect([scenes.read(number)])
        found, false = _judge(scenes.scenes[number], faces)
        right.append(found)
        wrong.append(false)
    false_scores, face_scores = np.concatenate(wrong), np.concatenate(right)
    score = score_within(false_scores, round(config.false_positives * count))
    return Tuned(
        score,
        float((face_scores >= score).mean()) if len(face_scores) else 0.0,
        float((false_scores >= score).sum() / max(count, 1)),
        count,
    )


def score_within(scores: FloatArray, allowed: int) -> float:
    """The least score, to four digits, that no more than so many of some scores reach.

    Args:
        scores: (N,) float32, 0 to 1, of false finds.
        allowed: How many may.
    """
    ordered = np.sort(scores)[::-1]
    if allowed >= len(ordered):
        return 0.0
    # The score itself may lie a rounding error below four digits.
    return round(math.floor(round(float(ordered[allowed]) * 1e4, 2) + 1) / 1e4, 4)


def _judge(scene: Scene, faces: tuple[Face, ...]) -> tuple[FloatArray, FloatArray]:
    """The best score at each known face, 0 where it is missed, and the scores of false finds."""
    boxes = np.array([face.box for face in faces], dtype=np.float32).reshape(-1, 4)
    scores = np.array([face.score for face in faces], dtype=np.float32)
    same = iou_matrix(boxes, scene.boxes) >= _SAME
    doubtful = iou_matrix(boxes, scene.doubtful, of_smaller=True) >= _DOUBTFUL
    found = (same * scores[:, None]).max(axis=0, initial=0.0)
    false = scores[~same.any(axis=1) & ~doubtful.any(axis=1)]
    return found.astype(np.float32), false
