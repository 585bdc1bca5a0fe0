"""Makes published ONNX files ready to run.

A prepared model takes (N, H, W, 3) uint8 RGB batches of any size; channel order, mean and scale are part
of the graph. Block-quantised weights are folded to float32 constants (those that are quantised as a whole
or by channel stay, since engines compute with them), initialisers that are listed as inputs are taken off
the list, and the batch (and, where asked, height and width) become free.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceprint.errors import WeightsCorruptError
from faceprint.types import Array
from faceprint.zoo.cards import ModelCard

__all__ = ["fold_constants", "free_batch", "free_spatial", "prepare", "take_pixels"]

INPUT_NAME = "pixels"


def prepare(content: bytes, card: ModelCard, *, spatial: bool = False) -> bytes:
    """A published ONNX file, prepared.

    Args:
        content: The published file.
        card: Gives channel order, mean and scale.
        spatial: Free height and width as well as the batch.

    Returns:
        The prepared ONNX file.

    Raises:
        WeightsCorruptError: The file is not an ONNX model that can be prepared.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:
        raise WeightsCorruptError(
            f"The weights of {card.name} are not an ONNX model: {error}"
        ) from error
    if any(t.data_location == TensorProto.EXTERNAL for t in model.graph.initializer):
        raise WeightsCorruptError(
            f"The weights of {card.name} name files elsewhere, and should be one file. Export it again."
        )
    fold_constants(model.graph)
    if len(model.graph.input) != 1:
        raise WeightsCorruptError(
            f"The weights of {card.name} are not the expected model: one input was expected, "
            f"{len(model.graph.input)} found."
        )
    if len(model.graph.input[0].type.tensor_type.shape.dim) != 4:
        raise WeightsCorruptError(
            f"The weights of {card.name} are not the expected model: an input of shape (N, 3, H, W) was "
            "expected."
        )
    free_batch(model.graph)
    if spatial:
        free_spatial(model.graph)
    take_pixels(model.graph, card)
    del model.graph.value_info[:]
    onnx.checker.check_model(model)
    prepared: bytes = model.SerializeToString()
    return prepared


def fold_constants(graph: onnx.GraphProto) -> None:
    """Evaluates what depends on weights alone, drops dropout, and lists no weights as inputs."""
    constants: dict[str, Array] = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
    }
    kept = []
    renamed: dict[str, str] = {}
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
        if (
            node.op_type == "Dropout"
        ):  # does nothing at inference, and old files give it a bad ratio
            renamed[node.output[0]] = node.input[0]
        elif (value := _evaluate(node, constants)) is None:
            kept.append(node)
        else:
            constants[node.output[0]] = value
    read = {name for node in kept for name in node.input}
    used = read & constants.keys()
    inputs = [value for value in graph.input if value.name in read - used]
    _replace(graph.node, kept)
    _replace(graph.input, inputs)
    _replace(
        graph.initializer,
        [numpy_helper.from_array(np.asarray(constants[n], order="C"), n) for n in sorted(used)],
    )


def _evaluate(node: onnx.NodeProto, constants: dict[str, Array]) -> Array | None:
    if node.op_type == "Constant" and node.attribute[0].name == "value":
        return numpy_helper.to_array(node.attribute[0].t)
    if not node.input or any(name not in constants for name in node.input):
        return None
    inputs = [constants[name] for name in node.input]
    if node.op_type == "DequantizeLinear" and any(
        a.name == "block_size" and a.i > 0 for a in node.attribute
    ):
        return _dequantise(node, *inputs)
    if node.op_type == "Cast" and inputs[0].dtype == np.float16:
        to = next(a.i for a in node.attribute if a.name == "to")
        return inputs[0].astype(helper.tensor_dtype_to_np_dtype(to))
    if node.op_type == "Reshape":
        shape = [int(n) for n in inputs[1]]
        return inputs[0].reshape(shape)
    return None


def _dequantise(node: onnx.NodeProto, codes: Array, scales: Array, zeros: Array) -> Array:
    """Block-wise x = (q - zero) * scale (ONNX operator DequantizeLinear-21)."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    axis, block = attributes["axis"], attributes["block_size"]
    inside = tuple(slice(0, n) for n in codes.shape)
    scale = np.repeat(scales.astype(np.float32), block, axis=axis)[inside]
    zero = np.repeat(zeros.astype(np.float32), block, axis=axis)[inside]
    return (codes.astype(np.float32) - zero) * scale


def free_batch(graph: onnx.GraphProto) -> None:
    """Lets the first dimension of inputs and outputs be any number."""
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.INT64 and _is_reshape_target(graph, tensor.name):
            shape = numpy_helper.to_array(tensor).copy()
            if shape[0] == 1:
                shape[0] = 0
                tensor.CopyFrom(numpy_helper.from_array(shape, tensor.name))


def free_spatial(graph: onnx.GraphProto) -> None:
    """Lets height and width be any number, and outputs as long as that makes them."""
    for value in graph.input:
        height, width = value.type.tensor_type.shape.dim[2:4]
        height.dim_param, width.dim_param = "height", "width"
    for value in graph.output:
        value.type.tensor_type.shape.dim[1].dim_param = f"{value.name}_length"


def take_pixels(graph: onnx.GraphProto, card: ModelCard) -> None:
    """Puts (N, H, W, 3) uint8 RGB in front of a network that takes (N, 3, H, W) float32."""
    (old,) = graph.input
    _, _, height, width = (_size_of(d) for d in old.type.tensor_type.shape.dim)
    new = helper.make_tensor_value_info(INPUT_NAME, TensorProto.UINT8, ["batch", height, width, 3])
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []
    last = INPUT_NAME

    def step(operator: str, *names: str, **attributes: Any) -> None:
        nonlocal last
        output = f"{INPUT_NAME}_{len(nodes)}"
        nodes.append(helper.make_node(operator, [last, *names], [output], **attributes))
        last = output

    if card.colour == "BGR":
        tensors.append(numpy_helper.from_array(np.array([2, 1, 0]), "bgr"))
        step("Gather", "bgr", axis=3)
    step("Cast", to=TensorProto.FLOAT)
    if any(card.mean):
        tensors.append(numpy_helper.from_array(np.array(card.mean, np.float32), "card_mean"))
        step("Sub", "card_mean")
    if any(value != 1 for value in card.std):
        scale = 1 / np.array(card.std, np.float32)
        tensors.append(numpy_helper.from_array(scale, "card_scale"))
        step("Mul", "card_scale")
    step("Transpose", perm=[0, 3, 1, 2])
    nodes[-1].output[0] = old.name
    graph.initializer.extend(tensors)
    _replace(graph.node, [*nodes, *graph.node])
    _replace(graph.input, [new])


def _size_of(dimension: onnx.TensorShapeProto.Dimension) -> int | str:
    return dimension.dim_param or dimension.dim_value


def _is_reshape_target(graph: onnx.GraphProto, name: str) -> bool:
    return any(node.op_type == "Reshape" and node.input[1] == name for node in graph.node)


def _replace(field: Any, values: Iterable[object]) -> None:
    """Replaces the content of a repeated protobuf field."""
    values = list(values)
    del field[:]
    field.extend(values)
