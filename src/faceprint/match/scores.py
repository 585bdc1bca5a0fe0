"""Error rates of comparison scores, and their confidence intervals.

A higher score means more alike. A comparison that could not be made, as with a photo that shows no face,
scores minus infinity: it matches nothing at any threshold, and it is counted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError, InputError

__all__ = [
    "Scores",
    "checked_rate",
    "checked_scores",
    "clopper_pearson",
    "comparison_rate",
    "false_match_rate",
    "false_non_match_rate",
    "matching",
]

Scores = npt.NDArray[np.floating[Any]]
"""(N,) comparison scores, float32 or float64; minus infinity where the comparison failed."""


def checked_scores(scores: npt.ArrayLike, kind: str) -> Scores:
    """The scores as a floating array, once they are known to be usable.

    Args:
        scores: (N,) numbers.
        kind: What they are, for messages, as in "genuine".

    Raises:
        InputError: There are none, they are not one list, or one is NaN or plus infinity.
    """
    array = np.asarray(scores)
    if array.ndim != 1:
        raise InputError(
            f"Expected one list of {kind} scores, got an array of shape {array.shape}."
        )
    if not len(array):
        raise InputError(f"There are no {kind} scores. Add {kind} pairs: the figure needs them.")
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    # NaN fails every comparison, so this finds NaN and plus infinity in one pass.
    if not (usable := array < np.inf).all():
        index = int(np.argmin(usable))
        raise InputError(
            f"The {kind} score with index {index} is {'NaN' if np.isnan(array[index]) else 'infinite'}. "
            "Give a finite score, or minus infinity for a comparison that could not be made."
        )
    return array


def checked_rate(value: float, name: str) -> float:
    """The rate, once it is known to lie in 0 to 1.

    Raises:
        InputError: It does not.
    """
    if not 0 <= value <= 1:
        raise InputError(f"A {name} lies between 0 and 1, as in 0.001, got {value!r}.")
    return float(value)


def matching(scores: Scores, threshold: float) -> npt.NDArray[np.bool_]:
    """Which scores are at or above a threshold; failed comparisons never are."""
    # float64 keeps NumPy from rounding the threshold to the float32 of the scores.
    matched: npt.NDArray[np.bool_] = scores >= np.float64(threshold)
    return matched if threshold > -np.inf else scores > -np.inf


def false_match_rate(impostor_scores: Scores, threshold: float) -> float:
    """Share of impostor scores at or above a threshold; (N,) in, 0 to 1 out (ISO/IEC 19795-1, FMR).

    Raises:
        InputError: There are no scores, or one is NaN.
    """
    return float(np.mean(matching(checked_scores(impostor_scores, "impostor"), threshold)))


def false_non_match_rate(genuine_scores: Scores, threshold: float) -> float:
    """Share of genuine scores below a threshold; (N,) in, 0 to 1 out (ISO/IEC 19795-1, FNMR).

    Raises:
        InputError: There are no scores, or one is NaN.
    """
    return float(np.mean(~matching(checked_scores(genuine_scores, "genuine"), threshold)))


def clopper_pearson(errors: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval of a rate (Clopper, Pearson, Biometrika 1934).

    >>> low, high = clopper_pearson(0, 100)
    >>> low, round(high, 4)
    (0.0, 0.0362)
    """
    from scipy.special import betaincinv

    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return low, high


def comparison_rate(fpir: float, comparisons: int) -> float:
    """The false match rate of one comparison that gives a search this false positive rate.

    FPIR = 1 - (1 - FMR)^N for N independent comparisons (ISO/IEC 19795-1).

    Args:
        fpir: False positive identification rate of a whole search, 0 to 1.
        comparisons: How many templates a probe is compared with.

    Raises:
        CalibrationError: The rate is not between 0 and 1.

    >>> comparison_rate(0.01, 1)
    0.01
    >>> round(comparison_rate(0.01, 1000), 8)
    1.005e-05
    """
    if not 0 < fpir < 1:
        raise CalibrationError(
            f"A false positive identification rate lies between 0 and 1, as in 0.01, got {fpir!r}."
        )
    return float(-np.expm1(np.log1p(-fpir) / max(1, comparisons)))
