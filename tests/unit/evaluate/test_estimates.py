"""Intervals where resampling alone would claim too much."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.evaluate.estimates import Estimate, estimate, independent

Scores = np.typing.NDArray[np.float32]


def mean(scores: Scores) -> float:
    return float(np.mean(scores))


def wrong(*values: int) -> Scores:
    return np.array(values, dtype=np.float32)


def test_what_no_resample_moves_has_the_width_of_its_trials() -> None:
    found = estimate(mean, wrong(*[0] * 50))
    assert (found.value, found.low) == (0, 0)
    # Clopper and Pearson: 1 - 0.025^(1/50).
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 50))
    assert estimate(mean, wrong(*[1] * 50)).low == pytest.approx(0.025 ** (1 / 50))


def test_people_are_the_trials_where_people_are_drawn() -> None:
    people = np.repeat(np.arange(5), 10)
    found = estimate(mean, wrong(*[0] * 50), groups=[people])
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 5))
    pairs = np.stack([people, (people + 1) % 5], axis=1)
    # Pairs of the same two people in either order are five.
    turned = np.concatenate([pairs[:25], pairs[25:, ::-1]])
    assert estimate(mean, wrong(*[0] * 50), groups=[turned]).high == found.high


def test_a_figure_without_bounds_does_not_claim_to_be_exact() -> None:
    found = estimate(lambda scores: 3.0, wrong(1, 2, 3), bounds=(-np.inf, np.inf))
    assert found == Estimate(3.0, -np.inf, np.inf)


def test_people_who_come_once_do_not_widen_an_interval() -> None:
    errors = wrong(*[1] * 40, *[0] * 160)
    strangers = np.arange(400).reshape(200, 2)
    rows, pairs = estimate(mean, errors), estimate(mean, errors, groups=[strangers])
    assert pairs.high - pairs.low == pytest.approx(rows.high - rows.low, rel=0.1)


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        ([[0, 0], [1, 1]], True),
        ([[0, 1], [2, 3], [4, 4]], True),
        ([[0, 0], [0, 0]], False),
        ([[0, 1], [0, 2]], False),
        ([[0, 1], [1, 0]], False),
        ([[0, 1], [1, 2], [2, 0]], False),
        ([[0, 0], [0, 1]], False),
    ],
)
def test_pairs_are_independent_where_nobody_comes_twice(
    people: list[list[int]], expected: bool
) -> None:
    assert independent(np.array(people)) is expected
