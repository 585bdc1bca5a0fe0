"""BiSeNet against a second writing of it, with random weights under the publisher's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprint.errors import WeightsCorruptError, WeightsMissingError
from faceprint.parse import bisenet
from faceprint.parse.bisenet import settle_sides
from faceprint.parse.bisenet_network import TRAINING_ONLY, BiSeNet
from faceprint.parse.classes import number_of
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import CARDS, WeightStore

SIDE = 64
CARD = replace(CARDS["bisenet"], input_size_px=SIDE)


def published(seed: int = 0) -> dict[str, Tensor]:
    """A state dict with the names and shapes of 79999_iter.pth, and random numbers."""
    made = torch.Generator().manual_seed(seed)
    state: dict[str, Tensor] = {}

    def conv(name: str, width: int, channels: int, kernel: int) -> None:
        scale = (2 / (channels * kernel * kernel)) ** 0.5
        shape = (width, channels, kernel, kernel)
        state[f"{name}.weight"] = torch.randn(shape, generator=made) * scale

    def norm(name: str, width: int) -> None:
        state[f"{name}.weight"] = 0.5 + torch.rand(width, generator=made)
        state[f"{name}.bias"] = torch.randn(width, generator=made) * 0.1
        state[f"{name}.running_mean"] = torch.randn(width, generator=made) * 0.1
        state[f"{name}.running_var"] = 0.5 + torch.rand(width, generator=made)
        state[f"{name}.num_batches_tracked"] = torch.tensor(80000)

    def unit(name: str, width: int, channels: int, kernel: int) -> None:
        conv(f"{name}.conv", width, channels, kernel)
        norm(f"{name}.bn", width)

    def head(name: str, channels: int, width: int) -> None:
        unit(f"{name}.conv", width, channels, 3)
        conv(f"{name}.conv_out", 19, width, 1)

    conv("cp.resnet.conv1", 64, 3, 7)
    norm("cp.resnet.bn1", 64)
    before = 64
    for stage, width in enumerate((64, 128, 256, 512), 1):
        for block in (0, 1):
            name = f"cp.resnet.layer{stage}.{block}"
            conv(f"{name}.conv1", width, before, 3)
            norm(f"{name}.bn1", width)
            conv(f"{name}.conv2", width, width, 3)
            norm(f"{name}.bn2", width)
            if before != width:
                conv(f"{name}.downsample.0", width, before, 1)
                norm(f"{name}.downsample.1", width)
            before = width
    for name, channels in (("cp.arm16", 256), ("cp.arm32", 512)):
        unit(f"{name}.conv", 128, channels, 3)
        conv(f"{name}.conv_atten", 128, 128, 1)
        norm(f"{name}.bn_atten", 128)
    unit("cp.conv_head32", 128, 128, 3)
    unit("cp.conv_head16", 128, 128, 3)
    unit("cp.conv_avg", 128, 512, 1)
    unit("ffm.convblk", 256, 256, 1)
    conv("ffm.conv1", 64, 256, 1)
    conv("ffm.conv2", 256, 64, 1)
    head("conv_out", 256, 256)
    head("conv_out16", 128, 64)
    head("conv_out32", 128, 64)
    return state


def reference(state: Mapping[str, Tensor], pixels: Tensor) -> Tensor:
    """The scores, written down step by step from the publisher's description."""

    def conv(maps: Tensor, name: str, stride: int = 1, padding: int = 0) -> Tensor:
        return F.conv2d(maps, state[f"{name}.weight"], stride=stride, padding=padding)

    def norm(maps: Tensor, name: str) -> Tensor:
        mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        return F.batch_norm(
            maps, mean, var, state[f"{name}.weight"], state[f"{name}.bias"], eps=1e-5
        )

    def unit(maps: Tensor, name: str, padding: int) -> Tensor:
        return F.relu(norm(conv(maps, f"{name}.conv", padding=padding), f"{name}.bn"))

    def block(maps: Tensor, name: str, stride: int) -> Tensor:
        inner = F.relu(norm(conv(maps, f"{name}.conv1", stride, 1), f"{name}.bn1"))
        inner = norm(conv(inner, f"{name}.conv2", 1, 1), f"{name}.bn2")
        if f"{name}.downsample.0.weight" in state:
            maps = norm(conv(maps, f"{name}.downsample.0", stride), f"{name}.downsample.1")
        return F.relu(maps + inner)

    def refined(maps: Tensor, name: str) -> Tensor:
        kept = unit(maps, f"{name}.conv", 1)
        mean = F.avg_pool2d(kept, kept.shape[2:])
        return kept * norm(conv(mean, f"{name}.conv_atten"), f"{name}.bn_atten").sigmoid()

    def resized(maps: Tensor, like: Tensor) -> Tensor:
        return F.interpolate(maps, like.shape[2:], mode="nearest")

    maps = F.relu(norm(conv(pixels, "cp.resnet.conv1", 2, 3), "cp.resnet.bn1"))
    maps = F.max_pool2d(maps, 3, 2, 1)
    features = []
    for stage in (1, 2, 3, 4):
        maps = block(maps, f"cp.resnet.layer{stage}.0", 1 if stage == 1 else 2)
        maps = block(maps, f"cp.resnet.layer{stage}.1", 1)
        features.append(maps)
    _, eighth, sixteenth, last = features
    mean = unit(F.avg_pool2d(last, last.shape[2:]), "cp.conv_avg", 0)
    far = refined(last, "cp.arm32") + resized(mean, last)
    far = unit(resized(far, sixteenth), "cp.conv_head32", 1)
    far = refined(sixteenth, "cp.arm16") + far
    far = unit(resized(far, eighth), "cp.conv_head16", 1)
    joined = unit(torch.cat([eighth, far], 1), "ffm.convblk", 0)
    weights = F.relu(conv(F.avg_pool2d(joined, joined.shape[2:]), "ffm.conv1"))
    fused = joined * conv(weights, "ffm.conv2").sigmoid() + joined
    scores = conv(unit(fused, "conv_out.conv", 1), "conv_out.conv_out")
    return F.interpolate(scores, pixels.shape[2:], mode="bilinear", align_corners=True)


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return published()


@pytest.fixture(scope="module")
def store(state: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    """With random weights that somebody accepted as those of BiSeNet."""
    folder = tmp_path_factory.mktemp("weights")
    torch.save(state, folder / CARD.files[0].name)
    store = WeightStore(folder, tmp_path_factory.mktemp("cache"), offline=True)
    for offer in store.offers(CARD):
        bisenet.CONVERSION.check(CARD, offer.path)
        store.accept(offer)
    return store


def test_the_network_computes_what_the_reference_does(state: dict[str, Tensor]) -> None:
    network = BiSeNet()
    kept = {name: one for name, one in state.items() if not name.startswith(TRAINING_ONLY)}
    network.load_state_dict(kept)
    pixels = torch.randn(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    # In double precision, so that nothing but the network is compared.
    exact = {name: one.double() for name, one in state.items()}
    with torch.no_grad():
        found = network.double().eval()(pixels.double())
        wanted = reference(exact, pixels.double())
    assert found.shape == (2, 19, SIDE, SIDE)
    assert float(wanted.std()) > 0.1
    torch.testing.assert_close(found, wanted, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_crops_are_parsed_as_the_reference_does(
    engine: str, state: dict[str, Tensor], store: WeightStore
) -> None:
    options = RuntimeOptions(engine="openvino" if engine == "openvino" else "onnxruntime")
    parser = bisenet.build(CARD, store, options)
    crops = np.random.default_rng(2).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    scaled = torch.from_numpy(((crops / 255 - mean) / std).astype(np.float32)).permute(0, 3, 1, 2)
    with torch.no_grad():
        scores = reference(state, scaled).numpy()
    wanted = scores.argmax(axis=1).astype(np.uint8)
    for one in wanted:
        settle_sides(one)
    best = np.sort(scores, axis=1)[:, -2:]
    sure = best[:, 1] - best[:, 0] > 1e-3
    assert sure.mean() > 0.95
    np.testing.assert_array_equal(parser.parse(crops)[sure], wanted[sure])
    assert parser.model_id.startswith("bisenet:")


def test_it_runs_without_pytorch_once_converted(store: WeightStore) -> None:
    (path,) = bisenet.CONVERSION.convert(CARD, store)
    assert bisenet.CONVERSION.is_converted(CARD, store)
    assert path.parent == store.weights


def test_nothing_runs_before_somebody_accepts_the_weights(tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, offline=True)
    with pytest.raises(WeightsMissingError, match="faceprint models pull bisenet"):
        bisenet.build(CARD, store, RuntimeOptions())


@pytest.mark.parametrize("wrong", ["missing", "more", "shape"])
def test_other_weights_are_refused(wrong: str, state: dict[str, Tensor], tmp_path: Path) -> None:
    other = dict(state)
    if wrong == "missing":
        del other["ffm.conv1.weight"]
    elif wrong == "more":
        other["fc.weight"] = torch.zeros(3)
    else:
        other["ffm.conv1.weight"] = torch.zeros(3)
    path = tmp_path / "other.pth"
    torch.save(other, path)
    with pytest.raises(WeightsCorruptError, match="not those of BiSeNet"):
        bisenet.CONVERSION.check(CARD, path)


def test_sides_are_the_subjects_own() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[5, 3:6], labels[5, 14:17] = number_of("right eye"), number_of("left eye")
    labels[3, 14:17] = number_of("left brow")
    kept = labels.copy()
    settle_sides(labels)
    np.testing.assert_array_equal(labels, kept)
    mirrored = kept[:, ::-1].copy()
    settle_sides(mirrored)
    assert (mirrored[5, 3:6] == number_of("right eye")).all()
    assert (mirrored[3, 3:6] == number_of("right brow")).all()
    only = np.full((4, 4), number_of("left ear"), np.uint8)
    settle_sides(only)  # one side alone says nothing
    assert (only == number_of("left ear")).all()
