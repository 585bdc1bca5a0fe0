"""dlib's CNN face detector: one network over an image at many sizes, boxes without landmarks.

King, "Max-Margin Object Detection", arXiv 2015, with a network in place of its features. Weights:
CC0; trained on photos of ImageNet, AFLW, Pascal VOC, VGG-Face, WIDER FACE and FaceScrub (some of them
research only).

The network is taken out of dlib's file and runs like all others. It finds the boxes that it finds in dlib,
in a small part of the time that dlib takes on a CPU.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.dlib_pyramid import fill, lay_out, resample, rounded
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.dlib_files import read_layers

__all__ = ["DlibCnn", "build"]

_STRIDE_PX: Final = 8
_FIRST_PX: Final = 14
"""The middle of what the first cell of the network's map looks at."""

_LEAST_PX: Final = 29
"""Side of the smallest picture of which the strided convolutions leave anything."""

_WINDOW_PX: Final = 80
_OVERLAP: Final = 0.3382761351109955
"""Of the smallest box around both, beyond which a find suppresses a worse one; as dlib's file has it."""

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
        # Reading ONNX takes a quarter of a second to import, and is needed once.
        from faceprint.detect.dlib_cnn_network import build_graph

        window = (_WINDOW_PX, _WINDOW_PX, _OVERLAP)
        return build_graph(read_layers(files[0].read_bytes(), name=files[0].name), card, window)

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
