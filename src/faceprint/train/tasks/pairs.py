"""What embedders are measured by while they are trained: pairs of photos of a part, always the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.match import area_under_roc, equal_error_rate, error_curve
from faceprint.train.sampling import Pairs, random_pairs
from faceprint.train.tasks.base import Crops, IntArray
from faceprint.types import FloatArray

__all__ = ["best_accuracy", "part_pairs", "score_pairs", "scores_to_metrics"]


def part_pairs(data: Crops, rows: IntArray, *, count: int, seed: int) -> Pairs:
    """Half genuine, half impostor pairs of a part, indices into `rows`; fewer where it has not so many.

    Raises:
        InputError: The part has no two photos of one person, or a single person.
    """
    identity = data.identity[rows]
    sizes = np.bincount(identity[identity >= 0])
    genuine = int((sizes * (sizes - 1) // 2).sum())
    all_pairs = int(sizes.sum()) * (int(sizes.sum()) - 1) // 2
    most = 2 * min(genuine, all_pairs - genuine)
    return random_pairs(identity, max(2, min(count - count % 2, most)), seed=seed)


def score_pairs(vectors: FloatArray, pairs: Pairs) -> FloatArray:
    """Cosine similarity (P,) float32 of pairs of rows of (N, D) vectors of any length."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(norms, 1e-12)
    found: FloatArray = np.einsum("pd,pd->p", unit[pairs.first], unit[pairs.second])
    return found.astype(np.float32, copy=False)


def best_accuracy(genuine: FloatArray, impostor: FloatArray) -> tuple[float, float]:
    """The highest balanced accuracy of a threshold on these scores, and the threshold."""
    curve = error_curve(genuine, impostor)
    errors = (curve.fmr + curve.fnmr) / 2
    best = int(np.argmin(errors))
    return float(1 - errors[best]), float(curve.thresholds[best])


def scores_to_metrics(scores: FloatArray, genuine: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Accuracy at the best threshold, area under the ROC, equal error rate and FNMR at an FMR of 1 %."""
    same, other = scores[genuine], scores[~genuine]
    curve = error_curve(same, other)
    return {
        "accuracy": best_accuracy(same, other)[0],
        "auc": area_under_roc(same, other),
        "eer": equal_error_rate(curve),
        "fnmr_at_1e-2": curve.fnmr_at(1e-2),
    }
