"""Turns PyTorch modules into networks that run without PyTorch.

The module is traced and each of its steps becomes a node of an ONNX graph, with batch normalisation
folded into the layer before it. Only the steps that our networks are made of are known. PyTorch's own
exporter would do, but takes several times as long, needs another package, and complains of parts that
are not installed.

Needs the extra `torch`; the module is imported only to convert weights.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from faceprint.types import FloatArray
from faceprint.zoo.cards import ModelCard
from faceprint.zoo.prepare import take_pixels

__all__ = ["convert"]

_Layer = nn.Conv2d | nn.Linear
_Norm = nn.BatchNorm1d | nn.BatchNorm2d
_OPSET = 13
_IR_VERSION = 8


def convert(module: nn.Module, card: ModelCard, *, output: str = "embedding") -> bytes:
    """An ONNX file of a module of one input and one output.

    Args:
        module: Takes (N, 3, S, S) float32, S being the card's input size; (N, D) comes out. It is put
            into evaluation mode, on the CPU.
        card: Gives the input size, and the channel order, mean and scale of the pixels.
        output: Name of the output.

    Returns:
        A network that takes (N, S, S, 3) uint8 RGB and gives (N, D) float32.

    Raises:
        NotImplementedError: The module has a step that is not known here.
    """
    side = card.input_size_px
    with torch.no_grad():
        module = module.eval().cpu()
        width = module(torch.zeros(1, 3, side, side)).shape[1]
        builder = _Builder(module, output)
    graph = helper.make_graph(
        builder.nodes,
        card.name,
        [helper.make_tensor_value_info("scaled", TensorProto.FLOAT, ["batch", 3, side, side])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])],
        builder.tensors,
    )
    take_pixels(graph, card)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Builder:
    """Gathers the nodes and tensors of a traced module."""

    def __init__(self, module: nn.Module, output: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        traced = fx.symbolic_trace(module)
        self._modules = dict(traced.named_modules())
        self._values: dict[fx.Node, str] = {}
        self._folded: dict[fx.Node, _Layer] = {}
        for node in traced.graph.nodes:
            self._step(node, output)

    def _step(self, node: fx.Node, output: str) -> None:
        if node.op == "placeholder":
            self._values[node] = "scaled"
        elif node.op == "output":
            self._add("Identity", [self._values[_node(node.args[0])]], output)
        elif node.op == "call_module":
            self._values[node] = self._layer(node)
        else:
            self._values[node] = self._call(node)

    def _layer(self, node: fx.Node) -> str:
        layer, before = self._modules[str(node.target)], _node(node.args[0])
        last = self._values[before]
        match layer:
            case nn.Conv2d() | nn.Linear():
                if (norm := self._norm_after(node)) is None:
                    return self._weigh(node.name, layer, last)
                # Written when the normalisation is reached.
                self._folded[node] = _fold(layer, norm)
                return last
            case nn.BatchNorm2d() | nn.BatchNorm1d() if before in self._folded:
                return self._weigh(node.name, self._folded[before], last)
            case nn.ReLU():
                return self._add("Relu", [last], node.name)
            case nn.MaxPool2d(dilation=1, ceil_mode=False):
                how = {"kernel_shape": _pair(layer.kernel_size), "strides": _pair(layer.stride)}
                pads = [*_pair(layer.padding)] * 2
                return self._add("MaxPool", [last], node.name, pads=pads, **how)
            case nn.AdaptiveAvgPool2d(output_size=1):
                return self._add("GlobalAveragePool", [last], node.name)
            case nn.Dropout() | nn.Identity():
                return last
        raise NotImplementedError(f"{node.target} is a {type(layer).__name__}")

    def _norm_after(self, node: fx.Node) -> _Norm | None:
        """The batch normalisation that alone reads a layer, if one does."""
        (reader, *others) = node.users
        if others or reader.op != "call_module":
            return None
        norm = self._modules[str(reader.target)]
        return norm if isinstance(norm, _Norm) else None

    def _weigh(self, name: str, layer: _Layer, last: str) -> str:
        tensors = [self._tensor(f"{name}.weight", layer.weight)]
        if layer.bias is not None:
            tensors.append(self._tensor(f"{name}.bias", layer.bias))
        if isinstance(layer, nn.Linear):
            return self._add("Gemm", [last, *tensors], name, transB=1)
        if layer.padding_mode != "zeros":
            raise NotImplementedError(f"{name} pads otherwise than with zeros")
        return self._add(
            "Conv",
            [last, *tensors],
            name,
            strides=_pair(layer.stride),
            pads=[*_pair(layer.padding)] * 2,
            dilations=_pair(layer.dilation),
            group=layer.groups,
        )

    def _call(self, node: fx.Node) -> str:
        known: dict[Any, Callable[[fx.Node], str]] = {
            operator.add: lambda node: self._arithmetic("Add", node),
            operator.mul: lambda node: self._arithmetic("Mul", node),
            torch.cat: self._join,
            "flatten": self._flatten,
        }
        if node.target not in known:
            raise NotImplementedError(f"{node.name} is a step of {node.target}")
        return known[node.target](node)

    def _arithmetic(self, operation: str, node: fx.Node) -> str:
        operands = [
            self._values[argument]
            if isinstance(argument, fx.Node)
            else self._tensor(f"{node.name}.by", torch.tensor(argument, dtype=torch.float32))
            for argument in node.args
        ]
        return self._add(operation, operands, node.name)

    def _join(self, node: fx.Node) -> str:
        parts, axis = node.args
        names = [self._values[part] for part in cast("list[fx.Node]", parts)]
        return self._add("Concat", names, node.name, axis=axis)

    def _flatten(self, node: fx.Node) -> str:
        last, axis = node.args
        if axis != 1:
            raise NotImplementedError(f"{node.name} flattens from dimension {axis}")
        return self._add("Flatten", [self._values[_node(last)]], node.name, axis=1)

    def _tensor(self, name: str, values: Tensor) -> str:
        array: FloatArray = np.ascontiguousarray(values.detach().numpy())
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def _add(self, operation: str, inputs: Sequence[str], output: str, **how: Any) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [output], **how))
        return output


def _fold(layer: _Layer, norm: _Norm) -> _Layer:
    if isinstance(layer, nn.Conv2d):
        return fuse_conv_bn_eval(layer, norm)
    return fuse_linear_bn_eval(layer, norm)


def _node(value: object) -> fx.Node:
    if not isinstance(value, fx.Node):
        raise NotImplementedError(f"{value!r} where the result of a step was expected")
    return value


def _pair(value: int | str | tuple[int, ...]) -> tuple[int, ...]:
    if isinstance(value, str):
        raise NotImplementedError(f"padding {value!r}")
    return (value, value) if isinstance(value, int) else value
