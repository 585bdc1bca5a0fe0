"""Each step that networks are made of computes in a graph what it does in its module."""

from collections.abc import Callable

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from faceprint.zoo.torch_graph import convert_floats


def run(graph: onnx.ModelProto, values: np.ndarray) -> np.ndarray:
    """The only output, by the reference implementation of ONNX."""
    outputs = ReferenceEvaluator(graph).run(None, {"scaled": values})
    assert isinstance(outputs, list)
    return np.asarray(outputs[0])


class Does(nn.Module):
    """A layer, a step, and numbers in a row."""

    def __init__(self, step: Callable[[nn.Module, Tensor], Tensor], layer: nn.Module | None = None):
        super().__init__()
        self.step = step
        self.layer = layer or nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        return self.step(self, self.layer(maps)).flatten(1)


class Weighed(nn.Module):
    """With a weight of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.5, -2.0, 3.0]).reshape(3, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.weight


def trained(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    nn.init.normal_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    nn.init.normal_(norm.weight)
    return norm


def layer(made: nn.Module) -> Does:
    return Does(lambda _, maps: maps, made)


def _in_place(_: nn.Module, maps: Tensor) -> Tensor:
    maps = torch.relu(maps)
    maps += 1
    maps *= 0.5
    return maps


torch.manual_seed(1)
KNOWN = {
    "norm alone": layer(trained(nn.BatchNorm2d(3, eps=0.01))),
    "prelu of channels": layer(nn.PReLU(3, init=0.3)),
    "prelu of one": layer(nn.PReLU()),
    "prelu of numbers": layer(nn.Sequential(nn.Flatten(), nn.PReLU(192, init=0.1))),
    "leaky": layer(nn.LeakyReLU(0.2)),
    "sigmoid": layer(nn.Sigmoid()),
    "softmax": layer(nn.Softmax(dim=1)),
    "average": layer(nn.AvgPool2d(3, 2, 1)),
    "average without border": layer(nn.AvgPool2d(2, count_include_pad=False)),
    "average of all": layer(nn.AdaptiveAvgPool2d((1, 1))),
    "flat": layer(nn.Flatten()),
    "whole channels dropped": layer(nn.Dropout2d(0.5)),
    "functions": Does(lambda _, maps: F.relu(maps) + torch.sigmoid(maps) - maps.abs()),
    "a weight of its own": layer(Weighed()),
    "in place": Does(_in_place),
    "joined": Does(lambda _, maps: torch.cat((maps, torch.mul(maps, 2)), dim=1)),
    "joined by rows": Does(lambda _, maps: torch.cat([maps, maps], 2)),
    "columns": Does(lambda _, maps: maps.flatten(1)[:, 5:60] - torch.flatten(maps, 1)[:, :55]),
    "larger, nearest": Does(lambda _, maps: F.interpolate(maps, scale_factor=3, mode="nearest")),
    "larger, linear": Does(
        lambda _, maps: F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    ),
    "larger, corner to corner": Does(
        lambda _, maps: F.interpolate(maps, scale_factor=8, mode="bilinear", align_corners=True)
    ),
    "last columns": Does(lambda _, maps: torch.flatten(maps, start_dim=1)[:, -7:]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_step_computes_the_same(name: str) -> None:
    module = KNOWN[name].eval()
    graph = onnx.load_model_from_string(convert_floats(module, (3, 8, 8), name=name))
    values = np.random.default_rng(0).normal(size=(4, 3, 8, 8)).astype(np.float32)
    with torch.no_grad():
        wanted = module(torch.from_numpy(values)).numpy()
    found = run(graph, values)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    shape = graph.graph.output[0].type.tensor_type.shape.dim
    assert (shape[0].dim_param, shape[1].dim_value) == ("batch", wanted.shape[1])


UNKNOWN = {
    "rows": Does(lambda _, maps: maps[:2]),
    "every second column": Does(lambda _, maps: maps.flatten(1)[:, ::2]),
    "scaled sum": Does(lambda _, maps: torch.add(maps, maps, alpha=2)),
    "flat from the middle": Does(lambda _, maps: torch.flatten(maps, 2)),
    "norm without statistics": layer(nn.BatchNorm2d(3, track_running_stats=False)),
    "gelu": layer(nn.GELU()),
    "larger, cubic": Does(
        lambda _, maps: F.interpolate(maps, scale_factor=2, mode="bicubic", align_corners=False)
    ),
    "larger, to a size": Does(lambda _, maps: F.interpolate(maps, size=(9, 9), mode="nearest")),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_steps_are_refused_by_name(name: str) -> None:
    with pytest.raises(NotImplementedError, match=r"\w+"):
        convert_floats(UNKNOWN[name], (3, 8, 8), name=name)


def test_inputs_of_any_shape() -> None:
    head = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 1))
    graph = onnx.load_model_from_string(convert_floats(head, (6,), name="head", output="logit"))
    values = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    with torch.no_grad():
        wanted = head.eval()(torch.from_numpy(values)).numpy()
    found = run(graph, values)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
