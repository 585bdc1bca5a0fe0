"""Intervals of rates over people and pairs of people, against counting and against drawing anew."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest

from faceprint.evaluate.audit.intervals import (
    PairDesign,
    Trials,
    across,
    contributors,
    design_effect,
    pair_design,
    pair_rate,
    person_rate,
    within,
)
from faceprint.match import clopper_pearson

PHOTOS = np.array([3.0, 1.0, 0.0, 2.0, 5.0])
OTHERS = np.array([0.0, 2.0, 4.0, 1.0, 1.0])
NATURAL: Trials = (*within(PHOTOS), *((-s, u, v) for s, u, v in within(np.minimum(PHOTOS, 2))))


def made(trials: Trials, i: int, j: int) -> float:
    return float(sum(s * (u[i] * v[j] + u[j] * v[i]) / 2 for s, u, v in trials))


def errors_of(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(F, 2) from a matrix of how many errors two people make."""
    first, second = np.nonzero(counts)
    times = counts[first, second]
    return np.stack([np.repeat(first, times), np.repeat(second, times)], axis=1)


def test_photos_of_a_group_are_compared_with_those_of_other_people() -> None:
    found = pair_rate(np.zeros((0, 2), np.int64), within(PHOTOS))
    assert found is not None
    # 3 photos with 1, 2 and 5 of others, 1 with 2 and 5, 2 with 5.
    assert found.trials == 3 * 8 + 1 * 7 + 2 * 5
    assert found.people == contributors(within(PHOTOS)) == 4


def test_photos_of_two_groups_are_compared_with_those_of_other_people() -> None:
    found = pair_rate(np.zeros((0, 2), np.int64), across(PHOTOS, OTHERS))
    assert found is not None
    assert found.trials == sum(PHOTOS[i] * OTHERS[j] for i in range(5) for j in range(5) if i != j)


@pytest.mark.parametrize("trials", [within(PHOTOS), across(PHOTOS, OTHERS), NATURAL])
def test_the_variance_is_the_sum_over_all_pairs_of_pairs_that_share_a_person(
    trials: Trials,
) -> None:
    random = np.random.default_rng(5)
    pairs = list(combinations(range(5), 2))
    counts = np.zeros((5, 5), np.int64)
    for i, j in pairs:
        counts[i, j] = random.integers(0, int(made(trials, i, j)) + 1)
    total = sum(made(trials, i, j) for i, j in pairs)
    value = counts.sum() / total
    moved = {(i, j): (counts[i, j] - value * made(trials, i, j)) / total for i, j in pairs}
    shared = sum(moved[a] * moved[b] for a in pairs for b in pairs if set(a) & set(b))
    single = sum(one**2 for one in moved.values())
    people = contributors(trials)
    assert pair_design(errors_of(counts), trials).alike == pytest.approx(
        max(0.0, (shared * people / (people - 1) / single - 1) / (2 * (people - 2)))
    )
    found = pair_rate(errors_of(counts), trials)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert found.worth <= max(1.0, value * (1 - value) / single) + 1e-9
    squares = sum(made(trials, i, j) ** 2 for i, j in pairs)
    none = pair_rate(np.zeros((0, 2), np.int64), trials)
    assert none is not None
    assert none.worth == pytest.approx(total**2 / squares)


def test_without_an_error_pairs_of_people_are_trials() -> None:
    found = pair_rate(np.zeros((0, 2), np.int64), within(np.full(20, 3.0)))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(clopper_pearson(0, 190))
    assert found.trials == 190 * 9


def test_pairs_known_to_be_alike_are_worth_less() -> None:
    found = pair_rate(np.zeros((0, 2), np.int64), within(np.ones(20)), design=PairDesign(0.1))
    assert found is not None
    assert found.worth == pytest.approx(190 / (1 + 2 * 18 * 0.1))


def test_one_person_who_is_like_all_others_is_one_error() -> None:
    wolf = np.array([[0, other] for other in range(1, 30)])
    apart = np.array([[a, a + 1] for a in range(0, 58, 2)])
    of_one = pair_rate(wolf, within(np.ones(60)))
    of_many = pair_rate(apart, within(np.ones(60)))
    assert of_one is not None
    assert of_many is not None
    assert of_one.value == of_many.value
    assert of_one.high > 2 * of_many.high
    assert of_one.low == 0, "less than one independent error"


def test_nobody_to_compare_with() -> None:
    none = np.zeros((0, 2), np.int64)
    assert pair_rate(none, within(np.array([4.0, 0.0]))) is None
    assert pair_rate(none, across(np.array([4.0, 0.0]), np.array([2.0, 0.0]))) is None
    assert person_rate(np.zeros(3), np.zeros(3)) is None


def test_everything_wrong() -> None:
    found = pair_rate(np.array([[0, 1], [0, 2], [1, 2]]), within(np.ones(3)))
    assert found is not None
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(clopper_pearson(3, 3)[0])


def test_comparisons_of_a_person_are_worth_one_unless_more_is_known() -> None:
    errors, trials = np.zeros(10), np.full(10, 6.0)
    alone = person_rate(errors, trials)
    known = person_rate(errors, trials, alike=2.0)
    assert alone is not None
    assert known is not None
    assert (alone.low, alone.high) == pytest.approx(clopper_pearson(0, 10))
    assert known.high == pytest.approx(clopper_pearson(0, 30)[1])
    assert (alone.trials, alone.people) == (60, 10)


def test_errors_of_one_person_widen_the_interval() -> None:
    spread, bunched = np.ones(40), np.zeros(40)
    bunched[:8] = 5
    trials = np.full(40, 5.0)
    a, b = person_rate(spread, trials, alike=1.0), person_rate(bunched, trials, alike=1.0)
    assert a is not None
    assert b is not None
    assert a.value == b.value == 0.2
    assert b.high - b.low > 1.8 * (a.high - a.low)
    assert design_effect(bunched, trials) == pytest.approx(5, rel=0.15)
    assert design_effect(np.eye(40)[0], trials) is None, "one error tells nothing"


def test_a_greater_confidence_gives_a_wider_interval() -> None:
    found = pair_rate(np.array([[0, 1], [2, 3], [5, 9]]), within(np.ones(30)))
    assert found is not None
    assert found.interval(0.95) == (found.low, found.high)
    low, high = found.interval(0.999)
    assert low <= found.low
    assert high > found.high


@pytest.mark.parametrize("hubs", [0.0, 0.7])
def test_intervals_hold_what_they_promise(hubs: float) -> None:
    random = np.random.default_rng(3)

    def drawn(people: int) -> npt.NDArray[np.int64]:
        way = np.exp(hubs * random.normal(size=people) - hubs**2 / 2)
        chance = np.minimum(0.01 * np.outer(way, way), 1)
        return np.argwhere(np.triu(random.random((people, people)) < chance, k=1))

    design = pair_design(drawn(500), within(np.ones(500)))
    found = [pair_rate(drawn(60), within(np.ones(60)), design=design) for _ in range(300)]
    held = np.mean([one is not None and one.low <= 0.01 <= one.high for one in found])
    assert 0.94 <= held <= 1
    # As wide as need be: normal intervals of independent pairs, where they are independent.
    widths = np.mean([0 if one is None else one.high - one.low for one in found])
    assert widths < (0.013 if hubs == 0 else 0.03)


def test_comparisons_of_two_people_are_worth_what_more_people_say() -> None:
    photos = np.full(40, 4.0)
    random = np.random.default_rng(0)
    single = np.array([random.choice(40, 2, replace=False) for _ in range(200)])
    bunched = np.repeat(single[:20], 10, axis=0)
    loose, tight = pair_design(single, within(photos)), pair_design(bunched, within(photos))
    assert loose.repeated == pytest.approx(1, abs=0.2)
    assert tight.repeated == pytest.approx(10, abs=1)
    none = np.zeros((0, 2), np.int64)
    assert pair_design(none, within(photos)) == PairDesign()
    plain = pair_rate(none, within(photos))
    known = pair_rate(none, within(photos), design=PairDesign(0.0, 2.0))
    assert plain is not None
    assert known is not None
    assert (plain.worth, known.worth) == (40 * 39 / 2, 40 * 39 / 2 * 16 / 2)
