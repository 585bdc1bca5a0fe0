import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import brentq
from scipy.stats import mannwhitneyu
from sklearn.metrics import det_curve, roc_auc_score, roc_curve

from faceprint.errors import InputError
from faceprint.match import (
    ErrorCurve,
    area_under_roc,
    curves,
    decidability,
    equal_error_rate,
    error_curve,
    false_match_rate,
    false_non_match_rate,
    thin,
)

finite = st.integers(1, 40).flatmap(
    lambda size: arrays(np.float64, size, elements=st.integers(-8, 8).map(float))
)
any_scores = st.integers(1, 40).flatmap(
    lambda size: arrays(np.float32, size, elements=st.sampled_from([-np.inf, *range(-8, 9)]))
)


def labelled(genuine: np.ndarray, impostor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    truth = np.concatenate([np.ones(len(genuine)), np.zeros(len(impostor))])
    return truth, np.concatenate([genuine, impostor])


def normal_scores(genuine: int, impostor: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    pair = random.normal(0.6, 0.15, genuine), random.normal(0.1, 0.1, impostor)
    return pair[0].astype(np.float32), pair[1].astype(np.float32)


def test_the_curve_worked_by_hand() -> None:
    curve = error_curve(np.array([0.3, 0.5, 0.9, 0.9]), np.array([0.1, 0.3]))
    above = [float(np.nextafter(score, 1)) for score in (0.1, 0.3, 0.5, 0.9)]
    np.testing.assert_array_equal(curve.thresholds, [0.1, *above])
    np.testing.assert_array_equal(curve.fmr, [1, 0.5, 0, 0, 0])
    np.testing.assert_array_equal(curve.fnmr, [0, 0, 0.25, 0.5, 1])
    assert (curve.genuine_count, curve.impostor_count) == (4, 2)
    assert curve.threshold_at(0.5) == above[0]
    assert curve.threshold_at(0.1) == above[1]
    assert curve.threshold_at(1) == 0.1
    assert (curve.fnmr_at(0.5), curve.fnmr_at(0.4)) == (0, 0.25)
    # Between (0.5, 0) and (0, 0.25) the line meets FMR = FNMR at a sixth.
    assert equal_error_rate(curve) == pytest.approx(1 / 6)


def test_failed_comparisons_never_match_and_are_counted() -> None:
    curve = error_curve(np.array([-np.inf, 0.8]), np.array([-np.inf, -np.inf, -np.inf, 0.2]))
    np.testing.assert_array_equal(curve.fmr, [0.25, 0, 0])
    np.testing.assert_array_equal(curve.fnmr, [0.5, 0.5, 1])
    # FNMR is the greater from the first threshold on: halfway from accepting all, (1, 0).
    assert equal_error_rate(curve) == pytest.approx(1 - 0.75 * 1 / 1.25)


def test_scores_of_failures_alone_are_refused() -> None:
    with pytest.raises(InputError, match="No comparison could be made"):
        error_curve(np.array([-np.inf]), np.array([-np.inf, -np.inf]))


@settings(deadline=None)
@given(finite, finite)
def test_the_curve_agrees_with_scikit_learn(genuine: np.ndarray, impostor: np.ndarray) -> None:
    curve = error_curve(genuine, impostor)
    fpr, tpr, thresholds = roc_curve(*labelled(genuine, impostor), drop_intermediate=False)
    # Its thresholds are the distinct scores, highest first, after one above them all.
    np.testing.assert_allclose(curve.fmr[::-1], fpr)
    np.testing.assert_allclose(1 - curve.fnmr[::-1], tpr)
    np.testing.assert_array_equal(np.nextafter(thresholds[1:], np.inf), curve.thresholds[:0:-1])


@pytest.mark.parametrize(("genuine", "impostor"), [(300, 300), (20, 3000), (2000, 15)])
def test_detection_error_trade_off_agrees_with_scikit_learn(genuine: int, impostor: int) -> None:
    curve = error_curve(*normal_scores(genuine, impostor))
    fmr, fnmr, thresholds = det_curve(*labelled(*normal_scores(genuine, impostor)))
    fmr_at, fnmr_at = curve.rates_at(thresholds[np.isfinite(thresholds)])
    np.testing.assert_allclose(fmr_at, fmr[np.isfinite(thresholds)])
    np.testing.assert_allclose(fnmr_at, fnmr[np.isfinite(thresholds)])


@settings(deadline=None)
@given(any_scores, any_scores)
def test_every_step_is_what_counting_gives(genuine: np.ndarray, impostor: np.ndarray) -> None:
    assume(np.isfinite(genuine).any() or np.isfinite(impostor).any())
    curve = error_curve(genuine, impostor)
    assert (np.diff(curve.thresholds) > 0).all()
    assert (np.diff(curve.fmr) <= 0).all()
    assert (np.diff(curve.fnmr) >= 0).all()
    assert (curve.fmr[-1], curve.fnmr[-1]) == (0, 1)
    for threshold, fmr, fnmr in zip(curve.thresholds, curve.fmr, curve.fnmr, strict=True):
        assert fmr == pytest.approx(false_match_rate(impostor, threshold))
        assert fnmr == pytest.approx(false_non_match_rate(genuine, threshold))
        # In the float32 of the scores too, as a caller would compare.
        assert fmr == pytest.approx(np.mean(impostor >= threshold))
    np.testing.assert_array_equal(curve.rates_at(curve.thresholds), (curve.fmr, curve.fnmr))


@settings(deadline=None)
@given(any_scores, any_scores, st.floats(0, 1))
def test_the_threshold_of_a_rate_is_the_lowest(
    genuine: np.ndarray, impostor: np.ndarray, fmr: float
) -> None:
    assume(np.isfinite(impostor).any())
    threshold = error_curve(genuine, impostor).threshold_at(fmr)
    assert false_match_rate(impostor, threshold) <= fmr * (1 + 1e-12)
    lower = float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))
    if threshold > min(*genuine[np.isfinite(genuine)], *impostor[np.isfinite(impostor)], np.inf):
        assert false_match_rate(impostor, lower) > fmr


@settings(deadline=None)
@given(finite, finite)
def test_order_and_scale_of_scores_do_not_matter(genuine: np.ndarray, impostor: np.ndarray) -> None:
    curve = error_curve(genuine, impostor)
    other = error_curve(np.exp(genuine)[::-1], np.exp(np.sort(impostor)))
    np.testing.assert_array_equal(curve.fmr, other.fmr)
    np.testing.assert_array_equal(curve.fnmr, other.fnmr)
    assert equal_error_rate(curve) == equal_error_rate(other)
    assert area_under_roc(genuine, impostor) == area_under_roc(np.exp(genuine), np.exp(impostor))


@settings(deadline=None)
@given(finite, finite)
def test_equal_error_rate_agrees_with_a_root_finder(
    genuine: np.ndarray, impostor: np.ndarray
) -> None:
    fpr, tpr, _ = roc_curve(*labelled(genuine, impostor), drop_intermediate=False)
    # Along the curve, FMR - FNMR rises from -1 to 1.
    steps = np.arange(len(fpr))
    place = brentq(lambda s: np.interp(s, steps, fpr - (1 - tpr)), 0, steps[-1], xtol=1e-13)
    assert equal_error_rate(error_curve(genuine, impostor)) == pytest.approx(
        np.interp(place, steps, fpr), abs=1e-9
    )


def test_area_worked_by_hand() -> None:
    # Of six pairs four are in order and one is tied.
    assert area_under_roc(np.array([2.0, 3.0]), np.array([1.0, 2.0, 4.0])) == pytest.approx(3.5 / 6)


@settings(deadline=None)
@given(any_scores, any_scores)
def test_area_agrees_with_scikit_learn_and_scipy(genuine: np.ndarray, impostor: np.ndarray) -> None:
    area = area_under_roc(genuine, impostor)
    truth, scores = labelled(np.maximum(genuine, -99), np.maximum(impostor, -99))
    assert area == pytest.approx(roc_auc_score(truth, scores))
    ranks = mannwhitneyu(genuine, impostor, method="asymptotic", nan_policy="propagate")
    pairs = len(genuine) * len(impostor)
    assert area == pytest.approx(ranks.statistic / pairs)
    assert area_under_roc(impostor, genuine) == pytest.approx(1 - area)


def test_decidability_worked_by_hand() -> None:
    # Means 6 and 1, variances 4 and 1.
    genuine, impostor = np.array([4.0, 8.0]), np.array([0.0, 2.0])
    assert decidability(genuine, impostor) == pytest.approx(5 / np.sqrt(2.5))
    with_failure = np.append(genuine, -np.inf)
    assert decidability(with_failure, impostor) == decidability(genuine, impostor)
    assert decidability(3 * genuine - 1, 3 * impostor - 1) == pytest.approx(5 / np.sqrt(2.5))


def test_decidability_of_normal_scores_is_their_distance() -> None:
    genuine, impostor = normal_scores(200_000, 200_000)
    expected = 0.5 / np.sqrt((0.15**2 + 0.1**2) / 2)
    assert decidability(genuine, impostor) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("genuine", [[0.5], [0.5, 0.5], [-np.inf, -np.inf]])
def test_decidability_without_spread_cannot_be_given(genuine: list[float]) -> None:
    assert np.isnan(decidability(np.array(genuine), np.array([0.1])))


def test_large_sets_keep_exact_rates_where_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine, impostor = normal_scores(3000, 60_000)
    full = error_curve(genuine, impostor)
    monkeypatch.setattr(curves, "_EXACT_RANKS", 1000)
    lean = error_curve(genuine, impostor)
    assert len(lean.fmr) < len(full.fmr) / 4
    assert np.isin(lean.thresholds, full.thresholds).all()
    np.testing.assert_array_equal(full.rates_at(lean.thresholds), (lean.fmr, lean.fnmr))
    assert lean.thresholds[0] == full.thresholds[0]
    for fmr in (0, 1e-4, 1e-3, 0.01):
        assert lean.threshold_at(fmr) == full.threshold_at(fmr)
    for fmr in (0.025, 0.05, 0.3, 0.9):
        row = np.searchsorted(-lean.fmr, -fmr)
        assert fmr * (1 - 2e-3) <= lean.fmr[row] <= fmr
    assert equal_error_rate(lean) == pytest.approx(equal_error_rate(full), rel=2e-3)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_thinned_curves_keep_their_shape(logarithmic: bool) -> None:
    curve = error_curve(*normal_scores(1000, 9000))
    lean = curve.thinned(300)
    assert len(lean.fmr) <= 300
    assert (lean.thresholds[0], lean.thresholds[-1]) == (curve.thresholds[0], curve.thresholds[-1])
    axes = []
    for full, kept in ((curve.fmr, lean.fmr), (curve.fnmr, lean.fnmr)):
        floor = full[full > 0].min() / np.sqrt(10)
        both = [np.log10(np.maximum(v, floor)) if logarithmic else v for v in (full, kept)]
        axes.append([v / np.ptp(both[0]) for v in both])
    gaps = [np.abs(full[:, None] - kept[None]) for full, kept in axes]
    assert np.maximum(*gaps).min(axis=1).max() <= 4 / 299


def test_thinning_what_is_short_or_flat() -> None:
    np.testing.assert_array_equal(thin([3, 1], [1, 1], points=2), [0, 1])
    np.testing.assert_array_equal(thin([0.0] * 9, [0.0] * 9, points=3), [0, 8])
    for x, y, points in (([], [], 5), ([1], [1, 2], 5), ([1, 2, 3], [1, 2, 3], 1)):
        with pytest.raises(InputError, match="at least 2 points"):
            thin(x, y, points=points)


def test_equal_error_rate_of_one_impostor_is_stated() -> None:
    curve: ErrorCurve = error_curve(np.array([0.4, 0.6]), np.array([0.5]))
    assert equal_error_rate(curve) == 0.5
    assert area_under_roc(np.array([0.4, 0.6]), np.array([0.5])) == 0.5
