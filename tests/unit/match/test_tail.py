"""Thresholds beyond the data."""

import numpy as np
import pytest

from faceprint.match import Comparison, ScoreCounts, fit_tail, operating_points
from faceprint.match.evidence import BINS

PEOPLE = 700
SHAPE = -0.06


def comparison(scores: np.ndarray) -> Comparison:
    """Scores of every pair of people who have one photo each."""
    first, second = np.triu_indices(PEOPLE, 1)
    order = np.argsort(-scores)[: len(scores) // 10]
    return Comparison(
        genuine=np.array([0.4, 0.6, 0.8], dtype=np.float32),
        genuine_pairs=np.zeros((3, 2), dtype=np.int32),
        tail=scores[order].astype(np.float32),
        tail_pairs=np.stack([first, second], axis=1)[order].astype(np.int32),
        tail_weights=np.ones(len(order)),
        impostor_count=len(scores),
        people=np.arange(PEOPLE),
        counts=ScoreCounts(np.zeros((1, BINS)), np.zeros((1, 1, BINS)), 0, 1),
    )


def pareto(seed: int = 0) -> np.ndarray:
    """Scores from 0.2 on, of a generalised Pareto law that ends at 1."""
    drawn = np.random.default_rng(seed).random(PEOPLE * (PEOPLE - 1) // 2)
    scores: np.ndarray = 1 - 0.8 * drawn**-SHAPE
    return scores


def test_a_pareto_tail_is_found_and_foretold() -> None:
    scores = comparison(pareto())
    points = operating_points(scores, resamples=20)
    tail = fit_tail(scores, points, resamples=50)
    assert tail is not None
    assert tail.shape == pytest.approx(SHAPE, rel=0.1)
    assert [p.fmr for p in points][-1] == 2e-4
    assert [p.fmr for p in tail.points] == [1e-4, 5e-5, 2e-5, 1e-5, 5e-6, 2e-6]
    for point in tail.points:
        true = 1 - 0.8 * point.fmr**-SHAPE
        assert point.score == pytest.approx(true, abs=0.015)
        assert point.low <= true <= point.high
    assert tail.check is not None
    assert tail.check.predicted == pytest.approx(tail.check.measured, abs=0.01)
    assert tail.check.measured_fmr == pytest.approx(2e-4, rel=0.4)


def test_the_tail_joins_the_measured_thresholds_and_rises() -> None:
    scores = comparison(pareto(1))
    points = operating_points(scores, resamples=5)
    tail = fit_tail(scores, points, resamples=5)
    assert tail is not None
    halved = 1 - (1 - points[-1].score) * 0.5**-tail.shape
    assert tail.points[0].score == pytest.approx(halved, abs=1e-4)
    ladder = [p.score for p in points + tail.points]
    assert ladder == sorted(ladder)
    for point in tail.points:
        assert point.fnmr == pytest.approx(np.mean(scores.genuine < point.score), abs=1e-6)


def test_a_few_wrong_labels_hardly_move_it() -> None:
    clean = pareto()
    noisy = clean.copy()
    noisy[np.random.default_rng(0).choice(len(noisy), 15, replace=False)] = 0.95
    tails = [
        fit_tail(one, operating_points(one, resamples=2), resamples=2)
        for one in map(comparison, (clean, noisy))
    ]
    assert tails[0] is not None
    assert tails[1] is not None
    # Fifteen of the 48 falsely matched pairs; an uncensored mean of the excesses would double.
    assert tails[1].shape == pytest.approx(tails[0].shape, rel=0.12)


def test_no_threshold_is_above_one() -> None:
    scores = comparison(1 - (1 - pareto()) ** 8)
    tail = fit_tail(scores, operating_points(scores, resamples=2), resamples=20)
    assert tail is not None
    assert tail.points[-1].score > 0.95
    assert max(p.high for p in tail.points) < 1


def test_equal_scores_give_no_tail() -> None:
    scores = comparison(np.full(PEOPLE * (PEOPLE - 1) // 2, 0.3))
    assert fit_tail(scores, operating_points(scores, resamples=2), resamples=2) is None
