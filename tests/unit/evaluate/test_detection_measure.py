"""Figures of a detector on labels made up for the test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.detection import (
    DetectionResult,
    LabelledPhoto,
    LabelledSet,
    detection_report,
    measure_detection,
)
from faceprint.evaluate.detection.finds import FoundFaces, no_finds, pack, unpack
from faceprint.evaluate.detection.official import official_precision
from faceprint.evaluate.report import Environment, Figure, Text
from faceprint.pipeline.results import Failure

SIDE = 500


def labelled(
    *boxes: Sequence[float],
    ignored: Sequence[int] = (),
    labels: Sequence[str] | None = None,
    **subsets: Sequence[bool],
) -> LabelledPhoto:
    count = len(boxes)
    return LabelledPhoto(
        Path("nowhere.jpg"),
        "nowhere.jpg",
        np.array(boxes, dtype=np.float32).reshape(-1, 4),
        np.isin(np.arange(count), ignored),
        tuple((name,) for name in labels) if labels else ((),) * count,
        {name: np.array(marks, dtype=bool) for name, marks in subsets.items()},
    )


def found(*rows: Sequence[float], doubtful: Sequence[Sequence[float]] = ()) -> FoundFaces:
    usual = np.array(rows, dtype=np.float32).reshape(-1, 5)
    more = np.array(doubtful, dtype=np.float32).reshape(-1, 5)
    return FoundFaces(SIDE, SIDE, usual, np.concatenate([usual, more]))


def measure(
    photos: Sequence[LabelledPhoto], finds: Sequence[FoundFaces], **given: Any
) -> DetectionResult:
    subsets = tuple(photos[0].subsets)
    labels = LabelledSet("voc", Path("set"), tuple(photos), subsets=subsets)
    options: dict[str, Any] = {"detector": "some", "resamples": 20} | given
    return measure_detection(labels, finds, **options)


FACE, OTHER = [10, 10, 60, 60], [100, 100, 200, 220]


def test_a_hand_worked_case() -> None:
    # Found: one face, the other only doubtfully; beside a wrong find.
    photos = [labelled(FACE, OTHER, labels=["bare", "masked"]), labelled(FACE, labels=["bare"])]
    finds = [
        found([*FACE, 0.9], [300, 300, 350, 350, 0.8], doubtful=[[*OTHER, 0.3]]),
        found([*FACE, 0.7]),
    ]
    result = measure(photos, finds)
    assert result.faces == 3
    assert result.finds == 3
    assert result.recall.value == pytest.approx(2 / 3)
    assert result.precision.value == pytest.approx(2 / 3)
    # Right, wrong, right, right: precision 1, 1/2, 2/3, 3/4, made monotone 1, 3/4, 3/4, 3/4.
    expected = 1 / 3 + 2 / 3 * 3 / 4
    assert result.average_precision.value == pytest.approx(expected)
    assert result.mean_average_precision.value == pytest.approx(expected)
    assert result.lowest_usual_score == pytest.approx(0.7)
    assert {part.name: part.recall.value for part in result.labels} == {"bare": 1, "masked": 0}
    assert [(part.name, part.faces) for part in result.sizes] == [
        ("32 to 64 px", 2),
        ("64 to 128 px", 1),
    ]
    assert dict(result.miss_rates)[0.01].value == pytest.approx(2 / 3)
    assert dict(result.miss_rates)[1.0].value == 0
    assert dict(result.miss_causes) == {"found with a score below the threshold": 1}
    assert result.strays[0].reason.startswith("no label near it")


def test_stricter_overlaps_count_less() -> None:
    # IoU 0.8: right at 0.5 to 0.8, seven of ten thresholds.
    shifted = [10, 10, 60, 50]
    result = measure([labelled(FACE)], [found([*shifted, 0.9])])
    assert result.average_precision.value == 1
    assert result.mean_average_precision.value == pytest.approx(0.7)


def test_ignored_faces_count_as_nothing() -> None:
    with_find = measure([labelled(FACE, OTHER, ignored=[1])], [found([*FACE, 0.9], [*OTHER, 0.8])])
    without = measure([labelled(FACE, OTHER, ignored=[1])], [found([*FACE, 0.9])])
    for result in (with_find, without):
        assert result.faces == 1
        assert result.ignored == 1
        assert result.recall.value == result.precision.value == result.average_precision.value == 1
        assert result.misses == result.strays == ()


def test_a_size_ignores_finds_on_other_sizes() -> None:
    result = measure([labelled(FACE, OTHER)], [found([*OTHER, 0.9], [*FACE, 0.8])])
    for part in result.sizes:
        assert part.average_precision is not None
        assert part.average_precision.value == 1
        assert part.precision is not None
        assert part.precision.value == 1


def test_a_second_find_on_a_face_is_wrong() -> None:
    again = [11, 11, 61, 61]
    result = measure([labelled(FACE)], [found([*FACE, 0.9], [*again, 0.8])])
    assert result.precision.value == 0.5
    assert result.strays[0].reason == "a labelled face, found twice"


def test_a_find_that_lies_otherwise_tells_so() -> None:
    result = measure([labelled(FACE)], [found([10, 10, 60, 32, 0.9])])
    assert result.misses[0].reason.startswith("found, but the box lies otherwise (IoU 0.4")
    assert result.strays[0].reason.startswith("a labelled face, but the box lies otherwise")


def test_faces_of_unreadable_photos_count_as_missed() -> None:
    failure = Failure("nowhere.jpg", "bad_image", "damaged")
    photos, finds = [labelled(FACE), labelled(FACE)], [found([*FACE, 0.9]), no_finds()]
    result = measure(photos, finds, unreadable={1: failure})
    assert result.recall.value == 0.5
    assert result.failures == (failure,)
    assert dict(result.miss_causes) == {"its photo cannot be read": 1}


def test_no_photo_can_be_read() -> None:
    failure = Failure("nowhere.jpg", "bad_image", "damaged")
    with pytest.raises(InputError, match="damaged"):
        measure([labelled(FACE)], [no_finds()], unreadable={0: failure})


def test_boxes_outside_the_photo_are_named_and_ignored() -> None:
    photos = [labelled(FACE, [600, 10, 650, 60])]
    result = measure(photos, [found([*FACE, 0.9])])
    assert result.recall.value == 1
    assert "outside the photo of 500 x 500" in result.bad_boxes[0].message


def test_nothing_counts() -> None:
    with pytest.raises(InputError, match="marked as ignored"):
        measure([labelled(FACE, ignored=[0])], [found()])


def test_nothing_is_found() -> None:
    result = measure([labelled(FACE), labelled(OTHER)], [found(), found()])
    assert result.recall.value == 0
    assert np.isnan(result.precision.value)
    assert result.average_precision.value == 0
    assert json.loads(json.dumps(result.to_dict()))["precision"]["value"] is None


def test_the_interval_holds_the_figure_and_widens_with_fewer_photos() -> None:
    random = np.random.default_rng(0)

    def width(count: int) -> float:
        finds = [found([*FACE, 0.9]) if random.random() < 0.5 else found() for _ in range(count)]
        recall = measure([labelled(FACE)] * count, finds, resamples=100).recall
        assert recall.low <= recall.value <= recall.high
        return recall.high - recall.low

    assert width(20) > 2 * width(400)


def test_no_error_among_few_faces_is_no_certainty() -> None:
    result = measure([labelled(FACE)] * 3, [found([*FACE, 0.9])] * 3)
    for one in (result.recall, result.precision, result.average_precision):
        assert (one.value, one.high) == (1, 1)
        assert one.low == pytest.approx(0.292, abs=1e-3)  # Clopper-Pearson, 3 of 3
    missed = dict(result.miss_rates)[1.0]
    assert (missed.value, missed.low) == (0, 0)
    assert missed.high == pytest.approx(0.708, abs=1e-3)
    (size,) = result.sizes
    assert size.average_precision is not None
    assert size.recall.low == size.average_precision.low == result.recall.low
    shifted = measure([labelled(FACE)] * 3, [found([10, 10, 60, 50, 0.9])] * 3)
    whole = shifted.mean_average_precision
    assert whole.value == pytest.approx(0.7)
    assert whole.low == pytest.approx(0.7 * 0.292, abs=1e-3)
    assert whole.high == pytest.approx(0.7 + 0.3 * 0.708, abs=1e-3)
    nothing = measure([labelled(FACE)] * 3, [found()] * 3)
    assert nothing.average_precision.high == nothing.recall.high == pytest.approx(0.708, abs=1e-3)


def test_equal_labels_have_equal_digests() -> None:
    def digest(*photos: LabelledPhoto) -> str:
        return LabelledSet("voc", Path("set"), photos).digest

    a, b = labelled(FACE), replace(labelled(OTHER), name="other.jpg")
    assert digest(a, b) == digest(b, replace(a, path=Path("elsewhere.jpg")))
    others = (
        labelled(OTHER),
        labelled(FACE, ignored=[0]),
        labelled(FACE, labels=["masked"]),
        labelled(FACE, easy=[True]),
        replace(a, name="again.jpg"),
    )
    assert len({digest(one, b) for one in (a, *others)}) == 1 + len(others)


def random_run(seed: int) -> tuple[list[LabelledPhoto], list[np.ndarray]]:
    """Faces in a grid, jittered finds on most of them, finds elsewhere, and an official subset."""
    random = np.random.default_rng(seed)
    photos, finds = [], []
    for _ in range(40):
        count = int(random.integers(0, 9))
        corners = np.stack([np.arange(count) * 60, random.integers(0, 400, count)], axis=1)
        boxes = np.concatenate([corners, corners + 40], axis=1)
        hit = boxes[random.random(count) < 0.8] + random.normal(0, 4, (1, 4))
        rest = random.uniform(0, 400, (3, 2))
        rows = np.concatenate([hit, np.concatenate([rest, rest + 40], axis=1)])
        scores = random.beta(3, 2, len(rows))
        scores[len(hit) :] *= 0.8
        rows = np.concatenate([rows, scores[:, None]], axis=1).astype(np.float32)
        finds.append(rows[np.argsort(-rows[:, 4])])
        photos.append(labelled(*boxes.tolist(), easy=(random.random(count) < 0.7).tolist()))
    return photos, finds


@pytest.mark.parametrize("seed", range(4))
def test_a_thousand_thresholds_come_near_to_all_scores(seed: int) -> None:
    photos, finds = random_run(seed)
    official = official_precision(photos, finds, "easy")
    exact = official_precision(photos, finds, "easy", thresholds=None)
    assert 0.2 < official < 0.98
    assert official == pytest.approx(exact, abs=0.005)


def by_the_book(photos: list[LabelledPhoto], finds: list[np.ndarray], thresholds: int) -> float:
    """WIDER FACE's evaluation as its publisher describes it, one find at a time."""
    from faceprint.geometry import iou_matrix

    scores = np.concatenate([rows[:, 4] for rows in finds])
    low, width = scores.min(), np.ptp(scores)
    found = np.zeros((thresholds, 2))
    faces = 0
    for photo, rows in zip(photos, finds, strict=True):
        if not len(photo.boxes):
            continue
        counts = photo.subsets["easy"]
        faces += int(counts.sum())
        state = np.zeros(len(photo.boxes))
        proposals, recalled = np.ones(len(rows)), np.zeros(len(rows))
        overlaps = iou_matrix(rows[:, :4], photo.boxes)
        for place, row in enumerate(overlaps):
            best = int(row.argmax())
            if row[best] >= 0.5:
                if not counts[best]:
                    state[best], proposals[place] = -1, -1
                elif state[best] == 0:
                    state[best] = 1
            recalled[place] = (state == 1).sum()
        spread = (rows[:, 4] - low) / width
        for step in range(thresholds):
            kept = np.flatnonzero(spread >= 1 - (step + 1) / thresholds)
            if len(kept):
                found[step] += (proposals[: kept[-1] + 1] == 1).sum(), recalled[kept[-1]]
    precision = np.concatenate([[0], found[:, 1] / np.maximum(found[:, 0], 1), [0]])
    recall = np.concatenate([[0], found[:, 1] / faces, [1]])
    for place in range(len(precision) - 1, 0, -1):
        precision[place - 1] = max(precision[place - 1], precision[place])
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(((recall[steps + 1] - recall[steps]) * precision[steps + 1]).sum())


@pytest.mark.parametrize("seed", range(4))
def test_the_official_figure_is_that_of_the_published_steps(seed: int) -> None:
    photos, finds = random_run(seed)
    ours = official_precision(photos, finds, "easy", thresholds=100)
    assert ours == pytest.approx(by_the_book(photos, finds, 100), abs=1e-6)


def test_subsets_have_parts_and_official_figures() -> None:
    photos, finds = random_run(1)
    seen = [FoundFaces(SIDE, SIDE, rows[rows[:, 4] > 0.5], rows) for rows in finds]
    result = measure(photos, seen)
    ((name, official, exact),) = result.official
    assert (name, result.subsets[0].name) == ("easy", "easy")
    assert official == pytest.approx(exact, abs=0.005)
    assert result.subsets[0].average_precision is not None


def test_finds_are_kept_as_they_are() -> None:
    before = found([*FACE, 0.9], doubtful=[[*OTHER, 0.3]])
    after = unpack(pack(before))
    assert (after.width, after.height) == (SIDE, SIDE)
    assert after.usual.tolist() == before.usual.tolist()
    assert after.doubtful.tolist() == before.doubtful.tolist()
    assert unpack(pack(no_finds())).doubtful.shape == (0, 5)


def test_the_report_has_the_figures_and_the_pictures() -> None:
    photos = [labelled(FACE, OTHER, labels=["bare", "masked"])]
    result = measure(photos, [found([*FACE, 0.9], [300, 300, 350, 350, 0.8])])
    environment = Environment(
        "faceprint …", "2026-01-01", "0", {}, (), {}, {"dataset": "some photos"}
    )
    report = detection_report(result, environment)
    assert report.title == "Face detection on some photos"
    figures: dict[str, Figure] = {figure.name: figure for figure in report.figures}
    assert figures["Recall"].value == 0.5
    assert figures["AP at IoU 0.5"].better == "higher"
    titles = [getattr(block, "title", "") for part in report.sections for block in part.blocks]
    assert "The largest faces missed" in titles
    assert "By label" in titles


def texts(result: DetectionResult) -> tuple[set[str], str]:
    """Names of the headline figures, and all that is said beside them."""
    environment = Environment("…", "2026-01-01", "0", {}, (), {}, {})
    report = detection_report(result, environment)
    blocks = [block for part in report.sections for block in part.blocks]
    said = [
        block.text if isinstance(block, Text) else getattr(block, "note", "") for block in blocks
    ]
    names = {figure.name for figure in report.figures}
    return names, "\n".join((*said, *report.warnings, *(one.note for one in report.figures)))


def test_what_few_photos_cannot_support_is_not_given() -> None:
    result = measure([labelled(FACE)] * 15, [found([*FACE, 0.9])] * 15)
    names, said = texts(result)
    assert "Faces missed at 0.1 wrong finds per photo" in names
    assert "Faces missed at 0.01 wrong finds per photo" not in names
    assert "15 photos cannot support the share of faces missed at 0.01 wrong finds" in said
    assert "only 15 photos: the intervals are wide" in said
    assert [one["supported"] for one in result.to_dict()["miss_rates"]] == [False, True, True]
    names, said = texts(measure([labelled(FACE)] * 100, [found([*FACE, 0.9])] * 100))
    assert "Faces missed at 0.01 wrong finds per photo" in names
    assert "support" not in said
    assert "intervals are wide" not in said


def test_the_report_says_how_many_labels_are_ignored() -> None:
    _, said = texts(measure([labelled(FACE, OTHER, ignored=[1])], [found([*FACE, 0.9])]))
    assert "1 labelled object is ignored" in said
    assert "1 faces in 1 photos, 1 more ignored" in said
    _, said = texts(measure([labelled(FACE)], [found([*FACE, 0.9])]))
    assert "object" not in said
