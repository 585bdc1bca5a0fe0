"""Error versus discard: whether a quality score puts the comparisons that go wrong first.

Grother, Tabassi, "Performance of Biometric Quality Measures", PAMI 2007; ISO/IEC 29794-1. The comparisons
of the poorest quality are discarded, and the error rate of the others is read off at a fixed threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.match.scores import checked_rate, checked_scores, matching

__all__ = ["DiscardCurve", "error_versus_discard"]

_Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DiscardCurve:
    """The errors that are left after discarding the comparisons of the poorest quality.

    There is one step for each distinct quality. Comparisons of equal quality go in random order: between
    two steps, the errors fall in proportion.

    Attributes:
        discarded: (K,) float64, share of the comparisons that are discarded, rising from 0 to 1.
        errors: (K,) float64, errors that are left as a share of all comparisons, falling to 0.
        count: How many comparisons there are.
    """

    discarded: _Float64
    errors: _Float64
    count: int

    @property
    def error_rate(self) -> float:
        """The rate with nothing discarded, which discarding at random keeps: 0 to 1."""
        return float(self.errors[0])

    @property
    def ideal(self) -> DiscardCurve:
        """The curve of a quality that puts all comparisons that go wrong first."""
        steps = np.unique([0, self.error_rate, 1])
        return DiscardCurve(steps, np.maximum(self.error_rate - steps, 0), self.count)

    def rate_at(self, discarded: float) -> float:
        """The error rate of the comparisons that are left, 0 to 1.

        Args:
            discarded: Share of the comparisons that are discarded, 0 to under 1.

        Raises:
            InputError: The share is not in 0 to under 1.
        """
        left = 1 - _checked_share(discarded)
        return float(np.interp(discarded, self.discarded, self.errors)) / left

    def mean_rate(self, limit: float = 0.2) -> float:
        """The mean error rate over all shares up to a limit: the partial area under the curve over the limit.

        Discarding at random gives `error_rate`.

        Args:
            limit: Largest share of the comparisons that is discarded, above 0 and under 1.

        Raises:
            InputError: The limit is not in between.
        """
        if not _checked_share(limit):
            raise InputError("The largest share to discard is above 0, as in 0.2, got 0.")
        steps = np.append(self.discarded[self.discarded < limit], limit)
        errors = np.interp(steps, self.discarded, self.errors)
        # Errors fall as a + b d within a step; the integral of (a + b d) / (1 - d) has a closed form.
        slope = np.diff(errors) / np.diff(steps)
        start = errors[:-1] - slope * steps[:-1]
        area = -(start + slope) * np.diff(np.log1p(-steps)) - slope * np.diff(steps)
        return float(np.clip(area.sum() / limit, 0, 1))


def error_versus_discard(
    scores: npt.ArrayLike, quality: npt.ArrayLike, threshold: float, *, genuine: bool = True
) -> DiscardCurve:
    """The curve of comparisons of one kind at one threshold.

    Args:
        scores: (N,) higher is more alike; minus infinity where the comparison failed.
        quality: (N,) quality of each comparison, or (N, 2) of its two sides, the poorer of which counts;
            higher is better. Any finite scale: only the order matters.
        threshold: Scores at or above it match.
        genuine: Whether the comparisons are of one person each, and a miss is the error (FNMR); else a
            match is (FMR).

    Raises:
        InputError: There are no scores, one is NaN, or the qualities do not fit or are not finite.

    >>> curve = error_versus_discard([0.1, 0.7, 0.8, 0.2], [0.1, 0.9, 0.8, 0.5], threshold=0.4)
    >>> curve.error_rate, round(curve.rate_at(0.25), 4), curve.rate_at(0.5)
    (0.5, 0.3333, 0.0)
    """
    found = checked_scores(scores, "genuine" if genuine else "impostor")
    poorest = _pair_quality(quality, len(found))
    wrong = matching(found, threshold) != genuine
    kinds, places = np.unique(poorest, return_inverse=True)
    gone = np.cumsum(np.bincount(places, minlength=len(kinds)))
    errors_gone = np.cumsum(np.bincount(places, weights=wrong, minlength=len(kinds)))
    total = int(wrong.sum())
    return DiscardCurve(
        discarded=np.append(0, gone) / len(found),
        errors=(total - np.append(0, errors_gone)) / len(found),
        count=len(found),
    )


def _checked_share(share: float) -> float:
    if checked_rate(share, "share of comparisons") == 1:
        raise InputError("Discarding all comparisons leaves no error rate. Give a share under 1.")
    return share


def _pair_quality(quality: npt.ArrayLike, count: int) -> _Float64:
    array = np.asarray(quality, dtype=np.float64)
    if array.shape not in ((count,), (count, 2)):
        raise InputError(
            f"Expected a quality for each of {count} comparisons, or two for each, got an array of shape "
            f"{array.shape}."
        )
    poorest: _Float64 = array if array.ndim == 1 else array.min(axis=1)
    if not (usable := np.isfinite(poorest)).all():
        raise InputError(
            f"The quality with index {int(np.argmin(usable))} is not a finite number. Give a face that "
            "was not found the lowest quality."
        )
    return poorest
