"""Error rates over all thresholds: ROC and DET curves, and the figures read off them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.match.rates import allowed_errors
from faceprint.match.scores import Scores, checked_rate, checked_scores

__all__ = [
    "ErrorCurve",
    "area_under_roc",
    "decidability",
    "equal_error_rate",
    "error_curve",
    "thin",
]

_Float64 = npt.NDArray[np.float64]
_Indices = npt.NDArray[np.intp]

_EXACT_RANKS = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class ErrorCurve:
    """FMR and FNMR at every threshold where either changes.

    ROC is `1 - fnmr` over `fmr`, DET is `fnmr` over `fmr` (ISO/IEC 19795-1). The first threshold
    accepts every comparison that could be made, the last accepts none. Each threshold is the lowest
    number, in the precision of the scores, that has its rates, so that a comparison of float32 scores
    with it comes out the same.

    Attributes:
        thresholds: (K,) float64, rising; scores at or above one match.
        fmr: (K,) float64, 0 to 1, falling to 0.
        fnmr: (K,) float64, 0 to 1, rising to 1.
        genuine_count: How many genuine scores, failed comparisons included.
        impostor_count: How many impostor scores, failed comparisons included.
    """

    thresholds: _Float64
    fmr: _Float64
    fnmr: _Float64
    genuine_count: int
    impostor_count: int

    def threshold_at(self, fmr: float) -> float:
        """The lowest threshold whose FMR is at most `fmr`.

        Under `1 / impostor_count` it lies just above all impostors: the data then say no more than that
        the rate is small.

        Raises:
            InputError: The rate is not in 0 to 1.
        """
        return float(self.thresholds[self._row(fmr)])

    def fnmr_at(self, fmr: float) -> float:
        """The FNMR at `threshold_at(fmr)`.

        Raises:
            InputError: The rate is not in 0 to 1.
        """
        return float(self.fnmr[self._row(fmr)])

    def rates_at(self, thresholds: npt.ArrayLike) -> tuple[_Float64, _Float64]:
        """FMR and FNMR at thresholds of any shape, each of that shape."""
        places = np.searchsorted(self.thresholds, np.asarray(thresholds, np.float64), "right") - 1
        rows = np.maximum(places, 0)
        return self.fmr[rows], self.fnmr[rows]

    def thinned(self, points: int = 500) -> ErrorCurve:
        """The curve with at most so many steps, its shape kept on linear and logarithmic axes (`thin`)."""
        rows = thin(self.fmr, self.fnmr, points=points)
        return ErrorCurve(
            self.thresholds[rows],
            self.fmr[rows],
            self.fnmr[rows],
            self.genuine_count,
            self.impostor_count,
        )

    def _row(self, fmr: float) -> int:
        allowed = allowed_errors(checked_rate(fmr, "false match rate"), self.impostor_count)
        # Half an error above what is allowed, so that no rounding of the quotients matters.
        limit = (allowed + 0.5) / self.impostor_count
        return len(self.fmr) - int(np.searchsorted(self.fmr[::-1], limit))


def error_curve(genuine: Scores, impostor: Scores) -> ErrorCurve:
    """The curve of two sets of scores: one step for each distinct score.

    Of more than a million scores of one kind, steps are left out where the count of errors is over a
    million and the next step that stays changes it by no more than a millionth. The rates of the steps
    that stay are exact.

    Args:
        genuine: (G,) float32 or float64; minus infinity where the comparison failed.
        impostor: (I,) likewise.

    Raises:
        InputError: A list is empty, a score is NaN, or no comparison could be made at all.
    """
    genuine, impostor = checked_scores(genuine, "genuine"), checked_scores(impostor, "impostor")
    genuine_made, impostor_made = _made(genuine), _made(impostor)
    steps = _distinct(
        np.concatenate(
            [
                genuine_made[_telling_ranks(len(genuine_made))],
                impostor_made[::-1][_telling_ranks(len(impostor_made))][::-1],
            ]
        )
    )
    if not len(steps):
        raise InputError(
            "No comparison could be made: every score is minus infinity. Check that the photos show faces."
        )
    false = np.searchsorted(impostor_made, steps, "right")
    missed = np.searchsorted(genuine_made, steps, "right")
    failed = len(genuine) - len(genuine_made)
    return ErrorCurve(
        thresholds=np.append(steps[:1], np.nextafter(steps, np.inf)).astype(np.float64),
        fmr=(len(impostor_made) - np.append(0, false)) / len(impostor),
        fnmr=(failed + np.append(0, missed)) / len(genuine),
        genuine_count=len(genuine),
        impostor_count=len(impostor),
    )


def equal_error_rate(curve: ErrorCurve) -> float:
    """The rate at which FMR and FNMR are equal, 0 to 1, on straight lines between the steps.

    Where failed comparisons alone make FNMR the greater, the line goes on to accepting everything.
    """
    second = int(np.argmax(curve.fnmr >= curve.fmr))
    first = second - 1
    fmr, fnmr = (curve.fmr[first], curve.fnmr[first]) if second else (1.0, 0.0)
    lead = fmr - fnmr
    lag = curve.fnmr[second] - curve.fmr[second]
    return float(fmr + (curve.fmr[second] - fmr) * lead / (lead + lag))


def area_under_roc(genuine: Scores, impostor: Scores) -> float:
    """The chance that a genuine score is above an impostor score, ties counting half, 0 to 1.

    This is the Mann-Whitney statistic (Hanley, McNeil, Radiology 1982). Failed comparisons are tied
    below all others.

    Raises:
        InputError: A list is empty, or a score is NaN.

    >>> import numpy as np
    >>> area_under_roc(np.array([0.5, 0.9]), np.array([0.1, 0.5]))
    0.875
    """
    genuine = _sorted(checked_scores(genuine, "genuine"))
    impostor = _sorted(checked_scores(impostor, "impostor"))
    if len(genuine) > len(impostor):
        return 1 - _share_above(impostor, genuine)
    return _share_above(genuine, impostor)


def decidability(genuine: Scores, impostor: Scores) -> float:
    """d′: the distance of the means over the root mean square of the standard deviations.

    Daugman, "Biometric decision landscapes", 2000. It describes the scores of the comparisons that
    could be made; failed ones have none. NaN where neither kind varies, or where one has no scores.

    Raises:
        InputError: A list is empty, or a score is NaN.
    """
    genuine, impostor = checked_scores(genuine, "genuine"), checked_scores(impostor, "impostor")
    made = [scores[scores > -np.inf] for scores in (genuine, impostor)]
    if not all(len(scores) for scores in made):
        return float("nan")
    means = [float(np.mean(scores, dtype=np.float64)) for scores in made]
    spread = float(np.sqrt(sum(np.var(scores, dtype=np.float64) for scores in made) / 2))
    return (means[0] - means[1]) / spread if spread else float("nan")


def thin(x: npt.ArrayLike, y: npt.ArrayLike, *, points: int = 500) -> _Indices:
    """Which points of a curve to draw: at most so many, rising, first and last among them.

    Points stand at equal distances along the curve, measured on linear and logarithmic axes together. Of
    a curve that only rises or only falls, each point that goes lies within `4 / (points - 1)` of the
    length of any such axis from one that stays. Zeros stand half a decade below the smallest positive
    value of a logarithmic axis.

    Args:
        x: (K,) finite numbers.
        y: (K,) finite numbers.
        points: At least 2.

    Raises:
        InputError: The lists differ in length, are empty, or fewer than two points are asked for.
    """
    columns = [np.asarray(values, np.float64) for values in (x, y)]
    if points < 2 or not len(columns[0]) or columns[0].shape != columns[1].shape:
        raise InputError(
            "Thinning needs two lists of one length that are not empty and at least 2 points to keep, got "
            f"shapes {columns[0].shape} and {columns[1].shape} and {points} points."
        )
    if len(columns[0]) <= points:
        return np.arange(len(columns[0]))
    path = np.zeros(len(columns[0]))
    for values in columns:
        path[1:] += _strides(values) + _strides(_logarithm(values))
    np.cumsum(path, out=path)
    places = np.searchsorted(path, np.linspace(0, path[-1], points))
    places[0], places[-1] = 0, len(path) - 1
    return np.unique(np.minimum(places, len(path) - 1))


def _strides(values: _Float64) -> _Float64:
    """How far each point is from the one before, as a share of the axis."""
    span = np.ptp(values)
    return np.abs(np.diff(values)) / (span if span else 1.0)


def _logarithm(values: _Float64) -> _Float64:
    positive = values > 0
    if not positive.any():
        return np.zeros_like(values)
    logs: _Float64 = np.log10(np.maximum(values, values[positive].min() / np.sqrt(10)))
    return logs


def _sorted(scores: Scores) -> Scores:
    """Rising scores; those that already are, as in resampling, are not sorted again."""
    return scores if (scores[1:] >= scores[:-1]).all() else np.sort(scores)


def _made(scores: Scores) -> Scores:
    """Rising scores of the comparisons that could be made."""
    ordered = _sorted(scores)
    return ordered[int(np.searchsorted(ordered, -np.inf, "right")) :]


def _telling_ranks(count: int) -> _Indices | slice:
    """Rising ranks from 0 to `count - 1`: all of the first million, then each a millionth further."""
    if count <= _EXACT_RANKS:
        return slice(None)
    further = int(np.log(count / _EXACT_RANKS) * _EXACT_RANKS) + 2
    return np.concatenate(
        [
            np.arange(_EXACT_RANKS),
            np.geomspace(_EXACT_RANKS, count - 1, further).astype(np.intp),
        ]
    )


def _distinct(scores: Scores) -> Scores:
    """Rising scores, each once; the scores are sorted in place."""
    # Two rising runs lie one after the other, which a stable sort merges in one pass.
    scores.sort(kind="stable")
    fresh = np.ones(len(scores), dtype=np.bool_)
    np.not_equal(scores[1:], scores[:-1], out=fresh[1:])
    return scores[fresh]


def _share_above(higher: Scores, lower: Scores) -> float:
    """Share of pairs in which the first is above the second, ties counting half; both rising."""
    below = int(np.searchsorted(lower, higher, "left").sum(dtype=np.int64))
    not_above = int(np.searchsorted(lower, higher, "right").sum(dtype=np.int64))
    return (below + not_above) / (2 * len(higher) * len(lower))
