"""From embeddings with names to a calibration: every pair of photos is compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError
from faceprint.match.evidence import BINS, ScoreCounts, score_bins
from faceprint.match.points import OperatingPoint
from faceprint.types import FloatArray

__all__ = [
    "RATES",
    "Comparison",
    "compare_all",
    "draw_people",
    "missed",
    "operating_points",
    "score_at",
    "spread_people",
]

RATES = tuple(float(f"{m}e-{k}") for k in range(1, 9) for m in (1, 0.5, 0.2))
"""Rates that are measured where the data supports them, loosest first."""

_NEEDED_ERRORS = 30
"""Rule of 30 (Doddington et al., Speech Communication 2000), counted over distinct pairs of people."""

_FOLDS = 5
_BLOCK_SCORES = 1 << 23
_KEPT_SCORES = 1 << 22

_F64 = npt.NDArray[np.float64]
_I32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All scores of a set of photos: the genuine ones, and the upper tail of the impostor ones.

    Attributes:
        genuine: (G,) float32.
        genuine_pairs: (G, 2) integers, the rows of the two photos.
        tail: (T,) float32, the highest impostor scores, best first.
        tail_pairs: (T, 2) integers, the rows of the two photos.
        tail_weights: (T,) float64, for how many impostor scores each stands: 1, or more further down in
            a sample of a very large set.
        impostor_count: How many impostor scores there are in all.
        people: (N,) integers from 0, whose photo each row is.
        counts: All scores by bin and by fold of the people.
    """

    genuine: FloatArray
    genuine_pairs: _I32
    tail: FloatArray
    tail_pairs: _I32
    tail_weights: _F64
    impostor_count: int
    people: npt.NDArray[np.int64]
    counts: ScoreCounts

    @property
    def tail_people(self) -> npt.NDArray[np.int64]:
        """(T, 2) integers, whose photos the pairs of the tail are."""
        return self.people[self.tail_pairs]

    @property
    def photos_of(self) -> npt.NDArray[np.int64]:
        """(P,) integers, how many photos each person has."""
        return np.bincount(self.people)

    def top(self, rate: float) -> int:
        """How many scores of the tail make at most that false match rate."""
        return int(
            np.searchsorted(np.cumsum(self.tail_weights), rate * self.impostor_count, "right")
        )


def compare_all(
    vectors: FloatArray,
    people: npt.NDArray[np.integer],
    *,
    tail_share: float = 2 * RATES[0],
    keep: int = _KEPT_SCORES,
) -> Comparison:
    """Compares every photo with every other.

    Args:
        vectors: (N, D) float32 unit vectors.
        people: (N,) integers from 0, whose photo each is.
        tail_share: Share of impostor scores to keep.
        keep: At most about so many: the highest half of them all, and of the others a random sample.

    Raises:
        CalibrationError: A vector is not finite, or all photos are of one person.
    """
    broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(broken):
        raise CalibrationError(
            f"The embedding with index {broken[0]} is not finite: leave photos without a face out."
        )
    if len(people) == 0 or people.min() == people.max():
        raise CalibrationError("A calibration needs photos of at least two people.")
    owners = np.asarray(people, dtype=np.int64)
    counts, genuine, genuine_pairs = _count(vectors, owners)
    total = int(counts.impostor.sum())
    tail, pairs, weights = _collect(
        vectors, owners, counts.impostor.sum((0, 1)), max(1, round(tail_share * total)), keep
    )
    return Comparison(genuine, genuine_pairs, tail, pairs, weights, total, owners, counts)


def operating_points(
    comparison: Comparison, *, resamples: int = 200, seed: int = 0
) -> tuple[OperatingPoint, ...]:
    """Thresholds for the rates that the data supports, loosest first.

    A rate is supported when at least 30 distinct pairs of people are falsely matched at it. Intervals
    come from resampling people, since pairs that share a person are not independent (Poh, Martin, Bengio,
    "Performance Generalization in Biometric Authentication", PAMI 2007).

    Args:
        comparison: What to read them from.
        resamples: How often people are drawn anew; 0 for intervals of no width.
        seed: Equal seeds give equal intervals.

    Raises:
        CalibrationError: Not even the loosest rate is supported.
    """
    needed = _needed(comparison)
    rates = [rate for rate in RATES if comparison.top(rate) >= needed]
    if not rates:
        raise CalibrationError(
            f"Too few people to calibrate, got {len(comparison.photos_of)}: even a false match rate of 0.1 "
            f"has to rest on {_NEEDED_ERRORS} pairs of different people. About 30 people are the least, a "
            "hundred or more are useful."
        )
    scores = np.array([score_at(comparison, rate) for rate in rates])
    drawn = np.array(
        [
            comparison.tail[np.minimum(places, len(comparison.tail) - 1)]
            for places, _ in draw_people(comparison, rates, resamples, seed)
        ]
        or [scores]
    )
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return tuple(
        OperatingPoint(
            fmr=rate,
            score=round(float(scores[k]), 5),
            low=round(float(min(low[k], scores[k])), 5),
            high=round(float(max(high[k], scores[k])), 5),
            **missed(comparison, float(scores[k])),
        )
        for k, rate in enumerate(rates)
    )


def score_at(comparison: Comparison, rate: float) -> float:
    """The lowest score whose false match rate is at most `rate`."""
    place = min(comparison.top(rate), len(comparison.tail) - 1)
    return float(np.nextafter(comparison.tail[place], np.float32(2)))


def missed(comparison: Comparison, score: float) -> dict[str, float]:
    """False non-match rate at a score with its interval, by the names that `OperatingPoint` gives them.

    The pairs of one person hang together, so that the interval is that of as many trials as there are
    people with genuine pairs.
    """
    if not len(comparison.genuine):
        return {"fnmr": float("nan")}
    from scipy.special import betaincinv

    share = float(np.mean(comparison.genuine < score))
    trials = comparison.counts.genuine_people
    errors = share * trials
    low = float(betaincinv(errors, trials - errors + 1, 0.025)) if errors else 0.0
    high = float(betaincinv(errors + 1, trials - errors, 0.975)) if errors < trials else 1.0
    return {"fnmr": round(share, 6), "fnmr_low": round(low, 6), "fnmr_high": round(high, 6)}


def draw_people(
    comparison: Comparison, rates: list[float], resamples: int, seed: int, *, top: int | None = None
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.number]]]:
    """Draws people with replacement, again and again.

    Args:
        comparison: Whose people.
        rates: False match rates to look up in each draw.
        resamples: How many draws.
        seed: Equal seeds give equal draws.
        top: Look at so many scores of the tail only.

    Yields:
        Places of the rates in the tail, and (top,) the weight of each score, before the first place of
        which their sum exceeds the rate.
    """
    random = np.random.default_rng(seed)
    photos_of = comparison.photos_of
    count = len(photos_of)
    first, second = np.ascontiguousarray(comparison.people[comparison.tail_pairs[:top]].T)
    sampled = comparison.tail_weights[:top]
    for _ in range(resamples):
        # Small integers, since millions of them are gathered: nobody is drawn 256 times.
        drawn = random.multinomial(count, np.full(count, 1 / count)).astype(np.uint16)
        photos = drawn * photos_of.astype(np.float64)
        pairs = (photos.sum() ** 2 - (photos**2).sum()) / 2
        weights = drawn[first] * drawn[second] * (1 if sampled[-1] == 1 else sampled)
        reached = np.cumsum(weights, dtype=np.float64)
        yield np.searchsorted(reached, np.array(rates) * pairs, side="right"), weights


def spread_people(photos_of: npt.NDArray[np.int64], folds: int, *, seed: int = 0) -> _I32:
    """(P,) fold of each person, at random, each fold with about as many people of many photos."""
    random = np.random.default_rng(seed).permutation(len(photos_of))
    order = random[np.argsort(-photos_of[random], kind="stable")]
    found = np.empty(len(photos_of), dtype=np.int32)
    found[order] = np.arange(len(photos_of)) % folds
    return found


def _blocks(
    vectors: FloatArray, people: npt.NDArray[np.int64]
) -> Iterator[tuple[int, FloatArray, npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    """First row, scores with it and all later rows, which of these count, and which are of two people."""
    start = 0
    while start < len(vectors):
        stop = start + max(1, _BLOCK_SCORES // (len(vectors) - start))
        scores = vectors[start:stop] @ vectors[start:].T
        later = np.triu(np.ones(scores.shape, dtype=bool), k=1)
        other = people[start:stop, None] != people[None, start:]
        yield start, scores, later & ~other, later & other
        start = stop


def _count(
    vectors: FloatArray, people: npt.NDArray[np.int64]
) -> tuple[ScoreCounts, FloatArray, _I32]:
    """Counts of all scores, the genuine scores, and their pairs of rows."""
    photos_of = np.bincount(people)
    folds = spread_people(photos_of, _FOLDS)[people]
    impostor = np.zeros(_FOLDS * _FOLDS * BINS, dtype=np.int64)
    scores_found, pairs_found = [], []
    for start, scores, same, other in _blocks(vectors, people):
        rows, columns = np.nonzero(same)
        scores_found.append(scores[rows, columns])
        pairs_found.append(np.stack([rows, columns], axis=1).astype(np.int32) + start)
        places = score_bins(scores)
        places += (folds[start : start + len(scores)] * (_FOLDS * BINS))[:, None]
        places += (folds[start:] * BINS)[None]
        impostor += np.bincount(places[other], minlength=len(impostor))
    genuine, pairs = np.concatenate(scores_found), np.concatenate(pairs_found)
    keys = folds[pairs[:, 0]] * BINS + score_bins(genuine)
    present = photos_of[photos_of > 0]
    counts = ScoreCounts(
        genuine=np.bincount(keys, minlength=_FOLDS * BINS).reshape(_FOLDS, BINS).astype(np.float64),
        impostor=impostor.reshape(_FOLDS, _FOLDS, BINS).astype(np.float64),
        genuine_people=int(np.count_nonzero(present > 1)),
        people_pairs=len(present) * (len(present) - 1) // 2,
    )
    return counts, genuine, pairs


def _collect(
    vectors: FloatArray, people: npt.NDArray[np.int64], counts: _F64, wanted: int, keep: int
) -> tuple[FloatArray, _I32, _F64]:
    """The `wanted` highest impostor scores with their rows and weights, best first."""
    above = np.cumsum(counts[::-1])[::-1]
    all_from, some_from = (
        int(np.flatnonzero(above >= min(number, wanted))[-1])
        for number in ((wanted if wanted <= keep else keep // 2), wanted)
    )
    between = above[some_from] - above[all_from]
    share = min(1.0, (keep // 2) / between) if between else 1.0
    random = np.random.default_rng(0)
    found: list[tuple[FloatArray, _I32, _F64]] = []
    for start, scores, _, other in _blocks(vectors, people):
        places = score_bins(scores)
        rows, columns = np.nonzero(other & (places >= some_from))
        whole = places[rows, columns] >= all_from
        taken = whole | (random.random(len(rows)) < share) if share < 1 else np.ones_like(whole)
        rows, columns, whole = rows[taken], columns[taken], whole[taken]
        pairs = np.stack([rows, columns], axis=1).astype(np.int32) + start
        found.append((scores[rows, columns], pairs, np.where(whole, 1.0, 1 / share)))
    tail, pairs, weights = (np.concatenate([one[k] for one in found]) for k in range(3))
    order = np.argsort(-tail, kind="stable")
    order = order[np.cumsum(weights[order]) <= wanted]
    return tail[order], pairs[order], weights[order]


def _needed(comparison: Comparison) -> int:
    """How many scores of the tail it takes to see enough distinct pairs of people."""
    taken = 0
    while taken < len(comparison.tail):
        taken = max(1000, 10 * taken)
        pairs = np.sort(comparison.people[comparison.tail_pairs[:taken]], axis=1)
        _, first = np.unique(pairs, axis=0, return_index=True)
        if len(first) >= _NEEDED_ERRORS:
            return int(np.sort(first)[_NEEDED_ERRORS - 1]) + 1
    return len(comparison.tail) + 1
