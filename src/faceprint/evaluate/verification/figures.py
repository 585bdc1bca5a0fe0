"""The figures of scored pairs: error rates, accuracy and their intervals over people."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from faceprint.evaluate.estimates import Estimate, estimate, independent, widened
from faceprint.evaluate.verification.results import (
    Accuracy,
    FmrPoint,
    ProductPoint,
    VerificationFigures,
)
from faceprint.match import (
    Calibration,
    Rate,
    area_under_roc,
    decidability,
    equal_error_rate,
    error_curve,
    false_matches,
    false_non_matches,
    fold_accuracy,
    rate,
    true_accept_rate,
)
from faceprint.match.rates import allowed_errors
from faceprint.types import FloatArray, Threshold

__all__ = ["FitPairs", "ScoredPairs", "pair_figures", "training_pairs"]

RATES: Final = (1e-1, 1e-2, 1e-3, 1e-4)
_PRODUCT_RATES: Final = (1e-3, 1e-4)

_Bools = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredPairs:
    """Pairs that were compared.

    Attributes:
        scores: (P,) float32; -inf where a comparison could not be made.
        same: (P,) bool, whether a pair shows one person.
        people: (P, 2) int64, the two people of each; equal in genuine pairs.
        folds: (P,) int64, for a cross-validated accuracy; None without.
    """

    scores: FloatArray
    same: _Bools
    people: _Ints
    folds: _Ints | None = None

    def part(self, kept: _Bools) -> ScoredPairs:
        """Those that are kept."""
        folds = None if self.folds is None else self.folds[kept]
        return ScoredPairs(self.scores[kept], self.same[kept], self.people[kept], folds)


@dataclass(frozen=True, slots=True, eq=False)
class FitPairs:
    """Pairs that thresholds are fitted on, apart from those that are reported.

    Attributes:
        scores: (F,) float32; -inf where a comparison could not be made.
        same: (F,) bool.
        folds: (F,) int64, the fold whose people a pair shows.
        people: (F, 2) int64, the two people of each training pair; None of pairs that were formed within
            the folds.
        name: What to call them, as in "training pairs".
    """

    scores: FloatArray
    same: _Bools
    folds: _Ints
    people: _Ints | None = None
    name: str = "training pairs"


def training_pairs(pairs: ScoredPairs, *, name: str = "training pairs") -> FitPairs:
    """Pairs of other people than those that are reported, to fit all thresholds on."""
    return FitPairs(pairs.scores, pairs.same, np.full(len(pairs.scores), 2), pairs.people, name)


def pair_figures(
    data: ScoredPairs,
    fit: FitPairs | None,
    calibration: Calibration | None = None,
    *,
    rates: Sequence[float] = RATES,
) -> VerificationFigures:
    """The figures of scored pairs.

    Args:
        data: What is reported.
        fit: What thresholds are fitted on; None for the folds of `data`, if it has any. Thresholds for a
            false match rate come from its impostors where it says whom they show, else from `data`.
        calibration: What the product decides with.
        rates: False match rates to ask for.
    """
    same = data.same
    genuine, impostor = data.scores[same], data.scores[~same]
    own, others = data.people[same], data.people[~same]
    reference, theirs = impostor, others
    if fit is not None and fit.people is not None:
        reference, theirs = fit.scores[~fit.same], fit.people[~fit.same]

    def figure(statistic: Callable[..., float], **options: Any) -> Estimate:
        return estimate(statistic, genuine, impostor, groups=(own, others), **options)

    def point(fmr: float) -> FmrPoint:
        threshold = error_curve(genuine, reference).threshold_at(fmr)

        def missed(genuine: FloatArray, reference: FloatArray) -> float:
            return 1 - true_accept_rate(genuine, reference, fmr).value

        drawn = estimate(missed, genuine, reference, groups=(own, theirs))
        return FmrPoint(
            asked=fmr,
            allowed=allowed_errors(fmr, len(reference)),
            threshold=threshold,
            fmr=_over_people(false_matches(impostor, threshold), impostor >= threshold, others),
            fnmr=widened(false_non_matches(genuine, threshold), drawn),
        )

    def product(threshold: Threshold) -> ProductPoint:
        score = threshold.score
        return ProductPoint(
            threshold,
            _over_people(false_matches(impostor, score), impostor >= score, others),
            _over_people(false_non_matches(genuine, score), genuine < score, own),
        )

    eer = figure(_equal_error_rate)
    fewer = min(len(genuine), len(impostor))
    counted = widened(rate(round(eer.value * fewer), fewer), eer)
    thresholds = () if calibration is None else map(calibration.threshold, _PRODUCT_RATES)
    return VerificationFigures(
        genuine_count=len(genuine),
        impostor_count=len(impostor),
        accuracy=_accuracy(data, fit),
        eer=replace(eer, low=counted.low, high=counted.high),
        auc=figure(area_under_roc),
        d_prime=figure(decidability, bounds=(-np.inf, np.inf)),
        points=tuple(map(point, rates)),
        product=tuple(map(product, thresholds)),
    )


def _equal_error_rate(genuine: FloatArray, impostor: FloatArray) -> float:
    """NaN where no comparison could be made, as in a resample."""
    if max(genuine.max(), impostor.max()) == -np.inf:
        return math.nan
    return equal_error_rate(error_curve(genuine, impostor))


def _over_people(counted: Rate, wrong: _Bools, people: _Ints) -> Rate:
    """A counted rate whose interval covers that over people drawn anew.

    Args:
        counted: The rate.
        wrong: (N,) bool, which of the trials are counted.
        people: (N, 2) the two people of each.
    """
    if independent(people):
        return counted
    drawn = estimate(
        lambda errors: float(np.mean(errors)), wrong.astype(np.float32), groups=[people]
    )
    return widened(counted, drawn)


def _accuracy(data: ScoredPairs, fit: FitPairs | None) -> Accuracy | None:
    if fit is not None and fit.people is not None:
        return _trained_accuracy(data, fit)
    if data.folds is None or len(np.unique(data.folds)) < 2:
        return None
    others: dict[str, Any] = {}
    if fit is not None:
        others = {"fit_scores": fit.scores, "fit_same": fit.same, "fit_folds": fit.folds}
    found = fold_accuracy(data.scores, data.same, data.folds, **others)
    limits = found.thresholds[np.searchsorted(found.folds, data.folds)]
    right = _right_answers(data, limits)
    reach = float(stdtrit(len(found.folds) - 1, 0.975)) * found.standard_error
    return Accuracy(
        value=found.mean,
        low=max(0.0, min(found.mean - reach, right.low)),
        high=min(1.0, max(found.mean + reach, right.high)),
        thresholds=tuple(found.thresholds.tolist()),
        fitted_on="the pairs of the other folds"
        if fit is None
        else "all people of the other folds",
        folds=tuple(found.accuracies.tolist()),
        standard_error=found.standard_error,
    )


def _right_answers(data: ScoredPairs, thresholds: npt.ArrayLike) -> Rate:
    right = (data.scores >= np.asarray(thresholds, dtype=np.float64)) == data.same
    return _over_people(rate(int(right.sum()), len(right)), right, data.people)


def _trained_accuracy(data: ScoredPairs, fit: FitPairs) -> Accuracy:
    """Accuracy at the threshold of the training pairs: two folds, and only the first is reported."""
    found = fold_accuracy(
        np.concatenate([data.scores, fit.scores]),
        np.concatenate([data.same, fit.same]),
        np.repeat([0, 1], [len(data.scores), len(fit.scores)]),
        fit_scores=fit.scores,
        fit_same=fit.same,
        fit_folds=fit.folds,
    )
    right = _right_answers(data, found.thresholds[0])
    return Accuracy(
        value=right.value,
        low=right.low,
        high=right.high,
        thresholds=(float(found.thresholds[0]),),
        fitted_on=f"{len(fit.scores):,} {fit.name}",
    )
