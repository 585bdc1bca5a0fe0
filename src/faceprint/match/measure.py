"""From embeddings with names to a calibration: every pair of photos is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError
from faceprint.match.calibration import OperatingPoint
from faceprint.types import FloatArray

__all__ = ["Comparison", "compare_all", "operating_points"]

_RATES = tuple(float(f"{m}e-{k}") for k in range(1, 7) for m in (1, 0.5, 0.2))
_NEEDED_ERRORS = 30
"""Rule of 30 (Doddington et al., Speech Communication 2000), counted over distinct pairs of people."""

_BLOCK = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All scores of a set of photos: the genuine ones, and the upper tail of the impostor ones.

    Attributes:
        genuine: (G,) float32.
        tail: (T,) float32, the highest impostor scores, best first.
        tail_people: (T, 2) integers, whose photos they are.
        impostor_count: How many impostor scores there are in all.
        photos_of: (P,) integers, how many photos each person has.
    """

    genuine: FloatArray
    tail: FloatArray
    tail_people: npt.NDArray[np.int32]
    impostor_count: int
    photos_of: npt.NDArray[np.int64]


def compare_all(
    vectors: FloatArray, people: npt.NDArray[np.integer], *, tail_share: float = _RATES[0]
) -> Comparison:
    """Compares every photo with every other.

    Args:
        vectors: (N, D) float32 unit vectors.
        people: (N,) integers from 0, whose photo each is.
        tail_share: Share of impostor scores to keep.
    """
    genuine: list[FloatArray] = []
    impostor: list[FloatArray] = []
    for start, scores, other in _blocks(vectors, people):
        later = np.triu(np.ones(scores.shape, dtype=bool), k=1 + start)
        genuine.append(scores[later & ~other])
        impostor.append(scores[later & other])
    pool = np.concatenate(impostor)
    if not len(pool):
        raise CalibrationError("A calibration needs photos of at least two people.")
    kept = max(1, round(tail_share * len(pool)))
    cut = np.partition(pool, len(pool) - kept)[len(pool) - kept]
    tails, owners = [], []
    for start, scores, other in _blocks(vectors, people):
        rows, columns = np.nonzero((scores >= cut) & other)
        later = columns > rows + start
        rows, columns = rows[later], columns[later]
        tails.append(scores[rows, columns])
        owners.append(np.stack([people[rows + start], people[columns]], axis=1))
    tail = np.concatenate(tails)
    order = np.argsort(-tail, kind="stable")
    return Comparison(
        genuine=np.concatenate(genuine),
        tail=tail[order],
        tail_people=np.concatenate(owners)[order].astype(np.int32),
        impostor_count=len(pool),
        photos_of=np.bincount(people),
    )


def operating_points(
    comparison: Comparison, *, resamples: int = 200, seed: int = 0
) -> tuple[OperatingPoint, ...]:
    """Thresholds for the rates that the data supports, loosest first.

    A rate is supported when at least 30 distinct pairs of people are falsely matched at it. Intervals
    come from resampling people, since pairs that share a person are not independent (Poh, Martin, Bengio,
    "Performance Generalization in Biometric Authentication", PAMI 2007).

    Raises:
        CalibrationError: Not even the loosest rate is supported.
    """
    rates = [rate for rate in _RATES if _supports(comparison, rate)]
    if not rates:
        raise CalibrationError(
            "Too few people to calibrate: even a false match rate of 0.1 needs falsely matched photos "
            f"of {_NEEDED_ERRORS} pairs of people. Add photos of more people."
        )
    drawn = _resampled_thresholds(comparison, rates, resamples, seed)
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    scores = [_threshold(comparison.tail, rate * comparison.impostor_count) for rate in rates]
    return tuple(
        OperatingPoint(
            fmr=rate,
            score=round(score, 5),
            low=round(float(min(low[k], score)), 5),
            high=round(float(max(high[k], score)), 5),
            fnmr=round(float(np.mean(comparison.genuine < score)), 6)
            if len(comparison.genuine)
            else float("nan"),
        )
        for k, (rate, score) in enumerate(zip(rates, scores, strict=True))
    )


def _blocks(
    vectors: FloatArray, people: npt.NDArray[np.integer]
) -> Iterator[tuple[int, FloatArray, npt.NDArray[np.bool_]]]:
    """First row, scores with everything, and whether the other is another person, block by block."""
    for start in range(0, len(vectors), _BLOCK):
        stop = start + _BLOCK
        yield start, vectors[start:stop] @ vectors.T, people[start:stop, None] != people[None, :]


def _threshold(tail: FloatArray, errors: float) -> float:
    """The lowest score that at most so many of the tail reach."""
    count = min(int(errors), len(tail) - 1)
    return float(np.nextafter(tail[count], np.float32(2)))


def _supports(comparison: Comparison, rate: float) -> bool:
    errors = int(rate * comparison.impostor_count)
    return len(np.unique(comparison.tail_people[:errors], axis=0)) >= _NEEDED_ERRORS


def _resampled_thresholds(
    comparison: Comparison, rates: list[float], resamples: int, seed: int
) -> FloatArray:
    """Thresholds under draws of people with replacement: (resamples, rates)."""
    random = np.random.default_rng(seed)
    count = len(comparison.photos_of)
    first, second = comparison.tail_people.T
    drawn = np.empty((resamples, len(rates)), dtype=np.float32)
    for row in drawn:
        weights = random.multinomial(count, np.full(count, 1 / count)).astype(np.float64)
        photos = weights * comparison.photos_of
        pairs = (photos.sum() ** 2 - (photos**2).sum()) / 2
        reached = np.cumsum(weights[first] * weights[second])
        places = np.searchsorted(reached, np.array(rates) * pairs, side="right")
        row[:] = comparison.tail[np.minimum(places, len(comparison.tail) - 1)]
    return drawn
