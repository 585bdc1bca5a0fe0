"""Verification: how well pairs of photos of one person are told from pairs of two."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from faceprint.errors import InputError
from faceprint.evaluate.estimates import Estimate, estimate, independent, widened
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import FitPhotos, PairList
from faceprint.evaluate.verification.listed import (
    measured_pairs,
    photo_people,
    verification_notes,
)
from faceprint.evaluate.verification.results import (
    Accuracy,
    EvidenceFigures,
    FmrPoint,
    ProductPoint,
    VerificationFigures,
    VerificationResult,
)
from faceprint.evaluate.verification.suspects import find_suspects
from faceprint.match import (
    Calibration,
    Rate,
    area_under_roc,
    brier_score,
    decidability,
    equal_error_rate,
    error_curve,
    expected_calibration_error,
    false_matches,
    false_non_matches,
    fold_accuracy,
    log_likelihood_ratio_cost,
    rate,
    reliability,
    true_accept_rate,
    verification_probability,
)
from faceprint.match.rates import allowed_errors
from faceprint.types import FloatArray, Threshold

__all__ = ["evaluate_verification"]

_RATES = (1e-1, 1e-2, 1e-3, 1e-4)
_PRODUCT_RATES = (1e-3, 1e-4)
_ENOUGH = 100
"""Pairs below which the expected calibration error is mostly chance."""

_Bools = npt.NDArray[np.bool_]
_Ints = npt.NDArray[np.int64]


def evaluate_verification(
    pairs: PairList, embeddings: PhotoEmbeddings, *, calibration: Calibration | None = None
) -> VerificationResult:
    """The figures of a list of pairs.

    Where the list has training pairs, all thresholds come from them, and all figures from the others.
    Pairs of files that are missing were never measured, and are left out. Intervals come from drawing
    people anew; where the list does not say who a photo shows, photos that genuine pairs link are one
    person's.

    Args:
        pairs: The list.
        embeddings: Of `pairs.photos`, in that order.
        calibration: What the product decides with.

    Raises:
        InputError: The embeddings are of other photos, or no comparison could be made.
    """
    if embeddings.photos != pairs.photos:
        raise InputError("The embeddings are not those of the photos of the list, in its order.")
    people = photo_people(pairs)
    pairs = measured_pairs(pairs, embeddings)
    scores = embeddings.scores(pairs.first, pairs.second)
    fit = _fit_pairs(pairs, embeddings, people)
    made = scores > -np.inf
    kinds = [bool((made & pairs.same).any()), bool((made & ~pairs.same).any())]
    if not all(kinds):
        raise InputError(
            f"None of the {'impostor' if kinds[0] else 'genuine'} pairs could be compared: "
            f"{len(embeddings.failures):,} of {len(pairs.photos):,} photos gave no face. The first "
            f"reason: {embeddings.failures[0].message}"
        )
    data = _Data(
        scores, pairs.same, people[np.stack([pairs.first, pairs.second], axis=1)], pairs.folds
    )
    return VerificationResult(
        pairs=pairs,
        embeddings=embeddings,
        scores=scores,
        calibration=calibration,
        figures=_figures(data, fit, calibration),
        without_failures=None if made.all() else _figures(data.part(made), fit, calibration),
        evidence=_evidence(scores, pairs.same, calibration),
        suspects=find_suspects(pairs, embeddings, scores),
        notes=pairs.notes + verification_notes(pairs, embeddings, scores),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Pairs that are reported, with the two people of each."""

    scores: FloatArray
    same: _Bools
    people: _Ints
    folds: _Ints | None

    def part(self, kept: _Bools) -> _Data:
        folds = None if self.folds is None else self.folds[kept]
        return _Data(self.scores[kept], self.same[kept], self.people[kept], folds)


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Pairs that thresholds are fitted on, apart from those that are reported."""

    scores: FloatArray
    same: _Bools
    folds: _Ints
    people: _Ints | None = None
    """The two people of each training pair; None of pairs that were formed within the folds."""


def _fit_pairs(pairs: PairList, embeddings: PhotoEmbeddings, people: _Ints) -> _Fit | None:
    train = pairs.train
    if train is not None:
        scores = embeddings.scores(train.first, train.second)
        owners = people[np.stack([train.first, train.second], axis=1)]
        return _Fit(scores, train.same, np.full(len(scores), 2), owners)
    if pairs.fit is not None:
        return _people_pairs(pairs.fit, embeddings)
    return None


def _people_pairs(fit: FitPhotos, embeddings: PhotoEmbeddings) -> _Fit:
    """All genuine pairs within each fold, and as many impostor pairs of its people, drawn at random.

    All impostor pairs would be a hundred times as many, and drag the most accurate threshold to where
    hardly any of them is wrong, whereas the reported pairs are genuine and impostor by halves.
    """
    random = np.random.default_rng(0)
    parts: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], bool, int]] = []
    for fold in np.unique(fit.folds):
        photos, people = fit.photos[fit.folds == fold], fit.people[fit.folds == fold]
        pairs = [np.stack(np.triu_indices(n, 1)) + s for s, n in _runs(people)]
        first, second = np.concatenate(pairs, axis=1)
        parts.append((photos[first], photos[second], True, int(fold)))
        drawn = random.integers(len(photos), size=(2, 2 * len(first) + 100))
        drawn = drawn[:, people[drawn[0]] != people[drawn[1]]][:, : len(first)]
        parts.append((photos[drawn[0]], photos[drawn[1]], False, int(fold)))
    return _Fit(
        scores=np.concatenate([embeddings.scores(a, b) for a, b, _, _ in parts]),
        same=np.concatenate([np.full(len(a), same) for a, _, same, _ in parts]),
        folds=np.concatenate([np.full(len(a), fold) for a, _, _, fold in parts]),
    )


def _runs(people: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Start and length of each run of equal numbers."""
    starts = np.flatnonzero(np.diff(people, prepend=people[0] - 1))
    lengths = np.diff(np.append(starts, len(people)))
    return list(zip(starts.tolist(), lengths.tolist(), strict=True))


def _figures(data: _Data, fit: _Fit | None, calibration: Calibration | None) -> VerificationFigures:
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
        points=tuple(map(point, _RATES)),
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


def _accuracy(data: _Data, fit: _Fit | None) -> Accuracy | None:
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


def _right_answers(data: _Data, thresholds: npt.ArrayLike) -> Rate:
    right = (data.scores >= np.asarray(thresholds, dtype=np.float64)) == data.same
    return _over_people(rate(int(right.sum()), len(right)), right, data.people)


def _trained_accuracy(data: _Data, fit: _Fit) -> Accuracy:
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
        fitted_on=f"{len(fit.scores):,} training pairs",
    )


def _evidence(
    scores: FloatArray, same: _Bools, calibration: Calibration | None
) -> EvidenceFigures | None:
    if calibration is None or calibration.evidence is None:
        return None
    ratios = np.zeros(len(scores))
    made = scores > -np.inf
    ratios[made] = calibration.log10_ratio(scores[made])
    prior = float(same.mean())
    stated = [verification_probability(float(ratio), prior=prior) for ratio in ratios]
    return EvidenceFigures(
        cllr=log_likelihood_ratio_cost(ratios[same], ratios[~same]),
        ece=expected_calibration_error(stated, same) if len(same) >= _ENOUGH else math.nan,
        brier=brier_score(stated, same),
        prior=prior,
        diagram=reliability(stated, same),
    )
