"""Pairs and triplets: without repeats, half of each kind, spread over people."""

from __future__ import annotations

import time
from collections import Counter
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.errors import InputError
from faceprint.train.sampling import random_pairs, random_triplets
from faceprint.train.sampling.draws import draw_distinct, fair_shares, pair_of

Ints = npt.NDArray[np.int64]

identities = st.lists(st.integers(-1, 6), min_size=2, max_size=30).map(
    lambda given: np.array(given, dtype=np.int64)
)


def _all_pairs(identity: Ints) -> tuple[int, int]:
    """How many genuine and impostor pairs there are, by writing them all down."""
    known = identity[identity >= 0].tolist()
    same = [a == b for a, b in combinations(known, 2)]
    return sum(same), len(same) - sum(same)


def _all_triplets(identity: Ints) -> int:
    known = identity[identity >= 0].tolist()
    return sum(
        known[a] == known[p] != known[n]
        for a in range(len(known))
        for p in range(len(known))
        for n in range(len(known))
        if a != p
    )


@settings(deadline=None, max_examples=150)
@given(identity=identities, seed=st.integers(0, 2**32), data=st.data())
def test_pairs_are_different_half_genuine_and_of_known_people(
    identity: Ints, seed: int, data: st.DataObject
) -> None:
    genuine, impostor = _all_pairs(identity)
    most = 2 * min(genuine, impostor)
    if not most:
        with pytest.raises(InputError):
            random_pairs(identity, 2, seed=seed)
        return
    count = data.draw(st.integers(1, most))
    pairs = random_pairs(identity, count, seed=seed)
    assert len(pairs) == count == len(pairs.second) == len(pairs.genuine)
    assert pairs.genuine.sum() == count // 2
    unordered = {
        frozenset(p) for p in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    }
    assert len(unordered) == count
    assert all(len(pair) == 2 for pair in unordered)
    assert (identity[pairs.first] >= 0).all()
    assert (identity[pairs.second] >= 0).all()
    assert ((identity[pairs.first] == identity[pairs.second]) == pairs.genuine).all()
    again = random_pairs(identity, count, seed=seed)
    assert np.array_equal(again.first, pairs.first)
    assert np.array_equal(again.second, pairs.second)


@settings(deadline=None, max_examples=150)
@given(identity=identities, seed=st.integers(0, 2**32), data=st.data())
def test_triplets_are_different_and_what_they_say(
    identity: Ints, seed: int, data: st.DataObject
) -> None:
    most = _all_triplets(identity)
    if not most:
        with pytest.raises(InputError):
            random_triplets(identity, 1, seed=seed)
        return
    count = data.draw(st.integers(1, most))
    triplets = random_triplets(identity, count, seed=seed)
    assert triplets.shape == (count, 3)
    assert len({tuple(row) for row in triplets.tolist()}) == count
    anchor, positive, negative = identity[triplets].T
    assert (anchor >= 0).all()
    assert (anchor == positive).all()
    assert (anchor != negative).all()
    assert (negative >= 0).all()
    assert (triplets[:, 0] != triplets[:, 1]).all()
    assert np.array_equal(random_triplets(identity, count, seed=seed), triplets)


def test_all_pairs_of_a_small_set_come_once_each() -> None:
    identity = np.array([4, 4, 4, 9, 9, 9, -1])
    pairs = random_pairs(identity, 12, seed=3)
    genuine = {
        frozenset((int(a), int(b)))
        for a, b, same in zip(pairs.first, pairs.second, pairs.genuine, strict=True)
        if same
    }
    assert genuine == {frozenset(p) for p in [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5)]}
    assert {int(x) for x in np.concatenate([pairs.first, pairs.second])} <= set(range(6))


def test_the_odd_pair_of_an_odd_count_is_an_impostor_pair() -> None:
    assert random_pairs(np.array([0, 0, 1, 1]), 3, seed=0).genuine.sum() == 1
    assert random_pairs(np.array([0, 1]), 1, seed=0).genuine.tolist() == [False]


def test_asking_for_too_many_says_how_many_there_are() -> None:
    # Ada has three photos, so three pairs; with the one photo of Grace, three impostor pairs.
    identity = np.array([0, 0, 0, 1])
    with pytest.raises(InputError, match=r"4 photos of 2 people give 3 and 3 .* Ask for 6 pairs"):
        random_pairs(identity, 8, seed=0)
    assert len(random_pairs(identity, 6, seed=0)) == 6
    # Six ordered pairs of anchor and positive, each with the one photo of the other.
    with pytest.raises(InputError, match="give 6 different ones"):
        random_triplets(identity, 7, seed=0)
    assert len(random_triplets(identity, 6, seed=0)) == 6


@pytest.mark.parametrize(
    ("identity", "message"),
    [
        ([0, 1, 2], "each of the 3 people has one photo"),
        ([5, 5, 5, -1], "3 photos of 1 person show the same one"),
        ([-1, -1], "every identity is -1"),
    ],
)
def test_what_cannot_be_paired_is_said(identity: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        random_pairs(np.array(identity), 2, seed=0)
    with pytest.raises(InputError, match=message):
        random_triplets(np.array(identity), 2, seed=0)


def test_a_count_below_one_and_a_table_of_identities_are_refused() -> None:
    with pytest.raises(InputError, match="at least one of pairs, got 0"):
        random_pairs(np.array([0, 0, 1]), 0, seed=0)
    with pytest.raises(InputError, match=r"shape \(2, 2\)"):
        random_pairs(np.zeros((2, 2), dtype=np.int64), 2, seed=0)


def test_genuine_pairs_are_spread_over_people_not_photos() -> None:
    # One person with 100 photos beside fifty with 4 each: six pairs each, and 4,950.
    identity = np.concatenate([np.zeros(100, np.int64), np.repeat(np.arange(1, 51), 4)])
    pairs = random_pairs(identity, 204, seed=1)
    of = Counter(identity[pairs.first[pairs.genuine]].tolist())
    assert set(of.values()) == {2}
    assert len(of) == 51
    # Asked for more than the fifty have, the first one gives what lacks.
    pairs = random_pairs(identity, 1000, seed=1)
    of = Counter(identity[pairs.first[pairs.genuine]].tolist())
    assert of.pop(0) == 200
    assert set(of.values()) == {6}


def test_impostor_pairs_are_spread_over_pairs_of_people() -> None:
    identity = np.concatenate([np.zeros(90, np.int64), np.repeat(np.arange(1, 10), 10)])
    pairs = random_pairs(identity, 180, seed=2)
    ids = np.sort(np.stack([identity[pairs.first], identity[pairs.second]], 1)[~pairs.genuine], 1)
    meetings = Counter(map(tuple, ids.tolist()))
    assert len(meetings) == 45
    assert set(meetings.values()) == {2}


def test_few_impostor_pairs_let_no_two_people_meet_twice() -> None:
    identity = np.repeat(np.arange(100), 3)
    pairs = random_pairs(identity, 400, seed=2)
    ids = np.sort(np.stack([identity[pairs.first], identity[pairs.second]], 1)[~pairs.genuine], 1)
    assert len(np.unique(ids, axis=0)) == 200


def test_pairs_of_one_person_and_orders_are_equally_likely() -> None:
    identity = np.concatenate([np.zeros(5, np.int64), [1, 1]])
    seen: Counter[tuple[int, int]] = Counter()
    for seed in range(600):
        pairs = random_pairs(identity, 4, seed=seed)
        seen.update(
            (int(a), int(b))
            for a, b, same in zip(pairs.first, pairs.second, pairs.genuine, strict=True)
            if same and identity[a] == 0
        )
    assert sum(seen.values()) == 600
    assert len(seen) == 20
    # 30 expected each; six standard deviations of a binomial.
    assert all(abs(times - 30) < 6 * np.sqrt(30 * 0.95) for times in seen.values())


def test_triplets_are_spread_over_anchors_and_over_the_others() -> None:
    identity = np.concatenate([np.zeros(60, np.int64), np.repeat(np.arange(1, 5), 6)])
    triplets = random_triplets(identity, 500, seed=5)
    assert set(Counter(identity[triplets[:, 0]].tolist()).values()) == {100}
    both = Counter(map(tuple, identity[triplets[:, [0, 2]]].tolist()))
    assert len(both) == 20
    assert set(both.values()) == {25}
    few = random_triplets(identity, 20, seed=5)
    assert len({tuple(row) for row in identity[few[:, [0, 2]]].tolist()}) == 20


def test_seeds_differ() -> None:
    identity = np.repeat(np.arange(20), 5)
    a, b = (random_pairs(identity, 100, seed=seed) for seed in (0, 1))
    assert not np.array_equal(a.first, b.first)


def test_a_large_set_is_quick() -> None:
    random = np.random.default_rng(0)
    identity = np.concatenate([np.arange(10_000), random.integers(0, 10_000, 190_000)])
    began = time.process_time()
    random_pairs(identity, 100_000, seed=0)
    random_triplets(identity, 100_000, seed=0)
    assert time.process_time() - began < 2


@given(
    capacity=st.lists(st.integers(0, 12), min_size=1, max_size=12),
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_shares_are_as_even_as_the_lots_allow(capacity: list[int], share: float, seed: int) -> None:
    lots = np.array(capacity)
    count = round(share * int(lots.sum()))
    shares = fair_shares(lots, count, np.random.default_rng(seed))
    assert shares.sum() == count
    assert (shares <= lots).all()
    # Whoever could give more gives as much as anyone, or one less.
    could = shares[shares < lots]
    assert not len(could) or could.min() >= shares.max() - 1


@given(
    capacity=st.lists(st.integers(0, 30), min_size=1, max_size=8),
    share=st.floats(0, 1),
    seed=st.integers(0, 1000),
)
def test_draws_are_different_and_as_many_as_asked(
    capacity: list[int], share: float, seed: int
) -> None:
    lots = np.array(capacity)
    quota = np.floor(lots * share).astype(np.int64)
    lot, number = draw_distinct(lots, quota, np.random.default_rng(seed))
    assert np.array_equal(np.bincount(lot, minlength=len(lots)), quota)
    assert (number >= 0).all()
    assert (number < lots[lot]).all()
    assert len(set(zip(lot.tolist(), number.tolist(), strict=True))) == len(lot)


def test_every_pair_has_its_number() -> None:
    smaller, greater = pair_of(np.arange(45))
    expected = [(a, b) for b in range(10) for a in range(b)]
    assert list(zip(smaller.tolist(), greater.tolist(), strict=True)) == expected


@given(n=st.integers(2, 3_000_000_000))
def test_numbers_of_pairs_hold_at_the_edges(n: int) -> None:
    last = n * (n - 1) // 2 - 1
    if last < 2**62:
        smaller, greater = pair_of(np.array([last, last + 1]))
        assert (smaller.tolist(), greater.tolist()) == ([n - 2, 0], [n - 1, n])
