"""The networks for age, gender and emotion."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from faceprint.attributes.networks import ClassicNetwork, build_attribute_network
from faceprint.attributes.networks.grey import grey_layer
from faceprint.attributes.networks.residual import ResidualBlock
from faceprint.errors import InputError


@dataclass(frozen=True)
class Config:
    network: str = "residual"
    outputs: str = "age:101 female:1"
    widths: tuple[int, ...] = (4, 8)
    blocks: int = 1
    stride: int = 1
    hidden: int = 16
    dropout: float = 0.2
    grey: bool = False


@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("side", [32, 48])
@pytest.mark.parametrize("network", ["classic", "residual"])
def test_one_row_of_all_columns_for_each_crop(network: str, side: int, grey: bool) -> None:
    built = build_attribute_network(Config(network=network, grey=grey), side)
    assert built(torch.zeros(3, 3, side, side)).shape == (3, 102)


def test_a_head_takes_embeddings() -> None:
    built = build_attribute_network(Config(network="head", outputs="emotion:7"), 112, dimension=24)
    assert built(torch.zeros(3, 24)).shape == (3, 7)
    with pytest.raises(InputError, match="dimension"):
        build_attribute_network(Config(network="head"), 112)


def test_the_classic_network_is_the_one_of_the_courses() -> None:
    built = build_attribute_network(Config(network="classic", outputs="age:1"), 64)
    assert isinstance(built, ClassicNetwork)
    kinds = [
        type(one).__name__ for one in built.layers if not isinstance(one, nn.ReLU | nn.Identity)
    ]
    assert kinds == [
        *("Conv2d", "MaxPool2d", "Dropout", "Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d"),
        *("Dropout", "Flatten", "Linear", "Linear"),
    ]
    weights = [tuple(one.shape) for one in built.parameters() if one.ndim > 1]
    assert weights == [
        *((16, 3, 5, 5), (32, 16, 3, 3), (64, 32, 3, 3)),
        *((64, 64 * 8 * 8), (1, 64)),
    ]


def test_colours_are_taken_out_as_opencv_does() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    found = grey_layer()(torch.from_numpy(pixels).permute(2, 0, 1)[None].float())
    expected = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    assert np.abs(found[0, 0].numpy() - expected).max() <= 0.51
    grey = np.repeat(expected[..., None], 3, axis=2)
    same = grey_layer()(torch.from_numpy(grey).permute(2, 0, 1)[None].float())
    np.testing.assert_allclose(same[0, 0].numpy(), expected, atol=1e-3)


def test_taking_colours_out_is_not_trained() -> None:
    built = build_attribute_network(Config(grey=True), 32)
    fixed = [name for name, one in built.named_parameters() if not one.requires_grad]
    assert len(fixed) == 1
    built(torch.rand(2, 3, 32, 32)).sum().backward()
    assert all(one.grad is not None for one in built.parameters() if one.requires_grad)


def test_a_block_without_weights_is_its_shortcut() -> None:
    block = ResidualBlock(4, 4).eval()
    for one in block.body.parameters():
        one.data.zero_()
    features = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(features), features.relu())


def test_a_block_that_halves_averages_in_its_shortcut() -> None:
    block = ResidualBlock(4, 6, stride=2)
    assert block(torch.zeros(2, 4, 6, 6)).shape == (2, 6, 3, 3)
    assert any(isinstance(one, nn.AvgPool2d) for one in block.shortcut.children())


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="32 pixels"):
        build_attribute_network(Config(), 24)
    with pytest.raises(InputError, match="classic, residual or head"):
        build_attribute_network(Config(network="transformer"), 64)
    with pytest.raises(InputError, match="Outputs"):
        build_attribute_network(Config(outputs="race:5"), 64)
