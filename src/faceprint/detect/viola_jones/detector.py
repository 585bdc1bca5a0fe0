"""The cascade as a detector like any other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.detect.viola_jones.framing import box_of
from faceprint.detect.viola_jones.grouping import group_windows
from faceprint.detect.viola_jones.integral import Grey
from faceprint.detect.viola_jones.scan import Passed, Scanner
from faceprint.types import Face, FloatArray, Image

__all__ = ["ViolaJones", "evidence_of", "score_of"]

_PASSING: Final = 0.05
"""Evidence of a window that only just passes; its margin, up to 1, is added."""
_MISSING: Final = 0.02
"""That of one that the last stage rejects; half as much for each stage before."""
_MISSED: Final = 2
"""Stages that a window need not pass to count a little: so that curves go on below the usual score."""
_STAGES_PER_MISSED: Final = 4
"""But no more than one in so many: few stages less would let most of a photo pass."""
_MOST_PIXELS: Final = 4_000_000
"""Larger photos are shrunk: a scan takes some 100 bytes a pixel."""
_HALF: Final = 0.5
"""Evidence that makes a score of a half."""
_WATCHFUL: Final = 0.3
"""Share of the usual score that the watchful detector asks for."""


class ViolaJones:
    """Finds upright, roughly frontal faces whose window is 24 pixels and more; gives no landmarks.

    Viola, Jones, "Robust Real-Time Face Detection", IJCV 2004. The score grows with the number of windows
    that pass around a face, and with how far each lies above the threshold of the last stage.

    Photos of more than 4 million pixels are shrunk to that many, and the boxes scaled back: in one of 12
    million the smallest windows are then 42 pixels wide.

    Args:
        cascade: What to look with; it has a stage at least.
        name: Card name.
        min_score: Faces below this are dropped; that which the cascade was tuned to unless given.
    """

    def __init__(
        self, cascade: Cascade, *, name: str = "viola-jones", min_score: float | None = None
    ) -> None:
        self.name = name
        self.cascade = cascade
        self._min_score = cascade.min_score if min_score is None else min_score
        self._scanner = Scanner(cascade)
        self._missed = min(_MISSED, len(cascade.stages) // _STAGES_PER_MISSED)

    def watchful(self) -> ViolaJones:
        """The same cascade, taking what looks only a little like a face for one too."""
        return self.lowered(self.cascade.min_score * _WATCHFUL)

    def lowered(self, min_score: float) -> ViolaJones:
        """The same cascade, giving faces down to this score."""
        return ViolaJones(self.cascade, name=self.name, min_score=min_score)

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, best first, without landmarks, in the image's own pixels."""
        return [self._detect_one(image) for image in images]

    def _detect_one(self, image: Image) -> tuple[Face, ...]:
        if min(image.shape[:2]) < self.cascade.side_px:
            return ()
        grey: Grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
        grey, pixels = _shrunk(grey)
        passed = self._scanner.scan(grey, missed=self._missed)
        groups = group_windows(passed.windows, evidence_of(passed, self._scanner.stages))
        scores = score_of(groups.evidence)
        boxes = box_of(groups.windows * pixels)
        return tuple(
            Face(box, float(score))
            for box, score in zip(boxes, scores, strict=True)
            if score >= self._min_score
        )


def _shrunk(grey: Grey) -> tuple[Grey, FloatArray]:
    """A photo of no more than `_MOST_PIXELS`, and how many pixels one of its own was: (4,), x, y, x, y."""
    height, width = grey.shape
    scale = (_MOST_PIXELS / grey.size) ** 0.5
    if scale >= 1:
        return grey, np.ones(4, dtype=np.float32)
    high, wide = max(1, int(height * scale)), max(1, int(width * scale))
    small = cv2.resize(grey, (wide, high), interpolation=cv2.INTER_AREA)
    pixels = np.array([width / wide, height / high] * 2, dtype=np.float32)
    return np.asarray(small, dtype=np.uint8), pixels


def evidence_of(passed: Passed, stages: int) -> FloatArray:
    """How much each window speaks for a face: (N,) float32, above 0.

    Args:
        passed: Windows.
        stages: Of the whole cascade.
    """
    missing = _MISSING * 0.5 ** (stages - 1 - passed.stages)
    evidence = np.where(passed.stages == stages, _PASSING + passed.margins, missing)
    return evidence.astype(np.float32)


def score_of(evidence: FloatArray) -> FloatArray:
    """Detector scores, 0 to 1, of the evidence of groups."""
    scores: FloatArray = evidence / (evidence + np.float32(_HALF))
    return scores
