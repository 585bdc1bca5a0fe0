"""Figures of estimated ages and genders against labels."""

from __future__ import annotations

from collections.abc import Callable
from math import isclose
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.attributes.records import AGE_BANDS
from faceprint.evaluate.attributes.results import AgeFigures, AgePart, GenderFigures, GenderPart
from faceprint.evaluate.estimates import Estimate
from faceprint.match import Rate, bootstrap_interval, rate
from faceprint.match.agreement import brier_score, expected_calibration_error, reliability
from faceprint.types import FloatArray

__all__ = ["age_figures", "gender_figures"]

IntArray = npt.NDArray[np.integer[Any]]
BoolArray = npt.NDArray[np.bool_]

_WITHIN_YEARS = 5
_PLACES = 2000


def age_figures(
    model: str, ages: IntArray, female: BoolArray, estimates: FloatArray, interval: FloatArray
) -> AgeFigures:
    """How far estimated ages are off.

    Args:
        model: Card name.
        ages: (N,) labelled years.
        female: (N,) labelled sex.
        estimates: (N,) float32 years.
        interval: (N, 2) float32, the years that the model is sure of; NaN where it gives none.
    """
    truth, guess = ages.astype(np.float64), estimates.astype(np.float64)
    inside = (interval[:, 0] <= ages + 0.5) & (ages - 0.5 <= interval[:, 1])
    rows = np.random.default_rng(0).permutation(len(ages))[:_PLACES]
    sexes = (("labelled female", female), ("labelled male", ~female))
    return AgeFigures(
        model=model,
        whole=_age_part("all", truth, guess),
        root_mean_square=_estimate(_root_mean_square, truth, guess, high=np.inf),
        explained=_estimate(_explained, truth, guess, low=-np.inf),
        covered=None if np.isnan(interval).all() else rate(int(inside.sum()), len(ages)),
        bands=tuple(
            _age_part(name, truth[some], guess[some]) for name, some in _bands(ages) if some.any()
        ),
        sexes=tuple(
            _age_part(name, truth[some], guess[some]) for name, some in sexes if some.any()
        ),
        places=tuple((int(ages[row]), round(float(guess[row]), 1)) for row in rows),
    )


def gender_figures(
    model: str, ages: IntArray, female: BoolArray, probability: FloatArray
) -> GenderFigures:
    """How often the likelier gender is the labelled sex; at 0.5 it is female.

    Args:
        model: Card name.
        ages: (N,) labelled years.
        female: (N,) labelled sex.
        probability: (N,) float32 of female.
    """
    told = probability >= 0.5
    stated, truth = probability.astype(np.float64), female.astype(np.float64)
    both, neither = int((female & told).sum()), int((~female & ~told).sum())
    missed, wrong = int((female & ~told).sum()), int((~female & told).sum())
    return GenderFigures(
        model=model,
        accuracy=rate(both + neither, len(female)),
        precision=(_rate(both, both + wrong), _rate(neither, neither + missed)),
        recall=(_rate(both, both + missed), _rate(neither, neither + wrong)),
        f1=(
            _f1_estimate(truth, told, both),
            _f1_estimate(1 - truth, ~told, neither),
        ),
        confusion=((both, missed), (wrong, neither)),
        calibration_error=_estimate(expected_calibration_error, stated, truth),
        brier=_estimate(brier_score, stated, truth),
        reliability=reliability(stated, truth),
        bands=tuple(
            GenderPart(name, rate(int((female == told)[some].sum()), int(some.sum())))
            for name, some in _bands(ages)
            if some.any()
        ),
    )


def _bands(ages: IntArray) -> list[tuple[str, BoolArray]]:
    found = []
    for low, high in zip(AGE_BANDS, (*AGE_BANDS[1:], None), strict=True):
        inside = ages >= low if high is None else (ages >= low) & (ages < high)
        found.append(
            (f"{low} years and more" if high is None else f"{low} to {high - 1} years", inside)
        )
    return found


def _age_part(name: str, truth: npt.NDArray[np.float64], guess: npt.NDArray[np.float64]) -> AgePart:
    off = guess - truth
    return AgePart(
        name,
        len(off),
        _estimate(lambda x: float(np.abs(x).mean()), off, high=np.inf),
        _estimate(lambda x: float(x.mean()), off, low=-np.inf, high=np.inf),
        rate(int((np.abs(off) <= _WITHIN_YEARS).sum()), len(off)),
    )


def _rate(errors: int, trials: int) -> Rate | None:
    return rate(errors, trials) if trials else None


def _root_mean_square(truth: npt.NDArray[np.float64], guess: npt.NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean((guess - truth) ** 2)))


def _explained(truth: npt.NDArray[np.float64], guess: npt.NDArray[np.float64]) -> float:
    """R² = 1 - residual sum of squares / total sum of squares; NaN where all ages are equal."""
    total = float(np.sum((truth - truth.mean()) ** 2))
    return 1 - float(np.sum((guess - truth) ** 2)) / total if total else float("nan")


def _f1(truth: npt.NDArray[np.float64], told: npt.NDArray[np.bool_]) -> float:
    """2 TP / (2 TP + FP + FN); NaN where there is neither."""
    both = float((truth * told).sum())
    whole = float(truth.sum() + told.sum())
    return 2 * both / whole if whole else float("nan")


def _f1_estimate(truth: npt.NDArray[np.float64], told: BoolArray, right: int) -> Estimate:
    """F1 of a sex; where faces drawn anew show no spread, with the exact interval of its counts.

    With J = TP / (TP + FP + FN), a share that is counted, F1 = 2 J / (1 + J).
    """
    whole = int(((truth > 0) | told).sum())
    counted = _rate(right, whole)
    share = (0.0, 1.0) if counted is None else (counted.low, counted.high)
    low, high = (2 * end / (1 + end) for end in share)
    return _estimate(_f1, truth, told, low=low, high=high)


def _estimate(
    figure: Callable[..., float],
    *lists: npt.NDArray[Any],
    low: float = 0.0,
    high: float = 1.0,
) -> Estimate:
    """A figure and its interval over faces drawn anew.

    `low` and `high` are the interval where these show no spread: what the figure can be.
    """
    value = figure(*lists)
    if np.isnan(value):
        return Estimate(value, value, value)

    def drawn(*some: npt.NDArray[Any]) -> float:
        again = figure(*some)
        return value if np.isnan(again) else again

    start, end = bootstrap_interval(drawn, *lists, paired=True, bounds=(low, high))
    if isclose(start, end, rel_tol=1e-6, abs_tol=1e-12):
        return Estimate(value, low, high)
    return Estimate(value, min(start, value), max(end, value))
