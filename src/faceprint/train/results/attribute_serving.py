"""What is learnt of a network of attributes after training, on photos that it was not trained on.

How sure it may be taken to be: temperatures (Guo et al., "On Calibration of Modern Neural Networks", ICML
2017). How wide an interval of ages must be: split conformal prediction (Lei et al., "Distribution-Free
Predictive Inference for Regression", JASA 2018), with the levels of the stated distribution as scores
(Chernozhukov et al., "Distributional conformal prediction", PNAS 2021).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_expit, log_softmax

from faceprint.attributes.serving import (
    AGE_MIDDLE_YEARS,
    AGE_UNIT_YEARS,
    AttributeServing,
    age_shares,
    output_columns,
)
from faceprint.errors import InputError
from faceprint.types import FloatArray

__all__ = ["age_levels", "age_margin", "emotion_temperature", "fit_serving", "gender_temperature"]

_Floats = npt.NDArray[np.float64]

_FEWEST = 20
"""Photos without which nothing is fitted."""

_TEMPERATURES = (0.05, 20.0)
_HALF_YEAR = 0.5


def fit_serving(
    serving: AttributeServing, outputs: FloatArray, labels: Mapping[str, FloatArray]
) -> AttributeServing:
    """The record with temperatures and an interval of ages that fit these photos.

    What has fewer than 20 labels stays as it is.

    Args:
        serving: Says what the columns are, and what share of the ages the interval is to hold.
        outputs: (N, K) float32, of photos that the network was not trained on.
        labels: (N,) "age" in years, "female" 0 or 1, "emotion" the number of a class; NaN where not known.

    Raises:
        InputError: There is another number of labels than of outputs.
    """
    for target, columns in output_columns(serving.outputs).items():
        given = labels.get(target, np.full(len(outputs), np.nan, dtype=np.float32))
        if len(given) != len(outputs):
            raise InputError(
                f"Expected a label of {target!r} for each of {len(outputs)} photos, got {len(given)}."
            )
        known = ~np.isnan(given)
        if known.sum() < _FEWEST:
            continue
        said, truth = outputs[known][:, columns], given[known]
        if target == "female":
            serving = replace(serving, temperature_gender=gender_temperature(said[:, 0], truth))
        elif target == "emotion":
            serving = replace(serving, temperature_emotion=emotion_temperature(said, truth))
        elif said.shape[1] == 1:
            off = truth - (AGE_MIDDLE_YEARS + AGE_UNIT_YEARS * said[:, 0].astype(np.float64))
            margin = age_margin(off, coverage=serving.coverage)
            serving = replace(serving, age_low_years=-margin, age_high_years=margin)
        else:
            low, high = age_levels(said, truth, coverage=serving.coverage)
            serving = replace(serving, age_low_level=low, age_high_level=high)
    return serving


def gender_temperature(logits: npt.ArrayLike, female: npt.ArrayLike) -> float:
    """What logits (N,) must be divided by to be right most of the time that they say so: least log loss."""
    signed = np.asarray(logits, np.float64) * (2 * np.asarray(female, np.float64) - 1)
    return _least(lambda temperature: -float(log_expit(signed / temperature).mean()))


def emotion_temperature(logits: npt.ArrayLike, classes: npt.ArrayLike) -> float:
    """The same for logits (N, E) and numbers of classes (N,)."""
    values = np.asarray(logits, np.float64)
    rows, truth = np.arange(len(values)), np.asarray(classes).astype(np.int64)
    return _least(
        lambda temperature: -float(log_softmax(values / temperature, axis=1)[rows, truth].mean())
    )


def age_levels(
    logits: npt.ArrayLike, ages: npt.ArrayLike, *, coverage: float
) -> tuple[float, float]:
    """Between which levels of the stated distribution that share of the ages lies, alike on both sides.

    A photo counts as held where the interval touches the year that it is labelled with, half a year about
    it. Of new photos like these, the share is held with no assumption about the network.

    Args:
        logits: (N, Y), of the years from 0 on.
        ages: (N,) years.
        coverage: 0 to 1.
    """
    reached = np.cumsum(age_shares(logits), axis=1)
    low, high = (_reached_at(reached, np.asarray(ages) + by) for by in (-_HALF_YEAR, _HALF_YEAR))
    # How far out, in 0 to 1, the interval must reach: not at all where the median lies in the year.
    needed = np.maximum(np.maximum(2 * low - 1, 1 - 2 * high), 0)
    out = min(_conformal(needed, coverage), 1.0)
    return (1 - out) / 2, (1 + out) / 2


def age_margin(off: npt.ArrayLike, *, coverage: float) -> float:
    """By how many years at most that share of estimates is off, (N,) years given.

    As for `age_levels`, half a year to either side of a label is within it.
    """
    away = np.maximum(np.abs(np.asarray(off, np.float64)) - _HALF_YEAR, 0)
    return min(_conformal(away, coverage), float(away.max()))


def _reached_at(reached: _Floats, ages: npt.NDArray[np.floating]) -> _Floats:
    """The part of the distribution below ages (N,): the year y stands for y - 0.5 to y + 0.5."""
    padded = np.concatenate([np.zeros((len(reached), 1)), reached], axis=1)
    places = np.clip(ages.astype(np.float64) + _HALF_YEAR, 0, reached.shape[1])
    below = np.minimum(places.astype(np.int64), reached.shape[1] - 1)
    rows = np.arange(len(reached))
    start, end = padded[rows, below], padded[rows, below + 1]
    found: _Floats = start + (places - below) * (end - start)
    return found


def _conformal(scores: _Floats, coverage: float) -> float:
    """The ⌈(N + 1) coverage⌉-th smallest score; infinite where N is too small for that."""
    place = int(np.ceil((len(scores) + 1) * coverage - 1e-9))
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else float("inf")


def _least(loss: Callable[[float], float]) -> float:
    """The temperature of least loss, within bounds: where all answers are right, none is the least."""
    low, high = np.log(_TEMPERATURES)
    found = minimize_scalar(
        lambda at: loss(float(np.exp(at))), bounds=(low, high), method="bounded"
    )
    return float(np.exp(found.x))
