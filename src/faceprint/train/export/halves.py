"""Weights stored in 16 bits: half the file, and nearly the same numbers; computed with as before."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceprint.errors import ModelError

__all__ = ["store_halves"]

_FEWEST = 256
"""Numbers of a tensor that is worth it."""


def store_halves(content: bytes) -> bytes:
    """An ONNX file with its larger float32 tensors in float16, each cast back where it is used.

    Args:
        content: The file.

    Raises:
        ModelError: A weight is too large for float16.
    """
    model = onnx.load_model_from_string(content)
    graph = model.graph
    kept, casts = [], []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < _FEWEST:
            kept.append(tensor)
            continue
        values = numpy_helper.to_array(tensor)
        if np.abs(values).max() > np.finfo(np.float16).max:
            raise ModelError(
                f"A weight of {tensor.name} is {np.abs(values).max():g}, too large for 16 bits. Keep the "
                "model as it is, or use int8."
            )
        name = f"{tensor.name}_half"
        kept.append(numpy_helper.from_array(values.astype(np.float16), name))
        casts.append(helper.make_node("Cast", [name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    small: bytes = model.SerializeToString()
    return small
