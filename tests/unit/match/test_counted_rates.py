from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

from faceprint.errors import InputError
from faceprint.match import (
    Rate,
    area_under_roc,
    decidability,
    error_curve,
    false_match_rate,
    false_matches,
    false_non_match_rate,
    false_non_matches,
    rate,
    true_accept_rate,
)

GENUINE = np.array([0.3, 0.5, 0.6, 0.7, -np.inf], np.float32)
IMPOSTOR = np.array([0.1, 0.2, 0.2, 0.4], np.float32)

scores = st.integers(1, 30).flatmap(
    lambda size: arrays(np.float32, size, elements=st.sampled_from([-np.inf, *range(-5, 6)]))
)


def test_counts_worked_by_hand() -> None:
    assert false_matches(IMPOSTOR, 0.2).errors == 3
    assert false_matches(IMPOSTOR, 0.2).value == 0.75
    assert false_non_matches(GENUINE, 0.5).errors == 2
    assert false_non_matches(GENUINE, 0.5).trials == 5


def test_failed_comparisons_match_nothing_even_where_everything_matches() -> None:
    assert false_non_matches(GENUINE, -np.inf).errors == 1
    assert false_non_match_rate(GENUINE, -np.inf) == 0.2
    assert false_match_rate(np.array([-np.inf, 0.1], np.float32), -np.inf) == 0.5


def test_a_threshold_between_two_float32_numbers_is_not_rounded_to_one() -> None:
    score = np.array([0.3], np.float32)
    assert false_matches(score, float(score[0])).errors == 1
    assert false_matches(score, float(score[0]) + 1e-9).errors == 0


def test_one_trial_says_next_to_nothing() -> None:
    reference = binomtest(0, 1).proportion_ci(0.95, "exact")
    one = false_matches(np.array([0.1]), 0.5)
    assert (one.value, one.low, one.errors, one.trials) == (0.0, 0.0, 0, 1)
    assert one.high == pytest.approx(reference.high)
    assert one.high > 0.97


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (2, 1), (-1, 5)])
def test_impossible_counts_are_refused(errors: int, trials: int) -> None:
    with pytest.raises(InputError, match="at least one trial"):
        rate(errors, trials)


def test_true_accept_rate_worked_by_hand() -> None:
    # One of four impostors may be accepted: the threshold is just above the second highest, 0.2.
    assert true_accept_rate(GENUINE, IMPOSTOR, 0.25) == rate(4, 5)
    # None may be: just above 0.4.
    assert true_accept_rate(GENUINE, IMPOSTOR, 0.249) == rate(3, 5)
    assert true_accept_rate(GENUINE, IMPOSTOR, 0) == rate(3, 5)
    # All may be, and the failed comparison is refused all the same.
    assert true_accept_rate(GENUINE, IMPOSTOR, 1) == rate(4, 5)


@settings(deadline=None)
@given(scores, scores, st.floats(0, 1))
def test_true_accept_rate_is_that_of_the_curve(
    genuine: np.ndarray, impostor: np.ndarray, fmr: float
) -> None:
    accepted: Rate = true_accept_rate(genuine, impostor, fmr)
    assert accepted.low <= accepted.value <= accepted.high
    if np.isfinite(genuine).any() or np.isfinite(impostor).any():
        curve = error_curve(genuine, impostor)
        assert accepted.value == pytest.approx(1 - curve.fnmr_at(fmr))


def test_rounding_takes_no_allowed_error_away() -> None:
    impostor = np.arange(100.0)
    # 0.29 * 100 is 28.999999999999996 in floating point.
    # Twenty-nine may be accepted, 71 to 99, so that the threshold is just above 70.
    assert true_accept_rate(np.array([70.0, 70.5]), impostor, 0.29).errors == 1
    assert error_curve(np.array([70.5]), impostor).threshold_at(0.29) == np.nextafter(70, 71)


@pytest.mark.parametrize("fmr", [-0.1, 1.1, float("nan")])
def test_absurd_rates_are_refused(fmr: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        true_accept_rate(GENUINE, IMPOSTOR, fmr)
    with pytest.raises(InputError, match="between 0 and 1"):
        error_curve(GENUINE, IMPOSTOR).threshold_at(fmr)


@pytest.mark.parametrize("figure", [area_under_roc, decidability, error_curve, true_accept_rate])
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.array([]), "There are no {} scores"),
        (np.array([0.1, np.nan, np.nan]), "The {} score with index 1 is NaN"),
        (np.array([0.1, 0.2, np.inf]), "The {} score with index 2 is infinite"),
        (np.ones((2, 2)), r"one list of {} scores, got an array of shape \(2, 2\)"),
    ],
)
def test_unusable_scores_are_named(
    figure: Callable[..., object], bad: np.ndarray, message: str
) -> None:
    more = (0.1,) if figure is true_accept_rate else ()
    with pytest.raises(InputError, match=message.format("genuine")):
        figure(bad, IMPOSTOR, *more)
    with pytest.raises(InputError, match=message.format("impostor")):
        figure(GENUINE, bad, *more)
