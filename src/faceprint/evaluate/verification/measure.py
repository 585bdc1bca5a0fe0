"""Verification: how well pairs of photos of one person are told from pairs of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.estimates import estimate, widened
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import FitPhotos, PairList
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
from faceprint.types import FloatArray

__all__ = ["evaluate_verification"]

_RATES = (1e-1, 1e-2, 1e-3, 1e-4)
_PRODUCT_RATES = (1e-3, 1e-4)

_Bools = npt.NDArray[np.bool_]


def evaluate_verification(
    pairs: PairList, embeddings: PhotoEmbeddings, *, calibration: Calibration | None = None
) -> VerificationResult:
    """The figures of a list of pairs.

    Where the list has training pairs, all thresholds come from them, and all figures from the others.
    Intervals take pairs as independent, which those that share a person are not.

    Args:
        pairs: The list.
        embeddings: Of `pairs.photos`, in that order.
        calibration: What the product decides with.

    Raises:
        InputError: The embeddings are of other photos, or no comparison could be made.
    """
    if embeddings.photos != pairs.photos:
        raise InputError("The embeddings are not those of the photos of the list, in its order.")
    scores = embeddings.scores(pairs.first, pairs.second)
    fit = _fit_pairs(pairs, embeddings)
    made = scores > -np.inf
    kinds = [bool((made & pairs.same).any()), bool((made & ~pairs.same).any())]
    if not all(kinds):
        raise InputError(
            f"None of the {'impostor' if kinds[0] else 'genuine'} pairs could be compared: "
            f"{len(embeddings.failures):,} of {len(pairs.photos):,} photos gave no face. The first "
            f"reason: {embeddings.failures[0].message}"
        )
    everything = np.ones(len(scores), dtype=bool)
    return VerificationResult(
        pairs=pairs,
        embeddings=embeddings,
        scores=scores,
        calibration=calibration,
        figures=_figures(pairs, scores, everything, fit, calibration),
        without_failures=None if made.all() else _figures(pairs, scores, made, fit, calibration),
        evidence=_evidence(scores, pairs.same, calibration),
        suspects=find_suspects(pairs, embeddings, scores),
        notes=pairs.notes + _notes(pairs, embeddings),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Pairs that thresholds are fitted on, apart from those that are reported."""

    scores: FloatArray
    same: _Bools
    folds: npt.NDArray[np.int64]
    kind: Literal["train", "people"]


def _fit_pairs(pairs: PairList, embeddings: PhotoEmbeddings) -> _Fit | None:
    if pairs.train is not None:
        scores = embeddings.scores(pairs.train.first, pairs.train.second)
        return _Fit(scores, pairs.train.same, np.full(len(scores), 2), "train")
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
        kind="people",
    )


def _runs(people: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Start and length of each run of equal numbers."""
    starts = np.flatnonzero(np.diff(people, prepend=people[0] - 1))
    lengths = np.diff(np.append(starts, len(people)))
    return list(zip(starts.tolist(), lengths.tolist(), strict=True))


def _figures(
    pairs: PairList,
    scores: FloatArray,
    kept: _Bools,
    fit: _Fit | None,
    calibration: Calibration | None,
) -> VerificationFigures:
    genuine, impostor = scores[kept & pairs.same], scores[kept & ~pairs.same]
    trained = fit is not None and fit.kind == "train"
    reference = fit.scores[~fit.same] if fit is not None and trained else impostor
    return VerificationFigures(
        genuine_count=len(genuine),
        impostor_count=len(impostor),
        accuracy=_accuracy(pairs, scores, kept, fit),
        eer=estimate(lambda g, i: equal_error_rate(error_curve(g, i)), genuine, impostor),
        auc=estimate(area_under_roc, genuine, impostor),
        d_prime=estimate(decidability, genuine, impostor, bounds=(-np.inf, np.inf)),
        points=tuple(_fmr_point(fmr, genuine, impostor, reference) for fmr in _RATES),
        product=()
        if calibration is None
        else tuple(
            ProductPoint(t, false_matches(impostor, t.score), false_non_matches(genuine, t.score))
            for t in map(calibration.threshold, _PRODUCT_RATES)
        ),
    )


def _fmr_point(
    fmr: float, genuine: FloatArray, impostor: FloatArray, reference: FloatArray
) -> FmrPoint:
    """A point whose threshold comes from `reference`: the impostor scores, or those of training."""
    threshold = error_curve(genuine, reference).threshold_at(fmr)

    def missed(genuine: FloatArray, reference: FloatArray) -> float:
        return 1 - true_accept_rate(genuine, reference, fmr).value

    return FmrPoint(
        asked=fmr,
        allowed=int(fmr * len(reference) * (1 + 1e-12)),
        threshold=threshold,
        fmr=false_matches(impostor, threshold),
        fnmr=widened(false_non_matches(genuine, threshold), estimate(missed, genuine, reference)),
    )


def _accuracy(
    pairs: PairList, scores: FloatArray, kept: _Bools, fit: _Fit | None
) -> Accuracy | None:
    if fit is not None and fit.kind == "train":
        return _trained_accuracy(scores[kept], pairs.same[kept], fit)
    if pairs.folds is None or len(np.unique(pairs.folds[kept])) < 2:
        return None
    others: dict[str, Any] = {}
    if fit is not None:
        others = {"fit_scores": fit.scores, "fit_same": fit.same, "fit_folds": fit.folds}
    found = fold_accuracy(scores[kept], pairs.same[kept], pairs.folds[kept], **others)
    reach = 2 * found.standard_error
    return Accuracy(
        value=found.mean,
        low=max(0.0, found.mean - reach),
        high=min(1.0, found.mean + reach),
        thresholds=tuple(found.thresholds.tolist()),
        fitted_on="the pairs of the other folds"
        if fit is None
        else "all people of the other folds",
        folds=tuple(found.accuracies.tolist()),
        standard_error=found.standard_error,
    )


def _trained_accuracy(scores: FloatArray, same: _Bools, fit: _Fit) -> Accuracy:
    """Accuracy at the threshold of the training pairs: two folds, and only the first is reported."""
    found = fold_accuracy(
        np.concatenate([scores, fit.scores]),
        np.concatenate([same, fit.same]),
        np.repeat([0, 1], [len(scores), len(fit.scores)]),
        fit_scores=fit.scores,
        fit_same=fit.same,
        fit_folds=fit.folds,
    )
    right = rate(round(float(found.accuracies[0]) * len(scores)), len(scores))
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
        ece=expected_calibration_error(stated, same),
        brier=brier_score(stated, same),
        prior=prior,
        diagram=reliability(stated, same),
    )


def _notes(pairs: PairList, embeddings: PhotoEmbeddings) -> tuple[str, ...]:
    notes = []
    if embeddings.failures:
        notes.append(
            f"{len(embeddings.failures):,} of {len(pairs.photos):,} photos gave no face: their "
            "comparisons count as refused."
        )
    counts = {"genuine": int(pairs.same.sum()), "impostor": int((~pairs.same).sum())}
    notes += [
        f"There {'is' if count == 1 else 'are'} only {count} {kind} {'pair' if count == 1 else 'pairs'}: "
        "the intervals are wide."
        for kind, count in counts.items()
        if count < 100
    ]
    if pairs.train is None and pairs.folds is None:
        notes.append(
            "The list has neither folds nor training pairs: thresholds for a false match rate are read "
            "off the very pairs that are reported, and no accuracy is given."
        )
    return tuple(notes)
