"""Open-set identification on people whose photos are chosen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.identification import (
    IdentificationPlan,
    IdentificationResult,
    evaluate_identification,
)
from faceprint.evaluate.identification.report import identification_report
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.evaluate.protocols import PeopleFolder
from faceprint.evaluate.report import Environment, Pictures, Table
from faceprint.match import Calibration, OperatingPoint
from faceprint.pipeline.results import Failure
from faceprint.types import Face, Quality

GOOD = Quality(score=1.0, sharpness=1.0, size=1.0, frontality=1.0, confidence=1.0)
ENVIRONMENT = Environment("faceprint", "2026-01-01", "0", {}, (), {}, {})
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
        OperatingPoint(fmr=1e-1, score=0.3, low=0.3, high=0.3, fnmr=0.0),
        OperatingPoint(fmr=1e-5, score=0.7, low=0.7, high=0.7, fnmr=0.1),
    ),
)


def folder(
    counts: list[int], *, noise: float = 0.2, lost: tuple[int, ...] = ()
) -> tuple[PeopleFolder, PhotoEmbeddings]:
    """People with so many photos each, around directions of their own; `lost` photos have no face."""
    random = np.random.default_rng(1)
    people = np.repeat(np.arange(len(counts)), counts)
    centres = random.normal(size=(len(counts), 16))
    vectors = centres[people] + noise * random.normal(size=(len(people), 16))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    vectors[list(lost)] = np.nan
    photos = tuple(Path(f"person{who}/{k}.jpg") for k, who in enumerate(people))
    here = np.isfinite(vectors[:, 0])
    faces = tuple(Face(np.zeros(4, np.float32), 0.9, None, GOOD) if ok else None for ok in here)
    failures = tuple(Failure(str(photos[k]), "face_count", "No face was found.") for k in lost)
    names = tuple(f"person{who}" for who in range(len(counts)))
    embeddings = PhotoEmbeddings(
        photos, vectors, faces, here.astype(np.int64), failures, "fake:1", "fake"
    )
    return PeopleFolder("people", photos, people, names), embeddings


def evaluate(
    counts: list[int], plan: IdentificationPlan, **options: object
) -> IdentificationResult:
    calibration = options.pop("calibration", None)
    assert calibration is None or isinstance(calibration, Calibration)
    people, embeddings = folder(counts, **options)  # type: ignore[arg-type]
    return evaluate_identification(people, embeddings, plan=plan, calibration=calibration)


def test_each_photo_has_one_part_in_a_draw() -> None:
    people, embeddings = folder([5] * 20 + [1] * 10)
    found = evaluate_identification(people, embeddings, plan=IdentificationPlan(enrol=2))
    draw = found.draw
    together = np.concatenate([draw.gallery, draw.known, draw.unknown])
    assert sorted(together.tolist()) == list(range(len(people.photos)))
    enrolled, times = np.unique(people.people[draw.gallery], return_counts=True)
    assert len(enrolled) == 10
    assert set(times.tolist()) == {2}
    assert set(people.people[draw.known]) == set(enrolled)
    strangers = set(people.people[draw.unknown])
    assert not strangers & set(enrolled)
    assert set(range(20, 30)) <= strangers, "people with one photo come as unknown"


def test_equal_seeds_draw_equal_galleries() -> None:
    first, second, other = (
        evaluate([4] * 12, IdentificationPlan(seed=seed, repetitions=2)) for seed in (3, 3, 4)
    )
    assert first.to_dict() == second.to_dict()
    assert first.draw.gallery.tolist() != other.draw.gallery.tolist()


def test_people_who_are_told_apart_are_found_and_strangers_are_not() -> None:
    plan = IdentificationPlan(repetitions=3)
    found = evaluate([4] * 40, plan, noise=0.01, calibration=CALIBRATION).figures
    assert [found.people, found.templates, found.unknown_people] == [20, 20, 20]
    assert found.rank1.value == 1
    assert [found.rank1.errors, found.rank1.trials] == [60, 60]
    assert found.rank1.low < 0.96, "60 probes say no more"
    assert found.cmc.tolist() == [1] * 20
    assert found.points[1].fnir.value == 0


def test_the_products_threshold_is_measured_beside_what_was_asked() -> None:
    plan = IdentificationPlan(repetitions=4, fpir=0.05)
    found = evaluate([3] * 60, plan, noise=0.5, calibration=CALIBRATION).figures
    assert found.product is not None
    assert found.product.asked == 0.05
    # 30 templates: FMR 1 - 0.95^(1/30) = 0.00171 of one comparison, on the line of the logarithms.
    rate = 1 - 0.95 ** (1 / 30)
    expected = 0.3 + 0.4 * (np.log10(0.1) - np.log10(rate)) / 4
    assert found.product.threshold.score == pytest.approx(expected, abs=1e-6)
    strangers = found.pooled.best_unknown >= expected
    assert found.product.fpir.value == pytest.approx(float(strangers.mean()))
    assert found.product.fpir.low <= found.product.fpir.value <= found.product.fpir.high
    assert found.product.fnir.value > 0


def test_intervals_are_those_of_one_repetition() -> None:
    few = evaluate([3] * 60, IdentificationPlan(repetitions=1), noise=0.6).figures
    more = evaluate([3] * 60, IdentificationPlan(repetitions=10), noise=0.6).figures
    assert more.rank1.trials == few.rank1.trials == 60
    widths = [found.rank1.high - found.rank1.low for found in (few, more)]
    assert widths[1] > 0.5 * widths[0], "the same people again are no new evidence"


def test_rates_need_unknown_probes_enough() -> None:
    found = evaluate([3] * 40, IdentificationPlan(repetitions=2)).figures
    assert [point.supported for point in found.points] == [False, False, False]
    assert [point.few for point in found.points] == [True, False, False]
    assert [point.allowed for point in found.points] == [6, 0, 0]


def test_photos_without_a_face_count_and_are_left_out_beside_it() -> None:
    lost = tuple(range(0, 30))
    plan = IdentificationPlan(repetitions=2)
    found = evaluate([3] * 40, plan, noise=0.01, lost=lost)
    assert found.without_failures is not None
    assert found.figures.rank1.value < 1
    assert found.figures.unenrolled > 0
    assert found.without_failures.rank1.value == 1
    assert found.without_failures.unenrolled == 0
    assert "30 of 120 photos gave no face" in found.notes[0]


def test_few_people_are_said_to_be_few() -> None:
    found = evaluate([2] * 4, IdentificationPlan())
    assert "only 2 enrolled and 2 unknown people" in found.notes[0]


@pytest.mark.parametrize(
    ("counts", "plan"),
    [
        ([1] * 50, IdentificationPlan()),
        ([3, 3, 3], IdentificationPlan(enrol=3)),
        ([3, 3, 3], IdentificationPlan(share=0.2)),
    ],
)
def test_too_few_people_are_refused(counts: list[int], plan: IdentificationPlan) -> None:
    with pytest.raises(InputError, match="At least 2 must be enrolled"):
        evaluate(counts, plan)


@pytest.mark.parametrize(
    "change", [{"enrol": 0}, {"repetitions": 0}, {"share": 0.0}, {"share": 1.0}, {"fpir": 0.0}]
)
def test_a_plan_that_means_nothing_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(InputError):
        IdentificationPlan(**change)  # type: ignore[arg-type]


def test_embeddings_of_other_photos_are_refused() -> None:
    people, _ = folder([2] * 4)
    _, embeddings = folder([2] * 5)
    with pytest.raises(InputError, match="not those of the photos"):
        evaluate_identification(people, embeddings)


def test_the_report_shows_each_template_once() -> None:
    found = evaluate(
        [4] * 40, IdentificationPlan(repetitions=2), noise=0.6, calibration=CALIBRATION, lost=(0,)
    )
    json.dumps(found.to_dict(), allow_nan=False)
    report = identification_report(found, ENVIRONMENT, run="fake + fake")
    names = [figure.name for figure in report.figures]
    assert names[:3] == [
        "rank-1 identification rate",
        "FPIR at the product's 1 %",
        "FNIR at the product's 1 %",
    ]
    pictures = [
        block
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Pictures)
    ]
    strangers, missed = (block.items for block in pictures)
    assert len(strangers) == len(missed) == 12
    for items, own in ((strangers, False), (missed, True)):
        assert len({item.photos[1] for item in items}) == 12
        assert all((item.photos[0].parent == item.photos[1].parent) is own for item in items)
    scores = [float(item.caption.split()[1].rstrip(",")) for item in missed]
    assert scores == sorted(scores)


@pytest.mark.parametrize("counts", [[3, 3], [5]])
def test_it_takes_three_people(counts: list[int]) -> None:
    with pytest.raises(InputError, match="at least 3 people"):
        evaluate(counts, IdentificationPlan(share=0.9))


def test_a_headline_rests_on_thirty_false_positives() -> None:
    found = evaluate([3] * 220, IdentificationPlan(repetitions=1))
    assert [point.allowed for point in found.figures.points] == [33, 3, 0]
    report = identification_report(found, ENVIRONMENT, run="fake + fake")
    names = [figure.name for figure in report.figures]
    assert "FNIR at FPIR 10 %" in names
    assert "FNIR at FPIR 1 %" not in names
    tables = {
        block.title: block
        for section in report.sections
        for block in section.blocks
        if isinstance(block, Table)
    }
    assert tables["FNIR at fixed FPIR"].rows[1][-1] == "3 false positives a repetition: few"


def test_without_an_error_the_interval_is_that_of_so_many_people() -> None:
    found = evaluate([30] * 20, IdentificationPlan(repetitions=1), noise=0.01).figures
    assert found.rank1.value == 1
    assert found.rank1.low < 0.7, "ten people say no more, however many photos they have"


def test_notes_tell_why_photos_failed_and_where_thresholds_come_from() -> None:
    people, embeddings = folder([3] * 40, lost=(0, 1))
    gone = replace(embeddings.failures[0], code="not_found")
    found = evaluate_identification(
        replace(people, notes=("Something about the folder.",)),
        replace(embeddings, failures=(gone, embeddings.failures[1])),
        plan=IdentificationPlan(repetitions=1),
    )
    assert found.notes[0] == "Something about the folder."
    assert "1 missing, 1 without a face" in found.notes[1]
    assert any("the very probes that are reported" in note for note in found.notes)
