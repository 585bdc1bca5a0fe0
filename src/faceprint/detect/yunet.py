"""YuNet: a tiny anchor-free detector with five landmarks.

Wu, Peng, Yu, "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research 2023.
Weights: opencv_zoo, MIT; trained on WIDER FACE (research only).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from faceprint.geometry import suppress
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["YuNet", "build"]

_STRIDES = (8, 16, 32)
_MAX_BATCH_PIXELS = 4 * 256 * 256
"""What one core keeps in its cache: larger batches are slower."""

_WATCHFUL_SCORE = 0.3
"""See `benchmarks/hiding.csv` for what it finds and what it costs."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> YuNet:
    """YuNet from its card."""
    path = store.prepared(card, spatial=True)
    session = open_session(path, options, sensitive=card.precision == "f32")
    return YuNet(session, name=card.name)


class YuNet:
    """Finds faces of about 10 to 300 pixels at the size that the images have.

    Args:
        session: The prepared network.
        name: Card name.
        min_score: Faces below this are dropped; see `benchmarks/detection.csv` for what it costs.
        iou: Faces that overlap a better one by more than this are dropped.
    """

    def __init__(
        self, session: Session, *, name: str = "yunet", min_score: float = 0.7, iou: float = 0.3
    ) -> None:
        self.name = name
        self._session = session
        self._min_score = min_score
        self._iou = iou

    def watchful(self) -> YuNet:
        """The same network, taking what looks only a little like a face for one too."""
        return self.lowered(_WATCHFUL_SCORE)

    def lowered(self, min_score: float) -> YuNet:
        """The same network, giving faces down to this score."""
        return YuNet(self._session, name=self.name, min_score=min_score, iou=self._iou)

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, best first; images of like size go through the network together."""
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, image in enumerate(images):
            alike[_padded_size(image)].append(index)
        found: list[tuple[Face, ...]] = [()] * len(images)
        for (height, width), indices in alike.items():
            step = max(1, _MAX_BATCH_PIXELS // (height * width))
            for start in range(0, len(indices), step):
                part = indices[start : start + step]
                batch = np.zeros((len(part), height, width, 3), dtype=np.uint8)
                for row, index in enumerate(part):
                    image = images[index]
                    batch[row, : image.shape[0], : image.shape[1]] = image
                for index, faces in zip(part, self._detect_batch(batch), strict=True):
                    found[index] = faces
        return found

    def _detect_batch(self, batch: Image) -> list[tuple[Face, ...]]:
        outputs = self._session.run(batch)
        kinds = len(_STRIDES)
        classes, objects, offsets, points = (
            np.concatenate(outputs[start : start + kinds], axis=1)
            for start in range(0, 4 * kinds, kinds)
        )
        scores = np.sqrt(np.clip(classes[..., 0], 0, 1) * np.clip(objects[..., 0], 0, 1))
        rows, anchors = np.nonzero(scores > self._min_score)
        boxes, landmarks = _decode(
            offsets[rows, anchors], points[rows, anchors], _anchors(*batch.shape[1:3])[anchors]
        )
        best = suppress(boxes, scores[rows, anchors], iou=self._iou, groups=rows)
        faces: list[list[Face]] = [[] for _ in batch]
        for k in best:
            score = float(scores[rows[k], anchors[k]])
            faces[rows[k]].append(Face(boxes[k], score, landmarks[k]))
        return [tuple(some) for some in faces]


def _padded_size(image: Image) -> tuple[int, int]:
    """Height and width up to the next multiple of the coarsest stride."""
    step = _STRIDES[-1]
    return -(-image.shape[0] // step) * step, -(-image.shape[1] // step) * step


@lru_cache(maxsize=64)
def _anchors(height: int, width: int) -> FloatArray:
    """Column, row and stride of every anchor: (A, 3) float32, in the order of the outputs."""
    grids = []
    for stride in _STRIDES:
        rows, columns = np.mgrid[0 : height // stride, 0 : width // stride]
        strides = np.full(rows.size, stride)
        grids.append(np.stack([columns.ravel(), rows.ravel(), strides], axis=1))
    return np.concatenate(grids).astype(np.float32)


def _decode(
    offsets: FloatArray, points: FloatArray, anchors: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Boxes (K, 4) and landmarks (K, 5, 2) in pixels from the network's values at K anchors."""
    cells, strides = anchors[:, :2], anchors[:, 2:]
    centres = (cells + offsets[:, :2]) * strides
    half_sides = np.exp(offsets[:, 2:4]) * strides / 2
    boxes = np.concatenate([centres - half_sides, centres + half_sides], axis=1)
    landmarks = (points.reshape(-1, 5, 2) + cells[:, None]) * strides[:, None]
    return boxes, landmarks
