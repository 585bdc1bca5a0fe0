"""AdaBoost, held against brute force and against the paper's formulas by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from faceprint.detect.viola_jones.haar import enumerate_features, responses
from faceprint.detect.viola_jones.integral import Grey, summed
from faceprint.train.cascade.boost import Booster, best_threshold, window_sums
from faceprint.train.cascade.stages import StageGoals, StageWindows, lowered_threshold, train_stage

RANDOM = np.random.default_rng(5)
FEATURES = enumerate_features(12).part(RANDOM.permutation(len(enumerate_features(12)))[:60])


def windows(count: int, *, faces: bool, seed: int) -> Grey:
    """Noise; that of faces is darker above, by no more than some of the others are too."""
    random = np.random.default_rng(seed)
    noise = random.integers(0, 160, (count, 12, 12))
    step = random.normal(50 if faces else 0, 40, (count, 1, 1))
    noise[:, 6:] += np.clip(step, -80, 80).astype(int)
    return np.clip(noise, 0, 255).astype(np.uint8)


FACES, BACKGROUNDS = windows(40, faces=True, seed=1), windows(60, faces=False, seed=2)


def smallest_error(
    response: npt.NDArray[np.float32],
    labels: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64],
) -> float:
    """The smallest error of any threshold between two responses, each tried."""
    values = np.unique(response)
    errors = [
        weights[(polarity * response < polarity * cut) != labels].sum()
        for cut in (values[1:] + values[:-1]) / 2
        for polarity in (1, -1)
    ]
    return float(min(errors, default=0.5))


@pytest.mark.parametrize("seed", range(8))
def test_the_best_threshold_against_brute_force(seed: int) -> None:
    random = np.random.default_rng(seed)
    # Few values, so that many responses are the same.
    response = random.integers(-5, 6, 40).astype(np.float32)
    labels = random.random(40) < 0.4
    weights = random.random(40)
    weights /= weights.sum()
    threshold, polarity, error = best_threshold(response, labels, weights)
    wrong = (polarity * response < polarity * threshold) != labels
    assert error == pytest.approx(weights[wrong].sum())
    assert error == pytest.approx(smallest_error(response, labels, weights))


@pytest.mark.parametrize("polarity", [1, -1])
def test_a_threshold_fits_between_neighbouring_numbers(polarity: int) -> None:
    low = np.float32(1.0)
    response = np.array([low, np.nextafter(low, np.float32(2))], dtype=np.float32)
    labels = np.array([polarity == 1, polarity == -1])
    threshold, found, error = best_threshold(response, labels, np.full(2, 0.5))
    assert (found, error) == (polarity, 0)
    face = found * response < found * np.float32(threshold)
    assert face.tolist() == labels.tolist()


def test_one_response_for_all_is_no_classifier() -> None:
    response, labels = np.ones(4, np.float32), np.array([True, True, False, False])
    assert best_threshold(response, labels, np.full(4, 0.25)) == (0.0, 1, 0.5)


def test_each_round_against_brute_force_and_the_formulas_by_hand() -> None:
    booster = Booster(FEATURES, window_sums(FACES), window_sums(BACKGROUNDS), threads=2)
    both = np.concatenate([FACES, BACKGROUNDS])
    scales = (1 / np.maximum(both.reshape(100, -1).std(axis=1), 1)).astype(np.float32)
    answers = responses(FEATURES, summed(both), scales)
    labels = np.arange(100) < 40
    weights = np.where(labels, 1 / (2 * 40), 1 / (2 * 60))
    for _ in range(6):
        weights = weights / weights.sum()
        wanted = min(smallest_error(column, labels, weights) for column in answers.T)
        stump = booster.add()
        assert stump.error == pytest.approx(wanted, abs=1e-9)
        beta = wanted / (1 - wanted)
        assert stump.weight == pytest.approx(np.log(1 / beta), abs=1e-6)
        column = answers[:, [FEATURES.feature(k) for k in range(60)].index(stump.feature)]
        yes = stump.polarity * column < stump.polarity * np.float32(stump.threshold)
        assert weights[yes != labels].sum() == pytest.approx(stump.error)
        weights = np.where(yes == labels, weights * beta, weights)
        np.testing.assert_allclose(booster.weights, weights, rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_any_number_of_features_and_threads(count: int) -> None:
    sums = window_sums(FACES), window_sums(BACKGROUNDS)
    some = FEATURES.part(np.arange(count))
    stumps = [Booster(some, *sums, threads=threads).add() for threads in (1, 2, 7)]
    assert stumps[0] == stumps[1] == stumps[2]


def test_what_cannot_be_told_apart() -> None:
    same = window_sums(np.full((5, 12, 12), 90, dtype=np.uint8))
    with pytest.raises(ValueError, match="no feature tells"):
        Booster(FEATURES, same, same).add()
    with pytest.raises(ValueError, match="expected faces and backgrounds"):
        Booster(FEATURES, same, window_sums(np.zeros((0, 12, 12), np.uint8)))


def test_perfect_separation_has_a_finite_weight() -> None:
    dark = np.full((5, 12, 12), 10, dtype=np.uint8)
    dark[:, 6:] = 200
    stump = Booster(FEATURES, window_sums(dark), window_sums(dark[:, ::-1])).add()
    assert stump.error == 0
    assert np.isfinite(stump.weight)


def test_threshold_is_lowered_until_enough_faces_pass() -> None:
    votes = np.arange(1.0, 101.0)
    assert lowered_threshold(1000, votes, 0.99) == pytest.approx(2, abs=0.001)
    assert lowered_threshold(1000, votes, 1.0) == pytest.approx(1, abs=0.001)
    assert lowered_threshold(1000, votes, 0.995) == pytest.approx(1, abs=0.001)
    # AdaBoost's own threshold stands where enough faces reach it.
    assert lowered_threshold(0.5, votes, 0.5) == pytest.approx(0.5, abs=0.001)


def test_a_stage_reaches_its_goals_or_its_most_stumps() -> None:
    parts = [windows(200, faces=faces, seed=seed) for seed, faces in enumerate((True, False) * 2)]
    shown = StageWindows(parts[0], parts[1], parts[2], parts[3])
    stage = train_stage(FEATURES, shown, StageGoals(0.8, 0.35, 60))
    assert stage.detection_rate >= 0.8
    assert stage.false_positive_rate <= 0.35
    assert 1 < len(stage.stumps) < 60
    short = train_stage(FEATURES, shown, StageGoals(0.8, 0.001, 2))
    assert short.stumps == stage.stumps[:2]
    assert short.false_positive_rate > 0.001
    assert (short.positives, short.negatives) == (200, 200)
