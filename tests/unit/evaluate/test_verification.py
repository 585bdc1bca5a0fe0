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
    assert [point.supported for point in found.points] == [False] * 4
    assert [point.few for point in found.points] == [True, True, False, False]
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
    assert "3 of 16 photos gave no face (3 without a face): 3 comparisons" in found.notes[0]
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
    assert not [name for name in names if name.startswith("FNMR at FMR")], "200 pairs are too few"
    assert report.warnings == found.notes
    blocks = [block for section in report.sections for block in section.blocks]
    tables = {block.title: block for block in blocks if isinstance(block, Table)}
    rests = [row[-1] for row in tables["FNMR at fixed FMR"].rows]
    assert rests[:2] == ["20 false matches: few", "2 false matches: few"]
    assert "at least 10,000 impostor pairs" in str(rests[3])
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


def test_a_headline_rests_on_thirty_false_matches() -> None:
    found = evaluate([0.9] * 20, np.linspace(-0.5, 0.5, 300))
    report = verification_report(found, ENVIRONMENT, run="fake + fake")
    names = [figure.name for figure in report.figures]
    assert "FNMR at FMR 1e-1" in names
    assert "FNMR at FMR 1e-2" not in names


def test_without_an_error_intervals_are_wide_all_the_same() -> None:
    found = evaluate([0.9, 0.8] * 20, [0.1, 0.2] * 25, calibration=CALIBRATION).figures
    # Of 40 pairs without an error, Clopper and Pearson say up to 8.81 %.
    assert [found.eer.value, found.eer.low] == [0, 0]
    assert found.eer.high == pytest.approx(0.0881, abs=1e-4)
    assert [found.auc.value, found.auc.high] == [1, 1]
    assert found.auc.low == pytest.approx(1 - 0.0881, abs=1e-4)
    assert found.product[0].fnmr.high == pytest.approx(0.0881, abs=1e-4)


def test_folds_have_the_interval_of_so_many_folds() -> None:
    # All is right but for five misses in fold 1.
    genuine, impostor = [0.9, 0.8] * 30, [0.1, 0.2] * 30
    genuine[1:16:3] = [0.0] * 5
    found = evaluate(genuine, impostor, folds=[*([0, 1, 2] * 20), *([0, 1, 2] * 20)])
    accuracy = found.figures.accuracy
    assert accuracy is not None
    assert accuracy.standard_error
    # Student's quantile of two degrees of freedom is 4.3027.
    assert accuracy.low <= accuracy.value - 4.3 * accuracy.standard_error + 1e-9
    assert accuracy.low < accuracy.value < accuracy.high <= 1


def test_folds_without_spread_have_the_interval_of_the_counts() -> None:
    accuracy = evaluate([0.9] * 10, [0.1] * 10, folds=[0, 1] * 10).figures.accuracy
    assert accuracy is not None
    assert [accuracy.standard_error, accuracy.value, accuracy.high] == [0, 1, 1]
    assert accuracy.low == pytest.approx(1 - 0.1684, abs=1e-4)


def crowd(seed: int, people: int = 12, photos: int = 5) -> tuple[PairList, PhotoEmbeddings]:
    """All pairs of some people, of whom some are hard to recognise and all others are not."""
    random = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people), photos)
    spread = np.where(np.arange(people) % 3, 0.1, 0.5)[owners]
    centres = random.normal(size=(people, 24))
    vectors = centres[owners] / np.sqrt(24) + spread[:, None] * random.normal(
        size=(len(owners), 24)
    )
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    count = len(owners)
    first, second = np.triu_indices(count, 1)
    files = tuple(Path(f"{who}/{k}.jpg") for k, who in enumerate(owners))
    pairs = PairList("crowd", files, first, second, owners[first] == owners[second], people=owners)
    faces = (face(),) * count
    counts = np.ones(count, dtype=np.int64)
    return pairs, PhotoEmbeddings(files, vectors, faces, counts, (), "fake:1", "fake")


def test_people_are_drawn_and_not_pairs() -> None:
    pairs, embeddings = crowd(0)
    scores = embeddings.scores(pairs.first, pairs.second)
    alone = paired(scores[pairs.same].tolist(), scores[~pairs.same].tolist())
    people, rows = (
        evaluate_verification(*one, calibration=CALIBRATION).figures
        for one in ((pairs, embeddings), alone)
    )
    for wide, narrow in (
        (people.eer, rows.eer),
        (people.product[0].fnmr, rows.product[0].fnmr),
        (people.points[1].fnmr, rows.points[1].fnmr),
    ):
        assert wide.value == pytest.approx(narrow.value, abs=1e-6)
        assert wide.high - wide.low > 1.7 * (narrow.high - narrow.low)


def test_photos_that_genuine_pairs_link_are_one_persons() -> None:
    pairs, embeddings = crowd(1)
    known = evaluate_verification(pairs, embeddings)
    linked = evaluate_verification(replace(pairs, people=None), embeddings)
    assert linked.figures.eer.to_dict() == known.figures.eer.to_dict()
    told = [[note for note in one.notes if "whom they show" in note] for one in (known, linked)]
    assert [len(notes) for notes in told] == [0, 1]
    assert "person_a" in told[1][0]
    assert any("show only 12 people" in note for note in linked.notes)


def test_pairs_of_missing_files_are_left_out_and_other_failures_count() -> None:
    nan = float("nan")
    pairs, embeddings = paired([0.9, 0.8, nan, nan], [0.1, 0.2, 0.6, nan])
    codes = ("not_found", "face_count", "not_an_image")
    failures = tuple(
        replace(one, code=code) for one, code in zip(embeddings.failures, codes, strict=True)
    )
    found = evaluate_verification(pairs, replace(embeddings, failures=failures))
    assert [found.figures.genuine_count, found.figures.impostor_count] == [3, 4]
    assert [len(found.scores), int(found.failed.sum())] == [7, 2]
    assert "1 pair of files that are missing left out" in found.notes[0]
    assert "1 missing, 1 unreadable, 1 without a face" in found.notes[1]
    assert "2 comparisons count as refused" in found.notes[1]


def test_a_photo_and_its_copy_are_told() -> None:
    pairs, embeddings = paired([0.9, 0.8], [0.1, 0.2])
    digests = ("aa", None, "c", "d", "aa", None, "e", "f")
    found = evaluate_verification(pairs, replace(embeddings, digests=digests))
    assert any(note.startswith("1 pair compares a file with a copy") for note in found.notes)
    assert not any("copy" in note for note in evaluate([0.9, 0.8], [0.1, 0.2]).notes)


def test_calibration_error_takes_a_hundred_pairs() -> None:
    evidence = Evidence("logistic", (0.0, 1.0), (-2.0, 2.0), 0.1, 0.01, 5)
    known = replace(CALIBRATION, evidence=evidence)
    few = evaluate([0.9] * 10, [0.1] * 89, calibration=known)
    enough = evaluate([0.9] * 10, [0.1] * 90, calibration=known)
    assert few.evidence is not None
    assert enough.evidence is not None
    assert few.evidence.to_dict()["ece"] is None
    assert enough.evidence.to_dict()["ece"] is not None
    for found in (few, enough):
        report = verification_report(found, ENVIRONMENT, run="fake + fake")
        text = str(next(one for one in report.sections if one.title == "Probabilities").blocks[0])
        assert ("Fewer than 100 pairs" in text) is (found is few)
