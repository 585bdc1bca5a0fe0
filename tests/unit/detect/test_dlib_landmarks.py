"""dlib's landmarks around a stand-in for its predictor."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.detect.dlib_landmarks import (
    Dlib68,
    ShapePredictor,
    build,
    five_of,
    load_predictor,
    points_of,
)
from faceprint.errors import LicenceRefusedError, MissingExtraError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Array, Face
from faceprint.zoo import CARDS, WeightStore, card
from faceprint.zoo.listed.dlib import FIVE_POINTS

# Of a box of dlib's: where the eyes' middles, the nose and the mouth corners lie.
SHARES = np.array([[0.31, 0.33], [0.69, 0.33], [0.5, 0.55], [0.36, 0.75], [0.64, 0.75]])


@dataclass
class Point:
    x: int
    y: int


class Shape:
    def __init__(self, box: tuple[int, ...]) -> None:
        start, end = np.array(box[:2]), np.array(box[2:]) + 1
        five = start + SHARES * (end - start)
        points = np.tile(start, (68, 1)).astype(float)
        points[36:42], points[42:48], points[[30, 48, 54]] = five[0], five[1], five[2:]
        self._points = points

    def parts(self) -> list[Point]:
        return [Point(x, y) for x, y in self._points.round().astype(int).tolist()]


class FakeDlib:
    """Finds the points where an average face has them, whatever the image."""

    def __init__(self) -> None:
        self.boxes: list[tuple[int, ...]] = []

    @staticmethod
    def rectangle(*sides: int) -> tuple[int, ...]:
        return sides

    def __call__(self, image: Array, box: tuple[int, ...]) -> Shape:
        assert image.flags.c_contiguous
        self.boxes.append(box)
        return Shape(box)


def predictor() -> tuple[FakeDlib, ShapePredictor]:
    dlib = FakeDlib()
    return dlib, ShapePredictor(dlib, dlib)


def face(*box: float) -> Face:
    return Face(np.array(box, np.float32), 0.8)


IMAGE = np.zeros((300, 300, 3), np.uint8)


def test_five_of_the_68_points_are_ours() -> None:
    points = np.stack([np.arange(68), 100 - np.arange(68)], axis=1).astype(np.float32)
    five = five_of(points)
    assert five[:, 0].tolist() == [38.5, 44.5, 30, 48, 54]
    assert five[:, 1].tolist() == [61.5, 55.5, 70, 52, 46]


def test_points_of_a_shape_are_an_array() -> None:
    points = points_of(Shape((0, 0, 99, 99)))
    assert points.shape == (68, 2)
    assert points.dtype == np.float32


def test_the_second_look_is_where_dlib_would_draw_the_box() -> None:
    dlib, made = predictor()
    ((found,),) = Dlib68(made).locate([IMAGE], [[face(100, 80, 200, 180)]])
    first, second = dlib.boxes
    assert first == (100, 80, 199, 179)
    assert np.abs(np.subtract(second, first)).max() <= 12
    assert found.landmarks is not None
    assert found.landmarks.shape == (5, 2)
    assert found.landmarks.dtype == np.float32
    assert found.score == pytest.approx(0.8)


def test_high_boxes_are_taken_for_those_of_other_detectors() -> None:
    dlib, made = predictor()
    Dlib68(made).locate([IMAGE], [[face(100, 80, 180, 180)]])
    x1, y1, x2, y2 = dlib.boxes[0]
    assert abs(x2 - x1 - 86) <= 1
    assert abs(y2 - y1 - 86) <= 1
    assert (x1 + x2 + 1) / 2 == pytest.approx(140, abs=1)
    assert (y1 + y2 + 1) / 2 == pytest.approx(134.5, abs=1)


def test_faces_keep_their_order_and_images_their_faces() -> None:
    _, made = predictor()
    faces = [[face(0, 0, 50, 50), face(100, 100, 160, 160)], [], [face(-30, -30, 40, 40)]]
    found = Dlib68(made).locate([IMAGE, IMAGE, IMAGE[:, ::-1]], faces)
    assert [len(some) for some in found] == [2, 0, 1]
    noses = [some.landmarks[2].tolist() for some in found[0] if some.landmarks is not None]
    assert noses[0] < [50, 50] < [100, 100] < noses[1]
    assert Dlib68(made).locate([IMAGE], [[]]) == [()]


def test_a_box_without_any_width_still_has_a_pixel() -> None:
    dlib, made = predictor()
    Dlib68(made).locate([IMAGE], [[face(10, 10, 10, 10)]])
    assert all(x2 >= x1 and y2 >= y1 for x1, y1, x2, y2 in dlib.boxes)


@pytest.mark.parametrize("model", [card("dlib-68"), FIVE_POINTS], ids=["68", "5"])
def test_without_dlib_the_extra_is_named(
    model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(MissingExtraError, match=r"faceprint\[dlib\]"):
        load_predictor(model, WeightStore(tmp_path, tmp_path))


def test_licences_are_kept(tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, commercial_only="yes")
    with pytest.raises(LicenceRefusedError):
        build(card("dlib-68"), store, RuntimeOptions())
    strict = WeightStore(tmp_path, tmp_path, commercial_only="strict")
    with pytest.raises(LicenceRefusedError):
        load_predictor(FIVE_POINTS, strict)


def test_the_five_point_predictor_is_no_landmarker_of_ours() -> None:
    assert FIVE_POINTS.name not in CARDS
