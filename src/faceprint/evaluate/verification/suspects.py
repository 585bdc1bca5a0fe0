"""Pairs whose label may be wrong, and the worst errors, for people to look at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.looking import Finding
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import PairList
from faceprint.evaluate.reasons import clear, explain
from faceprint.types import FloatArray

__all__ = ["find_suspects", "worst_pairs"]

_MOST = 50
_FAR = 5.0
"""An impostor score so many spreads above the median of impostors happens by chance once in millions."""

_NEAR = 1.5
"""A genuine score within so many spreads above that median is one that strangers have, too."""


def find_suspects(
    pairs: PairList, embeddings: PhotoEmbeddings, scores: FloatArray
) -> tuple[Finding, ...]:
    """Pairs whose label may be wrong: the scores of the other kind, most striking first.

    Impostor pairs far above all chance, and genuine pairs of clear faces no more alike than strangers
    are. A spread is the median absolute deviation of impostors, as of a normal distribution.

    Args:
        pairs: The list.
        embeddings: Of its photos.
        scores: (P,) float32; -inf where a comparison could not be made.
    """
    made = scores > -np.inf
    impostor = scores[made & ~pairs.same]
    if not len(impostor):
        return ()
    middle = float(np.median(impostor))
    spread = 1.4826 * float(np.median(np.abs(impostor - middle)))
    if not spread:
        return ()
    away = (scores - middle) / spread
    here = [clear(face) for face in embeddings.faces]
    both_clear = np.array(here)[pairs.first] & np.array(here)[pairs.second]
    odd = made & np.where(pairs.same, (away <= _NEAR) & both_clear, away >= _FAR)
    rows = np.flatnonzero(odd)
    strikes = np.where(pairs.same, _NEAR - away, away - _FAR)
    order = rows[np.argsort(-strikes[rows], kind="stable")][:_MOST]
    return _findings(pairs, embeddings, scores, order, odd)


def worst_pairs(
    pairs: PairList,
    embeddings: PhotoEmbeddings,
    scores: FloatArray,
    *,
    same: bool,
    threshold: float,
    count: int,
) -> tuple[Finding, ...]:
    """The genuine pairs of the lowest scores, or the impostor pairs of the highest, worst first.

    Args:
        pairs: The list.
        embeddings: Of its photos.
        scores: (P,) float32; -inf where a comparison could not be made, which is left out here.
        same: Whether genuine pairs are asked for.
        threshold: Scores at or above match.
        count: How many at most.
    """
    rows = np.flatnonzero((pairs.same == same) & (scores > -np.inf))
    order = rows[np.argsort(scores[rows] if same else -scores[rows], kind="stable")]
    wrong = (scores >= threshold) != pairs.same
    return _findings(pairs, embeddings, scores, order[:count], wrong)


def _findings(
    pairs: PairList,
    embeddings: PhotoEmbeddings,
    scores: FloatArray,
    rows: npt.NDArray[np.intp],
    wrong: npt.NDArray[np.bool_],
) -> tuple[Finding, ...]:
    found = []
    for row in rows.tolist():
        first, second = int(pairs.first[row]), int(pairs.second[row])
        found.append(
            Finding(
                pair=row,
                photos=(pairs.photos[first], pairs.photos[second]),
                rows=(first, second),
                same=bool(pairs.same[row]),
                score=float(scores[row]),
                reason=explain(embeddings, first, second, wrong=bool(wrong[row])),
            )
        )
    return tuple(found)
