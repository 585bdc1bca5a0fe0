"""dlib's face recognition network, built as an ONNX graph from the layers of its file.

The architecture is that of dlib's example of face recognition, a ResNet-34 with fewer layers (He et al.,
CVPR 2016): residual blocks of two convolutions, and at each smaller size one whose shortcut is pooled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceprint.errors import WeightsCorruptError
from faceprint.types import Array
from faceprint.zoo import ModelCard
from faceprint.zoo.dlib_files import Layer, fold_convolution
from faceprint.zoo.prepare import take_pixels

__all__ = ["build_graph"]

_OPSET: Final = 13
_IR_VERSION: Final = 8
_SIDE_PX: Final = 150
_SCALE: Final = 256.0
_STEM_KERNEL: Final = 7
_KERNEL: Final = 3
_STEM: Final = ("input_rgb_image_sized", "con_4", "affine_", "relu_", "max_pool_2")
_PLAIN: Final = ("con_4", "affine_", "relu_", "con_4", "affine_", "add_prev_", "relu_")
_SHRINKING: Final = (*_PLAIN[:5], "avg_pool_2", *_PLAIN[5:])
_END: Final = ("avg_pool_2", "fc_2")


def build_graph(layers: Sequence[Layer], card: ModelCard) -> bytes:
    """An ONNX file of the network.

    Args:
        layers: As `read_layers` gives them.
        card: The model.

    Returns:
        A network that takes (N, 150, 150, 3) uint8 RGB and gives (N, 128) float32, as long as dlib's.

    Raises:
        WeightsCorruptError: The layers are not those of this network.
    """
    builder = _Builder(layers)
    builder.build()
    graph = helper.make_graph(
        builder.nodes,
        card.name,
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, *[_SIDE_PX] * 2])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["batch", card.dimension])],
        builder.tensors,
    )
    take_pixels(graph, card)
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=_IR_VERSION)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Builder:
    """Follows the layers, and gathers nodes and tensors on the way."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: list[onnx.TensorProto] = []
        self._layers = layers
        self._place = 0
        self._last = "image"
        self._channels = 3
        self._side = _SIDE_PX

    def build(self) -> None:
        """All layers, first to last."""
        mean, *stem = self._take(_STEM)
        self._node("Sub", self._tensor(mean.arrays[0][:, None, None]))
        self._node("Div", self._tensor(np.array(_SCALE, dtype=np.float32)))
        self._convolve(stem[:2], kernel=_STEM_KERNEL, stride=2)
        self._node("Relu")
        self._node("MaxPool", kernel_shape=[_KERNEL] * 2, strides=[2, 2])
        self._side = (self._side - _KERNEL) // 2 + 1
        while not self._follows(_END):
            self._block()
        *_, dense = self._take(_END)
        self._node("GlobalAveragePool")
        self._node("Flatten")
        self._node("MatMul", self._tensor(dense.arrays[0].reshape(self._channels, -1)))
        self.nodes[-1].output[0] = "vectors"

    def _block(self) -> None:
        """Two convolutions and a way around them, which is pooled where the block makes the map smaller."""
        shrinks = self._follows(_SHRINKING)
        layers = self._take(_SHRINKING if shrinks else _PLAIN)
        around, around_channels, around_side = self._last, self._channels, self._side
        self._convolve(layers[:2], kernel=_KERNEL, stride=2 if shrinks else 1)
        self._node("Relu")
        self._convolve(layers[3:5], kernel=_KERNEL, stride=1)
        if shrinks:
            main, main_side = self._last, self._side
            self._last = around
            self._node("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
            around_side //= 2
            # Where one is smaller than the other, dlib adds nothing to the rest of the larger one.
            self._side = max(main_side, around_side)
            self._pad(self._channels - around_channels, self._side - around_side)
            around, self._last = self._last, main
            self._pad(0, self._side - main_side)
        self._node("Add", around)
        self._node("Relu")

    def _convolve(self, layers: Sequence[Layer], *, kernel: int, stride: int) -> None:
        weights, bias = fold_convolution(layers, channels=self._channels, kernel=kernel)
        border = kernel // 2 if stride == 1 else 0
        tensors = (self._tensor(weights), self._tensor(bias))
        self._node("Conv", *tensors, strides=[stride] * 2, pads=[border] * 4)
        self._channels = len(bias)
        self._side = (self._side + 2 * border - kernel) // stride + 1

    def _pad(self, channels: int, side: int) -> None:
        if channels or side:
            self._node("Pad", self._tensor(np.array([0, 0, 0, 0, 0, channels, side, side])))

    def _follows(self, names: Sequence[str]) -> bool:
        ahead = self._layers[self._place : self._place + len(names)]
        return [layer.name for layer in ahead] == list(names)

    def _take(self, names: Sequence[str]) -> Sequence[Layer]:
        if not self._follows(names):
            raise WeightsCorruptError(
                "This is not the file of dlib's face recognition network: its layer "
                f"{self._place} does not begin {', '.join(names)}. Use the file that the card names."
            )
        taken = self._layers[self._place : self._place + len(names)]
        self._place += len(names)
        return taken

    def _tensor(self, array: Array) -> str:
        name = f"weights_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> None:
        output = f"step_{len(self.nodes)}"
        node = helper.make_node(operator, [self._last, *inputs], [output], **attributes)
        self.nodes.append(node)
        self._last = output
