from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from faceprint.errors import InputError
from faceprint.match import (
    brier_score,
    expected_calibration_error,
    log_likelihood_ratio_cost,
    reliability,
)

judged = st.lists(
    st.tuples(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.5, 1.0])), st.booleans()),
    min_size=1,
    max_size=60,
).map(lambda rows: tuple(np.array(column) for column in zip(*rows, strict=True)))


def test_calibration_error_worked_by_hand() -> None:
    # Two bins: 0.2 and 0.4 stated, half true; 0.6, 0.8 and 1.0 stated, two of three true.
    stated, truth = [0.2, 0.4, 0.6, 0.8, 1.0], [True, False, True, False, True]
    expected = 2 / 5 * abs(0.3 - 0.5) + 3 / 5 * abs(0.8 - 2 / 3)
    assert expected_calibration_error(stated, truth, bins=2) == pytest.approx(expected)
    diagram = reliability(stated, truth, bins=2)
    np.testing.assert_array_equal(diagram.counts, [2, 3])
    np.testing.assert_allclose(diagram.observed, [0.5, 2 / 3])


@settings(deadline=None)
@given(judged, st.integers(1, 20))
def test_bins_agree_with_scikit_learn(judged: tuple[np.ndarray, np.ndarray], bins: int) -> None:
    stated, truth = judged
    # It puts a value on an edge into the lower bin, so that edges are left aside.
    places = stated * bins
    stated = np.where(np.abs(places - np.round(places)) < 1e-6, 0.5 / bins, stated)
    diagram = reliability(stated, truth, bins)
    observed, mean = calibration_curve(truth.astype(int), stated, n_bins=bins, pos_label=1)
    np.testing.assert_allclose(diagram.observed, observed, atol=1e-12)
    np.testing.assert_allclose(diagram.stated, mean, atol=1e-12)
    assert diagram.counts.sum() == len(stated)


@settings(deadline=None)
@given(judged)
def test_brier_score_agrees_with_scikit_learn(judged: tuple[np.ndarray, np.ndarray]) -> None:
    stated, truth = judged
    expected = brier_score_loss(truth.astype(int), stated, pos_label=1)
    assert brier_score(stated, truth) == pytest.approx(expected, abs=1e-12)


def test_brier_score_worked_by_hand() -> None:
    assert brier_score([0.9, 0.2], [True, True]) == pytest.approx((0.01 + 0.64) / 2)


def test_certainty_that_is_right_costs_nothing() -> None:
    assert expected_calibration_error([0.0, 1.0], [0, 1]) == 0
    assert brier_score([0.0, 1.0], [0, 1]) == 0
    assert log_likelihood_ratio_cost([np.inf], [-np.inf]) == 0


def test_likelihood_ratio_cost_worked_by_hand() -> None:
    # Ratios 3 and 1 for genuine, 1/3 for impostor: log2(4/3), log2(2); log2(4/3).
    expected = ((np.log2(4 / 3) + 1) / 2 + np.log2(4 / 3)) / 2
    cost = log_likelihood_ratio_cost(np.log10([3, 1]), np.log10([1 / 3]))
    assert cost == pytest.approx(expected)
    assert log_likelihood_ratio_cost([-np.inf], [0.0]) == np.inf
    assert log_likelihood_ratio_cost([-300.0], [300.0]) == pytest.approx(300 * np.log2(10))


@settings(deadline=None)
@given(
    st.lists(st.floats(-8, 8), min_size=1, max_size=30),
    st.lists(st.floats(-8, 8), min_size=1, max_size=30),
)
def test_likelihood_ratio_cost_is_the_balanced_log_loss(
    genuine: list[float], impostor: list[float]
) -> None:
    ratios = 10 ** np.array([*genuine, *impostor])
    truth = np.repeat([1, 0], [len(genuine), len(impostor)])
    weights = np.repeat([1 / len(genuine), 1 / len(impostor)], [len(genuine), len(impostor)])
    posterior = ratios / (1 + ratios)
    loss = log_loss(truth, posterior, sample_weight=weights, labels=[0, 1])
    assert log_likelihood_ratio_cost(genuine, impostor) == pytest.approx(loss / np.log(2), abs=1e-6)


@pytest.mark.parametrize("measure", [brier_score, expected_calibration_error])
@pytest.mark.parametrize(
    ("stated", "truth", "message"),
    [
        ([], [], "at least one"),
        ([0.5], [1, 0], "one outcome for each"),
        ([0.5, np.nan], [1, 0], "index 1 is nan"),
        ([1.5, 0.5], [1, 0], r"index 0 is 1\.5"),
        ([0.5, 0.5], [1, 2], r"outcome with index 1 is 2\.0"),
    ],
)
def test_unusable_probabilities_are_named(
    measure: Callable[..., float], stated: list[float], truth: list[int], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        measure(stated, truth)


def test_unusable_ratios_and_bins_are_named() -> None:
    with pytest.raises(InputError, match="list of genuine"):
        log_likelihood_ratio_cost([], [0.0])
    with pytest.raises(InputError, match="impostor likelihood ratio with index 1 is NaN"):
        log_likelihood_ratio_cost([0.0], [0.0, np.nan])
    with pytest.raises(InputError, match="at least one bin"):
        reliability([0.5], [1], bins=0)
