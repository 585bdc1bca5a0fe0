"""Whether stated probabilities and likelihood ratios agree with what happened."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError

__all__ = [
    "Reliability",
    "brier_score",
    "expected_calibration_error",
    "log_likelihood_ratio_cost",
    "reliability",
]

_Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Stated against observed frequencies, in bins of equal width; empty bins are left out.

    Attributes:
        stated: (B,) float64, mean probability of each bin.
        observed: (B,) float64, share of the bin that came true.
        counts: (B,) int64, how many fell into it.
    """

    stated: _Float64
    observed: _Float64
    counts: npt.NDArray[np.int64]


def reliability(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, bins: int = 15
) -> Reliability:
    """The reliability diagram (Murphy, Winkler, Applied Statistics 1977).

    Args:
        probabilities: (N,) 0 to 1.
        outcomes: (N,) booleans, or zeros and ones.
        bins: How many bins of equal width; 1.0 falls into the last.

    Raises:
        InputError: The lists are empty or of two lengths, a probability is not in 0 to 1, or an outcome
            is neither 0 nor 1.
    """
    stated, truth = _checked(probabilities, outcomes)
    if bins < 1:
        raise InputError(f"Expected at least one bin, got {bins}.")
    places = np.minimum((stated * bins).astype(np.int64), bins - 1)
    counts = np.bincount(places, minlength=bins)
    filled = counts > 0
    sums = [np.bincount(places, values, minlength=bins)[filled] for values in (stated, truth)]
    return Reliability(sums[0] / counts[filled], sums[1] / counts[filled], counts[filled])


def expected_calibration_error(
    probabilities: npt.ArrayLike, outcomes: npt.ArrayLike, bins: int = 15
) -> float:
    """ECE: the mean distance of stated and observed frequency, weighted by bin, 0 to 1.

    Naeini, Cooper, Hauskrecht, AAAI 2015. Arguments and errors are those of `reliability`.

    >>> expected_calibration_error([0.9, 0.9, 0.1, 0.1], [1, 0, 0, 0], bins=2)
    0.25
    """
    diagram = reliability(probabilities, outcomes, bins)
    distances = np.abs(diagram.stated - diagram.observed)
    return float(np.average(distances, weights=diagram.counts))


def brier_score(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> float:
    """Mean squared distance of probability and outcome, 0 to 1, lower being better.

    Brier, Monthly Weather Review 1950. Arguments and errors are those of `reliability`.
    """
    stated, truth = _checked(probabilities, outcomes)
    return float(np.mean((stated - truth) ** 2))


def log_likelihood_ratio_cost(
    genuine_log10_lr: npt.ArrayLike, impostor_log10_lr: npt.ArrayLike
) -> float:
    """Cllr in bits: 0 is perfect, 1 is what always saying "no evidence" costs.

    Brümmer, du Preez, "Application-independent evaluation of speaker detection", 2006.

    Args:
        genuine_log10_lr: (G,) log10 likelihood ratios of genuine comparisons.
        impostor_log10_lr: (I,) those of impostor comparisons.

    Raises:
        InputError: A list is empty or holds NaN.

    >>> log_likelihood_ratio_cost([0.0, 0.0], [0.0])
    1.0
    """
    costs = [
        np.mean(np.logaddexp(0, sign * np.log(10) * _checked_ratios(ratios, kind)))
        for ratios, sign, kind in (
            (genuine_log10_lr, -1, "genuine"),
            (impostor_log10_lr, 1, "impostor"),
        )
    ]
    return float(np.mean(costs) / np.log(2))


def _checked(probabilities: npt.ArrayLike, outcomes: npt.ArrayLike) -> tuple[_Float64, _Float64]:
    stated, truth = np.asarray(probabilities, np.float64), np.asarray(outcomes, np.float64)
    if stated.ndim != 1 or stated.shape != truth.shape or not len(stated):
        raise InputError(
            "Expected one outcome for each probability and at least one of them, got shapes "
            f"{stated.shape} and {truth.shape}."
        )
    if not (sound := (stated >= 0) & (stated <= 1)).all():
        index = int(np.argmin(sound))
        raise InputError(f"The probability with index {index} is {stated[index]}; expected 0 to 1.")
    if not (sound := (truth == 0) | (truth == 1)).all():
        index = int(np.argmin(sound))
        raise InputError(f"The outcome with index {index} is {truth[index]}; expected 0 or 1.")
    return stated, truth


def _checked_ratios(ratios: npt.ArrayLike, kind: str) -> _Float64:
    checked = np.asarray(ratios, np.float64)
    if checked.ndim != 1 or not len(checked):
        raise InputError(f"Expected a list of {kind} likelihood ratios, got shape {checked.shape}.")
    if np.isnan(checked).any():
        index = int(np.argmax(np.isnan(checked)))
        raise InputError(f"The {kind} likelihood ratio with index {index} is NaN.")
    return checked
