"""A network of ours that finds the one face of a photo, as before a webcam.

VGG16's convolutions (Simonyan and Zisserman, ICLR 2015), in full or slim, with a head for face or not and one
for its box. `faceprint train localizer` makes such models; what a model of them has learnt from stands in
its card. Of several faces it finds one, and it gives no landmarks.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceprint.errors import ModelError
from faceprint.geometry import box_areas, clip_boxes
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["Localizer", "build"]

_BATCH = 16
_OUTPUTS = 5
_MIN_SCORE = 0.5
"""What a probability of a face is taken for one at."""
_WATCHFUL_SCORE = 0.2
_SMALLEST_PX = 8
"""Of a photo: one with a shorter side holds no face that could be told from noise."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> Localizer:
    """The network of the card.

    Raises:
        ModelError: It gives other numbers than a localiser does.
    """
    session = open_session(store.prepared(card), options, sensitive=card.precision == "f32")
    side = card.input_size_px
    shape = session.run(np.zeros((1, side, side, 3), dtype=np.uint8))[0].shape
    if shape != (1, _OUTPUTS):
        raise ModelError(
            f"{card.name} was expected to give {_OUTPUTS} numbers for a photo, a face's probability and its "
            f"box, and gives {shape}. Train or export it again."
        )
    return Localizer(session, name=card.name, side_px=side)


class Localizer:
    """Finds at most one face in a photo.

    The photo is shrunk or enlarged to a square, with black beside it where it is none. A face whose longer
    side is a seventh to nine tenths of the photo's is found best.

    Args:
        session: Takes (N, S, S, 3) uint8 RGB and gives (N, 5) float32: the logit of a face, and its box x1
            y1 x2 y2 as shares of the side.
        name: Card name.
        side_px: S.
        min_score: A face below this is dropped.
    """

    def __init__(
        self,
        session: Session,
        *,
        name: str = "localizer",
        side_px: int,
        min_score: float = _MIN_SCORE,
    ) -> None:
        self.name = name
        self._session = session
        self._side = side_px
        self._min_score = min_score

    def watchful(self) -> Localizer:
        """The same network, taking what looks only a little like a face for one too."""
        return self.lowered(_WATCHFUL_SCORE)

    def lowered(self, min_score: float) -> Localizer:
        """The same network, giving faces down to this score."""
        return Localizer(self._session, name=self.name, side_px=self._side, min_score=min_score)

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """The face of each image, or none."""
        found: list[tuple[Face, ...]] = [()] * len(images)
        seen = [k for k, image in enumerate(images) if min(image.shape[:2]) >= _SMALLEST_PX]
        for start in range(0, len(seen), _BATCH):
            some = seen[start : start + _BATCH]
            batch = np.stack([_squared(images[k], self._side) for k in some])
            outputs = self._session.run(batch)[0].reshape(len(some), _OUTPUTS)
            for k, row in zip(some, outputs, strict=True):
                found[k] = self._faces(row, images[k])
        return found

    def _faces(self, row: FloatArray, image: Image) -> tuple[Face, ...]:
        # A logit below this gives nothing that could be told from 0, and overflows above.
        score = float(1 / (1 + np.exp(-np.clip(row[0], -50, 50))))
        height, width = image.shape[:2]
        corner = _corner(height, width)
        box = row[1:] * max(height, width) - np.tile(corner, 2)
        box = clip_boxes(box[None].astype(np.float32), width=width, height=height)
        # NaN is below everything.
        if not score >= self._min_score or not box_areas(box)[0] >= 1:
            return ()
        return (Face(box[0], score),)


def _corner(height: int, width: int) -> FloatArray:
    """Where a photo begins in the square around it: (2,) float32, x y, pixels of the photo."""
    side = max(height, width)
    return np.array([(side - width) / 2, (side - height) / 2], dtype=np.float32)


def _squared(image: Image, side_px: int) -> Image:
    """A photo in the middle of a black square."""
    height, width = image.shape[:2]
    scale = side_px / max(height, width)
    fine = int(np.clip(round(1 / scale), 1, 8)) if scale < 1 else 1
    matrix = np.zeros((2, 3), dtype=np.float32)
    matrix[0, 0] = matrix[1, 1] = scale * fine
    # Boxes count from the corner of the first pixel, OpenCV from its middle.
    matrix[:, 2] = (_corner(height, width) + 0.5) * scale * fine - 0.5
    large = cv2.warpAffine(image, matrix, (side_px * fine,) * 2, flags=cv2.INTER_LINEAR)
    return np.asarray(
        cv2.resize(large, (side_px, side_px), interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
