"""Scanning, grouping and the detector, with cascades made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceprint.detect import load_detector, lowered, watchful
from faceprint.detect.viola_jones import ViolaJones
from faceprint.detect.viola_jones.cascade import Cascade, Stage, Stump, cascade_text
from faceprint.detect.viola_jones.framing import box_of
from faceprint.detect.viola_jones.grouping import group_windows
from faceprint.detect.viola_jones.haar import Feature, responses, table_of
from faceprint.detect.viola_jones.integral import Grey, inverse_deviations, squared_sums, summed
from faceprint.detect.viola_jones.scan import Passed, Scanner
from faceprint.errors import ModelError
from faceprint.geometry import iou_matrix
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import WeightStore
from faceprint.zoo.cards import Licence, ModelCard
from faceprint.zoo.own import CASCADE_FILE, completed, write_folder

PHOTO = np.random.default_rng(3).integers(0, 256, (60, 75), dtype=np.uint8)


def random_cascade(stages: tuple[int, ...], seed: int = 0) -> Cascade:
    """Stumps of any kind, of which each stage wants 40 % to say yes."""
    random = np.random.default_rng(seed)
    kinds = {
        "edge-vertical": (8, 6),
        "edge-horizontal": (12, 10),
        "line-vertical": (12, 5),
        "line-horizontal": (7, 15),
        "checker": (10, 8),
    }
    made = []
    for count in stages:
        stumps = []
        for _ in range(count):
            kind, (width, height) = list(kinds.items())[random.integers(len(kinds))]
            x, y = int(random.integers(25 - width)), int(random.integers(25 - height))
            feature = Feature(kind, x, y, width, height)
            stumps.append(
                Stump(
                    feature,
                    float(np.float32(random.normal(0, 3))),
                    int(random.choice([-1, 1])),
                    float(random.uniform(0.5, 2)),
                    0.3,
                )
            )
        made.append(Stage(tuple(stumps), 0.4 * sum(stump.weight for stump in stumps)))
    return Cascade(tuple(made))


def judged(cascade: Cascade, window: Grey) -> tuple[int, float]:
    """Stages passed and the last margin, one window and one stump at a time."""
    sums, squares = summed(window[None]), squared_sums(window[None])
    scale = inverse_deviations(sums, squares, 24)[0, 0]
    for number, stage in enumerate(cascade.stages):
        table = table_of([stump.feature for stump in stage.stumps])
        answers = responses(table, sums, scale)[0]
        votes = sum(
            stump.weight
            for stump, answer in zip(stage.stumps, answers, strict=True)
            if stump.polarity * answer < stump.polarity * np.float32(stump.threshold)
        )
        if votes < stage.threshold:
            return number, 0.0
    most = sum(stump.weight for stump in stage.stumps)
    return len(cascade.stages), (votes - stage.threshold) / (most - stage.threshold)


# The first three are judged place by place, the last by the pixels of what is left.
@pytest.mark.parametrize("stages", [(5,), (3, 4), (2, 8, 20, 30), (50, 3, 3)])
def test_every_window_is_judged_as_by_hand(stages: tuple[int, ...]) -> None:
    cascade, photo = random_cascade(stages), PHOTO[:36, :40]
    found = Scanner(cascade).scan(photo)
    of_first_size = found.windows[:, 2] - found.windows[:, 0] == 24
    got = {
        (int(x), int(y)): margin
        for (x, y, _, _), margin in zip(
            found.windows[of_first_size], found.margins[of_first_size], strict=True
        )
    }
    wanted = {}
    for y in range(13):
        for x in range(17):
            passed, margin = judged(cascade, photo[y : y + 24, x : x + 24])
            if passed == len(stages):
                wanted[x, y] = margin
    assert got.keys() == wanted.keys()
    assert 0 < len(wanted) < 13 * 17
    np.testing.assert_allclose(
        [got[place] for place in wanted], list(wanted.values()), rtol=1e-4, atol=1e-5
    )


def test_windows_that_miss_the_last_stages_can_be_had_too() -> None:
    scanner = Scanner(random_cascade((2, 8, 20, 30)))
    strict, mild = scanner.scan(PHOTO), scanner.scan(PHOTO, missed=2)
    assert set(mild.stages.tolist()) == {2, 3, 4}
    whole = mild.stages == 4
    assert np.array_equal(mild.windows[whole], strict.windows)
    assert not mild.margins[~whole].any()


def test_a_coarser_step_sees_a_part_of_the_same_windows() -> None:
    cascade = random_cascade((3, 4))
    fine = {tuple(one) for one in Scanner(cascade, scale=4).scan(PHOTO).windows.tolist()}
    coarse = {tuple(one) for one in Scanner(cascade, scale=4, step=2).scan(PHOTO).windows.tolist()}
    assert coarse == {one for one in fine if one[0] % 2 == one[1] % 2 == 0}


def test_the_smallest_windows() -> None:
    found = Scanner(random_cascade((3,)), smallest_px=36).scan(PHOTO)
    sides = found.windows[:, 2] - found.windows[:, 0]
    assert len(sides)
    assert sides.min() >= 35.9


def square(x: float, y: float, side: float) -> list[float]:
    return [x, y, x + side, y + side]


def test_windows_around_two_faces_become_two() -> None:
    windows = np.array(
        [square(10, 10, 30), square(11, 10, 30), square(12, 11, 31), square(100, 50, 40)],
        dtype=np.float32,
    )
    groups = group_windows(windows, np.array([1, 2, 1, 0.5], dtype=np.float32))
    assert groups.evidence.tolist() == [4, 0.5]
    np.testing.assert_allclose(groups.windows[0], [11, 10.25, 41.25, 40.5])
    np.testing.assert_allclose(groups.windows[1], square(100, 50, 40))


def test_a_small_find_inside_a_sure_one_is_dropped() -> None:
    windows = np.array([square(0, 0, 100), square(30, 60, 24)], dtype=np.float32)
    assert len(group_windows(windows, np.array([3, 1], dtype=np.float32)).windows) == 1


def test_no_more_than_the_surest_windows_are_grouped() -> None:
    """A face of 20,000 windows, and surer ones that make room for only some of those."""
    many, few = np.tile(square(0, 0, 30), (20_000, 1)), np.tile(square(99, 9, 30), (100, 1))
    windows = np.concatenate([many, few]).astype(np.float32)
    groups = group_windows(windows, np.repeat([1, 2], [20_000, 100]).astype(np.float32))
    assert groups.evidence.tolist() == [19_900, 200]


def test_no_more_than_the_surest_groups_are_made() -> None:
    places = np.arange(3000, dtype=np.float32) * 30
    windows = np.stack([places, 0 * places, places + 24, 0 * places + 24], axis=1)
    groups = group_windows(windows, np.arange(1, 3001, dtype=np.float32))
    assert groups.evidence.tolist() == list(range(3000, 1000, -1))


@pytest.mark.parametrize(("stages", "missed"), [(1, 0), (3, 0), (4, 1), (7, 1), (8, 2), (20, 2)])
def test_few_stages_must_all_be_passed(
    stages: int, missed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def scan(scanner: Scanner, grey: Grey, *, missed: int = 0) -> Passed:
        asked.append(missed)
        nothing = np.zeros(0, dtype=np.float32)
        return Passed(nothing.reshape(0, 4), np.zeros(0, dtype=np.int64), nothing)

    monkeypatch.setattr(Scanner, "scan", scan)
    ViolaJones(random_cascade((1,) * stages)).detect([spot(5, 5, 24)])
    assert asked == [missed]


def test_no_windows_make_no_groups() -> None:
    nothing = group_windows(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert nothing.windows.shape == (0, 4)
    assert nothing.evidence.shape == (0,)


def spot(x: int, y: int, side: int) -> Grey:
    """A grey photo with a bright square that is dark in its middle."""
    photo = np.full((120, 160, 3), 128, dtype=np.uint8)
    photo[y : y + side, x : x + side] = 235
    third = side // 3
    photo[y + third : y + 2 * third, x + third : x + 2 * third] = 20
    return photo


def spot_cascade() -> Cascade:
    """Takes what is dark in its middle third, across and down."""
    across = Stump(Feature("line-vertical", 0, 8, 24, 8), 280.0, -1, 1.0, 0.1)
    down = Stump(Feature("line-horizontal", 8, 0, 8, 24), 280.0, -1, 1.0, 0.1)
    return Cascade((Stage((across,), 0.9), Stage((across, down), 1.9)), min_score=0.05)


@pytest.mark.parametrize(("x", "y", "side"), [(20, 30, 24), (70, 40, 48), (5, 10, 100)])
def test_what_looks_so_is_found_where_it_is(x: int, y: int, side: int) -> None:
    ((best, *_),) = ViolaJones(spot_cascade()).detect([spot(x, y, side)])
    wanted = box_of(np.array([square(x, y, side)], dtype=np.float32))
    assert iou_matrix(best.box[None], wanted)[0, 0] > 0.6
    assert best.landmarks is None
    assert 0.05 <= best.score <= 1


def test_faces_of_large_photos_are_given_in_their_own_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[tuple[int, ...]] = []
    scan = Scanner.scan

    def noted(scanner: Scanner, grey: Grey, *, missed: int = 0) -> Passed:
        sizes.append(grey.shape)
        return scan(scanner, grey, missed=missed)

    monkeypatch.setattr(Scanner, "scan", noted)
    monkeypatch.setattr("faceprint.detect.viola_jones.detector._MOST_PIXELS", 120 * 160)
    photo = np.ascontiguousarray(spot(70, 40, 48).repeat(5, axis=0).repeat(4, axis=1))
    ((best, *_),) = ViolaJones(spot_cascade()).detect([photo])
    (wanted,) = box_of(np.array([square(70, 40, 48)], dtype=np.float32))
    wanted *= np.array([4, 5, 4, 5], dtype=np.float32)
    assert iou_matrix(best.box[None], wanted[None])[0, 0] > 0.6
    ((height, width),) = sizes
    assert 0.95 * 120 * 160 < height * width <= 120 * 160
    assert width / height == pytest.approx(640 / 600, rel=0.02)


def test_lower_scores_give_more_and_keep_what_there_was() -> None:
    detector = ViolaJones(spot_cascade(), min_score=0.4)
    photo = spot(70, 40, 48)
    (usual,), (more,) = detector.detect([photo]), lowered(detector, 0.001).detect([photo])
    assert [one.score for one in more] == sorted((one.score for one in more), reverse=True)
    assert [one.score for one in more[: len(usual)]] == [one.score for one in usual]
    assert len(watchful(detector).detect([photo])[0]) >= len(usual)


@pytest.mark.parametrize(
    "shape", [(0, 0), (1, 1), (23, 200), (200, 23), (1, 500), (24, 24), (25, 24)]
)
def test_small_photos_have_no_faces(shape: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    assert ViolaJones(spot_cascade()).detect([photo]) == [()]


@pytest.mark.parametrize("level", [0, 128, 255])
def test_even_photos_have_no_faces(level: int) -> None:
    photo = np.full((100, 140, 3), level, dtype=np.uint8)
    assert ViolaJones(spot_cascade()).detect([photo, photo]) == [(), ()]


def test_no_photos_at_all() -> None:
    assert ViolaJones(spot_cascade()).detect([]) == []


CARD = ModelCard(
    name="mine",
    kind="detector",
    implementation="viola_jones",
    summary="A test.",
    files=(),
    code_licence=Licence("Apache-2.0", "allowed"),
    weights_licence=Licence("Apache-2.0", "allowed"),
    data_licence=Licence("made up", "allowed"),
    training_data="none",
    paper="none",
)


def folder_with(folder: Path, cascade: Cascade) -> Path:
    contents = {CASCADE_FILE: cascade_text(cascade).encode()}
    write_folder(folder, completed(CARD, contents), contents, calibration=None)
    return folder


def test_a_model_folder_is_a_detector(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "model", spot_cascade())
    store = WeightStore(tmp_path / "weights", tmp_path / "cache")
    options = RuntimeOptions(cache=tmp_path / "cache")
    detector = load_detector(str(folder), store, options)
    assert detector.name == "mine"
    assert detector.detect([spot(70, 40, 48)])[0]
    store.add(folder, name="other")
    assert load_detector("other", store, options).name == "other"


def test_a_cascade_without_stages_is_refused(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "model", Cascade((), features={}))
    store = WeightStore(tmp_path / "weights", tmp_path / "cache")
    with pytest.raises(ModelError, match="has no stage"):
        load_detector(str(folder), store, RuntimeOptions(cache=tmp_path / "cache"))
