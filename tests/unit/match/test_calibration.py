from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import CalibrationError
from faceprint.match import (
    Calibration,
    OperatingPoint,
    compare_all,
    load_calibration,
    operating_points,
    save_calibration,
)
from faceprint.types import Decision

CALIBRATION = Calibration(
    detector="yunet",
    model_id="some:abc:1",
    dataset="made up",
    people=100,
    photos=300,
    failures=0,
    genuine_count=300,
    impostor_count=44_550,
    date="2026-01-01",
    command="faceprint calibrate x",
    points=(
        OperatingPoint(0.1, 0.2, 0.19, 0.21, 0.001),
        OperatingPoint(0.01, 0.3, 0.28, 0.32, 0.01),
        OperatingPoint(0.001, 0.4, 0.36, 0.44, 0.05),
    ),
)


def unit_vectors(count: int, size: int = 16, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)
    scaled: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def test_measured_rates_give_their_own_threshold() -> None:
    threshold = CALIBRATION.threshold(0.01)
    assert threshold.score == pytest.approx(0.3)
    assert threshold.unsure_score == pytest.approx(0.2)
    assert threshold.supported


def test_between_rates_the_logarithm_counts() -> None:
    assert CALIBRATION.threshold(10**-2.5).score == pytest.approx(0.35)


def test_a_rate_that_is_too_strict_gets_the_strictest_and_says_so() -> None:
    threshold = CALIBRATION.threshold(1e-6)
    assert threshold.score == pytest.approx(0.4)
    assert threshold.fmr == pytest.approx(0.001)
    assert not threshold.supported


@pytest.mark.parametrize("rate", [0, 1, -1, 2, float("nan")])
def test_absurd_rates_are_refused(rate: float) -> None:
    with pytest.raises(CalibrationError, match="between 0 and 1"):
        CALIBRATION.threshold(rate)


def test_decisions_around_the_two_thresholds() -> None:
    threshold = CALIBRATION.threshold(0.01)
    scores = [0.19, 0.2, 0.29, 0.3, 1.0]
    unknown, unsure, match = Decision.UNKNOWN, Decision.UNSURE, Decision.MATCH
    assert [threshold.decide(s) for s in scores] == [unknown, unsure, unsure, match, match]


def test_saved_calibrations_come_back(tmp_path: Path) -> None:
    save_calibration(CALIBRATION, tmp_path)
    assert load_calibration("yunet", "some:abc:1", folder=tmp_path) == CALIBRATION
    assert load_calibration("mtcnn", "some:abc:1", folder=tmp_path) is None


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"points": [{"x": 1}]}', "null"])
def test_damaged_calibrations_are_named(text: str, tmp_path: Path) -> None:
    path = save_calibration(CALIBRATION, tmp_path)
    path.write_text(text)
    with pytest.raises(CalibrationError, match="not a calibration"):
        load_calibration("yunet", "some:abc:1", folder=tmp_path)


def test_all_pairs_agree_with_a_plain_loop() -> None:
    vectors, people = unit_vectors(60), np.arange(60) // 3
    result = compare_all(vectors, people, tail_share=0.05)
    pairs = [(i, j) for i in range(60) for j in range(i + 1, 60)]
    scores = {(i, j): float(vectors[i] @ vectors[j]) for i, j in pairs}
    genuine = sorted(s for (i, j), s in scores.items() if i // 3 == j // 3)
    impostor = sorted((s for (i, j), s in scores.items() if i // 3 != j // 3), reverse=True)
    assert sorted(result.genuine.tolist()) == pytest.approx(genuine, abs=1e-6)
    assert result.impostor_count == len(impostor)
    assert result.tail.tolist() == pytest.approx(impostor[: len(result.tail)], abs=1e-6)
    assert len(result.tail) == round(0.05 * len(impostor))
    assert (result.tail_people[:, 0] != result.tail_people[:, 1]).all()


def test_thresholds_have_the_rate_that_they_claim() -> None:
    vectors, people = unit_vectors(900), np.arange(900) // 2
    points = operating_points(compare_all(vectors, people), resamples=40)
    scores = vectors @ vectors.T
    later = np.triu(np.ones_like(scores, dtype=bool), 1) & (people[:, None] != people)
    for point in points:
        rate = float((scores[later] >= point.score).mean())
        assert rate == pytest.approx(point.fmr, rel=0.05)
        assert point.low <= point.score <= point.high
    fresh = unit_vectors(900, seed=1)
    impostors = (fresh @ fresh.T)[np.triu_indices(900, 1)]
    loosest = points[0]
    assert float((impostors >= loosest.score).mean()) == pytest.approx(loosest.fmr, rel=0.1)


def test_rates_beyond_the_data_are_left_out() -> None:
    points = operating_points(compare_all(unit_vectors(100), np.arange(100)), resamples=5)
    # 4,950 pairs of people: thirty false matches are 0.6 %.
    assert min(p.fmr for p in points) == 0.01


def test_too_few_people_are_refused() -> None:
    with pytest.raises(CalibrationError, match="more people"):
        operating_points(compare_all(unit_vectors(8), np.arange(8)), resamples=2)
    with pytest.raises(CalibrationError, match="two people"):
        compare_all(unit_vectors(4), np.zeros(4, int))


def test_the_shipped_table_supports_one_in_ten_thousand() -> None:
    shipped = load_calibration("yunet", "sface:fb143eea0783:1")
    assert shipped is not None
    assert shipped.impostor_count > 10_000_000
    assert shipped.threshold(1e-4).supported
    scores = [shipped.threshold(rate).score for rate in (1e-1, 1e-2, 1e-3, 1e-4)]
    assert scores == sorted(scores)
    assert replace(shipped, points=shipped.points[:1]).threshold(1e-4).supported is False
