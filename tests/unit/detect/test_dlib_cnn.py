"""dlib's CNN detector around a stand-in for its network, and the picture that it looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprint.detect.dlib_cnn import DlibCnn, build
from faceprint.detect.dlib_cnn_network import build_graph
from faceprint.detect.dlib_pyramid import fill, lay_out, resample, rounded
from faceprint.errors import LicenceRefusedError, WeightsCorruptError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Array, FloatArray, Image
from faceprint.zoo import WeightStore, card
from faceprint.zoo.dlib_files import Layer

CARD = card("dlib-cnn")
sides = st.integers(1, 260)


class Spots:
    """A network whose margins are the red of the picture, cell by cell, once the mean is off."""

    engine: Literal["openvino"] = "openvino"
    device = "cpu"
    precision: Literal["f32"] = "f32"

    def __init__(self) -> None:
        self.sizes: list[tuple[int, ...]] = []

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.sizes.append(batch.shape)
        pictures = np.asarray(batch, np.float32)
        margins = pictures[:, 14::8, 14::8, 0] * 256 + CARD.mean[0] - 200
        return (np.where(pictures[:, 14::8, 14::8, 0] == 0, -9, margins)[:, None],)


def spotted(*spots: tuple[int, int, int], height: int = 120, width: int = 160) -> Image:
    """Black but for a spot of some red at each place."""
    image = np.zeros((height, width, 3), np.uint8)
    for y, x, red in spots:
        image[y - 1 : y + 2, x - 1 : x + 2, 0] = red
    return image


@given(sides, sides)
def test_sizes_lie_inside_the_picture_and_apart(height: int, width: int) -> None:
    tiling = lay_out(height, width)
    assert tiling.places[0].tolist() == [11, 11, 10 + width, 10 + height]
    taken = np.zeros((tiling.height, tiling.width), int)
    for x1, y1, x2, y2 in tiling.places.tolist():
        assert 0 <= x1 <= x2 < tiling.width - 10
        assert 0 <= y1 <= y2 < tiling.height - 10
        taken[y1 : y2 + 1, x1 : x2 + 1] += 1
    assert taken.max() == 1


@given(sides, sides)
def test_each_size_is_five_sixths_of_the_one_before(height: int, width: int) -> None:
    places = lay_out(height, width).places
    spans = places[:, 2:] - places[:, :2] + 1
    np.testing.assert_array_equal(spans[1:], np.floor(spans[:-1] * (5 / 6)))


def test_boxes_go_back_into_the_image() -> None:
    tiling = lay_out(100, 200)
    starts = tiling.places[:, :2].astype(float)
    boxes = np.concatenate([starts, starts + 9], axis=1)
    found = tiling.into_image(boxes)
    np.testing.assert_allclose(found[0], [0, 0, 9, 9])
    np.testing.assert_allclose(found[1], [0.3, 0.3, 11.1, 11.1])
    np.testing.assert_allclose(found[2], [0.66, 0.66, 13.62, 13.62])
    beside = np.array([[0.0, 0, 5, 5]])
    assert (tiling.into_image(beside) < 0).all()


def test_resampling_agrees_with_interpolation() -> None:
    rng = np.random.default_rng(2)
    pixels = rng.uniform(0, 255, (31, 47, 3)).astype(np.float32)
    for height, width in ((25, 39), (64, 96), (31, 47), (1, 1), (2, 300)):
        found = resample(pixels, height=height, width=width)
        assert found.shape == (height, width, 3)
        rows, columns = np.linspace(0, 30, height), np.linspace(0, 46, width)
        if height == 1:
            rows, columns = np.zeros(1), np.zeros(1)
        down = np.stack(
            [np.interp(rows, np.arange(31), column) for column in pixels.reshape(31, -1).T], axis=1
        ).reshape(height, 47, 3)
        across = np.stack(
            [
                np.interp(columns, np.arange(47), line)
                for line in down.transpose(0, 2, 1).reshape(-1, 47)
            ]
        )
        wanted = across.reshape(height, 3, width).transpose(0, 2, 1)
        np.testing.assert_allclose(found, wanted, atol=0.05)


def test_the_picture_holds_all_sizes_and_nothing_between() -> None:
    pixels = np.full((40, 60, 3), 7, np.float32)
    tiling = lay_out(40, 60)
    picture = fill(pixels, tiling)
    assert picture.shape == (tiling.height, tiling.width, 3)
    x1, y1, x2, y2 = tiling.places.T
    filled = picture != 0
    assert filled.sum() == 3 * ((x2 - x1 + 1) * (y2 - y1 + 1)).sum()
    np.testing.assert_allclose(picture[filled], 7, rtol=1e-5)


def test_halves_are_rounded_away_from_zero() -> None:
    assert rounded(np.array([0.5, -0.5, 1.5, -1.49, 2.0])).tolist() == [1, -1, 2, -1, 2]


def test_a_cell_above_the_threshold_is_a_face() -> None:
    # Cell (5, 8) looks at (8 * 8 + 14, 5 * 8 + 14) of the picture, whose first size begins at 11.
    network = Spots()
    (face,) = DlibCnn(network, CARD).find(spotted((43, 67, 202)), doublings=0)
    assert face.score == pytest.approx(1 / (1 + np.exp(-2)), abs=1e-4)
    assert face.box.tolist() == [28, 4, 108, 84]
    assert face.landmarks is None


def test_of_two_that_overlap_the_better_stays() -> None:
    image = spotted((43, 67, 202), (43, 83, 204), (43, 187, 201), width=260)
    faces = DlibCnn(Spots(), CARD).find(image, doublings=0)
    assert [face.box[0] for face in faces] == [44, 148]
    assert faces[0].score > faces[1].score > 0.5


def test_lowered_gives_doubtful_faces_too_within_reason() -> None:
    image = spotted((43, 67, 202), (43, 187, 199), width=260)
    detector = DlibCnn(Spots(), CARD)
    assert len(detector.find(image, doublings=0)) == 1
    assert len(detector.lowered(0.25).find(image, doublings=0)) == 1
    assert len(DlibCnn(Spots(), CARD, min_score=0.2).find(image, doublings=0)) == 2


def test_small_images_are_doubled_and_boxes_come_back() -> None:
    network = Spots()
    detector = DlibCnn(network, CARD)
    small, large = np.zeros((100, 120, 3), np.uint8), np.zeros((100, 700, 3), np.uint8)
    assert detector.detect([small, large]) == [(), ()]
    assert [size[2] for size in network.sizes] == [242 + 22, 700 + 22]
    image = np.full((120, 160, 3), (255, 0, 0), np.uint8)
    faces = detector.find(image, doublings=1)
    assert all((face.box[2] - face.box[0]) >= 40 for face in faces)
    assert min(face.box[2] - face.box[0] for face in faces) < 44


@pytest.mark.parametrize("shape", [(0, 5, 3), (1, 1, 3), (3, 400, 3), (400, 1, 3)], ids=str)
def test_images_smaller_than_its_steps_hold_no_face(shape: tuple[int, ...]) -> None:
    assert DlibCnn(Spots(), CARD).find(np.zeros(shape, np.uint8), doublings=0) == ()


def test_other_files_are_refused() -> None:
    window = (80.0, 80.0, 0.34)
    head = Layer("loss_mmod_", (np.array(window, np.float32),))
    with pytest.raises(WeightsCorruptError, match="7 convolutions"):
        build_graph([head], CARD, window)
    with pytest.raises(WeightsCorruptError, match="CNN face detector"):
        build_graph([], CARD, window)


def test_commercial_only_refuses_it(tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, commercial_only="yes")
    with pytest.raises(LicenceRefusedError):
        build(CARD, store, RuntimeOptions())
