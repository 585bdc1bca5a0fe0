"""Landmarks from landmarks-regression-retail-0009 of the Open Model Zoo, for boxes of any detector.

Weights: Intel, Apache-2.0; training data not stated by the publisher.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from faceprint.detect.box_crops import cut_boxes, whole_boxes
from faceprint.detect.landmarking import locate_in_boxes
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["Retail0009", "build"]

_BATCH = 64


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> Retail0009:
    """The network of the card."""
    session = open_session(
        store.files(card)[0], options, sensitive=card.precision == "f32", colour=card.colour
    )
    return Retail0009(session, name=card.name, input_size_px=card.input_size_px)


class Retail0009:
    """Finds the five landmarks of faces whose box is known.

    The network sees the box as it is: margins and squares brought its landmarks no nearer to those
    of MTCNN and of a 68-point model.

    Args:
        session: Takes (N, S, S, 3) uint8 RGB and gives (N, 10, 1, 1) float32, x and y of each
            landmark in turn as shares of the crop.
        name: Card name.
        input_size_px: S.
    """

    def __init__(
        self, session: Session, *, name: str = "retail-0009", input_size_px: int = 48
    ) -> None:
        self.name = name
        self._session = session
        self._side = input_size_px

    def locate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[tuple[Face, ...]]:
        """The same faces in the same order, each with landmarks in place of those it had."""

        def look(photos: npt.NDArray[np.intp], boxes: FloatArray) -> FloatArray:
            boxes = whole_boxes(boxes)
            crops = cut_boxes(images, photos, boxes, side_px=self._side)
            shares = np.concatenate(
                [
                    self._session.run(crops[start : start + _BATCH])[0].reshape(-1, 5, 2)
                    for start in range(0, len(crops), _BATCH)
                ]
            )
            sides = boxes[:, None, 2:] - boxes[:, None, :2]
            return np.asarray(shares * sides + boxes[:, None, :2], dtype=np.float32)

        return locate_in_boxes(faces, look)
