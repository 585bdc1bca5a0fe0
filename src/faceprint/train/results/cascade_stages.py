"""The stages of a cascade: what each was trained to, and what it does with windows it has never seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.cascade import Cascade, Stage
from faceprint.detect.viola_jones.haar import responses, table_of
from faceprint.detect.viola_jones.integral import inverse_deviations, squared_sums, summed
from faceprint.evaluate.report import Block, Chart, Column, Mark, Series, Table, Text
from faceprint.train.scenes.records import GreyArray

__all__ = ["Rejection", "rejection", "rejection_blocks", "stage_blocks", "windows_passed"]

_AT_ONCE: Final = 4096
_Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Rejection:
    """How far held-out windows come.

    Attributes:
        faces: (S + 1,) int64: how many faces come to each stage, and how many pass the last.
        backgrounds: (S + 1,) int64: likewise of windows without a face.
        features_each: How many features are looked at on average in a window without a face.
    """

    faces: _Counts
    backgrounds: _Counts
    features_each: float


def windows_passed(cascade: Cascade, windows: GreyArray) -> _Counts:
    """How many windows come to each stage, and how many pass the last.

    Args:
        cascade: Of windows of that size.
        windows: (N, S, S) uint8.

    Returns:
        (stages + 1,) int64, never rising.
    """
    counts = np.zeros(len(cascade.stages) + 1, dtype=np.int64)
    for start in range(0, len(windows), _AT_ONCE):
        left = windows[start : start + _AT_ONCE]
        for number, stage in enumerate(cascade.stages):
            counts[number] += len(left)
            left = left[_passes(stage, cascade.side_px, left)]
        counts[-1] += len(left)
    return counts


def rejection(cascade: Cascade, faces: GreyArray, backgrounds: GreyArray) -> Rejection:
    """How far held-out windows come, and what they cost.

    Args:
        cascade: Of windows of that size.
        faces: (N, S, S) uint8.
        backgrounds: (M, S, S) uint8.
    """
    come = windows_passed(cascade, backgrounds)
    lengths = np.array([len(stage.stumps) for stage in cascade.stages])
    each = float((come[:-1] * lengths).sum() / max(len(backgrounds), 1))
    return Rejection(windows_passed(cascade, faces), come, each)


def _passes(stage: Stage, side_px: int, windows: GreyArray) -> npt.NDArray[np.bool_]:
    if not len(windows):
        return np.zeros(0, dtype=bool)
    table = table_of([stump.feature for stump in stage.stumps], side_px)
    sums = summed(windows)
    scales = inverse_deviations(sums, squared_sums(windows), side_px).ravel()
    signs = np.array([stump.polarity for stump in stage.stumps], dtype=np.float32)
    limits = np.array([stump.threshold for stump in stage.stumps], dtype=np.float32)
    yes = responses(table, sums, scales) * signs < limits * signs
    weights = np.array([stump.weight for stump in stage.stumps])
    enough: npt.NDArray[np.bool_] = yes @ weights >= stage.threshold
    return enough


def stage_blocks(cascade: Cascade) -> Iterator[Block]:
    """What each stage was trained to."""
    stages = cascade.stages
    found = np.cumprod([stage.detection_rate for stage in stages], dtype=np.float64)
    wrong = np.cumprod([stage.false_positive_rate for stage in stages], dtype=np.float64)
    yield Text(
        "Each stage is trained until enough validation faces pass it and few enough backgrounds do, all of "
        "which have passed the stages before. The rates of the whole cascade are the products."
    )
    yield _stage_table(cascade, found, wrong)
    places = tuple(float(number) for number in range(1, len(stages) + 1))
    yield Chart(
        "Rates of the stages",
        "stage",
        "share that passes",
        (
            Series("faces", places, tuple(stage.detection_rate for stage in stages)),
            Series("faces, all stages so far", places, tuple(found.tolist())),
            Series("backgrounds", places, tuple(stage.false_positive_rate for stage in stages)),
        ),
    )
    yield Chart(
        "Backgrounds that pass all stages so far",
        "stage",
        "false positive rate",
        (Series("product over the stages", places, tuple(wrong.tolist())),),
        y_scale="log",
        note="Of backgrounds that were not trained on, as far as there were any left.",
    )
    names = tuple(str(number) for number in range(1, len(stages) + 1))
    lengths = tuple(float(len(stage.stumps)) for stage in stages)
    yield Chart(
        "Features of the stages",
        "stage",
        "features",
        (Series("features", tuple(place - 1 for place in places), lengths),),
        kind="bars",
        categories=names,
    )
    yield from _learner_charts(cascade)


def _stage_table(
    cascade: Cascade, found: npt.NDArray[np.float64], wrong: npt.NDArray[np.float64]
) -> Table:
    columns = (
        Column("stage", "count"),
        Column("features", "count"),
        Column("faces pass", "share"),
        Column("so far", "share"),
        Column("backgrounds pass", "share"),
        Column("so far"),
        Column("trained on", "count"),
        Column("searched for them", "count"),
        Column("seconds", "seconds"),
    )
    rows = tuple(
        (
            number,
            len(stage.stumps),
            stage.detection_rate,
            float(found[number - 1]),
            stage.false_positive_rate,
            f"{wrong[number - 1]:.2g}",
            stage.negatives,
            stage.windows_seen,
            stage.seconds,
        )
        for number, stage in enumerate(cascade.stages, 1)
    )
    note = "Trained on so many backgrounds, for which so many windows were searched."
    return Table("Stage by stage", columns, rows, note)


def _learner_charts(cascade: Cascade) -> Iterator[Chart]:
    """Weights and errors of the weak learners, in the order that they were chosen in."""
    stumps = cascade.stumps
    order = tuple(float(number) for number in range(1, len(stumps) + 1))
    starts = np.cumsum([len(stage.stumps) for stage in cascade.stages])[:-1]
    marks = (Mark("stage 2 begins", x=float(starts[0]) + 0.5),) if len(starts) else ()
    labels = tuple(
        f"stage {number}: {stump.feature.kind}"
        for number, stage in enumerate(cascade.stages, 1)
        for stump in stage.stumps
    )
    yield Chart(
        "Weights of the weak learners",
        "feature",
        "alpha",
        (Series("alpha", order, tuple(stump.weight for stump in stumps), labels=labels),),
        marks=marks,
        note="The first of each stage know most; later ones are asked about what is still wrong.",
    )
    yield Chart(
        "Errors of the weak learners",
        "feature",
        "weighted error",
        (Series("error", order, tuple(stump.error for stump in stumps), labels=labels),),
        marks=(*marks, Mark("no better than chance", y=0.5)),
    )


def rejection_blocks(cascade: Cascade, found: Rejection) -> Iterator[Block]:
    """How fast windows without a face are got rid of."""
    names = (*(f"stage {number}" for number in range(1, len(cascade.stages) + 1)), "found")
    features = [0, *np.cumsum([len(stage.stumps) for stage in cascade.stages]).tolist()]
    yield Text(
        f"{found.backgrounds[0]:,} windows without a face and {found.faces[0]:,} faces, turned ones too, all "
        f"from photos that it was not trained on. On average {found.features_each:.1f} of "
        f"{features[-1]:,} features are looked at before a window without a face is rejected."
    )
    columns = (
        Column("come to"),
        Column("features before it", "count"),
        Column("backgrounds", "count"),
        Column("of all", "share"),
        Column("faces", "count"),
        Column("of them", "share"),
    )
    rows = tuple(
        (
            name,
            features[number],
            int(found.backgrounds[number]),
            float(found.backgrounds[number] / max(found.backgrounds[0], 1)),
            int(found.faces[number]),
            float(found.faces[number] / max(found.faces[0], 1)),
        )
        for number, name in enumerate(names)
    )
    yield Table("Windows that come to each stage", columns, rows)
    places = tuple(float(number) for number in range(len(names)))
    yield Chart(
        "Windows left over",
        "stages passed",
        "share left",
        (
            Series(
                "backgrounds",
                places,
                tuple((found.backgrounds / max(found.backgrounds[0], 1)).tolist()),
            ),
            Series("faces", places, tuple((found.faces / max(found.faces[0], 1)).tolist())),
        ),
        y_scale="log",
    )
