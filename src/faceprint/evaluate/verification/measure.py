"""Verification: how well pairs of photos of one person are told from pairs of two."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import FitPhotos, PairList
from faceprint.evaluate.verification.figures import (
    FitPairs,
    ScoredPairs,
    pair_figures,
    training_pairs,
)
from faceprint.evaluate.verification.listed import (
    measured_pairs,
    photo_people,
    verification_notes,
)
from faceprint.evaluate.verification.results import EvidenceFigures, VerificationResult
from faceprint.evaluate.verification.suspects import find_suspects
from faceprint.match import (
    Calibration,
    brier_score,
    expected_calibration_error,
    log_likelihood_ratio_cost,
    reliability,
    verification_probability,
)
from faceprint.types import FloatArray

__all__ = ["evaluate_verification"]

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
    data = ScoredPairs(
        scores, pairs.same, people[np.stack([pairs.first, pairs.second], axis=1)], pairs.folds
    )
    return VerificationResult(
        pairs=pairs,
        embeddings=embeddings,
        scores=scores,
        calibration=calibration,
        figures=pair_figures(data, fit, calibration),
        without_failures=None if made.all() else pair_figures(data.part(made), fit, calibration),
        evidence=_evidence(scores, pairs.same, calibration),
        suspects=find_suspects(pairs, embeddings, scores),
        notes=pairs.notes + verification_notes(pairs, embeddings, scores),
    )


def _fit_pairs(pairs: PairList, embeddings: PhotoEmbeddings, people: _Ints) -> FitPairs | None:
    train = pairs.train
    if train is not None:
        scores = embeddings.scores(train.first, train.second)
        owners = people[np.stack([train.first, train.second], axis=1)]
        return training_pairs(ScoredPairs(scores, train.same, owners))
    if pairs.fit is not None:
        return _people_pairs(pairs.fit, embeddings)
    return None


def _people_pairs(fit: FitPhotos, embeddings: PhotoEmbeddings) -> FitPairs:
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
    return FitPairs(
        scores=np.concatenate([embeddings.scores(a, b) for a, b, _, _ in parts]),
        same=np.concatenate([np.full(len(a), same) for a, _, same, _ in parts]),
        folds=np.concatenate([np.full(len(a), fold) for a, _, _, fold in parts]),
    )


def _runs(people: npt.NDArray[np.int64]) -> list[tuple[int, int]]:
    """Start and length of each run of equal numbers."""
    starts = np.flatnonzero(np.diff(people, prepend=people[0] - 1))
    lengths = np.diff(np.append(starts, len(people)))
    return list(zip(starts.tolist(), lengths.tolist(), strict=True))


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
