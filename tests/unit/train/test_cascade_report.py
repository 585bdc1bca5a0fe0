"""The report of a cascade: its pictures, its stages, what held-out windows and photos say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from faceprint.detect.viola_jones.cascade import Cascade, Stage, Stump
from faceprint.detect.viola_jones.haar import Feature
from faceprint.errors import TrainingError
from faceprint.evaluate.report import Chart, Pictures, Table, write_report
from faceprint.media import write_image
from faceprint.train.results.cascade import ReportSize, cascade_report
from faceprint.train.results.cascade_pictures import (
    draw_feature,
    first_features,
    mean_face,
    windows_picture,
)
from faceprint.train.results.cascade_stages import rejection, stage_blocks, windows_passed
from faceprint.train.results.scenes import find_in_scenes
from faceprint.train.scenes.records import GreyArray, Scene, Scenes, scenes_digest
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo.cards import Licence

LEFT_LIGHT = Feature("edge-vertical", 0, 0, 24, 24)
TOP_LIGHT = Feature("edge-horizontal", 4, 0, 16, 24)
SHAPE = np.array([[-14, -14], [14, -14], [0, 2], [-11, 14], [11, 14]], dtype=np.float32)


def stage(
    feature: Feature, *, threshold: float = 1.0, rates: tuple[float, float] = (0.99, 0.4)
) -> Stage:
    """One stump: a large response is a face."""
    return Stage((Stump(feature, 100.0, -1, 1.5, 0.1),), threshold, *rates, 100, 80, 900, 2.0, 3.0)


CASCADE = Cascade(
    (stage(LEFT_LIGHT), stage(TOP_LIGHT, rates=(0.98, 0.5))), features={"edge-vertical": 43_200}
)


def windows() -> GreyArray:
    """Bright to the left, to the top, at the top left corner, and nowhere."""
    made = np.full((4, 24, 24), 40, dtype=np.uint8)
    made[0, :, :12] = 200
    made[1, :12] = 200
    made[2, :12, :12] = 200
    return made


def boxes_around(points: FloatArray) -> FloatArray:
    middle, half = points[:, :2].mean(axis=1), np.array([26.0, 34.0])
    return np.concatenate([middle - half, middle + half], axis=1).astype(np.float32)


def scenes_of(folder: Path, count: int = 8) -> Scenes:
    """Photos of one face each; every other photo is for the test."""
    made = []
    for number in range(count):
        path = folder / f"{number}.png"
        pixels = np.random.default_rng(number).integers(0, 99, (160, 200, 3), dtype=np.uint8)
        pixels[50:110, 70:130] += 100
        write_image(path, pixels)
        points = (SHAPE + np.array([100, 80], dtype=np.float32))[None]
        made.append(
            Scene(
                name=f"photos/{number}.png",
                path=path,
                boxes=boxes_around(points),
                landmarks=points,
                scores=np.ones(1, dtype=np.float32),
                part="test" if number % 2 else "train",
                doubtful=np.array([[150, 100, 190, 150]], dtype=np.float32),
                width=200,
                height=160,
                photo=f"{number}",
                background=False,
            )
        )
    terms = Licence("research only", "forbidden")
    return Scenes(tuple(made), "yunet", scenes_digest(made), terms, f"{count} photos")


class Detecting:
    """Finds the face, a doubtful place, and nothing at all, each where a photo says so."""

    name = "fake"

    def __init__(self, finds: Sequence[tuple[FloatArray, float]]) -> None:
        self.finds = finds

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        return [tuple(Face(box, score) for box, score in self.finds) for _ in images]


FACE = boxes_around((SHAPE + np.array([100, 80], dtype=np.float32))[None])[0]
DOUBTFUL = np.array([150, 100, 190, 150], dtype=np.float32)
NOTHING = np.array([5, 5, 45, 55], dtype=np.float32)


def test_the_mean_face_does_not_care_about_light() -> None:
    one = windows()[:1]
    dim = (one // 4 + 10).astype(np.uint8)
    mean = mean_face(np.concatenate([one, dim]))
    np.testing.assert_array_equal(mean, mean_face(one))
    assert (int(mean.min()), int(mean.max())) == (0, 255)
    assert mean[0, 0] == 255
    assert (mean_face(windows()[:0]) == 128).all()


def test_a_feature_is_drawn_where_it_lies() -> None:
    face = np.full((24, 24), 128, dtype=np.uint8)
    picture = draw_feature(face, Feature("line-vertical", 6, 4, 12, 8), side_px=240)
    assert picture.shape == (240, 240, 3)
    light, dark, outside = picture[80, 80], picture[80, 120], picture[200, 200]
    assert light.min() > 190 > 128 > dark.max()
    assert outside.tolist() == [128, 128, 128]
    assert picture[80, 160].min() > 190


def test_first_features_are_told_by_stage() -> None:
    found = first_features(CASCADE, np.full((24, 24), 90, dtype=np.uint8), most=1)
    mean, first = found.items
    assert (mean.names, first.names) == (("mean face",), ("stage 1, feature 1",))
    assert first.caption == "weight 1.50, error 10.0%"
    assert first.encoded[0].startswith(b"\xff\xd8")


def test_windows_side_by_side() -> None:
    found = windows_picture("Left over", np.tile(windows(), (5, 1, 1)), "note", most=11)
    assert [len(item.encoded) for item in found.items] == [8, 3]
    assert windows_picture("Left over", windows()[:0], "note").items == ()


def test_windows_that_come_to_each_stage_by_hand() -> None:
    # Left passes stage 1 alone, top neither, the corner both; plain windows answer 0 to all features.
    assert windows_passed(CASCADE, windows()).tolist() == [4, 2, 1]
    assert windows_passed(CASCADE, windows()[:0]).tolist() == [0, 0, 0]
    found = rejection(CASCADE, windows()[2:3], windows()[[0, 1, 3]])
    assert found.faces.tolist() == [1, 1, 1]
    assert found.backgrounds.tolist() == [3, 1, 0]
    assert found.features_each == pytest.approx((3 + 1) / 3)


def test_windows_that_no_stump_likes_pass_a_threshold_of_nothing() -> None:
    open_door = Cascade((stage(LEFT_LIGHT, threshold=0.0),))
    assert windows_passed(open_door, windows()).tolist() == [4, 4]


def test_rates_multiply_over_the_stages() -> None:
    blocks = list(stage_blocks(CASCADE))
    (table,) = (one for one in blocks if isinstance(one, Table))
    first, second = table.rows
    assert first[:6] == (1, 1, 0.99, 0.99, 0.4, "0.4")
    assert second[:3] == (2, 1, 0.98)
    assert second[3] == pytest.approx(0.99 * 0.98)
    assert second[4:6] == (0.5, "0.2")
    charts = {one.title: one for one in blocks if isinstance(one, Chart)}
    (product,) = charts["Backgrounds that pass all stages so far"].series
    assert product.y == pytest.approx((0.4, 0.2))
    (weights,) = charts["Weights of the weak learners"].series
    assert (weights.y, weights.labels[1]) == ((1.5, 1.5), "stage 2: edge-horizontal")
    assert charts["Features of the stages"].categories == ("1", "2")


def test_finds_on_photos_are_right_wrong_or_neither(tmp_path: Path) -> None:
    test = scenes_of(tmp_path).part("test")
    detector = Detecting([(FACE + 2, 0.9), (DOUBTFUL, 0.8), (NOTHING, 0.7)])
    found = find_in_scenes(detector, test)
    assert (found.result.photos, found.result.faces, found.wrong) == (4, 4, 4)
    assert found.result.recall.value == 1.0
    assert found.result.precision.value == 0.5
    each = found.wrong_per_photo
    assert (each.value, each.low, each.high) == (1.0, 1.0, 1.0)
    few = find_in_scenes(detector, test, most=2)
    assert [one.name for one in few.scenes.scenes] == ["photos/1.png", "photos/7.png"]


def test_the_whole_report(tmp_path: Path) -> None:
    scenes = scenes_of(tmp_path)
    report = cascade_report(
        CASCADE,
        Detecting([(FACE, 0.9), (NOTHING, 0.2)]),
        scenes,
        name="small",
        recipe={"name": "viola-jones", "stages": 2},
        facts={"stopped": "no backgrounds were left"},
        command="faceprint train viola-jones",
        left_over=windows(),
        size=ReportSize(photos=3, backgrounds=60),
    )
    figures = {figure.name: figure.value for figure in report.figures}
    assert figures["Faces found"] == 1.0
    assert figures["Wrong finds per photo"] == 1.0
    assert figures["Features"] == 2
    assert 1 <= figures["Features looked at in a window"] <= 2
    assert [section.title for section in report.sections] == [
        "The run",
        "What it looks at",
        "Stages",
        "Early rejection",
        "Held-out photos",
        "Hard backgrounds left over",
    ]
    galleries = [one for s in report.sections for one in s.blocks if isinstance(one, Pictures)]
    assert {one.title for one in galleries} >= {"Finds on held-out photos", "The surest"}
    assert report.environment.data["digest"] == scenes.digest
    files = write_report(report, tmp_path / "report")
    page = files.html.read_text()
    assert "no backgrounds were left" in page
    assert "data:image/jpeg" in page
    assert "nan" not in files.markdown.read_text().lower().split()


def test_there_is_no_report_of_nothing(tmp_path: Path) -> None:
    scenes = scenes_of(tmp_path)
    given = {"name": "n", "recipe": {}, "facts": {}, "command": ""}
    with pytest.raises(TrainingError, match="no stage was finished"):
        cascade_report(Cascade(()), Detecting([]), scenes, **given)  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match="shows no face"):
        cascade_report(CASCADE, Detecting([]), scenes.part("train"), **given)  # type: ignore[arg-type]


def test_a_cascade_that_finds_nothing_has_a_report(tmp_path: Path) -> None:
    report = cascade_report(
        CASCADE,
        Detecting([]),
        scenes_of(tmp_path, 4),
        name="n",
        recipe={},
        facts={},
        command="",
        size=ReportSize(backgrounds=60),
    )
    assert next(one.value for one in report.figures if one.name == "Faces found") == 0.0
    write_report(report, tmp_path / "report")
