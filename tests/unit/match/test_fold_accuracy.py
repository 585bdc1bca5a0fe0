import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from faceprint.errors import InputError
from faceprint.match import fold_accuracy

SAME = np.array([True, True, False, False])


def test_two_folds_worked_by_hand() -> None:
    scores = np.array([0.9, 0.5, 0.2, 0.1, 0.8, 0.25, 0.3, 0.0])
    result = fold_accuracy(scores, np.tile(SAME, 2), np.repeat([1, 2], 4))
    np.testing.assert_array_equal(result.folds, [1, 2])
    # On the second fold 3 of 4 are right with the threshold between 0.3 and 0.8 or between 0 and 0.25;
    # the upper of two middles is 0.55. On the first, all are right between 0.2 and 0.5.
    np.testing.assert_allclose(result.thresholds, [0.55, 0.35])
    np.testing.assert_array_equal(result.accuracies, [0.75, 0.75])
    assert (result.mean, result.std, result.standard_error) == (0.75, 0, 0)


def test_spread_is_that_of_the_protocol() -> None:
    scores = np.array([0.9, 0.8, 0.2, 0.1, 0.9, 0.8, 0.2, 0.1, 0.1, 0.8, 0.9, 0.1])
    result = fold_accuracy(scores, np.tile(SAME, 3), np.repeat([0, 1, 2], 4))
    np.testing.assert_array_equal(result.accuracies, [1, 1, 0.5])
    assert result.std == pytest.approx(np.sqrt((2 / 36 + 1 / 9) / 2))
    assert result.standard_error == pytest.approx(result.std / np.sqrt(3))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.integers(2, 5))
def test_thresholds_are_as_accurate_as_the_best_of_a_full_search(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    folds = np.repeat(np.arange(count), 12)
    same = np.tile([True, False], 6 * count)
    scores = np.round(random.normal(0.3 * same, 0.3), 1).astype(np.float32)
    scores[random.random(len(scores)) < 0.05] = -np.inf
    result = fold_accuracy(scores, same, folds)
    for k in range(count):
        rest, own = folds != k, folds == k
        best = max(
            np.mean((scores[rest] >= threshold) == same[rest])
            for threshold in np.arange(-2.05, 2.1, 0.1)
        )
        threshold = result.thresholds[k]
        assert np.mean((scores[rest] >= threshold) == same[rest]) == pytest.approx(best)
        expected = accuracy_score(same[own], scores[own] >= threshold)
        assert result.accuracies[k] == pytest.approx(expected)
    shuffled = random.permutation(len(scores))
    again = fold_accuracy(scores[shuffled], same[shuffled], folds[shuffled])
    np.testing.assert_array_equal(again.thresholds, result.thresholds)
    scaled = fold_accuracy(scores * 4, same, folds)
    np.testing.assert_array_equal(scaled.accuracies, result.accuracies)


def test_other_pairs_may_choose_the_thresholds() -> None:
    scores, folds = np.tile([0.9, 0.5, 0.2, 0.1], 2), np.repeat([1, 2], 4)
    same = np.tile(SAME, 2)
    result = fold_accuracy(
        scores,
        same,
        folds,
        fit_scores=np.array([0.6, 0.8, 0.0, 0.2]),
        fit_same=np.array([False, True, False, True]),
        fit_folds=np.array([1, 1, 2, 2]),
    )
    np.testing.assert_allclose(result.thresholds, [0.1, 0.7])
    np.testing.assert_array_equal(result.accuracies, [0.5, 0.75])


def test_thresholds_at_the_ends() -> None:
    low = fold_accuracy(np.array([0.5, 0.6, 0.7] * 2), [False, True, True] * 2, [0] * 3 + [1] * 3)
    np.testing.assert_allclose(low.thresholds, 0.55)
    reject = fold_accuracy(np.array([0.1, 0.6, 0.7] * 2), [True, False, False] * 2, [0, 1] * 3)
    np.testing.assert_array_equal(reject.thresholds, np.nextafter(0.7, 1))
    accept = fold_accuracy(np.array([0.1, 0.3, 0.7] * 2), [True, True, False] * 2, [0, 1] * 3)
    np.testing.assert_array_equal(accept.thresholds, 0.1)


def test_failed_comparisons_are_refused_pairs() -> None:
    scores = np.array([-np.inf, 0.9, -np.inf, 0.1] * 2)
    result = fold_accuracy(scores, np.tile(SAME, 2), np.repeat([1, 2], 4))
    np.testing.assert_array_equal(result.accuracies, 0.75)


def test_what_does_not_fit_is_refused() -> None:
    scores, folds = np.array([0.1, 0.2, 0.3, 0.4]), [0, 0, 1, 1]
    with pytest.raises(InputError, match="at least two folds"):
        fold_accuracy(scores, SAME, [3, 3, 3, 3])
    with pytest.raises(InputError, match=r"a truth and a fold: got \(4,\), \(3,\)"):
        fold_accuracy(scores, [True, False, True], folds)
    with pytest.raises(InputError, match="tested score with index 0 is NaN"):
        fold_accuracy(np.array([np.nan, 1, 1, 1]), SAME, folds)
    with pytest.raises(InputError, match="Outside fold 0 there are 0 genuine and 2 impostor"):
        fold_accuracy(scores, SAME, folds)
    with pytest.raises(InputError, match="together"):
        fold_accuracy(scores, SAME, folds, fit_scores=scores)
    with pytest.raises(InputError, match="could be made"):
        fold_accuracy(np.full(4, -np.inf), [True, False] * 2, folds)
