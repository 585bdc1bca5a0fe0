"""Error rates of comparison scores, and their confidence intervals."""

from __future__ import annotations

import numpy as np

from faceprint.errors import CalibrationError
from faceprint.types import FloatArray

__all__ = ["clopper_pearson", "comparison_rate", "false_match_rate", "false_non_match_rate"]


def false_match_rate(impostor_scores: FloatArray, threshold: float) -> float:
    """Share of impostor scores at or above a threshold; (N,) float32 in, 0 to 1 out."""
    return float(np.mean(impostor_scores >= threshold))


def false_non_match_rate(genuine_scores: FloatArray, threshold: float) -> float:
    """Share of genuine scores below a threshold; (N,) float32 in, 0 to 1 out."""
    return float(np.mean(genuine_scores < threshold))


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
