"""Maps show what an answer rests on, and pictures show the maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from faceprint.errors import InputError
from faceprint.runtime import RuntimeOptions
from faceprint.train.explain import (
    OnnxNetwork,
    beside,
    feature_picture,
    filter_picture,
    heat_picture,
    likeness,
    occlusion_map,
    signed_picture,
)
from faceprint.types import Embeddings, FloatArray, Image

SIDE = 42


def crop(seed: int = 0) -> Image:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)


def nothing(crops: Image) -> FloatArray:
    return np.zeros(len(crops), dtype=np.float32)


def spot(top: int, left: int, size: int) -> FloatArray:
    place = np.zeros((SIDE, SIDE), dtype=np.float32)
    place[top : top + size, left : left + size] = 1
    return place


def test_an_answer_from_one_place_rests_on_that_place() -> None:
    face = np.full((SIDE, SIDE, 3), 10, dtype=np.uint8)
    face[12:18, 24:30] = 250
    seen = spot(12, 24, 6)

    def score(crops: Image) -> FloatArray:
        found: FloatArray = (crops.mean(3) * seen).sum((1, 2)) / seen.sum()
        return found

    found = occlusion_map(score, face)
    assert found.score == pytest.approx(250)
    assert found.patch_px == 6
    assert found.lowest < 20
    assert found.highest == pytest.approx(250)
    row, column = np.unravel_index(found.drops.argmax(), found.drops.shape)
    assert 12 <= row < 18
    assert 24 <= column < 30
    # Nothing but patches over the spot changes the answer.
    far = np.ones_like(seen, dtype=bool)
    far[12 - 6 : 18 + 6, 24 - 6 : 30 + 6] = False
    assert not found.drops[far].any()


def test_hiding_can_raise_an_answer() -> None:
    face = np.full((SIDE, SIDE, 3), 10, dtype=np.uint8)
    face[0:6, 0:6] = 250
    found = occlusion_map(lambda crops: -crops[:, :6, :6].mean((1, 2, 3)), face)
    assert found.drops[2, 2] < -100
    assert found.drops.max() == pytest.approx(0)


@pytest.mark.parametrize(("patch", "stride"), [(2, 1), (5, 3), (6, 6), (41, 1), (13, 7)])
def test_patches_cover_every_place(patch: int, stride: int) -> None:
    whole = crop()

    def score(crops: Image) -> FloatArray:
        same: FloatArray = (crops == whole).all((1, 2, 3)).astype(np.float32)
        return same

    found = occlusion_map(score, whole, patch_px=patch, stride_px=stride)
    np.testing.assert_allclose(found.drops, 1, atol=1e-6)
    assert found.drops.shape == (SIDE, SIDE)
    assert found.drops.dtype == np.float32


def test_the_crop_is_left_as_it_is_and_asked_of_in_batches() -> None:
    face = crop()
    before, sizes = face.copy(), []

    def score(crops: Image) -> FloatArray:
        sizes.append(len(crops))
        return np.zeros(len(crops), dtype=np.float32)

    occlusion_map(score, face)
    np.testing.assert_array_equal(face, before)
    assert sum(sizes) == 1 + 13 * 13
    assert max(sizes) <= 32


@pytest.mark.parametrize(("patch", "stride"), [(0, 1), (SIDE, 1), (4, 0), (4, 5)])
def test_squares_that_cannot_cover_are_refused(patch: int, stride: int) -> None:
    with pytest.raises(InputError, match="cannot cover"):
        occlusion_map(nothing, crop(), patch_px=patch, stride_px=stride)


def test_other_arrays_are_no_crops() -> None:
    with pytest.raises(InputError, match=r"\(3, 4, 3\)"):
        occlusion_map(nothing, np.zeros((3, 4, 3), dtype=np.uint8))


class LeftHalf:
    """An embedder that sees the left half alone."""

    name = model_id = "left"
    dimension, crop_size_px, alignment = 2, SIDE, "none"

    def embed(self, crops: Image) -> Embeddings:
        left = crops[:, :, : SIDE // 2]
        raw = np.stack([left[..., 0].mean((1, 2)), left[..., 1].mean((1, 2))], 1)
        raw = raw.astype(np.float32)
        return Embeddings(raw / np.linalg.norm(raw, axis=1, keepdims=True), self.model_id)


def test_a_match_rests_on_what_the_embedder_sees() -> None:
    embedder, face = LeftHalf(), crop()
    face[10:20, 5:15, 0] = 255
    reference = embedder.embed(face[None]).vectors[0]
    found = occlusion_map(likeness(embedder, reference), face)
    assert found.score == pytest.approx(1)
    assert found.lowest < 1
    assert np.abs(found.drops[:, SIDE // 2 + 6 :]).max() == pytest.approx(0, abs=1e-6)
    assert found.drops[:, : SIDE // 2].max() > 1e-4


def test_red_is_what_an_answer_rests_on_and_blue_what_speaks_against_it() -> None:
    face = np.full((SIDE, SIDE, 3), 100, dtype=np.uint8)
    values = spot(0, 0, 14) - spot(28, 28, 14)
    picture = signed_picture(face, values, side_px=84).astype(int)
    assert picture.shape == (84, 84, 3)
    red, grey, blue = picture[10, 10], picture[10, 70], picture[74, 74]
    assert red[0] > 190
    assert red[0] > red[1:].max() + 100
    assert blue[2] > 150
    assert blue[2] > blue[0] + 80
    np.testing.assert_array_equal(grey, 100)


def test_two_pictures_can_share_a_scale() -> None:
    face = np.full((SIDE, SIDE, 3), 100, dtype=np.uint8)
    weak = signed_picture(face, spot(0, 0, 20) * 0.1, limit=1.0)[5, 5].astype(int)
    strong = signed_picture(face, spot(0, 0, 20), limit=1.0)[5, 5].astype(int)
    assert 100 < weak[0] < 120 < strong[0]
    np.testing.assert_array_equal(signed_picture(face, spot(0, 0, 0)), 100)


def test_heat_is_brightest_where_values_are_largest() -> None:
    face = np.full((SIDE, SIDE, 3), 100, dtype=np.uint8)
    picture = heat_picture(face, spot(0, 0, 14) + 0.5 * spot(28, 28, 14) - spot(28, 0, 14))
    bright, middle = picture[50, 50].astype(int), picture[420, 420].astype(int)
    assert bright.sum() > middle.sum()
    assert middle[0] > middle[2]  # inferno: violet to orange to yellow
    np.testing.assert_array_equal(picture[420, 20], 100)  # below zero is nothing
    np.testing.assert_array_equal(heat_picture(face, spot(0, 0, 0)), 100)


def test_filters_are_shown_in_their_colours() -> None:
    weights = np.zeros((3, 3, 2, 2), dtype=np.float32)
    weights[0, 0] = 5  # red
    weights[1, 2, 0, 0] = -0.1  # no blue in the upper left corner
    picture = filter_picture(weights, columns=2, side_px=10)
    assert picture.shape == (23, 23, 3)
    np.testing.assert_array_equal(picture[5, 5], [255, 128, 128])
    np.testing.assert_array_equal(picture[2, 15], [128, 128, 0])
    np.testing.assert_array_equal(picture[8, 20], 128)
    np.testing.assert_array_equal(picture[18, 5], 128)  # a filter of zeros
    np.testing.assert_array_equal(picture[18, 18], 255)  # no filter
    np.testing.assert_array_equal(picture[:, 11], 255)
    grey = filter_picture(np.ones((1, 1, 3, 3), dtype=np.float32), side_px=9)
    np.testing.assert_array_equal(grey, 255)


def test_the_liveliest_maps_are_shown() -> None:
    maps = np.zeros((5, 4, 4), dtype=np.float32)
    maps[3, 0, 0] = 9
    maps[1, 3, 3] = 1
    picture = feature_picture(maps, count=2, columns=2, side_px=8)
    assert picture.shape == (8, 19, 3)
    # Each over its own range, viridis: dark violet to yellow, in the order of the channels.
    for place in ((7, 7), (0, 11)):
        assert picture[place][0] > 200
        assert picture[place][2] < 100
    for place in ((0, 0), (7, 18)):
        assert picture[place].max() < 100


def test_what_is_no_map_or_filter_is_refused() -> None:
    with pytest.raises(InputError, match="Filters"):
        filter_picture(np.zeros((4, 16, 3, 3), dtype=np.float32))
    with pytest.raises(InputError, match="Feature maps"):
        feature_picture(np.zeros((4, 4), dtype=np.float32))


def test_pictures_beside_each_other_have_one_size() -> None:
    assert beside([crop(), crop()[:20, :20]], side_px=50).shape == (50, 103, 3)


# --- networks as they are served -----------------------------------------------------------------


def served(nodes: list[onnx.NodeProto], tensors: dict[str, np.ndarray], folder: Path) -> Path:
    """A network that takes (N, 8, 8, 3) uint8, its pixels cast and turned first."""
    before = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["scaled"], perm=[0, 3, 1, 2]),
    ]
    graph = helper.make_graph(
        [*before, *nodes],
        "some",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["batch", 8, 8, 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / "some.onnx"
    onnx.save_model(model, path)
    return path


FILTERS = np.random.default_rng(0).normal(size=(4, 3, 3, 3)).astype(np.float32)
CONVOLUTION = helper.make_node("Conv", ["scaled", "weights"], ["maps"], pads=[1, 1, 1, 1])
POOLED = helper.make_node("MaxPool", ["maps"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2])
RAISED = helper.make_node("Relu", ["pooled"], ["raised"])
FLAT = helper.make_node("Flatten", ["raised"], ["out"])


def test_first_filters_are_read_in_the_order_of_the_picture(tmp_path: Path) -> None:
    path = served([CONVOLUTION, POOLED, RAISED, FLAT], {"weights": FILTERS}, tmp_path)
    np.testing.assert_array_equal(OnnxNetwork(path).first_filters(), FILTERS)
    np.testing.assert_array_equal(OnnxNetwork(path, colour="BGR").first_filters(), FILTERS[:, ::-1])


def test_quantised_filters_are_taken_back_to_floats(tmp_path: Path) -> None:
    scale = np.abs(FILTERS).max((1, 2, 3)) / 127
    codes = np.round(FILTERS / scale[:, None, None, None]).astype(np.int8)
    back = helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["weights"], axis=0)
    tensors = {"codes": codes, "scale": scale, "zero": np.zeros(4, np.int8)}
    path = served([back, CONVOLUTION, POOLED, RAISED, FLAT], tensors, tmp_path)
    np.testing.assert_allclose(OnnxNetwork(path).first_filters(), FILTERS, atol=scale.max() / 2)


def test_feature_maps_are_those_of_the_last_layer_of_each_size(tmp_path: Path) -> None:
    path = served([CONVOLUTION, POOLED, RAISED, FLAT], {"weights": FILTERS}, tmp_path)
    face = crop()[:8, :8]
    maps = OnnxNetwork(path).feature_maps(face, RuntimeOptions())
    assert list(maps) == ["maps", "raised"]
    padded = np.pad(face.transpose(2, 0, 1).astype(np.float32), ((0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    wanted = np.einsum("chwij,kcij->khw", patches, FILTERS)
    np.testing.assert_allclose(maps["maps"], wanted, rtol=1e-4, atol=1e-2)
    pooled = wanted.reshape(4, 4, 2, 4, 2).max((2, 4))
    np.testing.assert_allclose(maps["raised"], np.maximum(pooled, 0), rtol=1e-4, atol=1e-2)


def test_networks_without_convolutions_are_told(tmp_path: Path) -> None:
    path = served([helper.make_node("Flatten", ["scaled"], ["out"])], {}, tmp_path)
    network = OnnxNetwork(path)
    with pytest.raises(InputError, match="no convolution"):
        network.first_filters()
    assert network.feature_maps(crop()[:8, :8], RuntimeOptions()) == {}
