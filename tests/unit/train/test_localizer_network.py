"""The localiser's network, its loss, and where its weights start."""

from __future__ import annotations

import hashlib
import io
import math
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import torch

from faceprint.embed.backbones import imagenet
from faceprint.embed.backbones.imagenet import IMAGENET
from faceprint.embed.backbones.vgg import vgg16
from faceprint.errors import InputError, WeightsMissingError
from faceprint.train.export.network import differences, example_inputs, export_onnx
from faceprint.train.localizer import network as networks
from faceprint.train.localizer.loss import generalised_overlap, localizer_losses
from faceprint.train.localizer.network import build_localizer
from faceprint.train.recipes import read_any_recipe
from faceprint.train.recipes.localizer import LocalizerLossConfig, LocalizerRecipe
from faceprint.zoo import WeightFile, WeightStore

TINY = ("side_px=32", "network.slimness=16", "network.hidden=8")


def recipe(name: str = "localizer-small", *changes: str) -> LocalizerRecipe:
    found = read_any_recipe(name, changes=changes)
    assert isinstance(found, LocalizerRecipe)
    return found


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights", tmp_path / "cache", offline=True)


@pytest.mark.parametrize("name", ["localizer", "localizer-small"])
def test_recipes_say_what_they_train(name: str) -> None:
    found = recipe(name)
    assert found.summary.endswith(".")
    assert found.shown()["network"]["name"] in ("vgg16", "vgg16-slim")
    assert ("from scratch" in found.summary) == (found.network.weights == "none")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("network.weights=imagenet", "vgg16 alone"),
        ("network.frozen=2", "never learn"),
        ("crops.smallest=0.95", "below crops.largest"),
        ("precision=16", "precision"),
    ],
)
def test_recipes_that_mean_nothing_are_refused(change: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        recipe("localizer-small", change)


def test_bits_may_be_written_as_a_number() -> None:
    assert recipe("localizer-small", "precision=32").precision == "32"


def test_the_slim_network_computes_the_same_as_its_export(store: WeightStore) -> None:
    built = build_localizer(recipe("localizer-small", *TINY), store)
    assert "no ImageNet" in built.start
    network = built.network.train()
    for _ in range(3):  # statistics of the normalisations that are no longer 0 and 1
        network(torch.randn(4, 3, 32, 32) * 2 + 1)
    onnx = export_onnx(network.eval(), side_px=32, name="localizer", output="face_and_box")
    far = differences(onnx, network, example_inputs((3, 32, 32)))
    assert far.keys() >= {"openvino"}
    assert max(far.values()) < 1e-4
    outputs = network(torch.randn(2, 3, 32, 32))
    assert outputs.shape == (2, 5)
    assert bool(((outputs[:, 1:] > 0) & (outputs[:, 1:] < 1)).all())


def test_pixels_are_scaled_as_the_card_says(store: WeightStore) -> None:
    built = build_localizer(recipe("localizer-small", *TINY), store)
    pixels = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    scaled = built.scaled(pixels).permute(0, 2, 3, 1).numpy()
    np.testing.assert_allclose(
        scaled, (pixels.numpy() - np.array(built.mean)) / np.array(built.std), rtol=1e-5
    )


@pytest.fixture
def published(store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """A file in the form of the published one, of our own making."""
    torch.manual_seed(3)
    tensors = {
        name: tensor
        for name, tensor in vgg16(dimension=2, side_px=64, dropout=0).state_dict().items()
        if name.startswith("features.")
    }
    stream = io.BytesIO()
    torch.save(tensors | {"classifier.6.bias": torch.zeros(1000)}, stream)
    content = stream.getvalue()
    (old,) = IMAGENET["vgg16"].files
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    file = WeightFile(old.name, digest, len(content), old.sources)
    store.weights.mkdir()
    (store.weights / old.name).write_bytes(content)
    cards = MappingProxyType({**IMAGENET, "vgg16": replace(IMAGENET["vgg16"], files=(file,))})
    for module in (imagenet, networks):
        monkeypatch.setattr(module, "IMAGENET", cards)
    return tensors


def test_vgg16_begins_with_imagenet_weights(
    published: dict[str, torch.Tensor], store: WeightStore
) -> None:
    changes = ("side_px=64", "network.hidden=8", "network.weights=imagenet", "network.frozen=2")
    built = build_localizer(recipe("localizer", *changes), store)
    assert "vgg16-397923af.pth" in built.start
    assert [card.name for card in built.ancestors] == ["vgg16-imagenet"]
    assert "ImageNet" in built.ancestors[0].data_licence.name
    state = built.network.state_dict()
    for name, tensor in published.items():
        assert torch.equal(state[name], tensor), name
    trained = {name for name, one in built.network.named_parameters() if one.requires_grad}
    assert "features.10.weight" in trained  # the third group
    assert "box.1.weight" in trained
    assert not {"features.0.weight", "features.7.bias"} & trained


def test_vgg16_without_imagenet_weights_says_so(store: WeightStore) -> None:
    small = ("side_px=32", "network.hidden=8")
    built = build_localizer(recipe("localizer", *small, "network.frozen=2"), store)
    assert built.start.startswith("new weights: those of ImageNet could not be had")
    assert built.ancestors == ()
    assert all(one.requires_grad for one in built.network.parameters())
    with pytest.raises(WeightsMissingError):
        build_localizer(recipe("localizer", *small, "network.weights=imagenet"), store)


def test_the_loss_by_hand() -> None:
    outputs = torch.tensor([[0.0, 0.2, 0.2, 0.6, 0.8], [2.0, 0.1, 0.1, 0.9, 0.9]])
    faces = torch.tensor([1.0, 0.0])
    boxes = torch.tensor([[0.1, 0.2, 0.6, 0.6], [0.0, 0.0, 0.0, 0.0]])
    config = LocalizerLossConfig(face=0.5, box=2.0, overlap=3.0)
    losses = localizer_losses(outputs, faces, boxes, config)
    found = {name: value.item() for name, value in losses.items()}
    face = (math.log(2) + 2 + math.log1p(math.exp(-2))) / 2
    # Corner 0.1 off sideways; 0.4 wide and 0.6 high in place of 0.5 and 0.4.
    box = 0.1**2 + 0.1**2 + 0.2**2
    both, union, hull = 0.4 * 0.4, 0.24 + 0.20 - 0.16, 0.5 * 0.6
    overlap = 1 - (both / union - (hull - union) / hull)
    assert found["face_loss"] == pytest.approx(face, rel=1e-5)
    assert found["box_loss"] == pytest.approx(box, rel=1e-5)
    assert found["overlap_loss"] == pytest.approx(overlap, rel=1e-4)
    assert found["loss"] == pytest.approx(0.5 * face + 2 * box + 3 * overlap, rel=1e-4)


def test_boxes_do_not_count_where_there_is_no_face() -> None:
    outputs = torch.randn(6, 5, requires_grad=True)
    losses = localizer_losses(outputs, torch.zeros(6), torch.zeros(6, 4), LocalizerLossConfig())
    assert losses["box_loss"].item() == 0
    losses["loss"].backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert bool((outputs.grad[:, 1:] == 0).all())
    assert bool((outputs.grad[:, 0] != 0).all())


def test_overlap_grows_towards_boxes_that_do_not_touch() -> None:
    target = torch.tensor([[0.6, 0.6, 0.8, 0.8]] * 4)
    boxes = torch.tensor(
        [[0.0, 0.0, 0.2, 0.2], [0.3, 0.3, 0.5, 0.5], [0.55, 0.55, 0.75, 0.75], [0.6, 0.6, 0.8, 0.8]]
    )
    found = generalised_overlap(boxes, target)
    assert found.tolist() == sorted(found.tolist())
    assert float(found[0]) == pytest.approx(0.08 / 0.64 - 1)
    assert float(found[-1]) == pytest.approx(1, abs=1e-5)
