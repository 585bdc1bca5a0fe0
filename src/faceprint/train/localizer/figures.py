"""How well a localiser does on crops: boxes against boxes, and face or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from faceprint.evaluate.estimates import Estimate, estimate
from faceprint.geometry import box_areas
from faceprint.match import Rate, rate
from faceprint.train.localizer.crops import Crops
from faceprint.types import FloatArray

__all__ = ["Found", "LocalizerFigures", "localizer_figures", "pair_overlaps", "summed_up"]

_HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What a network says of crops.

    Attributes:
        logits: (N,) float32, of a face.
        boxes: (N, 4) float32, shares of the side.
    """

    logits: FloatArray
    boxes: FloatArray

    @property
    def scores(self) -> FloatArray:
        """(N,) float32, the probability of a face."""
        scores: FloatArray = expit(self.logits)
        return scores

    @property
    def said(self) -> npt.NDArray[np.bool_]:
        """(N,) bool, where it says face."""
        said: npt.NDArray[np.bool_] = self.logits >= 0
        return said


@dataclass(frozen=True, slots=True, eq=False)
class LocalizerFigures:
    """How well it does.

    Attributes:
        overlap: Mean intersection over union of found and true box, over all crops with a face, whether it
            says so or not.
        right: Share of the crops where it is right on face or no face.
        missed: Share of the faces that it takes for none.
        invented: Share of the crops without a face that it sees one in.
        placed: Share of the faces that it says are there, with an overlap of a half or more.
    """

    overlap: Estimate
    right: Rate
    missed: Rate
    invented: Rate
    placed: Rate


def localizer_figures(crops: Crops, found: Found) -> LocalizerFigures:
    """Measures; crops of both kinds must be there.

    Raises:
        InputError: There are none of a kind.
    """
    faces, said = crops.faces, found.said
    overlaps = pair_overlaps(crops.boxes[faces], found.boxes[faces])
    placed = said[faces] & (overlaps >= _HALF)
    return LocalizerFigures(
        overlap=estimate(lambda one: float(one.mean()), overlaps),
        right=rate(int((said == faces).sum()), len(faces)),
        missed=rate(int((~said[faces]).sum()), int(faces.sum())),
        invented=rate(int(said[~faces].sum()), int((~faces).sum())),
        placed=rate(int(placed.sum()), int(faces.sum())),
    )


def summed_up(crops: Crops, found: Found) -> dict[str, float]:
    """What an epoch is judged by, without intervals.

    "worth" is the mean of all crops: for a face the overlap if it is said to be there, for none whether
    that is said.
    """
    faces, said = crops.faces, found.said
    overlaps = pair_overlaps(crops.boxes[faces], found.boxes[faces])
    worth = np.concatenate([np.where(said[faces], overlaps, 0), ~said[~faces]])
    return {
        "worth": float(worth.mean()),
        "iou": float(overlaps.mean()),
        "accuracy": float((said == faces).mean()),
    }


def pair_overlaps(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection over union of each box with its counterpart.

    Args:
        a: (N, 4) float32.
        b: (N, 4) float32.

    Returns:
        (N,) float32, 0 to 1.
    """
    shared = np.concatenate(
        [np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])], axis=1
    )
    both = box_areas(shared)
    whole = box_areas(a) + box_areas(b) - both
    found: FloatArray = np.divide(both, whole, out=np.zeros_like(both), where=whole > 0)
    return found
