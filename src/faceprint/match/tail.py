"""Thresholds beyond the data: a generalised Pareto tail over the highest impostor scores.

Peaks over a threshold follow a generalised Pareto law (Pickands, Annals of Statistics 1975). Its upper end
is set to 1, the highest cosine similarity: -log(1 - score) is then exponential beyond the threshold, and
one parameter is left. That is stable where a free shape is not: a handful of mislabelled photos or of
siblings makes it swing from far too lax to far too strict.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from faceprint.match.measure import RATES, Comparison, draw_people, missed, score_at
from faceprint.match.points import OperatingPoint, Tail, TailCheck

__all__ = ["fit_tail"]

_F64 = npt.NDArray[np.float64]

_REACH = 100
"""Two decades: the strictest rate is the strictest supported one divided by this."""

_BAND = 30
"""The fit looks from this many times the strictest supported rate on."""

_NEAREST = 1e-7
"""Scores are taken to be at least so far below 1."""


def fit_tail(
    comparison: Comparison,
    points: tuple[OperatingPoint, ...],
    *,
    resamples: int = 200,
    seed: int = 0,
) -> Tail | None:
    """Thresholds for rates up to two decades stricter than supported.

    The shape comes from the scores between thirty times the strictest supported rate and that rate. Scores
    above count only as being above (a censored fit): there label noise reigns, and one person in two
    folders would otherwise move the fit by how alike their photos are. The tail starts at the strictest
    measured threshold, so the two join.

    Args:
        comparison: The scores.
        points: As measured on it, loosest rate first.
        resamples: How often people are drawn anew for the intervals.
        seed: Equal seeds give equal intervals.

    Returns:
        The tail; None where the data supports too few rates to fit one, or the scores there are all equal.
    """
    strictest = points[-1]
    looser = min(_BAND * strictest.fmr, points[0].fmr)
    start, shape = _fit(comparison, looser, strictest.fmr)
    if not shape < 0:
        return None
    rates = np.array([r for r in RATES if strictest.fmr / _REACH * 0.999 < r < strictest.fmr])
    falls = rates / strictest.fmr
    scores = _beyond(strictest.score, shape, falls)
    drawn = _resampled(comparison, looser, strictest.fmr, falls, resamples, seed)
    low, high = np.percentile(drawn or [scores], [2.5, 97.5], axis=0)
    return Tail(
        start=round(start, 5),
        shape=round(shape, 6),
        points=tuple(
            OperatingPoint(
                fmr=float(rate),
                score=round(float(score), 5),
                low=round(float(min(score, low[k])), 5),
                high=round(float(max(score, high[k])), 5),
                **missed(comparison, float(score)),
            )
            for k, (rate, score) in enumerate(zip(rates, scores, strict=True))
        ),
        check=_check(comparison, points),
    )


def _beyond(score: float, shape: float, falls: _F64) -> _F64:
    """Thresholds for rates that are `falls` times the rate of `score`: the quantiles of the law."""
    found: _F64 = 1 - (1 - min(score, 1.0)) * falls**-shape
    return found


def _fit(comparison: Comparison, looser: float, strictest: float) -> tuple[float, float]:
    """Score where the fit starts, and the shape."""
    ends = np.array([comparison.top(looser), comparison.top(strictest)])
    top = slice(None, ends[0] + 1)
    shape = _shape(_distances(comparison.tail[top]), comparison.tail_weights[top], ends)
    return score_at(comparison, looser), shape


def _distances(scores: npt.NDArray[np.floating]) -> _F64:
    return -np.log(np.maximum(1 - scores.astype(np.float64), _NEAREST))


def _shape(distances: _F64, weights: npt.NDArray[np.number], ends: npt.NDArray[np.intp]) -> float:
    """Likeliest shape where everything above a score is only known to be above.

    Args:
        distances: -log(1 - score) of the tail, best first; exponential with mean -shape.
        weights: Of the scores.
        ends: How many scores are above the start, and how many are above the censoring score.
    """
    first, last = (int(min(end, len(distances) - 1)) for end in ends)
    start, censored = distances[first], distances[last]
    beyond, seen = weights[:last].sum(), weights[last:first].sum()
    if not seen:
        return 0.0
    excess = weights[last:first] @ (distances[last:first] - start) + beyond * (censored - start)
    return -float(excess / seen)


def _resampled(
    comparison: Comparison,
    looser: float,
    strictest: float,
    falls: _F64,
    resamples: int,
    seed: int,
) -> list[_F64]:
    """(rates,) thresholds of the tail under draws of people."""
    # Draws differ in how many pairs they hold: look somewhat further down than the whole set needs.
    top = min(4 * comparison.top(looser) + 1000, len(comparison.tail))
    distances = _distances(comparison.tail[:top])
    found = []
    for ends, weights in draw_people(comparison, [looser, strictest], resamples, seed, top=top):
        joint = float(comparison.tail[min(int(ends[1]), top - 1)])
        found.append(_beyond(joint, _shape(distances, weights, ends), falls))
    return found


def _check(comparison: Comparison, points: tuple[OperatingPoint, ...]) -> TailCheck | None:
    """Foretells the strictest measured threshold from rates ten times looser and more."""
    hidden = points[-1]
    seen = [p for p in points if p.fmr >= 9.99 * hidden.fmr]
    if len(seen) < 2 or not all(a.score < b.score for a, b in pairwise(seen)):
        return None
    known = seen[-1]
    _, shape = _fit(comparison, min(_BAND * known.fmr, points[0].fmr), known.fmr)
    predicted = float(_beyond(known.score, shape, np.array(hidden.fmr / known.fmr)))
    above = comparison.tail_weights[comparison.tail >= predicted].sum()
    return TailCheck(
        fmr=hidden.fmr,
        predicted=round(predicted, 5),
        measured=hidden.score,
        measured_fmr=float(f"{above / comparison.impostor_count:.3g}"),
    )
