"""dlib's frontal face detector: boxes from histograms of gradients, no network.

Dalal, Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR 2005. The detector is
part of the dlib library (Boost licence).

It gives boxes alone, and a `Landmarker` adds landmarks: `dlib-68`, whose training data forbid commercial
use, or another.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np

from faceprint.detect.dlib_library import load_dlib
from faceprint.runtime import RuntimeOptions
from faceprint.types import Face, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["DlibHog", "build"]

_DOUBLINGS = 1

_LOWEST_SCORE = 0.1
"""Below it, nearly every place of a photo is a find."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> DlibHog:
    """The detector of the card; it runs on the CPU, whatever the options.

    Raises:
        MissingExtraError: dlib is not installed.
        LicenceRefusedError: `commercial_only` forbids it.
    """
    store.files(card)
    return DlibHog(load_dlib(f"The model {card.name}"), name=card.name)


class DlibHog:
    """Finds upright, roughly frontal faces of 40 pixels and more.

    Args:
        dlib: The library.
        name: Card name.
        min_score: Faces below this are dropped; 0.5 is dlib's own threshold.
    """

    def __init__(self, dlib: Any, *, name: str = "dlib-hog", min_score: float = 0.5) -> None:
        self.name = name
        self._dlib = dlib
        self._min_margin = math.log(min_score / (1 - min_score))
        # A detector keeps the photo's gradients while it runs, so each call borrows one of its own.
        self._idle: deque[Any] = deque()

    def lowered(self, min_score: float) -> DlibHog:
        """The same detector, giving faces down to this score, but never below 0.1."""
        return DlibHog(self._dlib, name=self.name, min_score=max(min_score, _LOWEST_SCORE))

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, best first, without landmarks.

        The score is the logistic function of the detector's margin: 0.5 at its threshold.
        """
        return [self.find(image, doublings=_DOUBLINGS) for image in images]

    def find(self, image: Image, *, doublings: int) -> tuple[Face, ...]:
        """Faces of one image, best first.

        Args:
            image: (H, W, 3) RGB or (H, W) grey, uint8.
            doublings: How often it is doubled first, for smaller faces in four times the time each.
        """
        if not image.size:
            return ()
        try:
            detector = self._idle.pop()
        except IndexError:
            detector = self._dlib.get_frontal_face_detector()
        places, margins, _ = detector.run(np.ascontiguousarray(image), doublings, self._min_margin)
        self._idle.append(detector)
        faces = [
            Face(
                np.array([r.left(), r.top(), r.right() + 1, r.bottom() + 1], dtype=np.float32),
                1 / (1 + math.exp(-margin)),
            )
            for r, margin in zip(places, margins, strict=True)
        ]
        return tuple(sorted(faces, key=lambda face: -face.score))
