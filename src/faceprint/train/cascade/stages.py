"""One stage: stumps are added until enough backgrounds are rejected while enough faces pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.cascade import Stage, Stump
from faceprint.detect.viola_jones.haar import FeatureTable, table_of
from faceprint.detect.viola_jones.integral import Grey
from faceprint.train.cascade.boost import Booster, WindowSums, window_sums

__all__ = ["StageGoals", "StageWindows", "lowered_threshold", "train_stage"]

_SLACK: Final = 1e-4
"""What a threshold stays below the sum that must pass, so that rounding never rejects it."""


@dataclass(frozen=True, slots=True)
class StageGoals:
    """When a stage is done.

    Attributes:
        detection: Share of the validation faces that must pass.
        false_positives: Share of the held-out backgrounds that may pass.
        stumps: The most weak classifiers.
    """

    detection: float
    false_positives: float
    stumps: int


@dataclass(frozen=True, slots=True, eq=False)
class StageWindows:
    """What a stage sees: (N, S, S) uint8 each, all of which pass the stages before.

    Attributes:
        faces: To train on.
        backgrounds: To train on.
        held_out_faces: To set the threshold by.
        held_out_backgrounds: To measure the false-positive rate on.
    """

    faces: Grey
    backgrounds: Grey
    held_out_faces: Grey
    held_out_backgrounds: Grey


def train_stage(
    table: FeatureTable, windows: StageWindows, goals: StageGoals, *, threads: int = 2
) -> Stage:
    """Adds stumps until the goals are met, or the most stumps are there.

    Args:
        table: Features to choose from.
        windows: What the stage sees.
        goals: When it is done.
        threads: That sort and search.

    Raises:
        ValueError: No feature tells faces from backgrounds.
    """
    booster = Booster(
        table, window_sums(windows.faces), window_sums(windows.backgrounds), threads=threads
    )
    faces = window_sums(windows.held_out_faces)
    backgrounds = window_sums(windows.held_out_backgrounds)
    face_votes, background_votes = np.zeros(len(faces)), np.zeros(len(backgrounds))
    stumps: list[Stump] = []
    while True:
        stump = booster.add()
        stumps.append(stump)
        face_votes += _votes(stump, faces, table.side_px)
        background_votes += _votes(stump, backgrounds, table.side_px)
        half = sum(one.weight for one in stumps) / 2
        threshold = lowered_threshold(half, face_votes, goals.detection)
        passing = float((background_votes >= threshold).mean())
        if passing <= goals.false_positives or len(stumps) >= goals.stumps:
            return Stage(
                tuple(stumps),
                threshold,
                detection_rate=float((face_votes >= threshold).mean()),
                false_positive_rate=passing,
                positives=len(windows.faces),
                negatives=len(windows.backgrounds),
            )


def lowered_threshold(half: float, votes: npt.NDArray[np.float64], detection: float) -> float:
    """AdaBoost's own threshold, lowered until enough faces reach it.

    Args:
        half: Half the sum of all weights.
        votes: (N,) float64, what the faces reach.
        detection: Share of them that must.
    """
    most_missed = int(np.floor((1 - detection) * len(votes) + 1e-9))
    needed = float(np.sort(votes)[most_missed])
    return min(half, needed) - _SLACK


def _votes(stump: Stump, windows: WindowSums, side_px: int) -> npt.NDArray[np.float64]:
    response = windows.responses(table_of([stump.feature], side_px))[0]
    face = stump.polarity * response < stump.polarity * np.float32(stump.threshold)
    votes: npt.NDArray[np.float64] = np.where(face, stump.weight, 0.0)
    return votes
