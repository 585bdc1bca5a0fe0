"""Open-set identification: searches of people who are enrolled and of people who are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.match.curves import error_curve, thin
from faceprint.match.rates import Rate, allowed_errors, rate
from faceprint.match.scores import checked_rate, matching
from faceprint.match.searching import SearchGallery, failed_rows
from faceprint.types import FloatArray

__all__ = ["IdentificationCurve", "OpenSet", "open_set"]

_Float64 = npt.NDArray[np.float64]
_Labels = npt.NDArray[np.integer[Any]]
_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class IdentificationCurve:
    """FPIR and FNIR at every threshold where either changes.

    Attributes:
        thresholds: (K,) float64, rising.
        fpir: (K,) float64, 0 to 1, falling to 0.
        fnir: (K,) float64, 0 to 1, rising to 1.
    """

    thresholds: _Float64
    fpir: _Float64
    fnir: _Float64

    def thinned(self, points: int = 500) -> IdentificationCurve:
        """The curve with at most so many steps, its shape kept on linear and logarithmic axes."""
        rows = thin(self.fpir, self.fnir, points=points)
        return IdentificationCurve(self.thresholds[rows], self.fpir[rows], self.fnir[rows])


@dataclass(frozen=True, slots=True, eq=False)
class OpenSet:
    """What searches of enrolled (known) and of not enrolled (unknown) people gave.

    A probe without an embedding scores minus infinity: a known one is a miss, an unknown one no false
    positive, and both are counted.

    Attributes:
        best_unknown: (U,) float32, best score of each unknown probe.
        own_score: (K,) float32, score of each known probe with its own person.
        best_wrong: (K,) float32, its best score with anyone else; minus infinity in a gallery of one.
        rank: (K,) int64, from 1: place of its own person; ties go to the others. People + 1 where the
            probe could not be compared with its own person, so that it is found at no rank.
        people: How many people are enrolled.
        templates: How many gallery photos there are, failed ones included.
        failed_templates: How many gallery photos have no embedding.
        failed_known: How many known probes have none.
        failed_unknown: How many unknown probes have none.
    """

    best_unknown: FloatArray
    own_score: FloatArray
    best_wrong: FloatArray
    rank: _Indices
    people: int
    templates: int
    failed_templates: int
    failed_known: int
    failed_unknown: int

    def fpir(self, threshold: float) -> Rate:
        """Share of unknown probes for whom anyone is at or above a threshold (ISO/IEC 19795-1, FPIR).

        Raises:
            InputError: There are no unknown probes.
        """
        self._need_unknown()
        return rate(
            int(np.count_nonzero(matching(self.best_unknown, threshold))), len(self.best_unknown)
        )

    def fnir(self, threshold: float, rank: int = 1) -> Rate:
        """Share of known probes whose own person is below a threshold or not among the first.

        ISO/IEC 19795-1, FNIR.

        Args:
            threshold: Score at or above which a candidate is given.
            rank: How many candidates are looked at.

        Raises:
            InputError: There are no known probes, or the rank is not positive.
        """
        found = matching(self._found_scores(rank), threshold)
        return rate(len(found) - int(np.count_nonzero(found)), len(found))

    def curve(self, rank: int = 1) -> IdentificationCurve:
        """FPIR and FNIR over all thresholds.

        Raises:
            InputError: There are no known or no unknown probes, or no search could be made.
        """
        self._need_unknown()
        curve = error_curve(self._found_scores(rank), self.best_unknown)
        return IdentificationCurve(curve.thresholds, curve.fmr, curve.fnmr)

    def threshold_at(self, fpir: float) -> float:
        """The lowest threshold whose FPIR is at most `fpir`.

        Where the rate allows all unknown probes it is the lowest of their scores; minus infinity where
        none of them could be searched.

        Raises:
            InputError: There are no unknown probes, or the rate is not in 0 to 1.
        """
        self._need_unknown()
        scores = np.sort(self.best_unknown[self.best_unknown > -np.inf])
        allowed = allowed_errors(
            checked_rate(fpir, "false positive identification rate"), len(self.best_unknown)
        )
        if allowed >= len(scores):
            return float(scores[0]) if len(scores) else float("-inf")
        return float(np.nextafter(scores[len(scores) - 1 - allowed], np.float32(np.inf)))

    def identification_rate(self, rank: int = 1) -> Rate:
        """Share of known probes whose own person is among the first, at no threshold.

        Raises:
            InputError: There are no known probes, or the rank is not positive.
        """
        found = self._found_scores(rank) > -np.inf
        return rate(int(np.count_nonzero(found)), len(found))

    def cmc(self, max_rank: int = 20) -> _Float64:
        """The cumulative match characteristic: identification rate at ranks 1 to `max_rank`.

        Returns:
            (max_rank,) float64, 0 to 1, rising; below 1 at the end where probes could not be searched.

        Raises:
            InputError: There are no known probes, or the rank is not positive.
        """
        self._need_known(max_rank)
        ranks = np.minimum(np.arange(1, max_rank + 1), self.people)
        return np.searchsorted(np.sort(self.rank), ranks, "right") / len(self.rank)

    def _found_scores(self, rank: int) -> FloatArray:
        self._need_known(rank)
        return np.where(self.rank <= rank, self.own_score, np.float32(-np.inf))

    def _need_known(self, rank: int) -> None:
        if not len(self.own_score):
            raise InputError("There are no probes of enrolled people. Add some to measure misses.")
        if rank < 1:
            raise InputError(f"A rank counts from 1, got {rank}.")

    def _need_unknown(self) -> None:
        if not len(self.best_unknown):
            raise InputError(
                "There are no probes of people who are not enrolled. Add some to measure false positives."
            )


def open_set(
    gallery_vectors: FloatArray,
    gallery_people: _Labels,
    known_vectors: FloatArray,
    known_people: _Labels,
    unknown_vectors: FloatArray,
    *,
    block: int | None = None,
) -> OpenSet:
    """Searches a gallery for probes of enrolled people and of people who are not enrolled.

    Args:
        gallery_vectors: (N, D) float32 unit vectors, several for a person or one; rows of NaN for photos
            without an embedding.
        gallery_people: (N,) integers, whose they are.
        known_vectors: (K, D) float32 unit vectors, or rows of NaN; K may be 0.
        known_people: (K,) integers; each is in the gallery, if only with rows of NaN.
        unknown_vectors: (U, D) float32 unit vectors, or rows of NaN; U may be 0.
        block: How many probes to compare at a time; by default as many as make 16 million scores.

    Raises:
        InputError: The gallery is empty, shapes do not fit together, or a known person is not enrolled.
        EmbeddingError: A vector is neither finite nor NaN throughout.
    """
    gallery = SearchGallery.of(gallery_vectors, gallery_people)
    codes = gallery.codes(known_people, len(known_vectors))
    own, wrong = np.empty((2, len(known_vectors)), np.float32)
    rank = np.empty(len(known_vectors), np.int64)
    for start, best in gallery.search(known_vectors, "known probe", block):
        rows = slice(start, start + len(best))
        cells = np.arange(len(best)), codes[rows]
        own[rows] = best[cells]
        best[cells] = -np.inf
        wrong[rows] = best.max(axis=1)
        rank[rows] = 1 + np.count_nonzero(best >= own[rows, None], axis=1)
    rank[own == -np.inf] = len(gallery.names) + 1
    unknown = np.empty(len(unknown_vectors), np.float32)
    for start, best in gallery.search(unknown_vectors, "unknown probe", block):
        unknown[start : start + len(best)] = best.max(axis=1)
    return OpenSet(
        best_unknown=unknown,
        own_score=own,
        best_wrong=wrong,
        rank=rank,
        people=len(gallery.names),
        templates=len(gallery_vectors),
        failed_templates=int(np.count_nonzero(gallery.failed)),
        failed_known=int(np.count_nonzero(failed_rows(known_vectors, "known probe"))),
        failed_unknown=int(np.count_nonzero(failed_rows(unknown_vectors, "unknown probe"))),
    )
