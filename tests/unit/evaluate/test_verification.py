"""Verification figures on pairs whose scores are chosen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import FitPhotos, PairList
from faceprint.evaluate.report import Environment, Pictures, Table, write_report
from faceprint.evaluate.verification import VerificationResult, evaluate_verification
from faceprint.evaluate.verification.report import verification_report
from faceprint.match import Calibration, OperatingPoint
from faceprint.match.evidence import Evidence
from faceprint.pipeline.results import Failure
from faceprint.types import Face, Quality

GOOD = Quality(score=1.0, sharpness=1.0, size=1.0, frontality=1.0, confidence=1.0)
TURNED = replace(GOOD, score=0.2, frontality=0.1)
CALIBRATION = Calibration(
    detector="fake",
    model_id="fake:1",
    dataset="made up",
    people=100,
    photos=200,
    failures=0,
    genuine_count=100,
    impostor_count=10_000,
    date="2026-01-01",
    command="none",
    points=(
        OperatingPoint(fmr=1e-1, score=0.2, low=0.2, high=0.2, fnmr=0.0),
        OperatingPoint(fmr=1e-3, score=0.5, low=0.5, high=0.5, fnmr=0.1),
    ),
)
ENVIRONMENT = Environment(
    command="faceprint evaluate verification pairs",
    date="2026-01-01",
    version="0",
    machine={"cpu": "any"},
    models=(),
    settings={},
    data={"dataset": "made up"},
)


def face(quality: Quality = GOOD) -> Face:
    return Face(np.array([2, 2, 20, 24], np.float32), 0.9, None, quality)


def paired(
    genuine: Sequence[float],
    impostor: Sequence[float],
    *,
    folds: Sequence[int] | None = None,
    folder: Path = Path("photos"),
) -> tuple[PairList, PhotoEmbeddings]:
    """Pairs of these scores, each of two photos of its own; NaN for a pair whose second has no face."""
    scores = np.array([*genuine, *impostor], dtype=np.float64)
    count = len(scores)
    vectors = np.zeros((2 * count, 2), dtype=np.float32)
    vectors[:count, 0] = 1
    vectors[count:, 0] = scores
    vectors[count:, 1] = np.sqrt(1 - scores**2)
    photos = tuple(folder / f"{k:03}.png" for k in range(2 * count))
    faces = tuple(None if np.isnan(row[0]) else face() for row in vectors)
    failures = tuple(
        Failure(str(photo), "face_count", "No face was found.")
        for photo, one in zip(photos, faces, strict=True)
        if one is None
    )
    pairs = PairList(
        name="made up",
        photos=photos,
        first=np.arange(count),
        second=np.arange(count, 2 * count),
        same=np.arange(count) < len(genuine),
        folds=None if folds is None else np.array(folds),
    )
    counts = np.array([one is not None for one in faces], dtype=np.int64)
    return pairs, PhotoEmbeddings(photos, vectors, faces, counts, failures, "fake:1", "fake")


def evaluate(*args: Any, **options: Any) -> VerificationResult:
    calibration = options.pop("calibration", None)
    pairs, embeddings = paired(*args, **options)
    return evaluate_verification(pairs, embeddings, calibration=calibration)


def test_a_case_worked_by_hand() -> None:
    found = evaluate([0.9, 0.8, 0.7, 0.3], [0.0, 0.1, 0.2, 0.4]).figures
    assert [found.genuine_count, found.impostor_count] == [4, 4]
    # Between 0.3 and 0.4, one of four is missed, and one of four let in.
    assert found.eer.value == pytest.approx(0.25)
    # 12 + 3 of 16 pairs are in order.
    assert found.auc.value == pytest.approx(15 / 16)
    # Means 0.675 and 0.175; variances 0.051875 and 0.021875.
    assert found.d_prime.value == pytest.approx(0.5 / np.sqrt(0.036875), rel=1e-5)
    assert found.accuracy is None
    assert [point.supported for point in found.points] == [False] * 4
    assert found.points[0].threshold == pytest.approx(0.4, abs=1e-6)
    assert [found.points[0].fmr.errors, found.points[0].fnmr.errors] == [0, 1]
    assert found.points[0].fnmr.low < 0.25 < found.points[0].fnmr.high


def test_a_rate_is_supported_where_it_allows_a_false_match() -> None:
    impostor = np.linspace(-0.5, 0.5, 100)
    found = evaluate([0.9] * 20, impostor).figures
    assert [point.allowed for point in found.points] == [10, 1, 0, 0]
    assert [point.fmr.errors for point in found.points] == [10, 1, 0, 0]


def test_failures_count_as_refused_and_are_left_out_beside_it() -> None:
    nan = float("nan")
    found = evaluate([0.9, 0.8, nan, nan], [0.1, 0.2, 0.6, nan], calibration=CALIBRATION)
    counted, made = found.figures, found.without_failures
    assert made is not None
    assert [counted.genuine_count, counted.impostor_count] == [4, 4]
    assert [made.genuine_count, made.impostor_count] == [2, 3]
    assert [counted.product[0].fnmr.value, made.product[0].fnmr.value] == [0.5, 0.0]
    assert [counted.product[0].fmr.value, made.product[0].fmr.value] == [0.25, 1 / 3]
    assert found.failed.tolist() == [False, False, True, True, False, False, False, True]
    assert "3 of 16 photos gave no face" in found.notes[0]
    record = found.to_dict()
    assert [record["failed_genuine_pairs"], record["failed_impostor_pairs"]] == [2, 1]
    assert len(record["failures"]) == 3


def test_without_failures_there_is_one_set_of_figures() -> None:
    assert evaluate([0.9, 0.8], [0.1, 0.2]).without_failures is None


def test_training_pairs_give_thresholds_and_no_figures() -> None:
    pairs, embeddings = paired([0.9, 0.8, 0.45, 0.3], [0.0, 0.1, 0.2, 0.55])
    train_pairs, train = paired([0.7, 0.6], [0.3, 0.4])
    shift = len(pairs.photos)
    photos = pairs.photos + tuple(Path("train") / photo for photo in train_pairs.photos)
    both = replace(
        embeddings,
        photos=photos,
        vectors=np.concatenate([embeddings.vectors, train.vectors]),
        faces=embeddings.faces + train.faces,
        face_counts=np.concatenate([embeddings.face_counts, train.face_counts]),
    )
    trained = replace(
        pairs,
        photos=photos,
        train=replace(
            train_pairs,
            photos=photos,
            first=train_pairs.first + shift,
            second=train_pairs.second + shift,
        ),
    )
    found = evaluate_verification(trained, both).figures
    assert found.accuracy is not None
    # The training pairs part at 0.5, where the test has 0.55 let in, and 0.45 and 0.3 missed.
    assert found.accuracy.thresholds == pytest.approx((0.5,), abs=1e-6)
    assert found.accuracy.value == pytest.approx(5 / 8)
    assert found.accuracy.fitted_on == "4 training pairs"
    # The two impostors of training allow no error at 10 %: the threshold lies above 0.4.
    assert found.points[0].threshold == pytest.approx(0.4, abs=1e-6)
    assert [found.points[0].fmr.errors, found.points[0].fmr.trials] == [1, 4]
    assert [found.points[0].fnmr.errors, found.points[0].fnmr.trials] == [1, 4]


def test_folds_take_the_threshold_of_the_others() -> None:
    found = evaluate(
        [0.9, 0.8, 0.5, 0.4], [0.6, 0.5, 0.1, 0.2], folds=[0, 0, 1, 1, 0, 0, 1, 1]
    ).figures.accuracy
    assert found is not None
    # The threshold of fold 1, 0.3, lets both impostors of fold 0 in; that of fold 0, 0.7, misses both
    # genuine pairs of fold 1.
    assert found.thresholds == pytest.approx((0.3, 0.7), abs=1e-6)
    assert found.folds == (0.5, 0.5)
    assert [found.value, found.standard_error] == [0.5, 0.0]
    assert found.fitted_on == "the pairs of the other folds"


def test_unrestricted_thresholds_come_from_people_of_the_other_folds() -> None:
    pairs, embeddings = paired(
        [0.9, 0.8, 0.5, 0.4], [0.6, 0.5, 0.1, 0.2], folds=[0, 0, 1, 1, 0, 0, 1, 1]
    )
    # In each fold two people with three equal photos each: genuine pairs score 1, impostor pairs 0.
    angles = np.tile(np.repeat([0.0, np.pi / 2], 3), 2)
    extra = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    photos = pairs.photos + tuple(Path(f"extra{k}.png") for k in range(12))
    both = replace(
        embeddings,
        photos=photos,
        vectors=np.concatenate([embeddings.vectors, extra]),
        faces=embeddings.faces + (face(),) * 12,
        face_counts=np.ones(len(photos), dtype=np.int64),
    )
    fit = FitPhotos(
        photos=np.arange(12) + len(pairs.photos),
        people=np.repeat(np.arange(4), 3),
        folds=np.repeat([0, 1], 6),
    )
    found = evaluate_verification(replace(pairs, photos=photos, fit=fit), both).figures.accuracy
    assert found is not None
    assert found.thresholds == pytest.approx((0.5, 0.5), abs=1e-6)
    assert found.folds == (0.5, 0.75)
    assert found.fitted_on == "all people of the other folds"


def test_the_products_thresholds_are_those_of_the_calibration() -> None:
    found = evaluate([0.9, 0.45], [0.1, 0.6], calibration=CALIBRATION).figures.product
    assert [point.threshold.score for point in found] == [0.5, 0.5]
    assert [point.threshold.supported for point in found] == [True, False]
    assert [found[0].fmr.errors, found[0].fnmr.errors] == [1, 1]


def test_stated_evidence_is_held_against_the_pairs() -> None:
    evidence = Evidence("logistic", (0.0, 1.0), (-2.0, 2.0), 0.1, 0.01, 5)
    known = replace(CALIBRATION, evidence=evidence)
    found = evaluate([1.0, float("nan")], [0.0, 0.0], calibration=known).evidence
    assert found is not None
    assert found.prior == 0.5
    # log2(1 + 1/100) for each that is sure and right, 1 bit for the one that failed.
    sure = np.log2(1.01)
    assert found.cllr == pytest.approx(((sure + 1) / 2 + sure) / 2, rel=1e-6)
    assert found.brier == pytest.approx((3 * (1 / 101) ** 2 + 0.25) / 4, rel=1e-6)
    assert evaluate([0.9, 0.8], [0.1, 0.2], calibration=CALIBRATION).evidence is None


def many(seed: int = 0) -> tuple[list[float], list[float]]:
    random = np.random.default_rng(seed)
    return list(random.normal(0.7, 0.05, 200)), list(random.normal(0.1, 0.08, 200))


def test_labels_that_scores_speak_against_are_listed() -> None:
    genuine, impostor = many()
    genuine[7], impostor[11] = 0.05, 0.8
    found = evaluate(genuine, impostor)
    assert [(one.pair, one.same) for one in found.suspects] == [(211, False), (7, True)]
    assert all("look whether the label" in one.reason for one in found.suspects)
    assert not evaluate(*many()).suspects


def test_a_poor_photo_explains_a_miss_and_its_label_is_no_suspect() -> None:
    genuine, impostor = many()
    genuine[7] = 0.05
    pairs, embeddings = paired(genuine, impostor)
    faces = list(embeddings.faces)
    faces[407] = face(TURNED)
    found = evaluate_verification(pairs, replace(embeddings, faces=tuple(faces)))
    assert not found.suspects


def test_one_impostor_gives_a_wide_interval_and_a_note() -> None:
    found = evaluate([0.9] * 120, [0.1], calibration=CALIBRATION)
    assert found.figures.product[0].fmr.high > 0.9
    assert any("only 1 impostor pair: the intervals are wide" in note for note in found.notes)


def test_pairs_that_could_not_be_compared_at_all_are_refused() -> None:
    nan = float("nan")
    with pytest.raises(InputError, match=r"None of the impostor pairs .*No face was found"):
        evaluate([0.9, 0.8], [nan, nan])


def test_embeddings_of_other_photos_are_refused() -> None:
    pairs, embeddings = paired([0.9], [0.1])
    with pytest.raises(InputError, match="not those of the photos"):
        evaluate_verification(replace(pairs, photos=pairs.photos[::-1]), embeddings)


def test_a_score_that_is_not_a_number_is_refused() -> None:
    pairs, embeddings = paired([0.9, 0.8], [0.1, 0.2])
    vectors = embeddings.vectors.copy()
    vectors[5] = np.nan
    with pytest.raises(InputError, match="index 1 is NaN"):
        evaluate_verification(pairs, replace(embeddings, vectors=vectors))


def test_the_record_is_json() -> None:
    nan = float("nan")
    found = evaluate([0.9, 0.8, nan], [0.1, 0.2], calibration=CALIBRATION)
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert record["protocol"] == "made up"
    assert record["figures"]["eer"]["value"] == pytest.approx(1 / 3, abs=1e-6)


def test_the_report_shows_figures_and_pairs(tmp_path: Path) -> None:
    genuine, impostor = many()
    genuine[7], impostor[11] = 0.05, 0.8
    genuine[9] = float("nan")
    pairs, embeddings = paired(genuine, impostor, folder=tmp_path)
    for photo in pairs.photos:
        cv2.imwrite(str(photo), np.full((30, 30, 3), 90, dtype=np.uint8))
    found = evaluate_verification(pairs, embeddings, calibration=CALIBRATION)
    report = verification_report(found, ENVIRONMENT, run="fake + fake")
    names = [figure.name for figure in report.figures]
    assert "FNMR at the product's 1e-3" in names
    assert "FNMR at FMR 1e-2" in names
    assert "FNMR at FMR 1e-4" not in names, "200 pairs cannot support it"
    assert report.warnings == found.notes
    blocks = [block for section in report.sections for block in section.blocks]
    tables = {block.title: block for block in blocks if isinstance(block, Table)}
    assert "at least 10,000 impostor pairs" in str(tables["FNMR at fixed FMR"].rows[3])
    assert "Failures counted both ways" in tables
    assert len(tables["Photos without an embedding"].rows) == 1
    pictures = {block.title: block for block in blocks if isinstance(block, Pictures)}
    worst = pictures["Most alike of two people"].items
    assert worst[0].names == ("211", "611")
    assert worst[0].caption == "score 0.800, threshold 0.500"
    assert worst[0].reason == "both faces are clear: look whether the label is right"
    assert worst[1].reason == "both faces are clear"
    assert pictures["Least alike of one person"].items[0].names == ("007", "407")
    assert len(pictures["Labels to look at"].items) == 2
    files = write_report(report, tmp_path / "out")
    assert "Most alike of two people" in files.html.read_text("utf-8")


def test_the_report_has_folds_and_probabilities_where_there_are_any() -> None:
    evidence = Evidence("logistic", (0.0, 1.0), (-2.0, 2.0), 0.1, 0.01, 5)
    found = evaluate(
        [0.9, 0.8, 0.7, 0.6],
        [0.1, 0.2, 0.3, 0.0],
        folds=[0, 1] * 4,
        calibration=replace(CALIBRATION, evidence=evidence),
    )
    report = verification_report(found, ENVIRONMENT, run="fake + fake")
    assert [section.title for section in report.sections] == [
        "Error rates",
        "Curves",
        "Quality",
        "Probabilities",
        "Pairs to look at",
    ]
    accuracy = report.figures[0]
    assert accuracy.name == "accuracy"
    assert accuracy.note.startswith("standard error 0 %; threshold from the pairs")
