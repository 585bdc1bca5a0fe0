"""MiniFASNet against its published architecture, written down once more as functions on the state dicts.

The reference knows no modules: it walks the names of the tensors, so that a layer that is left out, added or
wired otherwise in the module shows. Batch normalisation is worked out by hand.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprint.liveness import load_liveness
from faceprint.liveness.minifasnet import CONVERSION, SCALES, cut_box
from faceprint.liveness.minifasnet_network import V1SE, V2, MiniFasNet, Widths
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Face, Image
from faceprint.zoo import WeightStore, card
from faceprint.zoo.torch_files import read_state_dict

CARD = card("minifasnet")
STRIDES = {"conv_23": 2, "conv_34": 2, "conv_45": 2}
NETWORKS = (
    pytest.param(0, V2, id="V2"),
    pytest.param(1, V1SE, id="V1SE"),
)


@pytest.fixture(scope="module")
def store(
    weights_root: Path, cache_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> WeightStore:
    folder = tmp_path_factory.mktemp("weights")
    for file in CARD.files:
        shutil.copy(weights_root / file.name, folder / file.name)
    return WeightStore(folder, cache_root, offline=True)


def tensors_of(store: WeightStore, place: int) -> dict[str, Tensor]:
    path = store.files(CARD)[place]
    arrays = read_state_dict(path.read_bytes(), name=path.name)
    return {name.removeprefix("module."): torch.from_numpy(a) for name, a in arrays.items()}


def noise(count: int) -> Image:
    """Soft blotches, as photos are, and hard noise."""
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (count - 1, 8, 8, 3), dtype=np.uint8)
    soft = [cv2.resize(one, (80, 80), interpolation=cv2.INTER_CUBIC) for one in coarse]
    return np.stack([*soft, rng.integers(0, 256, (80, 80, 3), dtype=np.uint8)]).astype(np.uint8)


def bgr(pixels: Image) -> Tensor:
    return torch.from_numpy(pixels[..., ::-1].transpose(0, 3, 1, 2).astype(np.float32))


def reference(tensors: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """Logits of the network that the tensors are of."""

    def norm(name: str, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.dim() - 2)
        mean, var = (tensors[f"{name}.running_{kind}"].view(shape) for kind in ("mean", "var"))
        weight, bias = (tensors[f"{name}.{kind}"].view(shape) for kind in ("weight", "bias"))
        return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias

    def unit(name: str, x: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
        kernel = tensors[f"{name}.conv.weight"]
        groups = x.shape[1] // kernel.shape[1]
        x = norm(f"{name}.bn", F.conv2d(x, kernel, None, stride, padding, groups=groups))
        slope = tensors.get(f"{name}.prelu.weight")
        return x if slope is None else torch.where(x > 0, x, x * slope.view(1, -1, 1, 1))

    def block(name: str, x: Tensor, *, stride: int = 1) -> Tensor:
        y = unit(f"{name}.conv", x)
        y = unit(f"{name}.conv_dw", y, stride=stride, padding=1)
        y = unit(f"{name}.project", y)
        if f"{name}.se_module.fc1.weight" in tensors:
            weights = y.mean(dim=(2, 3), keepdim=True)
            weights = F.conv2d(weights, tensors[f"{name}.se_module.fc1.weight"])
            weights = norm(f"{name}.se_module.bn1", weights).clamp(min=0)
            weights = F.conv2d(weights, tensors[f"{name}.se_module.fc2.weight"])
            y = y * torch.sigmoid(norm(f"{name}.se_module.bn2", weights))
        return y if stride > 1 else x + y

    x = unit("conv1", x, stride=2, padding=1)
    x = unit("conv2_dw", x, padding=1)
    for stage in ("3", "4", "5"):
        x = block(f"conv_{int(stage) - 1}{stage}", x, stride=2)
        count = len({n.split(".")[2] for n in tensors if n.startswith(f"conv_{stage}.model.")})
        for place in range(count):
            x = block(f"conv_{stage}.model.{place}", x)
    x = unit("conv_6_dw", unit("conv_6_sep", x)).flatten(1)
    return norm("bn", x @ tensors["linear.weight"].T) @ tensors["prob.weight"].T


@pytest.mark.parametrize(("place", "widths"), NETWORKS)
def test_module_and_graph_give_the_numbers_of_the_reference(
    place: int, widths: Widths, store: WeightStore
) -> None:
    tensors = tensors_of(store, place)
    network = MiniFasNet(widths).eval()
    network.load_state_dict(tensors)  # strictly: every name and shape
    pixels = noise(9)
    with torch.no_grad():
        expected = reference(tensors, bgr(pixels))
        np.testing.assert_allclose(network(bgr(pixels)), expected, atol=1e-4, rtol=1e-4)
        probabilities = torch.softmax(expected, dim=1).numpy()
    session = open_session(
        CONVERSION.convert(CARD, store)[place], RuntimeOptions(threads=1), sensitive=True
    )
    (found,) = session.run(pixels)
    assert found.shape == (9, 3)
    np.testing.assert_allclose(found, probabilities, atol=1e-4)
    assert float(np.ptp(probabilities[:, 1])) > 0.05  # the inputs tell something apart


def test_score_is_the_mean_of_both_networks_on_crops_as_published(
    store: WeightStore, data_root: Path
) -> None:
    frame = cv2.imread(str(data_root / "people" / "obama.jpg"))
    assert frame is not None
    x, y, width, height = 380, 150, 210, 270
    scores = []
    for place, scale in enumerate(SCALES):
        crop = published_crop(frame, (x, y, width, height), scale)
        batch = torch.from_numpy(crop.transpose(2, 0, 1)[None].astype(np.float32))
        with torch.no_grad():
            logits = reference(tensors_of(store, place), batch)
        scores.append(float(torch.softmax(logits, dim=1)[0, 1]))
    model = load_liveness("minifasnet", store, RuntimeOptions(threads=1))
    face = Face(np.array([x, y, x + width, y + height], np.float32), 1.0)
    rgb = np.array(frame[..., ::-1], dtype=np.uint8)
    (found,) = model.score([rgb], [[face]])
    assert found.dtype == np.float32
    assert float(found[0]) == pytest.approx(np.mean(scores), abs=1e-4)
    assert CONVERSION.is_converted(CARD, store)


def published_crop(frame: np.ndarray, box: tuple[int, int, int, int], scale: float) -> np.ndarray:
    """The published rule for (x, y, width, height), written from its description."""
    rows, columns = frame.shape[:2]
    x, y, width, height = box
    scale = min((rows - 1) / height, (columns - 1) / width, scale)
    left, top = x + width / 2 - width * scale / 2, y + height / 2 - height * scale / 2
    right, bottom = left + width * scale, top + height * scale
    if left < 0:
        left, right = 0, right - left
    if top < 0:
        top, bottom = 0, bottom - top
    if right > columns - 1:
        left, right = left - (right - columns + 1), columns - 1
    if bottom > rows - 1:
        top, bottom = top - (bottom - rows + 1), rows - 1
    part = frame[int(top) : int(bottom) + 1, int(left) : int(right) + 1]
    return cv2.resize(part, (80, 80))


@pytest.mark.parametrize("box", [(5, 5, 60, 80), (-20, 30, 50, 90), (200, 150, 330, 250)])
def test_boxes_at_the_border_are_cut_as_published(box: tuple[int, int, int, int]) -> None:
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)
    x1, y1, x2, y2 = box
    for scale in SCALES:
        expected = published_crop(frame, (x1, y1, x2 - x1, y2 - y1), scale)
        left, top, right, bottom = cut_box(
            np.array(box, np.float32), width=320, height=240, scale=scale
        )
        found = cv2.resize(frame[top : bottom + 1, left : right + 1], (80, 80))
        np.testing.assert_array_equal(found, expected)
