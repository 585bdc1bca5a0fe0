"""The network of dlib's CNN face detector, built as an ONNX graph from the layers of its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceprint.errors import WeightsCorruptError
from faceprint.zoo import ModelCard
from faceprint.zoo.dlib_files import Layer, fold_convolution

__all__ = ["build_graph"]

_OPSET: Final = 13
_IR_VERSION: Final = 8

_CONVOLUTIONS: Final = ((5, 2), (5, 2), (5, 2), (5, 1), (5, 1), (5, 1), (9, 1))
"""Kernel side and stride of each."""


def build_graph(
    layers: Sequence[Layer], card: ModelCard, window: tuple[float, float, float]
) -> bytes:
    """An ONNX file of the network: (N, H, W, 3) float32 to (N, 1, H', W') float32.

    Args:
        layers: As `read_layers` gives them.
        card: The model.
        window: Width and height of what it looks at, and the overlap at which one find suppresses another:
            what the file must say of them.

    Raises:
        WeightsCorruptError: The layers are not those of this network.
    """
    said = [layer.arrays[0] for layer in layers if layer.name == "loss_mmod_"]
    convolutions = _group(layers)
    if (
        len(said) != 1
        or not np.allclose(said[0], window)
        or len(convolutions) != len(_CONVOLUTIONS)
    ):
        raise WeightsCorruptError(
            f"This is not the file of dlib's CNN face detector: {len(_CONVOLUTIONS)} convolutions and a "
            f"window of {window[0]} pixels were expected. Use the file that the card names."
        )
    nodes = [helper.make_node("Transpose", ["picture"], ["step_0"], perm=[0, 3, 1, 2])]
    tensors: list[onnx.TensorProto] = []
    channels = len(card.mean)
    for number, (some, (kernel, stride)) in enumerate(
        zip(convolutions, _CONVOLUTIONS, strict=True), start=1
    ):
        weights, bias = fold_convolution(some, channels=channels, kernel=kernel)
        channels = len(bias)
        names = [f"weights_{number}", f"bias_{number}"]
        tensors += map(numpy_helper.from_array, (weights, bias), names)
        how: dict[str, Any] = {"strides": [stride] * 2}
        how["pads"] = [kernel // 2 if stride == 1 else 0] * 4
        last = number == len(_CONVOLUTIONS)
        output = "margins" if last else f"map_{number}"
        nodes.append(helper.make_node("Conv", [f"step_{number - 1}", *names], [output], **how))
        if not last:
            nodes.append(helper.make_node("Relu", [output], [f"step_{number}"]))
    graph = helper.make_graph(
        nodes,
        card.name,
        [_describe("picture", ["batch", "height", "width", 3])],
        [_describe("margins", ["batch", 1, "rows", "columns"])],
        tensors,
    )
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _group(layers: Sequence[Layer]) -> list[list[Layer]]:
    """Each convolution with the batch norm behind it."""
    groups: list[list[Layer]] = []
    for layer in layers:
        if layer.name == "con_4":
            groups.append([layer])
        elif layer.name == "bn_con2" and groups:
            groups[-1].append(layer)
    return groups


def _describe(name: str, sides: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, sides)
