"""dlib's embedder: its network, built from the layers of a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from faceprint.embed.dlib_network import build_graph
from faceprint.embed.dlib_resnet import build
from faceprint.errors import LicenceRefusedError, MissingExtraError, WeightsCorruptError
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import FloatArray
from faceprint.zoo import PackageResource, WeightStore, card
from faceprint.zoo.dlib_files import Layer

CARD = card("dlib-resnet")
WIDE = 4


def convolution(taken: int, given: int, kernel: int, rng: np.random.Generator) -> list[Layer]:
    weights = rng.normal(0, 0.2, taken * given * kernel**2 + given).astype(np.float32)
    scale = np.concatenate([rng.uniform(0.5, 2, given), rng.normal(0, 0.1, given)])
    return [Layer("con_4", (weights,)), Layer("affine_", (scale.astype(np.float32),))]


def small_network(rng: np.random.Generator) -> list[Layer]:
    """The stem, a plain block, a shrinking one that doubles the channels, and the end."""
    relu, add, pool = Layer("relu_"), Layer("add_prev_"), Layer("avg_pool_2")
    stem = convolution(3, WIDE, 7, rng)
    plain = [*convolution(WIDE, WIDE, 3, rng), relu, *convolution(WIDE, WIDE, 3, rng), add, relu]
    first, second = convolution(WIDE, 2 * WIDE, 3, rng), convolution(2 * WIDE, 2 * WIDE, 3, rng)
    shrinking = [*first, relu, *second, pool, add, relu]
    dense = Layer("fc_2", (rng.normal(0, 1, 2 * WIDE * 128).astype(np.float32),))
    mean = Layer("input_rgb_image_sized", (np.array([120, 110, 100], np.float32),))
    return [mean, *stem, relu, Layer("max_pool_2"), *plain, *shrinking, pool, dense]


def convolve(maps: FloatArray, layers: list[Layer], stride: int) -> FloatArray:
    """A convolution and its scale, window by window."""
    values, (affine,) = layers[0].arrays[0], layers[1].arrays
    scale, shift = np.split(affine, 2)
    kernel = round(((len(values) - len(scale)) / len(scale) / len(maps)) ** 0.5)
    weights = values[: -len(scale)].reshape(len(scale), len(maps), kernel, kernel)
    border = kernel // 2 if stride == 1 else 0
    padded = np.pad(maps, ((0, 0), (border, border), (border, border)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    raw = np.einsum("cyxij,ocij->oyx", windows[:, ::stride, ::stride], weights)
    biased = raw + values[-len(scale) :, None, None]
    result: FloatArray = biased * scale[:, None, None] + shift[:, None, None]
    return result


def plain_numpy(crop: FloatArray, layers: list[Layer]) -> FloatArray:
    """The network step by step, as dlib describes its layers."""
    centred = crop.transpose(2, 0, 1) - layers[0].arrays[0][:, None, None]
    maps = (centred / 256).astype(np.float32)
    maps = np.maximum(convolve(maps, layers[1:3], 2), 0)
    windows = np.lib.stride_tricks.sliding_window_view(maps, (3, 3), axis=(1, 2))
    maps = windows[:, ::2, ::2].max(axis=(3, 4))
    inner = convolve(np.maximum(convolve(maps, layers[5:7], 1), 0), layers[8:10], 1)
    maps = np.maximum(inner + maps, 0)
    inner = convolve(np.maximum(convolve(maps, layers[12:14], 2), 0), layers[15:17], 1)
    windows = np.lib.stride_tricks.sliding_window_view(maps, (2, 2), axis=(1, 2))
    around = windows[:, ::2, ::2].mean(axis=(3, 4))
    assert around.shape[1:] == inner.shape[1:]
    inner[: len(around)] += around
    maps = np.maximum(inner, 0)
    result: FloatArray = maps.mean(axis=(1, 2)) @ layers[-1].arrays[0].reshape(len(maps), -1)
    return result


def test_the_graph_computes_what_the_layers_say(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    layers = small_network(rng)
    path = tmp_path / "network.onnx"
    path.write_bytes(build_graph(layers, CARD))
    crops = rng.integers(0, 256, (2, 150, 150, 3), dtype=np.uint8)
    session = open_session(path, RuntimeOptions(threads=1), sensitive=True)
    (found,) = session.run(crops)
    wanted = np.stack([plain_numpy(crop.astype(np.float32), layers) for crop in crops])
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_what_dlib_leaves_out_where_sizes_differ_is_nothing() -> None:
    """Of an even map, the strided convolution leaves a row less than the pool."""
    rng = np.random.default_rng(6)
    layers = small_network(rng)
    shrinking = layers[12:20]
    channels = [WIDE, 2 * WIDE]
    model = onnx.load_model_from_string(build_graph([*layers[:20], *layers[20:]], CARD))
    assert [node.op_type for node in model.graph.node].count("Pad") == 1
    # 35, 17, 8: the third size is even, and its successor is padded at the end of each side.
    more = [
        *convolution(channels[1], channels[1], 3, rng),
        Layer("relu_"),
        *convolution(channels[1], channels[1], 3, rng),
        *shrinking[5:],
    ]
    deeper = [*layers[:20], *more, *more, *layers[20:]]
    graph = onnx.load_model_from_string(build_graph(deeper, CARD)).graph
    pads = [node for node in graph.node if node.op_type == "Pad"]
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    assert tensors[pads[-1].input[1]].tolist() == [0, 0, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize("missing", [0, 1, 4, 11, 20], ids=str)
def test_other_layers_are_refused(missing: int) -> None:
    layers = small_network(np.random.default_rng(7))
    del layers[missing]
    with pytest.raises(WeightsCorruptError, match="recognition network"):
        build_graph(layers, CARD)


def test_convolutions_of_another_shape_are_refused() -> None:
    layers = small_network(np.random.default_rng(8))
    layers[1] = Layer("con_4", (np.zeros(100, np.float32),))
    with pytest.raises(WeightsCorruptError, match="3 channels and 7 × 7"):
        build_graph(layers, CARD)


def test_without_the_weights_the_extra_is_named(tmp_path: Path) -> None:
    nowhere = PackageResource("no-such-distribution", "x.dat", extra="dlib")
    files = (replace(CARD.files[0], sources=(nowhere,)),)
    with pytest.raises(MissingExtraError, match=r"faceprint\[dlib\]"):
        build(replace(CARD, files=files), WeightStore(tmp_path, tmp_path), RuntimeOptions())


def test_commercial_only_refuses_it(tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, commercial_only="yes")
    with pytest.raises(LicenceRefusedError):
        build(CARD, store, RuntimeOptions())
