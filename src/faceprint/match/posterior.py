"""From likelihood ratios to probabilities: what is asked of a prior, and what a gallery's size does.

A likelihood ratio says how much likelier a score is between photos of one person than of two. Only with
a prior does it become a probability: here every second probe is of somebody who is enrolled.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError

__all__ = ["search_probabilities", "verification_probability"]


def verification_probability(log10_ratio: float, *, prior: float = 0.5) -> float:
    """The probability that two photos show one person (Bayes).

    Args:
        log10_ratio: Logarithm of the likelihood ratio, base 10.
        prior: Probability before looking, 0 to 1, ends excluded.

    Raises:
        CalibrationError: The prior is not between 0 and 1.

    >>> verification_probability(0.0)
    0.5
    >>> round(verification_probability(2.0), 4)
    0.9901
    """
    _check(prior)
    odds = 10.0**log10_ratio * prior / (1 - prior)
    return float(odds / (1 + odds))


def search_probabilities(
    log10_ratios: npt.ArrayLike, *, comparisons: int, prior: float = 0.5
) -> npt.NDArray[np.float64]:
    """The probability of each candidate of a search that the probe shows them.

    The prior is spread evenly over the templates of the gallery, so that the same score means less in a
    larger one. Templates that are not listed count with a ratio of 1, its mean over impostors.

    Args:
        log10_ratios: (K,) logarithms of the likelihood ratios of the candidates, base 10.
        comparisons: How many templates the probe was compared with, at least K.
        prior: Probability that the probe is of somebody who is enrolled, 0 to 1, ends excluded.

    Returns:
        (K,) float64; their sum is below 1, the rest being that it is nobody of them.

    Raises:
        CalibrationError: The prior is not between 0 and 1, or there are fewer comparisons than candidates.

    >>> search_probabilities([3.0], comparisons=1).round(3)
    array([0.999])
    >>> search_probabilities([3.0], comparisons=1000).round(3)
    array([0.333])
    """
    _check(prior)
    ratios = 10.0 ** np.asarray(log10_ratios, dtype=np.float64)
    if comparisons < len(ratios):
        raise CalibrationError(
            f"There are {len(ratios)} candidates of {comparisons} comparisons: expected no more "
            "candidates than comparisons."
        )
    if not comparisons:
        return np.zeros(0)
    share = prior / comparisons
    rest = (1 - prior) + share * (ratios.sum() + comparisons - len(ratios))
    found: npt.NDArray[np.float64] = share * ratios / rest
    return found


def _check(prior: float) -> None:
    if not 0 < prior < 1:
        raise CalibrationError(f"A prior lies between 0 and 1, as in 0.5, got {prior!r}.")
