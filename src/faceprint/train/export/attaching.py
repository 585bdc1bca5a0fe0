"""A head that was trained on the embeddings of a model, put behind that model's own network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from faceprint.errors import ModelError
from faceprint.types import FloatArray
from faceprint.zoo import ModelCard, WeightStore

if TYPE_CHECKING:
    from torch import Tensor

    from faceprint.embed.backbones.head import EmbeddingHead

__all__ = ["attach_head", "can_attach"]


def can_attach(card: ModelCard) -> bool:
    """Whether a head can be put behind the model: it is one ONNX network."""
    return (
        card.implementation == "network"
        and len(card.files) == 1
        and card.files[0].name.endswith(".onnx")
    )


def attach_head(card: ModelCard, store: WeightStore, head: EmbeddingHead) -> bytes:
    """The network of a card, its embedding scaled to length 1, and the head behind it.

    Args:
        card: Of the embedder that the head was trained on.
        store: Where its weights are.
        head: What was trained.

    Returns:
        An ONNX file that takes what the card's own takes.

    Raises:
        ModelError: The weights cannot be had, or are no network that a head can be put behind.
    """
    if not can_attach(card):
        raise ModelError(
            f"{card.name} is not one ONNX network, so no head can be put behind it. Train one on sface "
            "or mobilefacenet."
        )
    model = onnx.load_model_from_string(store.files(card)[0].read_bytes())
    graph = model.graph
    if len(graph.output) != 1:
        raise ModelError(f"{card.name} gives {len(graph.output)} outputs, and one was expected.")
    builder = _Builder(graph)
    raw = builder.add("Flatten", [graph.output[0].name], axis=1)
    unit = builder.add("LpNormalization", [raw], axis=1, p=2)
    embedding = builder.dense(unit, head.linear.weight)
    if head.more is not None:
        weights = head.more.state_dict()
        hidden = builder.add("Relu", [builder.dense(unit, weights["0.weight"], weights["0.bias"])])
        more = builder.dense(hidden, weights["2.weight"], weights["2.bias"])
        embedding = builder.add("Add", [embedding, more])
    width = len(head.linear.weight)
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info(embedding, onnx.TensorProto.FLOAT, ["batch", width])
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


class _Builder:
    """Adds steps to a graph, under names that it does not have yet."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._names = self._free_names()

    def add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """A step; the name of what comes out."""
        output = next(self._names)
        self._graph.node.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def dense(self, source: str, weight: Tensor, bias: Tensor | None = None) -> str:
        """A linear layer."""
        inputs = [source, self._constant(weight)]
        inputs += [] if bias is None else [self._constant(bias)]
        return self.add("Gemm", inputs, transB=1)

    def _constant(self, tensor: Tensor) -> str:
        name = next(self._names)
        values: FloatArray = tensor.detach().cpu().numpy().astype(np.float32)
        self._graph.initializer.append(numpy_helper.from_array(values, name))
        return name

    def _free_names(self) -> Iterator[str]:
        taken = {name for node in self._graph.node for name in (*node.input, *node.output)}
        number = 0
        while True:
            name = f"head_{number}"
            number += 1
            if name not in taken:
                yield name
