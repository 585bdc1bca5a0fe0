"""Backbones have the shapes they say, freeze what they are told to, and can be exported."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import openvino
import pytest
import torch
from onnx import load_model_from_string
from torch import nn

from faceprint.embed.backbones import (
    BACKBONES,
    Backbone,
    EmbeddingHead,
    build_backbone,
    freeze,
    frozen_stages,
)
from faceprint.embed.backbones.base import halved
from faceprint.errors import InputError, UnknownModelError
from faceprint.zoo import CARDS
from faceprint.zoo.torch_graph import convert

LIGHT = ["resnet18", "mobilefacenet", "small", "tiny"]
HEAVY = sorted(set(BACKBONES) - set(LIGHT))


def build(name: str, *, dimension: int = 16, side_px: int | None = None) -> Backbone:
    torch.manual_seed(0)
    return build_backbone(name, dimension=dimension, side_px=side_px or BACKBONES[name].min_side_px)


def lively(network: Backbone) -> Backbone:
    """Gives the batch normalisations something to do."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, std=0.1)
    return network


@pytest.mark.parametrize("name", BACKBONES)
def test_backbones_give_embeddings_of_the_asked_length(name: str) -> None:
    side = BACKBONES[name].min_side_px
    network = build(name, dimension=7).eval()
    with torch.no_grad():
        assert network(torch.randn(2, 3, side, side)).shape == (2, 7)


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize("side", [33, 50, 64, 112])
def test_any_side_from_32_px_on_is_right(name: str, side: int) -> None:
    network = build(name, side_px=side).train()
    found = network(torch.randn(2, 3, side, side))
    assert found.shape == (2, 16)
    found.square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_halved_rounds_up_as_padded_convolutions_do() -> None:
    layer = nn.Conv2d(1, 1, 3, 2, 1)
    for side in range(1, 40):
        maps = torch.zeros(1, 1, side, side)
        for times in range(4):
            assert maps.shape[-1] == halved(side, times)
            maps = layer(maps)


# What torchvision documents for its models, less their classifiers (`fc`, `classifier`).
PUBLISHED = {
    "resnet18": 11_689_512 - 513_000,
    "resnet50": 25_557_032 - 2_049_000,
    "vgg16": 138_357_544 - 123_642_856,
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_architectures_have_as_many_weights_as_published(name: str) -> None:
    network = build(name)
    kept = [p for n, p in network.named_parameters() if not n.startswith("embedding.")]
    assert sum(parameter.numel() for parameter in kept) == PUBLISHED[name]


@pytest.mark.parametrize(
    ("name", "tensor", "shape"),
    [
        ("resnet18", "conv1.weight", (64, 3, 7, 7)),
        ("resnet18", "layer1.1.bn2.running_var", (64,)),
        ("resnet18", "layer2.0.downsample.0.weight", (128, 64, 1, 1)),
        ("resnet18", "layer4.0.downsample.1.bias", (512,)),
        ("resnet50", "layer1.0.downsample.0.weight", (256, 64, 1, 1)),
        ("resnet50", "layer3.5.conv2.weight", (256, 256, 3, 3)),
        ("resnet50", "layer4.2.bn3.weight", (2048,)),
        ("vgg16", "features.0.bias", (64,)),
        ("vgg16", "features.28.weight", (512, 512, 3, 3)),
    ],
)
def test_tensors_are_named_as_published(name: str, tensor: str, shape: tuple[int, ...]) -> None:
    assert tuple(build(name).state_dict()[tensor].shape) == shape


def test_resnet50_strides_in_its_3x3_convolutions() -> None:
    network = build("resnet50")
    assert network.get_submodule("layer2.0.conv1").stride == (1, 1)
    assert network.get_submodule("layer2.0.conv2").stride == (2, 2)


@pytest.mark.parametrize("name", BACKBONES)
def test_stages_hold_all_that_learns_but_the_embedding(name: str) -> None:
    network = build(name)
    stages = [m for stage in BACKBONES[name].stages for m in stage.split("+")]
    inside = {f"{m}.{p}" for m in stages for p, _ in network.get_submodule(m).named_parameters()}
    own = {n for n, _ in network.named_parameters()}
    outside = own - inside - set(network.embedding_names)
    assert inside <= own
    # MobileFaceNet's last convolutions belong to its embedding: they depend on the side.
    assert all(n.split(".")[0] in ("last", "places", "norm") for n in outside)
    assert not outside or name == "mobilefacenet"


def test_frozen_stages_keep_weights_and_statistics_while_the_rest_learns() -> None:
    network = build("tiny")
    assert freeze(network, "tiny", "first:2") == ("stem", "stage1")
    network.train()
    before = copy.deepcopy(network.state_dict())
    optimiser = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], 0.1)
    for _ in range(2):
        optimiser.zero_grad()
        network(torch.randn(8, 3, 32, 32) + 3).square().sum().backward()
        optimiser.step()
    changed = {n for n, t in network.state_dict().items() if not torch.equal(t, before[n])}
    assert not any(n.startswith(("stem.", "stage1.")) for n in changed)
    assert {
        "stage2.0.bn1.running_mean",
        "stage3.0.conv1.weight",
        "embedding.norm.running_var",
    } <= changed


def test_frozen_stages_stay_so_inside_another_module() -> None:
    network = build("tiny")
    freeze(network, "tiny", "all")
    nn.Sequential(network).eval().train()
    assert not any(
        m.training for stage in ("stem", "stage3") for m in network.get_submodule(stage).modules()
    )
    assert network.get_submodule("embedding").training
    assert all(p.requires_grad == n.startswith("embedding.") for n, p in network.named_parameters())


def test_thawing_sets_free_what_was_frozen() -> None:
    network = build("tiny")
    freeze(network, "tiny", "all")
    assert freeze(network, "tiny", "none") == ()
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert all(module.training for module in network.train().modules())


@pytest.mark.parametrize("stages", ["first:9", "first:", "first:-1", "last:1", ""])
def test_other_words_for_freezing_are_refused(stages: str) -> None:
    with pytest.raises(InputError, match="first"):
        frozen_stages("resnet18", stages)


def test_all_that_is_wrong_is_told() -> None:
    with pytest.raises(UnknownModelError, match="resnet18"):
        build_backbone("resnet17", dimension=8, side_px=64)
    with pytest.raises(InputError, match="75 pixels"):
        build_backbone("inception-resnet-v1", dimension=8, side_px=64)
    with pytest.raises(InputError, match="at least one"):
        build_backbone("tiny", dimension=0, side_px=64)
    with pytest.raises(InputError, match="share"):
        build_backbone("tiny", dimension=8, side_px=64, dropout=1.0)


@pytest.mark.parametrize("name", LIGHT)
def test_residual_branches_begin_silent(name: str) -> None:
    last = {"resnet18": "layer3.1.bn2", "mobilefacenet": "stage3.4.norm"}.get(name, "stage2.0.bn2")
    assert not build(name).state_dict()[f"{last}.weight"].any()


@pytest.mark.parametrize(
    "name", [*LIGHT, *(pytest.param(n, marks=pytest.mark.slow) for n in HEAVY)]
)
def test_backbones_run_without_pytorch_as_they_do_with_it(name: str) -> None:
    info = BACKBONES[name]
    side = info.min_side_px
    network = lively(build(name)).eval()
    card = replace(
        CARDS["sface"], name=name, input_size_px=side, colour="RGB", mean=info.mean, std=info.std
    )
    content = convert(network, card)
    assert "BatchNormalization" not in {
        n.op_type for n in load_model_from_string(content).graph.node
    }
    pixels = np.random.default_rng(1).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    mean, std = np.array(info.mean, np.float32), np.array(info.std, np.float32)
    scaled = (pixels.astype(np.float32) - mean) / std
    with torch.no_grad():
        wanted = network(torch.from_numpy(scaled.transpose(0, 3, 1, 2))).numpy()
    found = run(content, pixels)
    assert wanted.std() > 0.01
    np.testing.assert_allclose(found, wanted, atol=2e-3 * np.abs(wanted).max())


def run(content: bytes, pixels: np.ndarray) -> np.ndarray:
    model = openvino.Core().read_model(content)
    compiled = openvino.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.asarray(compiled(pixels)[0])


@pytest.mark.parametrize("hidden", [0, 12])
@pytest.mark.parametrize("dimension", [8, 11])
def test_a_head_begins_as_the_frozen_embedder(hidden: int, dimension: int) -> None:
    rng = torch.Generator().manual_seed(0)
    embeddings = nn.functional.normalize(torch.randn(20, 8, generator=rng), dim=1)
    head = EmbeddingHead(8, dimension, hidden=hidden)
    found = head(embeddings)
    torch.testing.assert_close(found[:, :8], embeddings)
    cosines = nn.functional.normalize(found, dim=1) @ nn.functional.normalize(found, dim=1).T
    torch.testing.assert_close(cosines, embeddings @ embeddings.T)
    found[:, 0].sum().backward()
    assert head.linear.weight.grad is not None
    assert float(head.linear.weight.grad.abs().max()) > 0


def test_a_head_that_cannot_begin_so_is_refused() -> None:
    with pytest.raises(InputError, match=r"network\.dimension=128"):
        EmbeddingHead(128, 64)
