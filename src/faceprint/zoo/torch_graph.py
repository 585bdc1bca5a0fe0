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
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from faceprint.types import FloatArray
from faceprint.zoo.cards import ModelCard
from faceprint.zoo.prepare import take_pixels
from faceprint.zoo.torch_layers import Layer, Norm, Step, fold, step_of

__all__ = ["convert", "convert_floats"]

_OPSET = 15
_IR_VERSION = 8


def convert(module: nn.Module, card: ModelCard, *, output: str = "embedding") -> bytes:
    """An ONNX file of a module of one input and one output, which takes pixels.

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
    graph = _graph(module, (3, side, side), name=card.name, output=output)
    take_pixels(graph, card)
    return _file(graph)


def convert_floats(
    module: nn.Module, shape: Sequence[int], *, name: str, output: str = "embedding"
) -> bytes:
    """An ONNX file of a module of one input and one output, which takes what the module takes.

    Args:
        module: Takes (N, *shape) float32; (N, D) comes out. It is put into evaluation mode, on the CPU.
        shape: Of one input, as in (3, 112, 112).
        name: Of the graph.
        output: Name of the output.

    Returns:
        A network that takes (N, *shape) float32, N being any number, and gives (N, D) float32.

    Raises:
        NotImplementedError: The module has a step that is not known here.
    """
    return _file(_graph(module, shape, name=name, output=output))


def _graph(module: nn.Module, shape: Sequence[int], *, name: str, output: str) -> onnx.GraphProto:
    with torch.no_grad():
        builder = _Builder(module.eval().cpu(), torch.zeros(1, *shape), output)
    return helper.make_graph(
        builder.nodes,
        name,
        [helper.make_tensor_value_info("scaled", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", *builder.shape[1:]])],
        builder.tensors,
    )


def _file(graph: onnx.GraphProto) -> bytes:
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Builder:
    """Gathers the nodes and tensors of a traced module."""

    def __init__(self, module: nn.Module, example: Tensor, output: str) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self.shape: tuple[int, ...] = ()
        self._traced = fx.symbolic_trace(module)
        self._traced.graph.eliminate_dead_code()
        ShapeProp(self._traced).propagate(example)
        self._modules = dict(self._traced.named_modules())
        self._values: dict[fx.Node, str] = {}
        self._folded: dict[fx.Node, Layer] = {}
        for node in self._traced.graph.nodes:
            self._step(node, output)

    def _step(self, node: fx.Node, output: str) -> None:
        if node.op == "placeholder":
            self._values[node] = "scaled"
        elif node.op == "output":
            result = _node(node.args[0])
            self.shape = _shape(result)
            self._add("Identity", [self._values[result]], output)
        elif node.op == "get_attr":
            value = operator.attrgetter(str(node.target))(self._traced)
            self._values[node] = self._tensor(node.name, value)
        elif node.op == "call_module":
            self._values[node] = self._layer(node)
        else:
            self._values[node] = self._call(node)

    def _layer(self, node: fx.Node) -> str:
        layer, before = self._modules[str(node.target)], _node(node.args[0])
        last = self._values[before]
        if isinstance(layer, Layer) and (norm := self._norm_after(node)) is not None:
            # Written when the normalisation is reached.
            self._folded[node] = fold(layer, norm)
            return last
        if isinstance(layer, Norm) and before in self._folded:
            layer = self._folded[before]
            shape = _shape(_node(before.args[0]))
        else:
            shape = _shape(before)
        step = step_of(layer, shape)
        return last if step is None else self._write(step, last, node.name)

    def _norm_after(self, node: fx.Node) -> Norm | None:
        """The batch normalisation that alone reads a layer, if one does."""
        (reader, *others) = node.users
        if others or reader.op != "call_module":
            return None
        norm = self._modules[str(reader.target)]
        folds = isinstance(norm, Norm) and norm.track_running_stats and norm.affine
        return norm if isinstance(norm, Norm) and folds else None

    def _call(self, node: fx.Node) -> str:
        known: dict[Any, Callable[[fx.Node], str]] = {
            **dict.fromkeys((operator.add, operator.iadd, torch.add), self._arithmetic("Add")),
            **dict.fromkeys((operator.mul, operator.imul, torch.mul), self._arithmetic("Mul")),
            **dict.fromkeys((operator.sub, torch.sub), self._arithmetic("Sub")),
            **dict.fromkeys((torch.relu, F.relu, "relu"), self._simple("Relu")),
            **dict.fromkeys((torch.sigmoid, "sigmoid"), self._simple("Sigmoid")),
            **dict.fromkeys((torch.abs, "abs"), self._simple("Abs")),
            **dict.fromkeys((torch.cat, torch.concat), self._join),
            **dict.fromkeys((torch.flatten, "flatten"), self._flatten),
            operator.getitem: self._part,
            F.interpolate: self._resize,
        }
        if node.target not in known:
            raise NotImplementedError(f"{node.name} is a step of {node.target}")
        return known[node.target](node)

    def _simple(self, operation: str) -> Callable[[fx.Node], str]:
        return lambda node: self._add(operation, [self._values[_node(node.args[0])]], node.name)

    def _arithmetic(self, operation: str) -> Callable[[fx.Node], str]:
        def write(node: fx.Node) -> str:
            if node.kwargs:
                raise NotImplementedError(f"{node.name} with {', '.join(node.kwargs)}")
            operands = [
                self._values[argument]
                if isinstance(argument, fx.Node)
                else self._tensor(f"{node.name}.by", torch.tensor(argument, dtype=torch.float32))
                for argument in node.args
            ]
            return self._add(operation, operands, node.name)

        return write

    def _join(self, node: fx.Node) -> str:
        parts, axis = (*node.args, node.kwargs.get("dim", 0))[:2]
        names = [self._values[part] for part in cast("list[fx.Node]", parts)]
        return self._add("Concat", names, node.name, axis=axis)

    def _flatten(self, node: fx.Node) -> str:
        last, *rest = node.args
        start, end = (
            (*rest, *(-1,) * (2 - len(rest)))
            if rest
            else (
                node.kwargs.get("start_dim", 0),
                node.kwargs.get("end_dim", -1),
            )
        )
        if (start, end) != (1, -1):
            raise NotImplementedError(f"{node.name} flattens dimensions {start} to {end}")
        return self._add("Flatten", [self._values[_node(last)]], node.name, axis=1)

    def _part(self, node: fx.Node) -> str:
        """Columns of a matrix, as in [:, :128]."""
        last, places = node.args
        rows, columns = cast("tuple[Any, Any]", places) if isinstance(places, tuple) else (0, 0)
        if rows != slice(None) or not isinstance(columns, slice) or columns.step is not None:
            raise NotImplementedError(f"{node.name} takes the part {places}")
        start, stop, _ = columns.indices(_shape(_node(last))[1])
        ends = {"start": [start], "stop": [stop], "axis": [1]}
        names = [
            self._tensor(f"{node.name}.{name}", torch.tensor(value)) for name, value in ends.items()
        ]
        return self._add("Slice", [self._values[_node(last)], *names], node.name)

    def _resize(self, node: fx.Node) -> str:
        """Maps made larger by a whole number, as in interpolate(maps, scale_factor=2, mode="bilinear")."""
        mode, corners = node.kwargs.get("mode", "nearest"), node.kwargs.get("align_corners")
        by = node.kwargs.get("scale_factor")
        if len(node.args) != 1 or not isinstance(by, int) or mode not in ("nearest", "bilinear"):
            raise NotImplementedError(f"{node.name} resizes by {by} in the mode {mode}")
        scales = self._tensor(f"{node.name}.scales", torch.tensor([1.0, 1.0, by, by]))
        if mode == "nearest":
            how = {
                "mode": "nearest",
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            }
        else:
            places = "align_corners" if corners else "half_pixel"
            how = {"mode": "linear", "coordinate_transformation_mode": places}
        last = self._values[_node(node.args[0])]
        return self._add("Resize", [last, "", scales], node.name, **how)

    def _write(self, step: Step, last: str, name: str) -> str:
        tensors = [self._tensor(f"{name}.{kind}", values) for kind, values in step.tensors.items()]
        return self._add(step.operation, [last, *tensors], name, **step.how)

    def _tensor(self, name: str, values: Tensor) -> str:
        array: FloatArray = np.ascontiguousarray(values.detach().numpy())
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def _add(self, operation: str, inputs: Sequence[str], output: str, **how: Any) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [output], **how))
        return output


def _node(value: object) -> fx.Node:
    if not isinstance(value, fx.Node):
        raise NotImplementedError(f"{value!r} where the result of a step was expected")
    return value


def _shape(node: fx.Node) -> tuple[int, ...]:
    return tuple(node.meta["tensor_meta"].shape)
