"""Cross-validated accuracy, as the protocol of Labeled Faces in the Wild has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.match.scores import Scores, checked_scores, matching

__all__ = ["FoldAccuracy", "fold_accuracy"]

_Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FoldAccuracy:
    """Accuracy of each fold at the threshold that is best on the others.

    Attributes:
        folds: (F,) integers, the names of the folds, rising.
        thresholds: (F,) float64; scores at or above one match.
        accuracies: (F,) float64, 0 to 1.
        mean: Of the accuracies.
        std: Sample standard deviation of the accuracies, over F - 1.
        standard_error: `std / sqrt(F)`, which the LFW protocol asks to report beside the mean.
    """

    folds: npt.NDArray[np.int64]
    thresholds: _Float64
    accuracies: _Float64
    mean: float
    std: float
    standard_error: float


def fold_accuracy(
    scores: Scores,
    same: npt.ArrayLike,
    folds: npt.ArrayLike,
    *,
    fit_scores: Scores | None = None,
    fit_same: npt.ArrayLike | None = None,
    fit_folds: npt.ArrayLike | None = None,
) -> FoldAccuracy:
    """Accuracy with the threshold of the other folds (Huang et al., UMass TR 07-49, view 2).

    Among equally accurate thresholds the middle one is taken, halfway between two scores.

    Args:
        scores: (N,) scores of the pairs of all folds; minus infinity where a comparison failed.
        same: (N,) booleans, whether the pair shows one person.
        folds: (N,) integers, the fold of each pair.
        fit_scores: (M,) scores of further pairs to choose thresholds on instead, as the unrestricted
            protocol allows: all pairs that can be formed within the other folds.
        fit_same: (M,) booleans.
        fit_folds: (M,) integers, the fold whose people the pair shows.

    Raises:
        InputError: Lists do not fit together, there is one fold only, or the pairs to choose a
            threshold on are all genuine or all impostor.
    """
    tested = _checked_pairs(scores, same, folds, "tested")
    given = [part is not None for part in (fit_scores, fit_same, fit_folds)]
    if any(given) != all(given):
        raise InputError("Give fit_scores, fit_same and fit_folds together, or none of them.")
    fitted = tested
    if fit_scores is not None and fit_same is not None and fit_folds is not None:
        fitted = _checked_pairs(fit_scores, fit_same, fit_folds, "fitted")
    names = np.unique(tested[2])
    if len(names) < 2:
        raise InputError("A cross-validation needs at least two folds, got one.")
    thresholds, accuracies = np.empty(len(names)), np.empty(len(names))
    for k, name in enumerate(names):
        others = fitted[2] != name
        thresholds[k] = _best_threshold(fitted[0][others], fitted[1][others], int(name))
        own = tested[2] == name
        accuracies[k] = np.mean(matching(tested[0][own], thresholds[k]) == tested[1][own])
    std = float(np.std(accuracies, ddof=1))
    return FoldAccuracy(
        folds=names,
        thresholds=thresholds,
        accuracies=accuracies,
        mean=float(np.mean(accuracies)),
        std=std,
        standard_error=std / float(np.sqrt(len(names))),
    )


def _checked_pairs(
    scores: npt.ArrayLike, same: npt.ArrayLike, folds: npt.ArrayLike, kind: str
) -> tuple[Scores, npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    checked = checked_scores(scores, kind)
    truths, names = np.asarray(same), np.asarray(folds)
    if not checked.shape == truths.shape == names.shape:
        raise InputError(
            f"Each {kind} pair has a score, a truth and a fold: got {checked.shape}, {truths.shape} and "
            f"{names.shape}."
        )
    return checked, truths.astype(np.bool_), names.astype(np.int64)


def _best_threshold(scores: npt.NDArray[Any], same: npt.NDArray[np.bool_], fold: int) -> float:
    if same.all() or not same.any():
        genuine = int(np.count_nonzero(same))
        raise InputError(
            f"Outside fold {fold} there are {genuine} genuine and {len(same) - genuine} impostor pairs: a "
            "threshold is chosen on both kinds. Add pairs of the other kind."
        )
    # Failed comparisons stay below every threshold, so they cannot tell thresholds apart.
    made = scores > -np.inf
    order = np.argsort(scores[made], kind="stable")
    ordered, truth = scores[made][order].astype(np.float64), same[made][order]
    if not len(ordered):
        raise InputError(f"No comparison outside fold {fold} could be made.")
    # With the first k scores below the threshold, gained[k] is right answers less those with none below.
    gained = np.concatenate([[0], np.cumsum(np.where(truth, -1, 1))])
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1, [len(ordered)]])
    best = cuts[gained[cuts] == gained[cuts].max()]
    cut = int(best[len(best) // 2])
    if cut == 0:
        return float(ordered[0])
    if cut == len(ordered):
        return float(np.nextafter(ordered[-1], np.inf))
    return float((ordered[cut - 1] + ordered[cut]) / 2)
