"""dlib's CNN face detector: one network over an image at many sizes, boxes without landmarks.

King, "Max-Margin Object Detection", arXiv 2015, with a network in place of its features. Weights:
CC0; trained on photos of ImageNet, AFLW, Pascal VOC, VGG-Face, WIDER FACE and FaceScrub (some of them
research only).

The network is taken out of dlib's file and runs like all others, which takes a small part of the time and
the memory that dlib takes on a CPU, and finds the same boxes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from faceprint.detect.dlib_pyramid import fill, lay_out, resample, rounded
from faceprint.errors import WeightsCorruptError
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.dlib_files import Layer, fold_convolution, read_layers

__all__ = ["DlibCnn", "build"]

_OPSET: Final = 13
_IR_VERSION: Final = 8
_CONVOLUTIONS: Final = ((5, 2), (5, 2), (5, 2), (5, 1), (5, 1), (5, 1), (9, 1))
"""Kernel side and stride of each."""

_STRIDE_PX: Final = 8
_FIRST_PX: Final = 14
"""The middle of what the first cell of the network's map looks at."""

_LEAST_PX: Final = 29
"""Side of the smallest picture of which the strided convolutions leave anything."""

_WINDOW_PX: Final = 80
_OVERLAP: Final = 0.3382761351109955
"""Of the smallest box around both, beyond which a find suppresses a worse one; as the file has it."""

_DOUBLING_SHIFT: Final = np.array([1.25, 0.75, 1.25, 0.75])
"""Between the pixels of an image and of the doubled one, in dlib's own reckoning."""

_DOUBLED_PX: Final = 640
_LOWEST_SCORE: Final = 0.3


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> DlibCnn:
    """The detector of the card.

    Raises:
        MissingExtraError: The package of its weights is not installed.
        LicenceRefusedError: `commercial_only` forbids it.
        WeightsCorruptError: The file is not that network.
    """

    def make(files: tuple[Path, ...]) -> bytes:
        return _build_graph(read_layers(files[0].read_bytes(), name=files[0].name), card)

    path = store.made(card, f"r{card.revision}.onnx", make)
    # Near the threshold, bf16 would find other faces than dlib.
    return DlibCnn(open_session(path, options, sensitive=True), card)


class DlibCnn:
    """Finds faces of 40 pixels and more in images up to 640 pixels, of 80 pixels and more in larger ones.

    Args:
        session: The network, from (1, H, W, 3) float32 to a map (1, 1, H / 8, W / 8) of margins.
        card: What it is.
        min_score: Faces below this are dropped; 0.5 is dlib's own threshold.
    """

    def __init__(self, session: Session, card: ModelCard, *, min_score: float = 0.5) -> None:
        self.name = card.name
        self._session = session
        self._card = card
        self._min_margin = math.log(min_score / (1 - min_score))
        self._mean = np.array(card.mean, dtype=np.float32)
        self._std = np.float32(card.std[0])

    def lowered(self, min_score: float) -> DlibCnn:
        """The same detector, giving faces down to this score, but never below 0.3."""
        return DlibCnn(self._session, self._card, min_score=max(min_score, _LOWEST_SCORE))

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, best first, without landmarks.

        The score is the logistic function of the detector's margin: 0.5 at its threshold.
        """
        return [
            self.find(image, doublings=int(max(image.shape[:2]) <= _DOUBLED_PX)) for image in images
        ]

    def find(self, image: Image, *, doublings: int) -> tuple[Face, ...]:
        """Faces of one image, best first.

        Args:
            image: (H, W, 3) uint8 RGB.
            doublings: How often it is doubled first, for smaller faces in four times the time each.
        """
        if not image.size:
            return ()
        pixels = image.astype(np.float32)
        for _ in range(doublings):
            height, width = pixels.shape[:2]
            pixels = np.trunc(resample(pixels, height=2 * height + 1, width=2 * width + 2))
        boxes, margins = self._find_boxes((pixels - self._mean) / self._std)
        for _ in range(doublings):
            boxes = boxes / 2 - _DOUBLING_SHIFT
        ends = rounded(boxes) + np.array([0, 0, 1, 1])
        return tuple(
            Face(box, 1 / (1 + math.exp(-margin)))
            for box, margin in zip(ends.astype(np.float32), margins.tolist(), strict=True)
        )

    def _find_boxes(
        self, pixels: FloatArray
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Boxes (N, 4) whose last pixels belong to them, and their margins (N,), best first."""
        tiling = lay_out(*pixels.shape[:2])
        if min(tiling.height, tiling.width) < _LEAST_PX:
            return np.zeros((0, 4)), np.zeros(0)
        (found,) = self._session.run(fill(pixels, tiling)[None])
        rows, columns = np.nonzero(found[0, 0] > self._min_margin)
        margins = found[0, 0, rows, columns].astype(np.float64)
        order = np.argsort(-margins, kind="stable")
        middles = np.stack([columns, rows], axis=1)[order] * _STRIDE_PX + _FIRST_PX
        reach = (_WINDOW_PX - 1) / 2
        boxes = tiling.into_image(np.concatenate([middles - reach, middles + reach], axis=1))
        whole = rounded(boxes).astype(np.float64)
        kept = _suppress(whole)
        return whole[kept], margins[order][kept]


def _suppress(boxes: npt.NDArray[np.float64]) -> list[int]:
    """The boxes (N, 4) that stay, best first: dlib measures overlap by the smallest box around both."""
    kept: list[int] = []
    for place, box in enumerate(boxes):
        others = boxes[kept]
        inner = _area(np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:]))
        outer = _area(np.minimum(box[:2], others[:, :2]), np.maximum(box[2:], others[:, 2:]))
        if not (inner > _OVERLAP * outer).any():
            kept.append(place)
    return kept


def _area(low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    area: npt.NDArray[np.float64] = np.maximum(high - low + 1, 0).prod(axis=1)
    return area


def _build_graph(layers: Sequence[Layer], card: ModelCard) -> bytes:
    """An ONNX file of the network: (N, H, W, 3) float32 to (N, 1, H', W') float32."""
    (head, *_), convolutions = layers, _group(layers)
    window = np.array([_WINDOW_PX, _WINDOW_PX, _OVERLAP], dtype=np.float32)
    if not np.array_equal(head.arrays[0], window) or len(convolutions) != len(_CONVOLUTIONS):
        raise WeightsCorruptError(
            f"This is not the file of dlib's CNN face detector: {len(_CONVOLUTIONS)} convolutions and a "
            f"window of {_WINDOW_PX} pixels were expected. Use the file that the card names."
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
