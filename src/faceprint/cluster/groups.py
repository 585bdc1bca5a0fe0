"""Embeddings into people, by average likeness."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["group"]


def group(
    embeddings: FloatArray, *, apart: npt.NDArray[np.bool_], min_score: float
) -> npt.NDArray[np.intp]:
    """Puts embeddings of one person together.

    Agglomerative clustering by average cosine similarity (Sokal and Michener, 1958): the two most
    alike groups are joined until none are alike enough. Groups that hold two members who are apart are
    never joined (constraints as in Davidson and Ravi, PKDD 2005).

    Args:
        embeddings: (N, D) float32 of L2 norm 1.
        apart: (N, N) symmetric; true where two are never one person, as when they are seen together.
        min_score: Mean similarity below which groups stay apart.

    Returns:
        (N,) the group of each, counted from 0 in the order of their first members.
    """
    count = len(embeddings)
    if not count:
        return np.zeros(0, dtype=np.intp)
    scores = (embeddings @ embeddings.T).astype(np.float64)
    scores[apart] = -np.inf
    np.fill_diagonal(scores, -np.inf)
    sizes = np.ones(count)
    owner = np.arange(count)
    best = scores.argmax(axis=1)
    while True:
        a = int(scores[np.arange(count), best].argmax())
        b = int(best[a])
        if not scores[a, b] >= min_score:
            break
        a, b = min(a, b), max(a, b)
        _join(scores, sizes, a, b)
        owner[owner == b] = a
        # Only rows whose best was one of the two can have a new best, and a itself.
        stale = (best == a) | (best == b)
        stale[[a, b]] = True
        best[stale] = scores[stale].argmax(axis=1)
        better = scores[:, a] > scores[np.arange(count), best]
        best[better] = a
    return np.unique(owner, return_inverse=True)[1].astype(np.intp)


def _join(scores: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64], a: int, b: int) -> None:
    """Makes b a part of a; the likeness of the two together is the mean over all pairs."""
    share = sizes[a] / (sizes[a] + sizes[b])
    row = share * scores[a] + (1 - share) * scores[b]
    row[[a, b]] = -np.inf
    scores[a], scores[:, a] = row, row
    scores[b], scores[:, b] = -np.inf, -np.inf
    sizes[a] += sizes[b]
