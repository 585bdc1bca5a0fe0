"""What a list of pairs says beside its scores: whom its photos show, and what a reader must know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import PairList
from faceprint.types import FloatArray

__all__ = ["few_notes", "measured_pairs", "photo_people", "verification_notes"]

_FEW_PAIRS = 100
_FEW_PEOPLE = 30

_Ints = npt.NDArray[np.int64]


def photo_people(pairs: PairList) -> _Ints:
    """Whom each photo shows: (N,) int64.

    Where the list does not say, photos that its genuine pairs link are one person's, and each other photo
    is that of somebody else.
    """
    if pairs.people is not None:
        return pairs.people
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    lists = [pairs] if pairs.train is None else [pairs, pairs.train]
    first = np.concatenate([one.first[one.same] for one in lists])
    second = np.concatenate([one.second[one.same] for one in lists])
    count = len(pairs.photos)
    links = coo_array((np.ones(len(first)), (first, second)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def measured_pairs(pairs: PairList, embeddings: PhotoEmbeddings) -> PairList:
    """The list without the pairs of files that are missing, and a note on these."""
    gone = embeddings.missing
    if not gone.any():
        return pairs
    kept = _without(pairs, gone)
    left_out = len(pairs) - len(kept)
    fit = pairs.fit
    if fit is not None:
        here = ~gone[fit.photos]
        fit = replace(fit, photos=fit.photos[here], people=fit.people[here], folds=fit.folds[here])
    note = (
        f"{left_out:,} {'pair' if left_out == 1 else 'pairs'} of files that are missing left out: they "
        "were never measured."
    )
    return replace(
        kept,
        train=None if pairs.train is None else _without(pairs.train, gone),
        fit=fit,
        notes=(*pairs.notes, note) if left_out else pairs.notes,
    )


def _without(pairs: PairList, gone: npt.NDArray[np.bool_]) -> PairList:
    here = ~(gone[pairs.first] | gone[pairs.second])
    return replace(
        pairs,
        first=pairs.first[here],
        second=pairs.second[here],
        same=pairs.same[here],
        folds=None if pairs.folds is None else pairs.folds[here],
    )


def verification_notes(
    pairs: PairList, embeddings: PhotoEmbeddings, scores: FloatArray
) -> tuple[str, ...]:
    """What a reader of the figures must know.

    Args:
        pairs: Those that were measured.
        embeddings: Of the photos.
        scores: (P,) float32; -inf where a comparison could not be made.
    """
    notes = []
    if embeddings.failures:
        refused = int(np.isneginf(scores).sum())
        notes.append(
            f"{len(embeddings.failures):,} of {len(pairs.photos):,} photos gave no face "
            f"({embeddings.failure_counts})"
            + (f": {refused:,} comparisons count as refused." if refused else ".")
        )
    notes += few_notes(pairs.same, photo_people(pairs)[pairs.first])
    if pairs.train is None and pairs.folds is None:
        notes.append(
            "The list has neither folds nor training pairs: thresholds for a false match rate are read "
            "off the very pairs that are reported, and no accuracy is given."
        )
    if pairs.people is None and _photos_recur(pairs):
        notes.append(
            "Photos come in several pairs, and the list does not say whom they show: intervals take photos "
            "that genuine pairs link as one person's, and are too narrow where somebody has others. Add "
            "the columns person_a and person_b."
        )
    copies = _copies(pairs, embeddings)
    if copies:
        notes.append(
            f"{copies:,} {'pair compares' if copies == 1 else 'pairs compare'} a file with a copy of itself "
            "under another name: that says nothing of the model. Take one of the two out of the list."
        )
    return tuple(notes)


def few_notes(same: npt.NDArray[np.bool_], people: _Ints) -> list[str]:
    """What few pairs or few people do to the intervals.

    Args:
        same: (P,) bool, whether a pair shows one person.
        people: (P,) int64, whom the first photo of each pair shows.
    """
    counts = {"genuine": int(same.sum()), "impostor": int((~same).sum())}
    notes = [
        f"There {'is' if count == 1 else 'are'} only {count} {kind} {'pair' if count == 1 else 'pairs'}: "
        "the intervals are wide."
        for kind, count in counts.items()
        if count < _FEW_PAIRS
    ]
    different = len(np.unique(people[same]))
    if different < min(_FEW_PEOPLE, counts["genuine"]):
        notes.append(
            f"The genuine pairs show only {different} people: intervals over so few are rough, and hold the "
            "true rate less often than in 95 of 100 cases."
        )
    return notes


def _photos_recur(pairs: PairList) -> bool:
    _, times = np.unique(np.concatenate([pairs.first, pairs.second]), return_counts=True)
    return bool((times > 1).any())


def _copies(pairs: PairList, embeddings: PhotoEmbeddings) -> int:
    if not embeddings.digests:
        return 0
    both = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    digests = embeddings.digests
    return sum(digests[a] is not None and digests[a] == digests[b] for a, b in both)
