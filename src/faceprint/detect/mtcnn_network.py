"""The three networks of MTCNN, built as ONNX graphs from named arrays.

Zhang et al., "Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional Networks",
IEEE SPL 2016. The arrays are in the common layout, whatever publisher they came from: convolutions
(out, in, height, width), dense layers (out, in), slopes of the PReLUs (channels,).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceprint.errors import WeightsCorruptError
from faceprint.types import Array, FloatArray
from faceprint.zoo import ModelCard
from faceprint.zoo.prepare import take_pixels

__all__ = ["STAGES", "Stage", "StageWeights", "build_graph", "from_keras", "from_torch"]

_OPSET = 13
_IR_VERSION = 8


@dataclass(frozen=True, slots=True)
class Stage:
    """The plan of one of the networks.

    Attributes:
        name: `propose` (P-Net), `refine` (R-Net) or `finish` (O-Net).
        input_px: Side of what it looks at; P-Net slides a window of that size.
        convolutions: Channels and kernel side of each.
        pools: Kernel side of the pooling after each, of stride 2; 0 for none.
        dense: Width of the hidden dense layer; 0 for a fully convolutional network.
        heads: Name and width of each output but the score.
    """

    name: str
    input_px: int
    convolutions: tuple[tuple[int, int], ...]
    pools: tuple[int, ...]
    dense: int
    heads: tuple[tuple[str, int], ...]

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers with a PReLU after them, first to last."""
        names = tuple(f"conv{k}" for k in range(1, len(self.convolutions) + 1))
        return (*names, "dense") if self.dense else names

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name and shape of every array that it needs."""
        shapes: dict[str, tuple[int, ...]] = {}
        channels, side = 3, self.input_px
        for name, (width, kernel), pool in zip(
            self.layers, self.convolutions, self.pools, strict=False
        ):
            shapes |= {f"{name}.weight": (width, channels, kernel, kernel)}
            shapes |= {f"{name}.bias": (width,), f"{name}.slope": (width,)}
            channels, side = width, side - kernel + 1
            side = -(-(side - pool) // 2) + 1 if pool else side
        last: tuple[int, ...] = (channels, 1, 1)
        if self.dense:
            shapes |= {"dense.weight": (self.dense, channels * side * side)}
            shapes |= {"dense.bias": (self.dense,), "dense.slope": (self.dense,)}
            last = (self.dense,)
        for head, width in (*self.heads, ("score", 2)):
            shapes |= {f"{head}.weight": (width, *last), f"{head}.bias": (width,)}
        return shapes


STAGES = (
    Stage("propose", 12, ((10, 3), (16, 3), (32, 3)), (2, 0, 0), 0, (("box", 4),)),
    Stage("refine", 24, ((28, 3), (48, 3), (64, 2)), (3, 3, 0), 128, (("box", 4),)),
    Stage(
        "finish",
        48,
        ((32, 3), (64, 3), (64, 3), (128, 2)),
        (3, 3, 2, 0),
        256,
        (("box", 4), ("landmarks", 10)),
    ),
)
"""P-Net, R-Net and O-Net, in the order of the cascade."""


@dataclass(frozen=True, slots=True, eq=False)
class StageWeights:
    """The arrays of one network.

    Args:
        stage: The network.
        arrays: By the names of `Stage.shapes`, float32.

    Raises:
        WeightsCorruptError: An array is missing, left over, or of another shape or dtype.
    """

    stage: Stage
    arrays: Mapping[str, FloatArray]

    def __post_init__(self) -> None:
        expected = self.stage.shapes()
        found = {name: array.shape for name, array in self.arrays.items()}
        if found != expected:
            wrong = sorted(
                name
                for name in expected.keys() | found.keys()
                if expected.get(name) != found.get(name)
            )
            raise WeightsCorruptError(
                f"These are not the weights of MTCNN's {self.stage.name} network: {wrong[0]} "
                f"should have the shape {expected.get(wrong[0])}, got {found.get(wrong[0])}. Use "
                "the files that the card names."
            )
        if any(array.dtype != np.float32 for array in self.arrays.values()):
            raise WeightsCorruptError(
                f"The weights of MTCNN's {self.stage.name} network should be float32. Use the "
                "files that the card names."
            )


def from_keras(stage: Stage, arrays: Sequence[Array]) -> StageWeights:
    """Weights from the list that Keras gives of the network in the package `mtcnn`.

    Keras lists each layer's kernel, bias and PReLU slope, then each head's kernel and bias, with
    convolutions as (height, width, in, out) and dense layers as (in, out).

    Raises:
        WeightsCorruptError: The arrays are not those of this network.
    """
    names = [f"{layer}.{part}" for layer in stage.layers for part in ("weight", "bias", "slope")]
    heads = (*(head for head, _ in stage.heads), "score")
    names += [f"{head}.{part}" for head in heads for part in ("weight", "bias")]
    if len(names) != len(arrays):
        raise WeightsCorruptError(
            f"MTCNN's {stage.name} network has {len(names)} arrays, got {len(arrays)}. Use the "
            "files that the card names."
        )
    renamed = {
        name: _from_keras_layout(name, array) for name, array in zip(names, arrays, strict=True)
    }
    return StageWeights(stage, MappingProxyType(renamed))


def from_torch(stage: Stage, arrays: Mapping[str, Array]) -> StageWeights:
    """Weights from the state dict of the network in facenet-pytorch, whose layout is the common one.

    Layers count from 1 on, convolutions and dense layers together; the heads share the last number.

    Raises:
        WeightsCorruptError: The arrays are not those of this network.
    """
    kind = "dense" if stage.dense else "conv"
    names: dict[str, str] = {}
    for number, layer in enumerate(stage.layers, start=1):
        theirs = f"dense{number}" if layer == "dense" else layer
        names |= {f"{theirs}.{part}": f"{layer}.{part}" for part in ("weight", "bias")}
        names[f"prelu{number}.weight"] = f"{layer}.slope"
    for number, head in enumerate(("score", *(head for head, _ in stage.heads)), start=1):
        theirs = f"{kind}{len(stage.layers) + 1}_{number}"
        names |= {f"{theirs}.{part}": f"{head}.{part}" for part in ("weight", "bias")}
    # What has no name there keeps its own, and is refused as left over.
    renamed = {names.get(name, name): array for name, array in arrays.items()}
    # The check of dtypes is that of StageWeights.
    return StageWeights(stage, MappingProxyType(cast("dict[str, FloatArray]", renamed)))


def _from_keras_layout(name: str, array: Array) -> FloatArray:
    axes = {4: (3, 2, 0, 1), 2: (1, 0)}.get(array.ndim)
    if name.endswith(".slope"):
        turned = array.reshape(-1)
    else:
        turned = array if axes is None else array.transpose(axes)
    common: FloatArray = np.ascontiguousarray(turned).astype(np.float32, casting="no")
    return common


def build_graph(weights: StageWeights, card: ModelCard) -> bytes:
    """An ONNX file of one network.

    Args:
        weights: Its arrays.
        card: Gives the mean and the scale of the pixels.

    Returns:
        A network that takes (N, S, S, 3) uint8 RGB and gives, in this order, the corrections of the
        boxes (N, 4), for O-Net the landmarks (N, 10), and the probabilities of a face (N, 1), all
        float32. P-Net takes any height and width and gives maps: (N, 4, H', W'), (N, 1, H', W').
    """
    stage = weights.stage
    builder = _Builder(weights)
    last = builder.trunk("scaled")
    heads = [*stage.heads, ("score", 1)]
    for head, _ in heads:
        builder.head(head, last)
    sides: list[int | str] = [stage.input_px] * 2 if stage.dense else ["height", "width"]
    rest = [] if stage.dense else ["rows", "columns"]
    graph = helper.make_graph(
        builder.nodes,
        f"mtcnn-{stage.name}",
        [helper.make_tensor_value_info("scaled", TensorProto.FLOAT, ["batch", 3, *sides])],
        [
            helper.make_tensor_value_info(head, TensorProto.FLOAT, ["batch", width, *rest])
            for head, width in heads
        ],
        builder.tensors,
    )
    take_pixels(graph, card)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Builder:
    """Gathers the nodes and tensors of one network."""

    def __init__(self, weights: StageWeights) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._stage = weights.stage
        self._arrays = weights.arrays

    def trunk(self, last: str) -> str:
        """All layers up to the heads; gives the name of their result."""
        stage = self._stage
        for name, pool in zip(stage.layers, stage.pools, strict=False):
            last = self._slope(name, self._weigh("Conv", name, last, name))
            if pool:
                sides = {"kernel_shape": [pool, pool], "strides": [2, 2]}
                last = self._node("MaxPool", [last], f"{name}.pool", ceil_mode=1, **sides)
        if stage.dense:
            # The published dense weights count by width first, then by height, then by channel.
            last = self._node("Transpose", [last], "turned", perm=[0, 3, 2, 1])
            last = self._node("Flatten", [last], "flat")
            last = self._slope("dense", self._weigh("Gemm", "dense", last, "dense", transB=1))
        return last

    def head(self, name: str, last: str) -> None:
        """One output."""
        operator, how = ("Gemm", {"transB": 1}) if self._stage.dense else ("Conv", {})
        if name == "score":
            # Of two logits, only the second's lead over the first matters to a softmax.
            self._node("Sigmoid", [self._weigh(operator, name, last, "lead", **how)], name)
        else:
            self._weigh(operator, name, last, name, **how)

    def _weigh(self, operator: str, name: str, last: str, output: str, **how: int) -> str:
        arrays = {part: self._arrays[f"{name}.{part}"] for part in ("weight", "bias")}
        if name == "score":
            arrays = {part: array[1:] - array[:1] for part, array in arrays.items()}
        tensors = [self._tensor(f"{name}.{part}", array) for part, array in arrays.items()]
        return self._node(operator, [last, *tensors], output, **how)

    def _slope(self, name: str, last: str) -> str:
        slopes = self._arrays[f"{name}.slope"]
        if name != "dense":
            slopes = slopes[:, None, None]
        return self._node("PRelu", [last, self._tensor(f"{name}.slope", slopes)], f"{name}.prelu")

    def _tensor(self, name: str, array: FloatArray) -> str:
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output
