"""What is shown of PyTorch modules is what they compute."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from faceprint.embed.backbones import BACKBONES, build_backbone, freeze
from faceprint.errors import InputError
from faceprint.train.explain.gradients import grad_cam, gradient_map, output, similarity_to
from faceprint.train.explain.layers import feature_maps, first_filters


class Averaging(nn.Module):
    """A convolution, the average over its maps, and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.features = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.Dropout(0.5))
        self.linear = nn.Linear(5, 2, bias=False)

    def forward(self, faces: Tensor) -> Tensor:
        found: Tensor = self.linear(self.features(faces).mean((2, 3)))
        return found


@pytest.fixture
def face() -> Tensor:
    return torch.randn(3, 8, 8, generator=torch.Generator().manual_seed(1))


def test_filters_and_maps_are_those_of_the_module(face: Tensor) -> None:
    network = Averaging().train()
    first = network.features[0]
    assert isinstance(first, nn.Conv2d)
    np.testing.assert_array_equal(first_filters(network), first.weight.detach().numpy())
    maps = feature_maps(network, face, ["features", "features.0"])
    assert list(maps) == ["features", "features.0"]
    wanted = first(face[None])[0].detach().numpy()
    # Dropout is off while the maps are made.
    np.testing.assert_allclose(maps["features"], wanted, atol=1e-6)
    np.testing.assert_array_equal(maps["features"], maps["features.0"])
    assert network.training
    assert network.features[1].training
    assert not any(module._forward_hooks for module in network.modules())


def test_stages_of_backbones_give_maps() -> None:
    network = build_backbone("tiny", dimension=4, side_px=32)
    maps = feature_maps(network, torch.randn(3, 32, 32), BACKBONES["tiny"].stages)
    assert [m.shape for m in maps.values()] == [(8, 16, 16), (8, 8, 8), (12, 4, 4), (16, 2, 2)]


def test_unknown_layers_are_told_and_leave_nothing_behind(face: Tensor) -> None:
    network = Averaging()
    with pytest.raises(InputError, match=r"no layer 'body'.*features, linear"):
        feature_maps(network, face, ["features", "body"])
    with pytest.raises(InputError, match="no layer"):
        grad_cam(network, "body", face, output(0))
    assert not any(module._forward_hooks for module in network.modules())
    with pytest.raises(InputError, match="no convolution"):
        first_filters(nn.Linear(2, 2))


class Weighing(nn.Module):
    """One number: the sum of the pixels, each weighed."""

    def __init__(self, weights: Tensor) -> None:
        super().__init__()
        self.weights = nn.Parameter(weights)

    def forward(self, faces: Tensor) -> Tensor:
        return (faces * self.weights).sum((1, 2, 3))[:, None]


@pytest.mark.parametrize(("noise", "count"), [(0.0, 1), (0.5, 11)])
def test_gradients_of_a_weighed_sum_are_its_weights(face: Tensor, noise: float, count: int) -> None:
    weights = torch.randn(3, 8, 8)
    found = gradient_map(Weighing(weights), face, output(0), noise=noise, count=count)
    np.testing.assert_allclose(found, weights.abs().amax(0).numpy(), rtol=1e-5)


def test_gradient_maps_are_the_same_each_time(face: Tensor) -> None:
    network = Averaging()
    answer = similarity_to(torch.tensor([1.0, -2.0]))
    first, second = (gradient_map(network, face, answer) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (8, 8)
    assert first.max() > 0
    assert all(parameter.grad is None for parameter in network.parameters())


def test_after_an_average_places_are_weighed_by_the_linear_layer(face: Tensor) -> None:
    network = Averaging()
    maps = feature_maps(network, face, ["features"])["features"]
    weights = network.linear.weight.detach().numpy()[1]
    wanted = np.maximum(np.einsum("c,chw->hw", weights, maps), 0) / maps[0].size
    for pooled in (False, True):
        found = grad_cam(network, "features", face, output(1), pooled=pooled)
        np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert wanted.max() > 0


def test_where_places_have_weights_of_their_own_each_keeps_its_gradient(face: Tensor) -> None:
    weights = torch.zeros(5, 8, 8)
    weights[:, 2, 3] = 1
    network = nn.Sequential(nn.Conv2d(3, 5, 1), Weighing(weights))
    nn.init.constant_(network[0].bias, 9)  # type: ignore[arg-type]
    found = grad_cam(network, "0", face, output(0))
    assert found[2, 3] > 1
    assert np.count_nonzero(found) == 1
    assert np.count_nonzero(grad_cam(network, "0", face, output(0), pooled=True)) > 30


def test_frozen_networks_are_explained_too() -> None:
    network = build_backbone("tiny", dimension=4, side_px=32)
    freeze(network, "tiny", "all")
    network.requires_grad_(False)
    face, answer = torch.randn(3, 32, 32), similarity_to(torch.randn(4))
    assert grad_cam(network, "stage2", face, answer).shape == (4, 4)
    assert gradient_map(network, face, answer, count=2).max() > 0


def test_similarity_is_the_cosine() -> None:
    found = similarity_to(torch.tensor([0.0, 2.0]))(torch.tensor([[3.0, 4.0], [0.0, -1.0]]))
    torch.testing.assert_close(found, torch.tensor([0.8, -1.0]))
