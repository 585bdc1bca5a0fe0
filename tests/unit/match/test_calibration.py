import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.errors import CalibrationError
from faceprint.match import (
    Calibration,
    Evidence,
    OperatingPoint,
    SearchPoint,
    Tail,
    TailCheck,
    compare_all,
    load_calibration,
    operating_points,
    save_calibration,
    spread_people,
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
WHOLE = replace(
    CALIBRATION,
    tail=Tail(
        start=0.3,
        shape=-0.06,
        points=(
            OperatingPoint(1e-4, 0.5, 0.45, 0.55, 0.1),
            OperatingPoint(1e-5, 0.6, 0.5, 0.7, 0.2),
        ),
        check=TailCheck(1e-3, 0.39, 0.4, 0.0012),
    ),
    evidence=Evidence("isotonic", (0.1, 0.3, 0.5), (-2.0, 0.0, 3.0), 0.1, 0.01, 5),
    searches=(SearchPoint(10, 30, 0.01, 0.42, 0.009, 0.008, 0.011, None, 1000),),
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


def test_beyond_the_data_the_score_is_of_the_tail_and_the_promise_is_not() -> None:
    threshold = WHOLE.threshold(1e-5)
    assert threshold.score == pytest.approx(0.6)
    assert threshold.unsure_score == pytest.approx(0.5)
    assert threshold.interval == pytest.approx((0.5, 0.7))
    assert (threshold.fmr, threshold.asked_fmr) == (0.001, 1e-5)
    assert threshold.extrapolated
    assert not threshold.supported


def test_the_tail_goes_on_where_the_data_ends_and_ends_itself() -> None:
    between = WHOLE.threshold(10**-3.5)
    assert between.score == pytest.approx(0.45)
    assert between.unsure_score == pytest.approx(0.35)
    assert between.extrapolated
    measured = WHOLE.threshold(1e-3)
    assert measured.score == pytest.approx(0.4)
    assert (measured.extrapolated, measured.supported) == (False, True)
    far = WHOLE.threshold(1e-9)
    assert far.score == pytest.approx(0.6)
    assert (far.extrapolated, far.supported) == (True, False)
    without = CALIBRATION.threshold(1e-9)
    assert without.score == pytest.approx(0.4)
    assert not without.extrapolated


def test_likelihood_ratios_come_from_the_evidence() -> None:
    assert WHOLE.log10_ratio(np.array([0.4], dtype=np.float32)) == pytest.approx([1.5], abs=1e-6)
    with pytest.raises(CalibrationError, match="has no likelihood ratios"):
        CALIBRATION.log10_ratio([0.4])


@pytest.mark.parametrize("rate", [0, 1, -1, 2, float("nan")])
def test_absurd_rates_are_refused(rate: float) -> None:
    with pytest.raises(CalibrationError, match="between 0 and 1"):
        CALIBRATION.threshold(rate)


def test_decisions_around_the_two_thresholds() -> None:
    threshold = CALIBRATION.threshold(0.01)
    scores = [0.19, 0.2, 0.29, 0.3, 1.0]
    unknown, unsure, match = Decision.UNKNOWN, Decision.UNSURE, Decision.MATCH
    assert [threshold.decide(s) for s in scores] == [unknown, unsure, unsure, match, match]


@pytest.mark.parametrize("calibration", [CALIBRATION, WHOLE], ids=["bare", "whole"])
def test_saved_calibrations_come_back(calibration: Calibration, tmp_path: Path) -> None:
    save_calibration(calibration, tmp_path)
    assert load_calibration("yunet", "some:abc:1", folder=tmp_path) == calibration
    assert load_calibration("mtcnn", "some:abc:1", folder=tmp_path) is None


def test_files_from_before_tails_and_evidence_load(tmp_path: Path) -> None:
    path = save_calibration(CALIBRATION, tmp_path)
    record = json.loads(path.read_text())
    for new in ("tail", "evidence", "searches"):
        del record[new]
    path.write_text(json.dumps(record))
    assert load_calibration("yunet", "some:abc:1", folder=tmp_path) == CALIBRATION


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"points": [{"x": 1}]}', "null"])
def test_damaged_calibrations_are_named(text: str, tmp_path: Path) -> None:
    path = save_calibration(CALIBRATION, tmp_path)
    path.write_text(text)
    with pytest.raises(CalibrationError, match="not a calibration"):
        load_calibration("yunet", "some:abc:1", folder=tmp_path)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (("points", 1, "score"), 0.1, "interval"),
        (
            ("points", 1),
            {"fmr": 0.01, "score": 0.1, "low": 0, "high": 1, "fnmr": 0},
            "out of order",
        ),
        (("points", 1, "fmr"), 0.5, "out of order"),
        (("points", 1, "fmr"), 0, "between 0 and 1"),
        (("points", 1, "low"), float("nan"), "finite"),
        (("points", 1, "high"), float("inf"), "finite"),
        (("points",), [], "no operating points"),
        (("points", 1, "score"), "0.3", "points.1.score"),
        (("people",), 1.5, "people"),
        (("evidence", "scores", 0), 0.4, "must rise"),
        (("evidence", "log10_ratios", 2), -1, "must rise"),
        (("evidence", "method"), "guess", "evidence.method"),
        (("tail", "points", 0, "score"), 0.1, "interval"),
        (("tail", "points", 0, "fmr"), 0.01, "out of order"),
        (("tail", "shape"), 0.1, "negative shape"),
        (("searches", 0, "people"), None, "searches.0.people"),
    ],
)
def test_unsound_calibrations_say_what_is_wrong(
    place: tuple[str | int, ...], value: object, reason: str, tmp_path: Path
) -> None:
    path = save_calibration(WHOLE, tmp_path)
    record: Any = json.loads(path.read_text())
    inner = record
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    path.write_text(json.dumps(record))
    with pytest.raises(CalibrationError, match="not a calibration") as caught:
        load_calibration("yunet", "some:abc:1", folder=tmp_path)
    assert reason in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = save_calibration(CALIBRATION, tmp_path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CalibrationError, match="cannot be read"):
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


def test_a_large_set_keeps_a_sample_of_its_looser_scores() -> None:
    vectors, people = unit_vectors(400), np.arange(400)
    whole, part = compare_all(vectors, people), compare_all(vectors, people, keep=2000)
    assert len(whole.tail) == 15960
    assert (whole.tail_weights == 1).all()
    assert len(part.tail) == pytest.approx(2000, rel=0.1)
    assert part.tail_weights.sum() == pytest.approx(whole.tail_weights.sum(), rel=0.05)
    assert part.tail[:1000].tolist() == whole.tail[:1000].tolist()
    for exact, sampled in zip(
        *(operating_points(one, resamples=0) for one in (whole, part)), strict=True
    ):
        assert sampled.score == pytest.approx(exact.score, abs=0.01)


def test_people_are_spread_evenly_and_photos_nearly_so() -> None:
    photos_of = np.array([30, 30, 20, 20, 5, 5, 1, 1, 1, 1])
    for seed in range(3):
        halves = spread_people(photos_of, 2, seed=seed)
        assert np.bincount(halves).tolist() == [5, 5]
        assert photos_of[halves == 0].sum() == 57
    assert len({tuple(spread_people(photos_of, 2, seed=seed)) for seed in range(9)}) > 3


def test_vectors_that_are_not_finite_are_refused() -> None:
    vectors = unit_vectors(60)
    vectors[7] = np.nan
    with pytest.raises(CalibrationError, match="index 7"):
        compare_all(vectors, np.arange(60))


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
    with pytest.raises(CalibrationError, match="Too few people to calibrate, got 8"):
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


def test_few_genuine_pairs_give_a_wide_interval_of_misses() -> None:
    vectors, people = unit_vectors(121), np.append(np.arange(120), 0)
    vectors[120] = vectors[0]
    points = operating_points(compare_all(vectors, people))
    assert points[0].fnmr == 0
    assert points[0].fnmr_low == 0
    assert points[0].fnmr_high == pytest.approx(0.975)


def test_the_interval_of_the_loosest_rate_goes_both_ways() -> None:
    points = operating_points(compare_all(unit_vectors(400), np.arange(400) // 2))
    assert points[0].fmr == 0.1
    assert points[0].low < points[0].score < points[0].high
