"""Searches of a whole gallery, each person by the best template, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import EmbeddingError, InputError
from faceprint.types import FloatArray

__all__ = ["SearchGallery", "SearchScores", "failed_rows", "search_scores"]

_Labels = npt.NDArray[np.integer[Any]]
_Indices = npt.NDArray[np.int64]

_BLOCK_SCORES = 1 << 24
"""Scores that are held at once: 64 MiB."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchScores:
    """The best people of each search.

    Attributes:
        scores: (P, R) float32, each person by the best of the templates, best first; minus infinity
            where the probe or all templates of the person have no embedding.
        people: (P, R) int64, who they are.
    """

    scores: FloatArray
    people: _Indices


def search_scores(
    gallery_vectors: FloatArray,
    gallery_people: _Labels,
    probe_vectors: FloatArray,
    *,
    ranks: int = 20,
    block: int | None = None,
) -> SearchScores:
    """Compares every probe with every template, block by block.

    Args:
        gallery_vectors: (N, D) float32 unit vectors, several for a person or one; rows of NaN for photos
            without an embedding.
        gallery_people: (N,) integers, whose they are.
        probe_vectors: (P, D) float32 unit vectors, or rows of NaN.
        ranks: How many people to keep for each probe; R is this or the number of people.
        block: How many probes to compare at a time; by default as many as make 16 million scores.

    Raises:
        InputError: The gallery is empty, or shapes do not fit together.
        EmbeddingError: A vector is neither finite nor NaN throughout.
    """
    gallery = SearchGallery.of(gallery_vectors, gallery_people)
    kept = min(max(ranks, 1), len(gallery.names))
    scores = np.empty((len(probe_vectors), kept), np.float32)
    people = np.empty((len(probe_vectors), kept), np.int64)
    for start, best in gallery.search(probe_vectors, "probe", block):
        places = np.argpartition(-best, kept - 1, axis=1)[:, :kept]
        held, names = np.take_along_axis(best, places, axis=1), gallery.names[places]
        order = np.lexsort((names, -held), axis=1)
        rows = slice(start, start + len(best))
        scores[rows] = np.take_along_axis(held, order, axis=1)
        people[rows] = np.take_along_axis(names, order, axis=1)
    return SearchScores(scores, people)


@dataclass(frozen=True, slots=True, eq=False)
class SearchGallery:
    """Templates in rounds, to be searched in blocks.

    The first round has one template of each person, the second the second of those who have two, and so
    on, so that the best of each person is a few maxima of long rows.

    Attributes:
        vectors: (N, D) float32, zeros where there is no embedding.
        failed: (N,) booleans, which templates have no embedding.
        names: (M,) int64, the people, those with the most templates first: the order in every round.
        round_ends: (R,) integers, the template after the last of each round.
    """

    vectors: FloatArray
    failed: npt.NDArray[np.bool_]
    names: _Indices
    round_ends: npt.NDArray[np.intp]

    @classmethod
    def of(cls, vectors: FloatArray, people: _Labels) -> SearchGallery:
        """A gallery of the vectors and people that `search_scores` takes; it raises what that does."""
        if vectors.ndim != 2 or len(vectors) != len(people) or not len(vectors):
            raise InputError(
                "A gallery is an array of vectors and the person of each, at least one: got shapes "
                f"{vectors.shape} and {people.shape}."
            )
        failed = failed_rows(vectors, "gallery")
        names, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
        by_count = np.argsort(-counts, kind="stable")
        place = np.empty(len(names), np.intp)
        place[by_count] = np.arange(len(names))
        rounds = _rounds(codes, counts)
        order = np.lexsort((place[codes], rounds))
        return cls(
            vectors=_filled(vectors, failed)[order],
            failed=failed[order],
            names=names[by_count].astype(np.int64),
            round_ends=np.cumsum(np.bincount(rounds)),
        )

    def codes(self, people: _Labels, count: int) -> npt.NDArray[np.intp]:
        """Where each person stands in `names`.

        Raises:
            InputError: There are not as many people as probes, or one is not in the gallery.
        """
        if len(people) != count:
            raise InputError(f"{count} known probes came with the people of {len(people)}.")
        rising = np.argsort(self.names)
        found = np.searchsorted(self.names, people, sorter=rising)
        codes = rising[np.minimum(found, len(rising) - 1)]
        strange = np.flatnonzero(self.names[codes] != people)
        if len(strange):
            raise InputError(
                f"The known probe with index {strange[0]} shows person {people[strange[0]]}, who has no row "
                "in the gallery. Pass it as unknown; if enrolling failed, give the gallery a row of NaN."
            )
        return codes

    def search(
        self, probes: FloatArray, kind: str, block: int | None
    ) -> Iterator[tuple[int, FloatArray]]:
        """First probe and (B, people) scores of each block, each person by the best template.

        Raises:
            InputError: The probes are of another length than the templates.
            EmbeddingError: A vector is neither finite nor NaN throughout.
        """
        if probes.ndim != 2 or probes.shape[1] != self.vectors.shape[1]:
            raise InputError(
                f"Expected {kind} vectors of shape (N, {self.vectors.shape[1]}) as in the gallery, got "
                f"{probes.shape}."
            )
        failed = failed_rows(probes, kind)
        size = max(1, block or _BLOCK_SCORES // len(self.vectors))
        for start in range(0, len(probes), size):
            lost = failed[start : start + size]
            scores = _filled(probes[start : start + size], lost) @ self.vectors.T
            scores[:, self.failed] = -np.inf
            scores[lost] = -np.inf
            yield start, self._best_of_each(scores)

    def _best_of_each(self, scores: FloatArray) -> FloatArray:
        best = scores[:, : len(self.names)]
        for start, end in pairwise(self.round_ends):
            held = best[:, : end - start]
            np.maximum(held, scores[:, start:end], out=held)
        return best


def _rounds(codes: npt.NDArray[np.intp], counts: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Which template of its person each one is, from 0."""
    order = np.argsort(codes, kind="stable")
    first = np.repeat(np.cumsum(counts) - counts, counts)
    rounds = np.empty(len(codes), np.intp)
    rounds[order] = np.arange(len(codes)) - first
    return rounds


def failed_rows(vectors: FloatArray, kind: str) -> npt.NDArray[np.bool_]:
    """Which rows are NaN throughout.

    Raises:
        EmbeddingError: A row is neither finite nor NaN throughout.
    """
    failed: npt.NDArray[np.bool_] = np.logical_not(np.isfinite(vectors).all(axis=1))
    broken = np.flatnonzero(failed)[~np.isnan(vectors[failed]).all(axis=1)]
    if len(broken):
        raise EmbeddingError(
            f"The {kind} vector with index {broken[0]} is not finite. Give finite numbers, or NaN "
            "throughout for a photo without an embedding."
        )
    return failed


def _filled(vectors: FloatArray, failed: npt.NDArray[np.bool_]) -> FloatArray:
    return np.where(failed[:, None], np.float32(0), vectors) if failed.any() else vectors
