"""One pair of photos through one model: score, decision, and what its classifier of pairs says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprint.pipeline.choose import choose_faces
from faceprint.pipeline.results import Verification, rounded
from faceprint.types import Image, Photo

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["PairPrediction", "predict_pair"]


@dataclass(frozen=True, slots=True, eq=False)
class PairPrediction:
    """What a model says of two photos.

    Attributes:
        verification: Score, threshold and decision.
        head_probability: That they show one person, by the model's own classifier of pairs; None where
            it has none.
        pictures: (2, 224, 224, 3) uint8 RGB, the two faces upright.
    """

    verification: Verification
    head_probability: float | None
    pictures: Image

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values: that of the verification, and "head_probability"."""
        return self.verification.to_dict() | {"head_probability": rounded(self.head_probability)}


def predict_pair(
    faceprint: Faceprint, a: Photo, b: Photo, *, largest: bool = False, fmr: float = 1e-3
) -> PairPrediction:
    """Finds, cuts out, embeds and compares one face of each photo.

    Args:
        faceprint: With the model as its embedder.
        a: A photo of one face.
        b: Another.
        largest: Where there are several faces, take the largest.
        fmr: False match rate to decide at.

    Raises:
        ImageError: A photo cannot be read.
        FaceCountError: A photo shows no face or several; the message says which.
        ModelError: The model cannot be had or run.
    """
    pair = [faceprint.embed(photo) for photo in (a, b)]
    chosen = choose_faces([one.detection for one in pair], largest=largest)
    first, second = (
        one.embeddings.part(slice(k, k + 1)) for one, k in zip(pair, chosen, strict=True)
    )
    verdict = faceprint.verify_embeddings(first, second, fmr=fmr)
    head = faceprint.models.pair_head
    pictures = [
        faceprint.models.picture(one.detection.pixels, one.detection.faces[k])
        for one, k in zip(pair, chosen, strict=True)
    ]
    return PairPrediction(
        verification=replace(verdict, images=(pair[0].detection.image, pair[1].detection.image)),
        head_probability=(
            None if head is None else float(head.probabilities(first.vectors, second.vectors)[0])
        ),
        pictures=np.stack(pictures),
    )
