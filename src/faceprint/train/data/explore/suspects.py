"""Photos that look like somebody else, and names that may be one person's, by embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["Faces", "Suspect", "Twin", "find_suspects"]

_AT_ONCE: Final = 1024

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A photo that is nearer to somebody else than to whom it is said to show.

    Attributes:
        row: The photo.
        person: Whom it is said to show.
        other: Whom it is nearer to.
        own_score: Cosine similarity to the middle of the person's other photos.
        other_score: To the middle of the other's photos.
    """

    row: int
    person: int
    other: int
    own_score: float
    other_score: float

    @property
    def margin(self) -> float:
        """How much nearer."""
        return self.other_score - self.own_score


@dataclass(frozen=True, slots=True)
class Twin:
    """Two people as alike as photos of one are: maybe one person under two names.

    Attributes:
        person: One.
        other: The other.
        score: Cosine similarity of the middles of their photos.
    """

    person: int
    other: int
    score: float


@dataclass(frozen=True, slots=True)
class Faces:
    """What embeddings say of names.

    Attributes:
        checked: Photos of people with two or more.
        suspects: Of these, the photos nearer to somebody else, the farthest margin first.
        twins: Pairs of people, the most alike first.
        typical: Median similarity of a photo to the middle of its person's other photos; NaN where nobody
            has two.
    """

    checked: int
    suspects: tuple[Suspect, ...]
    twins: tuple[Twin, ...]
    typical: float


def find_suspects(vectors: FloatArray, identity: _Ints) -> Faces:
    """Looks for labels that embeddings contradict.

    Each photo is compared with the middle of its person's other photos (leave-one-out, so that it does not
    speak for itself) and with the middle of everybody else's. Two people are suspected to be one where the
    middles of their photos are as alike as a photo and the middle of the same person's others typically are.

    Args:
        vectors: (N, D) float32 of length 1.
        identity: (N,) int64, a number for each person; -1 where unknown, which is not looked at.
    """
    known = np.flatnonzero(identity >= 0)
    people, codes = np.unique(identity[known], return_inverse=True)
    given = vectors[known]
    counts = np.bincount(codes)
    sums = np.zeros((len(people), vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, codes, given)
    middles = _unit(sums)
    several = counts[codes] > 1
    own = np.einsum("nd,nd->n", given, _unit(sums[codes] - given))
    other_score, other = _nearest_others(given, codes, middles)
    odd = np.flatnonzero(several & (other_score > own))
    suspects = [
        Suspect(
            int(known[place]),
            int(people[codes[place]]),
            int(people[other[place]]),
            float(own[place]),
            float(other_score[place]),
        )
        for place in odd
    ]
    typical = float(np.median(own[several])) if several.any() else float("nan")
    return Faces(
        checked=int(several.sum()),
        suspects=tuple(sorted(suspects, key=lambda suspect: -suspect.margin)),
        twins=tuple(sorted(_twins(middles, people, typical), key=lambda twin: -twin.score)),
        typical=typical,
    )


def _nearest_others(
    given: FloatArray, codes: npt.NDArray[np.intp], middles: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """The highest similarity of each photo to another person's middle, and whose."""
    best = np.full(len(given), -np.inf, dtype=np.float32)
    whose = np.zeros(len(given), dtype=np.intp)
    for start in range(0, len(given), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        scores = given[part] @ middles.T
        scores[np.arange(len(scores)), codes[part]] = -np.inf
        whose[part] = scores.argmax(axis=1)
        best[part] = scores.max(axis=1)
    return best, whose


def _twins(middles: FloatArray, people: _Ints, typical: float) -> Iterator[Twin]:
    for start in range(0, len(middles), _AT_ONCE):
        scores = middles[start : start + _AT_ONCE] @ middles.T
        rows, columns = np.nonzero(scores >= typical)
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if column > start + row:
                yield Twin(
                    int(people[start + row]), int(people[column]), float(scores[row, column])
                )


def _unit(vectors: FloatArray) -> FloatArray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled
