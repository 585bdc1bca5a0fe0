"""Batches of an epoch: different people, photos about once, nothing twice without need."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.errors import InputError
from faceprint.train.sampling import identity_batches, photo_batches

Ints = npt.NDArray[np.int64]


@settings(deadline=None, max_examples=150)
@given(
    identity=st.lists(st.integers(-1, 8), min_size=1, max_size=60).map(
        lambda given: np.array(given, dtype=np.int64)
    ),
    people=st.integers(1, 5),
    photos=st.integers(1, 5),
    seed=st.integers(0, 2**32),
)
def test_batches_hold_so_many_people_with_so_many_photos(
    identity: Ints, people: int, photos: int, seed: int
) -> None:
    own = Counter(identity[identity >= 0].tolist())
    if len(own) < people:
        with pytest.raises(InputError):
            identity_batches(identity, people=people, photos=photos, seed=seed)
        return
    batches = identity_batches(identity, people=people, photos=photos, seed=seed)
    assert batches
    for batch in batches:
        rows = batch.reshape(people, photos)
        who = identity[rows]
        assert (who == who[:, :1]).all()
        assert len(set(who[:, 0].tolist())) == people
        assert (who >= 0).all()
        for group in rows:
            times = Counter(group.tolist())
            size = own[int(identity[group[0]])]
            assert len(times) == min(size, photos)
            assert max(times.values()) - min(times.values()) <= 1
    again = identity_batches(identity, people=people, photos=photos, seed=seed)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))


def test_photos_that_fit_come_exactly_once() -> None:
    identity = np.repeat(np.arange(12), 8)
    batches = identity_batches(identity, people=4, photos=4, seed=7)
    assert len(batches) == 6
    assert sorted(np.concatenate(batches).tolist()) == list(range(96))


def test_a_short_group_is_filled_from_the_others() -> None:
    # Five photos in groups of four: two groups, of which the second borrows three.
    identity = np.repeat(np.arange(2), 5)
    batches = identity_batches(identity, people=2, photos=4, seed=0)
    assert len(batches) == 2
    times = Counter(np.concatenate(batches).tolist())
    assert sorted(times.values()) == [1] * 4 + [2] * 6


def test_somebody_with_most_photos_does_not_come_twice_in_a_batch() -> None:
    identity = np.concatenate([np.zeros(1000, np.int64), np.repeat(np.arange(1, 6), 4)])
    batches = identity_batches(identity, people=3, photos=4, seed=0)
    # Five people with one group each fill two batches beside the first one's two groups.
    assert len(batches) == 2
    seen = {
        frozenset(np.concatenate(identity_batches(identity, people=3, photos=4, seed=s)).tolist())
        for s in range(5)
    }
    assert len(seen) == 5


def test_other_epochs_mix_other_people() -> None:
    identity = np.repeat(np.arange(40), 4)
    first, second = (
        {
            frozenset(identity[b].tolist())
            for b in identity_batches(identity, people=8, photos=4, seed=s)
        }
        for s in (0, 1)
    )
    assert not first & second


def test_too_few_people_are_named() -> None:
    with pytest.raises(InputError, match=r"8 people cannot be filled: there are 4 photos of 2"):
        identity_batches(np.array([0, 0, 1, 1, -1]), people=8, photos=2, seed=0)
    with pytest.raises(InputError, match="at least one of photos"):
        identity_batches(np.array([0, 1]), people=1, photos=0, seed=0)


@given(count=st.integers(1, 300), size=st.integers(1, 64), seed=st.integers(0, 1000))
def test_photo_batches_hold_each_photo_once(count: int, size: int, seed: int) -> None:
    batches = photo_batches(count, size=size, seed=seed)
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    sizes = [len(batch) for batch in batches]
    assert max(sizes) <= size
    assert max(sizes) - min(sizes) <= 1
    assert len(batches) == -(-count // size)


def test_no_photos_make_no_batches() -> None:
    with pytest.raises(InputError, match="no photos"):
        photo_batches(0, size=4, seed=0)
    with pytest.raises(InputError, match="photos in a batch"):
        photo_batches(4, size=0, seed=0)
