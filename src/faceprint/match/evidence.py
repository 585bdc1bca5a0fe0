"""From a score to a likelihood ratio: how much likelier it is between photos of one person than of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError

__all__ = ["BINS", "Evidence", "EvidenceMethod", "ScoreCounts", "fit_evidence", "score_bins"]

EvidenceMethod = Literal["isotonic", "logistic"]

BINS = 4096
"""Bins of equal width over the scores -1 to 1."""

_F64 = npt.NDArray[np.float64]
_KNOTS = 41
_NEWTON_STEPS = 100
_RELIABILITY_BINS = 15
_LN10 = float(np.log(10))


@dataclass(frozen=True, slots=True)
class Evidence:
    """A map from scores to likelihood ratios, straight between knots and level beyond them.

    Attributes:
        method: `isotonic` (pool adjacent violators) or `logistic` (one straight line).
        scores: (K,) scores of the knots, rising.
        log10_ratios: (K,) logarithms of the likelihood ratios there, base 10, never falling. The first
            and the last bound what any score is taken to say.
        cost: Cllr in bits of people who were left out of the fit; 0 is perfect, 1 says nothing.
        calibration_error: Expected calibration error of their probabilities, half of the pairs being
            genuine; 0 to 1.
        folds: In how many parts people were left out.
    """

    method: EvidenceMethod
    scores: tuple[float, ...]
    log10_ratios: tuple[float, ...]
    cost: float
    calibration_error: float
    folds: int

    def __post_init__(self) -> None:
        scores, ratios = np.array(self.scores), np.array(self.log10_ratios)
        if len(scores) < 2 or len(scores) != len(ratios):
            raise CalibrationError(
                f"Evidence has two knots or more, each a score and a ratio, got {len(scores)} scores and "
                f"{len(ratios)} ratios."
            )
        if not (np.isfinite(scores).all() and np.isfinite(ratios).all()):
            raise CalibrationError("The knots of the evidence are not all finite numbers.")
        if (np.diff(scores) <= 0).any() or (np.diff(ratios) < 0).any():
            raise CalibrationError(
                "The knots of the evidence must rise: a higher score never speaks less for one person."
            )

    def log10_ratio(self, scores: npt.ArrayLike) -> _F64:
        """Logarithms of likelihood ratios, base 10.

        Args:
            scores: (N,) similarities; minus infinity, as of a photo without a face, gets the lowest ratio.

        Returns:
            (N,) float64, within the bounds.

        Raises:
            CalibrationError: A score is NaN.
        """
        given = np.asarray(scores, dtype=np.float64)
        if np.isnan(given).any():
            raise CalibrationError("A score is NaN, of which no likelihood ratio is known.")
        found: _F64 = np.interp(given, self.scores, self.log10_ratios)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCounts:
    """How often each score came, by fold of the people, so that people can be left out of a fit.

    Attributes:
        genuine: (F, BINS) counts of genuine scores, by the fold of the person.
        impostor: (F, F, BINS) counts of impostor scores, by the folds of both people.
        genuine_people: How many people have genuine scores.
        people_pairs: Of how many pairs of people the impostor scores are.
    """

    genuine: _F64
    impostor: _F64
    genuine_people: int
    people_pairs: int

    @property
    def folds(self) -> int:
        """F."""
        return len(self.genuine)


def score_bins(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
    """The bin of each score, 0 to BINS - 1; any shape."""
    places = ((scores + 1) * (BINS / 2)).astype(np.int32)
    return np.clip(places, 0, BINS - 1, out=places)


def fit_evidence(
    counts: ScoreCounts, *, method: EvidenceMethod | Literal["auto"] = "auto"
) -> Evidence:
    """Fits likelihood ratios, and measures them on people who were left out of the fit.

    Isotonic regression by pooling adjacent violators (Zadrozny, Elkan, KDD 2002; Brümmer, du Preez,
    "Application-independent evaluation of speaker detection", 2006). One more pair of people that scores
    as high as any, and one more person who scores as low as any, are counted in (Laplace's rule of
    succession, over people), so that no ratio is larger than the number of people supports; compare ELUB
    (Vergeer et al., Science & Justice 2016). The line of the logistic regression is cut to the same bounds.

    Args:
        counts: Of scores.
        method: `auto` takes the one with the lower cost.

    Raises:
        CalibrationError: There are no genuine or no impostor scores in some fold, or genuine scores are
            not the higher ones.
    """
    if counts.folds < 2 or not counts.genuine.any(axis=1).all():
        raise CalibrationError(
            "Likelihood ratios need two photos or more of at least "
            f"{max(2, counts.folds)} people. Add photos, or calibrate without them."
        )
    methods: tuple[EvidenceMethod, ...] = (
        ("isotonic", "logistic") if method == "auto" else (method,)
    )
    return min((_fit(counts, one) for one in methods), key=lambda one: one.cost)


def _fit(counts: ScoreCounts, method: EvidenceMethod) -> Evidence:
    held = [_left_out(counts, method, fold) for fold in range(counts.folds)]
    genuine, impostor = (np.concatenate([one[k] for one in held], axis=1) for k in (0, 1))
    scores, ratios = _knots(counts, counts.genuine.sum(0), counts.impostor.sum((0, 1)), method)
    return Evidence(
        method=method,
        scores=tuple(scores.tolist()),
        log10_ratios=tuple(ratios.tolist()),
        cost=round(_cost(genuine, impostor), 5),
        calibration_error=round(_calibration_error(genuine, impostor), 5),
        folds=counts.folds,
    )


def _left_out(counts: ScoreCounts, method: EvidenceMethod, fold: int) -> tuple[_F64, _F64]:
    """(2, BINS) each: ratios and counts of the genuine and the impostor scores of one fold."""
    others = np.arange(counts.folds) != fold
    scores, ratios = _knots(
        counts,
        counts.genuine[others].sum(0),
        counts.impostor[np.ix_(others, others)].sum((0, 1)),
        method,
    )
    found = np.interp(_centres(), scores, ratios)
    return (
        np.stack([found, counts.genuine[fold]]),
        np.stack([found, counts.impostor[fold, fold]]),
    )


def _knots(
    counts: ScoreCounts, genuine: _F64, impostor: _F64, method: EvidenceMethod
) -> tuple[_F64, _F64]:
    """Scores and ratios of the knots, from (BINS,) counts."""
    if not impostor.any():
        raise CalibrationError("Likelihood ratios need photos of more people.")
    filled = np.flatnonzero(genuine + impostor)
    genuine, impostor, centres = genuine[filled], impostor[filled], _centres()[filled]
    blocks, ratios = _pooled(centres, *_shares(counts, genuine, impostor))
    if len(blocks) < 2 or not ratios[-1] > 0:
        raise CalibrationError(
            "Photos of one person do not score higher than photos of two: are the photos sorted into one "
            "folder a person?"
        )
    grid = np.unique(np.linspace(blocks[0], blocks[-1], _KNOTS).round(4))
    if method == "isotonic":
        values = np.interp(grid, blocks, ratios)
    else:
        offset, slope = _line(centres, *_softened(counts, genuine, impostor))
        grid = np.unique(((ratios[[0, -1]] - offset) / slope).round(4))
        values = np.clip(offset + slope * grid, ratios[0], ratios[-1])
    return grid, np.maximum.accumulate(values.round(3))


def _shares(counts: ScoreCounts, genuine: _F64, impostor: _F64) -> tuple[_F64, _F64]:
    """Counts with the one person and the one pair more, each list scaled to a sum of one."""
    genuine, impostor = genuine.astype(np.float64), impostor.astype(np.float64)
    genuine[0] += counts.genuine.sum() / counts.genuine_people
    impostor[-1] += counts.impostor.sum() / counts.people_pairs
    return genuine / genuine.sum(), impostor / impostor.sum()


def _softened(counts: ScoreCounts, genuine: _F64, impostor: _F64) -> tuple[_F64, _F64]:
    """Counts scaled to a sum of one, a little of each kind taken for the other.

    The targets of Platt, "Probabilistic outputs for support vector machines" (1999), over people: without
    them the line of two kinds that do not overlap would be upright.
    """
    genuine, impostor = genuine / genuine.sum(), impostor / impostor.sum()
    doubts = 1 / (counts.genuine_people + 2), 1 / (counts.people_pairs + 2)
    return (
        genuine * (1 - doubts[0]) + impostor * doubts[1],
        genuine * doubts[0] + impostor * (1 - doubts[1]),
    )


def _pooled(centres: _F64, genuine: _F64, impostor: _F64) -> tuple[_F64, _F64]:
    """Mean score and log10 ratio of each block of the isotonic fit."""
    from scipy.optimize import isotonic_regression
    from scipy.special import logit

    weights = genuine + impostor
    fit = isotonic_regression(genuine / weights, weights=weights)
    starts = fit.blocks[:-1]
    totals = np.add.reduceat(weights, starts)
    means = np.add.reduceat(weights * centres, starts) / totals
    return means, logit(np.add.reduceat(genuine, starts) / totals) / _LN10


def _line(centres: _F64, genuine: _F64, impostor: _F64) -> tuple[float, float]:
    """Offset and slope of the log10 ratio, by logistic regression (Newton's method)."""
    from scipy.special import expit

    design = np.stack([np.ones_like(centres), centres])
    weights, line = genuine + impostor, np.zeros(2)
    for _ in range(_NEWTON_STEPS):
        chances = expit(line @ design)
        slope = design @ (genuine - weights * chances)
        bend = (design * (weights * chances * (1 - chances))) @ design.T
        step = np.linalg.solve(bend + 1e-12 * np.eye(2), slope)
        line = line + step * min(1.0, 10 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-9:
            break
    if not line[1] > 0:
        raise CalibrationError("Photos of one person do not score higher than photos of two.")
    return float(line[0] / _LN10), float(line[1] / _LN10)


def _cost(genuine: _F64, impostor: _F64) -> float:
    """Cllr of counted ratios: (2, N) each, ratios over counts."""
    parts = [
        np.average(np.logaddexp(0, sign * _LN10 * ratios), weights=weights)
        for (ratios, weights), sign in ((genuine, -1), (impostor, 1))
    ]
    return float(np.mean(parts) / np.log(2))


def _calibration_error(genuine: _F64, impostor: _F64) -> float:
    """Distance of stated and observed frequency, both kinds of pairs weighing the same."""
    from scipy.special import expit

    shares = [kind[1] / kind[1].sum() / 2 for kind in (genuine, impostor)]
    stated = [expit(_LN10 * kind[0]) for kind in (genuine, impostor)]
    weights, chances = np.concatenate(shares), np.concatenate(stated)
    truth = np.repeat([1.0, 0.0], [len(shares[0]), len(shares[1])])
    places = np.minimum((chances * _RELIABILITY_BINS).astype(int), _RELIABILITY_BINS - 1)
    return float(np.abs(np.bincount(places, weights * (chances - truth))).sum())


def _centres() -> _F64:
    return (np.arange(BINS, dtype=np.float64) + 0.5) * (2 / BINS) - 1
