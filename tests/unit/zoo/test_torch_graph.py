"""Modules become graphs that compute the same, or are refused."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from faceprint.zoo import CARDS
from faceprint.zoo.torch_graph import convert

CARD = replace(CARDS["facenet-vggface2"], input_size_px=12)


class Small(nn.Module):
    """One of every step that is known."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, (3, 1), stride=(2, 1), padding=(1, 0), bias=False)
        self.norm = nn.BatchNorm2d(8, eps=1e-3)
        self.second = nn.Conv2d(8, 8, 3, padding=2, dilation=2, groups=4)
        self.shared = nn.Conv2d(8, 8, 1)
        self.norm_of_shared = nn.BatchNorm2d(8)
        self.relu = nn.ReLU()
        self.pool = nn.MaxPool2d(3, stride=2, padding=1)
        self.same = nn.Identity()
        self.average = nn.AdaptiveAvgPool2d(1)
        self.drop = nn.Dropout(0.9)
        self.last = nn.Linear(16, 5, bias=False)
        self.last_norm = nn.BatchNorm1d(5)

    def forward(self, maps: Tensor) -> Tensor:
        maps = self.relu(self.norm(self.first(maps)))
        maps = self.same(self.second(maps)) * 0.3 + maps
        maps = torch.cat([self.pool(maps), self.pool(self.norm_of_shared(self.shared(maps)))], 1)
        out: Tensor = self.last_norm(self.last(self.drop(self.average(maps)).flatten(1)))
        return out


def small() -> Small:
    torch.manual_seed(0)
    module = Small()
    for norm in (module.norm, module.norm_of_shared, module.last_norm):
        nn.init.normal_(norm.running_mean)  # type: ignore[arg-type]
        nn.init.uniform_(norm.running_var, 0.5, 2)  # type: ignore[arg-type]
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    return module


def test_a_graph_computes_what_its_module_does() -> None:
    module = small()
    graph = onnx.load_model_from_string(convert(module, CARD))
    assert "BatchNormalization" not in {node.op_type for node in graph.graph.node}
    pixels = np.random.default_rng(1).integers(0, 256, (3, 12, 12, 3), dtype=np.uint8)
    values = ((pixels.astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        wanted = module.eval()(torch.from_numpy(values)).numpy()
    outputs = ReferenceEvaluator(graph).run(None, {"pixels": pixels})
    assert isinstance(outputs, list)
    assert wanted.std() > 0.01
    np.testing.assert_allclose(outputs[0], wanted, atol=1e-5)


class Bent(nn.Module):
    """A small network of which one layer is another."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.layer(maps)
        return out.flatten(1)


class Apart(Bent):
    """With a step that is no layer."""

    def forward(self, maps: Tensor) -> Tensor:
        return torch.tanh(maps).flatten(1)


UNKNOWN = [
    Bent(nn.Tanh()),
    Bent(nn.BatchNorm2d(3, affine=False)),
    Bent(nn.Conv2d(3, 3, 3, padding="same")),
    Bent(nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")),
    Bent(nn.MaxPool2d(3, ceil_mode=True)),
    Bent(nn.AdaptiveAvgPool2d(2)),
    Apart(nn.Identity()),
]


@pytest.mark.parametrize("module", UNKNOWN, ids=[str(m.layer)[:40] for m in UNKNOWN])
def test_other_steps_are_refused(module: nn.Module) -> None:
    with pytest.raises(NotImplementedError):
        convert(module, CARD)
