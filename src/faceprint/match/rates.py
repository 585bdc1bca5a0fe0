"""Counted error rates with their exact intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from faceprint.errors import InputError
from faceprint.match.scores import (
    Scores,
    checked_rate,
    checked_scores,
    clopper_pearson,
    matching,
)

__all__ = ["Rate", "false_matches", "false_non_matches", "rate", "true_accept_rate"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A counted rate with its 95 % Clopper-Pearson interval.

    Attributes:
        value: `errors / trials`, 0 to 1.
        low: Lower end of the interval.
        high: Upper end.
        errors: How many of the trials are counted: the errors, or in a true accept rate the accepted.
        trials: How many there were, failed ones included.
    """

    value: float
    low: float
    high: float
    errors: int
    trials: int


def rate(errors: int, trials: int) -> Rate:
    """A rate from its counts.

    The interval takes the trials as independent, which pairs that share a person are not; where that
    matters, `bootstrap_interval` resamples people. Few trials give a wide interval:

    >>> rate(0, 1)
    Rate(value=0.0, low=0.0, high=0.975, errors=0, trials=1)

    Raises:
        InputError: There are no trials, or more errors than trials.
    """
    if trials < 1 or not 0 <= errors <= trials:
        raise InputError(
            f"A rate needs at least one trial and 0 to that many errors, got {errors} of {trials}."
        )
    low, high = clopper_pearson(errors, trials)
    return Rate(errors / trials, low, high, int(errors), int(trials))


def false_matches(impostor: Scores, threshold: float) -> Rate:
    """FMR at a threshold: impostor scores at or above it (ISO/IEC 19795-1).

    Raises:
        InputError: There are no scores, or one is NaN.
    """
    matched = matching(checked_scores(impostor, "impostor"), threshold)
    return rate(int(np.count_nonzero(matched)), len(matched))


def false_non_matches(genuine: Scores, threshold: float) -> Rate:
    """FNMR at a threshold: genuine scores below it, failed comparisons among them (ISO/IEC 19795-1).

    Raises:
        InputError: There are no scores, or one is NaN.
    """
    matched = matching(checked_scores(genuine, "genuine"), threshold)
    return rate(len(matched) - int(np.count_nonzero(matched)), len(matched))


def true_accept_rate(genuine: Scores, impostor: Scores, fmr: float) -> Rate:
    """TAR = 1 - FNMR at the lowest threshold whose FMR is at most `fmr`.

    The interval is that of the genuine count with the threshold taken as known; that of
    `bootstrap_interval` has the uncertainty of the threshold in it too.

    Args:
        genuine: (G,) scores.
        impostor: (I,) scores. With fewer than `1 / fmr` of them the threshold lies above them all, and
            the rate says little about `fmr`.
        fmr: 0 to 1.

    Raises:
        InputError: A list is empty or holds NaN, or the rate is not in 0 to 1.

    >>> import numpy as np
    >>> true_accept_rate(np.array([0.4, 0.6, 0.8]), np.array([0.1, 0.2, 0.3, 0.5]), 0.25).errors
    3
    """
    genuine, impostor = checked_scores(genuine, "genuine"), checked_scores(impostor, "impostor")
    allowed = allowed_errors(checked_rate(fmr, "false match rate"), len(impostor))
    if allowed >= len(impostor):
        return rate(int(np.count_nonzero(genuine > -np.inf)), len(genuine))
    place = len(impostor) - 1 - allowed
    highest_refused = np.partition(impostor, place)[place]
    return rate(int(np.count_nonzero(genuine > highest_refused)), len(genuine))


def allowed_errors(share: float, trials: int) -> int:
    """How many errors of so many trials a rate allows; 0.29 of 100 are 29, whatever the rounding."""
    return int(share * trials * (1 + 1e-12))
