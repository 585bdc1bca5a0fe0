"""Drawing without repeats from many lots at once, evenly, without writing the lots down."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["IntArray", "draw_distinct", "fair_shares", "pair_of"]

IntArray = npt.NDArray[np.int64]


def fair_shares(capacity: IntArray, count: int, random: np.random.Generator) -> IntArray:
    """How many to take from each lot, so that `count` are taken, as evenly as the lots allow.

    All lots give one level, those that hold less give all they have, and what is then still lacking comes
    one each from lots drawn at random.

    Args:
        capacity: (S,) how many each lot holds; together at least `count`.
        count: How many to take in all.
        random: Draws who gives one more.

    Returns:
        (S,) int64, none above its capacity; `count` in all.

    >>> fair_shares(np.array([1, 50, 50]), 11, np.random.default_rng(0)).tolist()
    [1, 5, 5]
    """
    ordered = np.sort(capacity)
    # With the k smallest lots emptied, the others can give this level each.
    emptied = np.concatenate([[0], np.cumsum(ordered)[:-1]])
    levels = (count - emptied) // np.arange(len(ordered), 0, -1)
    fits = np.flatnonzero(levels < ordered)
    level = int(levels[fits[0]]) if len(fits) else int(ordered[-1])
    shares = np.minimum(capacity, level)
    fuller = np.flatnonzero(capacity > level)
    lacking = count - int(shares.sum())
    shares[random.choice(fuller, lacking, replace=False)] += 1
    return shares.astype(np.int64)


def draw_distinct(
    capacity: IntArray, quota: IntArray, random: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Different numbers from each lot: `quota[s]` of 0 to `capacity[s] - 1`, all choices equally likely.

    Time and memory follow the sum of `quota`, whatever the capacities.

    Args:
        capacity: (S,) how many each lot holds; their sum stays below 2**63.
        quota: (S,) how many to draw, at most the capacity.
        random: What draws.

    Returns:
        Which lot, and which number of it: two (sum of quota,) int64 arrays, ordered by both.
    """
    starts = np.concatenate([[0], np.cumsum(capacity)])[:-1]
    # Where most of a lot is wanted, it is written down; elsewhere drawing again after a repeat is rare.
    mostly = 2 * quota > capacity
    found = np.sort(
        np.concatenate(
            [
                _shuffled(starts, np.where(mostly, capacity, 0), quota, random),
                _redrawn(starts, capacity, np.where(mostly, 0, quota), random),
            ]
        )
    )
    lots = np.repeat(np.arange(len(capacity)), quota)
    return lots, found - starts[lots]


def pair_of(code: IntArray) -> tuple[IntArray, IntArray]:
    """The unordered pair that a number stands for: 0 is (0, 1), 1 is (0, 2), 2 is (1, 2), 3 is (0, 3), …

    Args:
        code: (P,) int64, 0 to n(n - 1)/2 - 1 for pairs of n things.

    Returns:
        The smaller and the greater of each pair, (P,) int64 each.
    """
    greater = ((1 + np.sqrt(1 + 8 * code.astype(np.float64))) / 2).astype(np.int64)
    # The square root of a large number may round over the edge.
    greater -= greater * (greater - 1) // 2 > code
    greater += greater * (greater + 1) // 2 <= code
    return code - greater * (greater - 1) // 2, greater


def _shuffled(
    starts: IntArray, listed: IntArray, quota: IntArray, random: np.random.Generator
) -> IntArray:
    """The quota of each lot that is listed whole: those of the smallest random keys."""
    lots = np.repeat(np.arange(len(listed)), listed)
    firsts = np.concatenate([[0], np.cumsum(listed)])[:-1]
    places = np.arange(len(lots)) - firsts[lots]
    order = np.lexsort((random.random(len(lots)), lots))
    chosen: IntArray = (starts[lots] + places[order])[places < quota[lots]]
    return chosen


def _redrawn(
    starts: IntArray, capacity: IntArray, quota: IntArray, random: np.random.Generator
) -> IntArray:
    """The quota of each lot, repeats drawn again until there are none."""
    found = np.zeros(0, dtype=np.int64)
    lacking = quota
    while lacking.any():
        lots = np.repeat(np.arange(len(quota)), lacking)
        found = np.union1d(found, starts[lots] + random.integers(0, capacity[lots]))
        had = np.searchsorted(starts, found, "right") - 1
        lacking = quota - np.bincount(had, minlength=len(quota))
    return found
