"""A cascade as arrays: which values of an integral image to look up, and how to judge them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.detect.viola_jones.haar import table_of
from faceprint.types import FloatArray

__all__ = ["Lookups", "look_up"]


@dataclass(frozen=True, slots=True, eq=False)
class Lookups:
    """The K stumps of S stages.

    Attributes:
        side_px: Side of the window.
        corners: (K, 9, 2) int16, rows and columns of the integral image, padded with 0.
        weights: (K, 9) int32, by which each counts, padded with 0.
        counts: (K,) int64, how many of them there are.
        thresholds: (K,) float32.
        polarities: (K,) float32, 1 or -1.
        alphas: (K,) float64, what the yes of a stump counts.
        starts: (S + 1,) int64, where the stumps of each stage begin.
        limits: (S,) float64, what the yeses of a stage must reach.
    """

    side_px: int
    corners: npt.NDArray[np.int16]
    weights: npt.NDArray[np.int32]
    counts: npt.NDArray[np.int64]
    thresholds: FloatArray
    polarities: FloatArray
    alphas: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    limits: npt.NDArray[np.float64]

    def offsets(self, columns: int) -> npt.NDArray[np.int64]:
        """Places in a flat integral image that is so many columns wide, from a window's corner: (K, 9)."""
        found: npt.NDArray[np.int64] = (
            self.corners[..., 0].astype(np.int64) * columns + self.corners[..., 1]
        )
        return found


def look_up(cascade: Cascade) -> Lookups:
    """The arrays of a cascade."""
    stumps = cascade.stumps
    table = table_of([stump.feature for stump in stumps], cascade.side_px)
    lengths = [len(stage.stumps) for stage in cascade.stages]
    return Lookups(
        side_px=cascade.side_px,
        corners=table.corners,
        weights=table.weights.astype(np.int32),
        counts=np.count_nonzero(table.weights, axis=1).astype(np.int64),
        thresholds=np.array([stump.threshold for stump in stumps], dtype=np.float32),
        polarities=np.array([stump.polarity for stump in stumps], dtype=np.float32),
        alphas=np.array([stump.weight for stump in stumps], dtype=np.float64),
        starts=np.cumsum([0, *lengths]).astype(np.int64),
        limits=np.array([stage.threshold for stage in cascade.stages], dtype=np.float64),
    )
