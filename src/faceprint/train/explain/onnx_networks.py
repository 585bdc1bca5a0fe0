"""Filters and feature maps of networks as they are served, without PyTorch."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from faceprint.errors import InputError
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import FloatArray, Image

__all__ = ["OnnxNetwork"]

_SMALLEST_PX = 2


class OnnxNetwork:
    """A prepared ONNX network, opened to be looked into.

    Args:
        path: Takes (N, S, S, 3) uint8 RGB, as `WeightStore.prepared` gives it.
        colour: The channel order that the network was trained with.
    """

    def __init__(self, path: Path, *, colour: str = "RGB") -> None:
        self._model = onnx.load_model(path)
        self._colour = colour

    def first_filters(self) -> FloatArray:
        """The weights of the first convolution, (K, 3, h, w) float32, channels red, green, blue.

        Raises:
            InputError: The network has no convolution that reads the picture itself.
        """
        node = next((node for node in self._model.graph.node if node.op_type == "Conv"), None)
        weights = None if node is None else self._constant(node.input[1])
        if weights is None or weights.ndim != 4 or weights.shape[1] != 3:
            raise InputError("This network has no convolution that reads the picture itself.")
        return weights[:, ::-1] if self._colour == "BGR" else weights

    def feature_maps(self, crop: Image, options: RuntimeOptions) -> Mapping[str, FloatArray]:
        """What the network makes of a crop, at the last layer of each size.

        Args:
            crop: (S, S, 3) uint8 RGB.
            options: Where the network runs.

        Returns:
            By the name of the layer's output, in order: (C, h, w) float32. None where the sizes of the maps
            are not known beforehand.
        """
        names = self._last_of_each_size()
        if not names:
            return {}
        model = onnx.ModelProto()
        model.CopyFrom(self._model)
        del model.graph.output[:], model.graph.value_info[:]
        model.graph.output.extend(
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names
        )
        with tempfile.TemporaryDirectory(prefix="faceprint-") as folder:
            path = Path(folder) / "layers.onnx"
            path.write_bytes(model.SerializeToString())
            found = open_session(path, options, sensitive=True).run(
                np.ascontiguousarray(crop[None])
            )
        return {name: maps[0] for name, maps in zip(names, found, strict=True)}

    def _last_of_each_size(self) -> list[str]:
        """Outputs of layers after which the maps become smaller, from the first convolution on."""
        shapes = _shapes(shape_inference.infer_shapes(self._model).graph)
        nodes = iter(self._model.graph.node)
        last: dict[int, str] = {}
        for node in nodes:
            if node.op_type == "Conv" or last:
                for name in node.output:
                    shape = shapes.get(name, ())
                    if len(shape) == 4 and min(shape[2:]) >= _SMALLEST_PX:
                        last[shape[2]] = name
        return list(last.values())

    def _constant(self, name: str) -> FloatArray | None:
        """The numbers of a tensor of weights, taken back to floats where they are whole numbers."""
        graph = self._model.graph
        tensors = {tensor.name: tensor for tensor in graph.initializer}
        if name in tensors:
            return numpy_helper.to_array(tensors[name]).astype(np.float32)
        node = next((node for node in graph.node if name in node.output), None)
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in tensors:
            return None
        parts = [numpy_helper.to_array(tensors[part]).astype(np.float32) for part in node.input]
        codes, scale, zero = (*parts, np.zeros(1, np.float32))[:3]
        axis = next((a.i for a in node.attribute if a.name == "axis"), 1)
        shape = [-1 if place == axis else 1 for place in range(codes.ndim)]
        weights: FloatArray = (codes - zero.reshape(shape)) * scale.reshape(shape)
        return weights


def _shapes(graph: onnx.GraphProto) -> dict[str, tuple[int, ...]]:
    """Shapes of what is computed in floats; 0 for what is not known."""
    return {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in (*graph.value_info, *graph.output)
        if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
