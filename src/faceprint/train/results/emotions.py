"""Estimated emotions against labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.estimates import Estimate, estimate
from faceprint.evaluate.report import Chart, Column, Section, Series, Table, Text
from faceprint.match import Rate, rate
from faceprint.match.agreement import Reliability, expected_calibration_error, reliability
from faceprint.train.results.confusion import confusion_table
from faceprint.types import FloatArray

__all__ = [
    "EMOTION_NOTE",
    "EmotionClass",
    "EmotionFigures",
    "emotion_figures",
    "emotion_section",
    "macro_f1",
]

_Ints = npt.NDArray[np.int64]

EMOTION_NOTE = (
    "Labels say which expression somebody saw in a photo; of those of FER2013, people tell about 65 % "
    '(Goodfellow et al., "Challenges in Representation Learning", 2013). Estimates are of how a face looks, '
    "not of what anybody feels."
)


@dataclass(frozen=True, slots=True)
class EmotionClass:
    """How well one class is told.

    Attributes:
        name: Of the class.
        precision: Of the faces that were taken for it, the share that is labelled so; None if there are none.
        recall: Of those labelled so, the share that was taken for it; None if there are none.
        f1: Harmonic mean of the two; NaN where it is neither a label nor an answer.
    """

    name: str
    precision: Rate | None
    recall: Rate | None
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class EmotionFigures:
    """How well emotions are told, taking the likeliest.

    Attributes:
        accuracy: Share of the faces whose label is told.
        macro_f1: Mean F1 of the classes.
        classes: One for each class.
        confusion: (E, E) counts: rows are labels, columns answers.
        calibration_error: Mean distance of the probability of the answer and how often it is right (ECE, 15
            bins).
        reliability: Stated against observed shares.
    """

    accuracy: Rate
    macro_f1: Estimate
    classes: tuple[EmotionClass, ...]
    confusion: _Ints
    calibration_error: Estimate
    reliability: Reliability


def emotion_figures(
    probabilities: FloatArray, classes: npt.ArrayLike, names: Sequence[str]
) -> EmotionFigures:
    """Measures estimates of emotions.

    Args:
        probabilities: (N, E), each row of sum 1.
        classes: (N,) numbers of the labelled classes.
        names: E names of the classes.

    Raises:
        InputError: There are no faces, or lengths do not fit together.
    """
    truth = np.asarray(classes).astype(np.int64)
    if probabilities.shape != (len(truth), len(names)) or not len(truth):
        raise InputError(
            f"Expected probabilities of shape ({len(truth)}, {len(names)}) for faces with labels, and at "
            f"least one face, got {probabilities.shape}."
        )
    told = probabilities.argmax(axis=1).astype(np.int64)
    confusion = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(confusion, (truth, told), 1)
    sure = np.clip(probabilities.max(axis=1).astype(np.float64), 0, 1)
    right = told == truth
    return EmotionFigures(
        accuracy=rate(int(right.sum()), len(truth)),
        macro_f1=estimate(_macro_f1_of_pairs, np.stack([truth, told], axis=1).astype(np.float32)),
        classes=tuple(_class(name, one, confusion) for one, name in enumerate(names)),
        confusion=confusion,
        calibration_error=estimate(
            lambda pairs: expected_calibration_error(pairs[:, 0], pairs[:, 1]),
            np.stack([sure, right], axis=1).astype(np.float32),
        ),
        reliability=reliability(sure, right),
    )


def macro_f1(truth: npt.ArrayLike, told: npt.ArrayLike) -> float:
    """The mean F1 of the classes that are a label or an answer, (N,) numbers each.

    >>> macro_f1([0, 0, 1, 1], [0, 0, 1, 0])
    0.7333333333333334
    """
    labels, answers = np.asarray(truth), np.asarray(told)
    scores = [
        2
        * ((labels == one) & (answers == one)).sum()
        / ((labels == one).sum() + (answers == one).sum())
        for one in np.union1d(labels, answers)
    ]
    return float(np.mean(scores))


def emotion_section(found: EmotionFigures, name: str) -> Section:
    """The tables and charts of a model."""
    rows = tuple(
        (
            one.name,
            0 if one.recall is None else one.recall.trials,
            *_ends(one.precision),
            *_ends(one.recall),
            one.f1,
        )
        for one in found.classes
    )
    shares = [
        Column(head, "share")
        for measure in ("precision", "recall")
        for head in (measure, "from", "to")
    ]
    columns = (Column("labelled"), Column("faces", "count"), *shares, Column("F1", "share"))
    return Section(
        f"Emotion, {name}",
        (
            Text(EMOTION_NOTE),
            Table("By class", columns, rows, "From and to: 95 % interval."),
            confusion_table(
                found.confusion,
                [one.name for one in found.classes],
                title="Labelled and estimated emotion",
            ),
            _reliability_chart(found.reliability, name),
        ),
    )


def _class(name: str, one: int, confusion: _Ints) -> EmotionClass:
    both, labelled, told = confusion[one, one], confusion[one].sum(), confusion[:, one].sum()
    return EmotionClass(
        name,
        rate(int(both), int(told)) if told else None,
        rate(int(both), int(labelled)) if labelled else None,
        float(2 * both / (labelled + told)) if labelled + told else float("nan"),
    )


def _macro_f1_of_pairs(pairs: FloatArray) -> float:
    return macro_f1(pairs[:, 0], pairs[:, 1])


def _ends(found: Rate | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if found is None else (found.value, found.low, found.high)


def _reliability_chart(diagram: Reliability, name: str) -> Chart:
    measured = Series(
        name,
        tuple(diagram.stated.tolist()),
        tuple(diagram.observed.tolist()),
        labels=tuple(f"{count:,} faces" for count in diagram.counts),
    )
    return Chart(
        f"Is the probability right? {name}",
        "stated probability of the likeliest emotion",
        "share labelled so",
        (Series("as it should be", (0.0, 1.0), (0.0, 1.0)), measured),
        note="Below the straight line the model is too sure.",
    )
