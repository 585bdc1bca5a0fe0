import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.integrate import quad

from faceprint.errors import InputError
from faceprint.match import DiscardCurve, error_versus_discard, false_match_rate

LEVELS = st.integers(0, 6).map(float)
SETS = st.integers(1, 30).flatmap(
    lambda size: st.tuples(
        arrays(np.float64, size, elements=st.sampled_from([-np.inf, 0.1, 0.4, 0.9])),
        arrays(np.float64, size, elements=LEVELS),
    )
)


def curve_of(data: tuple[np.ndarray, np.ndarray]) -> DiscardCurve:
    return error_versus_discard(data[0], data[1], threshold=0.4)


def test_the_curve_worked_by_hand() -> None:
    # Five genuine comparisons from poor to good: miss, match, miss, match, match.
    curve = error_versus_discard(
        [0.9, 0.1, 0.8, 0.3, 0.7], [0.2, 0.1, 0.8, 0.5, 0.9], threshold=0.5
    )
    np.testing.assert_allclose(curve.discarded, [0, 0.2, 0.4, 0.6, 0.8, 1])
    np.testing.assert_allclose(curve.errors, [0.4, 0.2, 0.2, 0, 0, 0])
    assert curve.rate_at(0) == curve.error_rate == 0.4
    assert curve.rate_at(0.2) == pytest.approx(1 / 4)
    assert curve.rate_at(0.4) == pytest.approx(1 / 3)
    assert curve.rate_at(0.6) == 0
    # Up to a fifth, 0.4 - d of 1 - d are left: the integral of 1 - 0.6 / (1 - d).
    assert curve.mean_rate(0.2) == pytest.approx((0.2 + 0.6 * np.log(0.8)) / 0.2)


def test_the_poorer_side_of_a_pair_counts() -> None:
    sides = np.array([[0.9, 0.1], [0.3, 0.2], [0.7, 0.8]])
    scores = np.array([0.9, 0.1, 0.2])
    pairs = error_versus_discard(scores, sides, 0.5)
    np.testing.assert_array_equal(
        pairs.errors, error_versus_discard(scores, np.array([0.1, 0.2, 0.7]), 0.5).errors
    )


def test_false_matches_are_the_errors_of_impostors() -> None:
    scores = np.array([0.6, 0.1, 0.7, -np.inf])
    curve = error_versus_discard(scores, np.array([1.0, 2.0, 3.0, 4.0]), 0.5, genuine=False)
    assert curve.error_rate == false_match_rate(scores, 0.5) == 0.5
    assert curve.rate_at(0.5) == 0.5
    assert curve.rate_at(0.75) == 0


@given(SETS)
def test_no_quality_beats_the_ideal_and_errors_only_fall(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    curve = curve_of(data)
    assert np.all(np.diff(curve.errors) <= 0)
    assert np.all(np.diff(curve.discarded) > 0)
    assert curve.discarded[-1] == 1
    assert curve.errors[-1] == 0
    # Each error that goes takes its comparison with it.
    assert np.all(-np.diff(curve.errors) <= np.diff(curve.discarded) + 1e-12)
    assert curve.ideal.mean_rate() <= curve.mean_rate() + 1e-9


@given(SETS, st.floats(0.01, 0.9))
def test_the_mean_rate_is_the_integral_of_the_rates(
    data: tuple[np.ndarray, np.ndarray], limit: float
) -> None:
    curve = curve_of(data)
    steps = [d for d in curve.discarded if d < limit]
    area, _ = quad(curve.rate_at, 0, limit, points=steps, limit=200)
    assert curve.mean_rate(limit) == pytest.approx(area / limit, abs=1e-6)


@given(SETS)
def test_a_quality_that_says_nothing_leaves_the_rate_as_it_is(
    data: tuple[np.ndarray, np.ndarray],
) -> None:
    curve = error_versus_discard(data[0], np.ones(len(data[0])), 0.4)
    assert curve.rate_at(0.15) == pytest.approx(curve.error_rate)
    assert curve.mean_rate(0.3) == pytest.approx(curve.error_rate)


@given(SETS)
def test_only_the_order_of_the_qualities_matters(data: tuple[np.ndarray, np.ndarray]) -> None:
    scores, quality = data
    stretched = error_versus_discard(scores, np.exp(quality) - 50, 0.4)
    np.testing.assert_array_equal(stretched.errors, curve_of(data).errors)


def test_ideal_is_reached_by_putting_the_errors_first() -> None:
    scores = np.random.default_rng(0).random(50)
    curve = error_versus_discard(scores, (scores >= 0.3).astype(float), 0.3)
    for share in (0.0, 0.1, 0.25, 0.7):
        assert curve.rate_at(share) == pytest.approx(curve.ideal.rate_at(share))


@pytest.mark.parametrize(
    ("scores", "quality", "message"),
    [
        ([], [], "no genuine scores"),
        ([0.1, np.nan], [1, 2], "index 1 is NaN"),
        ([0.1, 0.2], [1, 2, 3], "each of 2 comparisons"),
        ([0.1, 0.2], [[1, 2, 3], [1, 2, 3]], "each of 2 comparisons"),
        ([0.1, 0.2], [1, np.nan], "quality with index 1"),
    ],
)
def test_what_cannot_be_judged_is_refused(
    scores: list[float], quality: list[float], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        error_versus_discard(scores, quality, 0.5)


@pytest.mark.parametrize(("share", "message"), [(1.0, "leaves no"), (-0.1, "between 0 and 1")])
def test_shares_that_leave_nothing_are_refused(share: float, message: str) -> None:
    curve = error_versus_discard([0.1, 0.9], [1, 2], 0.5)
    with pytest.raises(InputError, match=message):
        curve.rate_at(share)
    with pytest.raises(InputError, match=message):
        curve.mean_rate(share)
    with pytest.raises(InputError, match="above 0"):
        curve.mean_rate(0.0)
