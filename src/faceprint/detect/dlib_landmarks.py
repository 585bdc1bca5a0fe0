"""dlib's landmarks: 68 points of a face, and the five of them that faces are aligned by.

Kazemi, Sullivan, "One Millisecond Face Alignment with an Ensemble of Regression Trees", CVPR 2014.
Weights: CC0, but trained on iBUG 300-W, which forbids commercial use, as the publisher points out.

The trees start from where a face lies in the box of dlib's own detector, and other detectors draw other
boxes. The landmarker therefore looks twice: the second time in the box that dlib would have drawn around
the points of the first.

dlib's other predictor knows five points that are not ours: the corners of the eyes and the base of the nose,
and none of the mouth. It is no `Landmarker`; `load_predictor` gives it to what aligns faces as dlib does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from faceprint.detect.dlib_library import load_dlib
from faceprint.detect.landmarking import locate_in_boxes
from faceprint.runtime import RuntimeOptions
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["Dlib68", "ShapePredictor", "build", "five_of", "load_predictor", "points_of"]

_EYES: Final = (slice(36, 42), slice(42, 48))
_NOSE_AND_MOUTH: Final = (30, 48, 54)

# How the boxes of dlib-hog lie, by the medians over 199 LFW photos of people of peopleDevTrain: around
# the five landmarks, and beside the boxes of YuNet and MTCNN, which are higher than wide.
_SIDE_BY_SPREAD: Final = 3.94
_ABOVE_MIDDLE: Final = 0.023
_SIDE_BY_HEIGHT: Final = 0.87
_BELOW_MIDDLE: Final = 0.045


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> Dlib68:
    """The landmarker of the card; it runs in dlib on the CPU, whatever the options.

    Raises:
        MissingExtraError: dlib or the package of its weights is not installed.
        LicenceRefusedError: `commercial_only` forbids it.
    """
    return Dlib68(load_predictor(card, store), name=card.name)


def load_predictor(card: ModelCard, store: WeightStore) -> ShapePredictor:
    """One of dlib's predictors of points, from its card; raises like `build`."""
    store.check_licence(card)
    dlib = load_dlib(f"The model {card.name}")
    (path,) = store.files(card)
    return ShapePredictor(dlib, dlib.shape_predictor(str(path)))


class ShapePredictor:
    """Points of faces in boxes. Safe to call from several threads.

    Args:
        dlib: The library.
        predictor: A `dlib.shape_predictor`.
    """

    def __init__(self, dlib: Any, predictor: Any) -> None:
        self._dlib = dlib
        self._predictor = predictor

    def shapes(self, image: Image, boxes: npt.NDArray[np.int64]) -> list[Any]:
        """dlib's own records of the points, which its functions take.

        Args:
            image: (H, W, 3) RGB or (H, W) grey, uint8, C-contiguous.
            boxes: (N, 4) whole pixels x1 y1 x2 y2, the last pixels included.

        Returns:
            A `dlib.full_object_detection` for each box.
        """
        return [self._predictor(image, self._dlib.rectangle(*box)) for box in boxes.tolist()]


class Dlib68:
    """Finds the five landmarks of faces whose box is known: five of dlib's 68 points.

    Args:
        predictor: Of 68 points.
        name: Card name.
    """

    def __init__(self, predictor: ShapePredictor, *, name: str = "dlib-68") -> None:
        self.name = name
        self._predictor = predictor

    def locate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[tuple[Face, ...]]:
        """The same faces in the same order, each with landmarks in place of those it had."""
        upright = [np.ascontiguousarray(image) for image in images]

        def look(photos: npt.NDArray[np.intp], boxes: FloatArray) -> FloatArray:
            boxes = _like_dlib(boxes)
            for _ in range(2):
                points = np.stack(
                    [
                        five_of(points_of(self._predictor.shapes(upright[photo], box[None])[0]))
                        for photo, box in zip(photos, _whole(boxes), strict=True)
                    ]
                )
                boxes = _around(points)
            return points

        return locate_in_boxes(faces, look)


def points_of(shape: Any) -> FloatArray:
    """The points of a `dlib.full_object_detection`: (P, 2) float32 pixels."""
    return np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float32)


def five_of(points: FloatArray) -> FloatArray:
    """Our five landmarks out of dlib's 68 points.

    Args:
        points: (68, 2) float32 pixels.

    Returns:
        (5, 2) float32: middles of the right and the left eye, tip of the nose, right and left mouth corner.
    """
    eyes = [points[eye].mean(axis=0) for eye in _EYES]
    five: FloatArray = np.stack([*eyes, *points[list(_NOSE_AND_MOUTH)]])
    return five


def _like_dlib(boxes: FloatArray) -> FloatArray:
    """Boxes (N, 4) as dlib's detector draws them; squares are taken to be of its kind."""
    sides = boxes[:, 2:] - boxes[:, :2]
    square = np.abs(sides[:, 0] - sides[:, 1]) <= 1
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    middles[:, 1] += np.where(square, 0, _BELOW_MIDDLE * sides[:, 1])
    return _squares(middles, np.where(square, 1, _SIDE_BY_HEIGHT) * sides.max(axis=1))


def _around(points: FloatArray) -> FloatArray:
    """The boxes (N, 4) that dlib's detector draws around landmarks (N, 5, 2)."""
    middles = points.mean(axis=1)
    away = points - middles[:, None]
    sides = _SIDE_BY_SPREAD * np.sqrt((away**2).sum(axis=2).mean(axis=1))
    middles[:, 1] -= _ABOVE_MIDDLE * sides
    return _squares(middles, sides)


def _squares(middles: npt.NDArray[np.floating], sides: npt.NDArray[np.floating]) -> FloatArray:
    half = sides[:, None] / 2
    return np.concatenate([middles - half, middles + half], axis=1).astype(np.float32)


def _whole(boxes: FloatArray) -> npt.NDArray[np.int64]:
    """Boxes in whole pixels whose last pixels belong to them, each side at least one."""
    starts = np.rint(boxes[:, :2])
    ends = np.maximum(np.rint(boxes[:, 2:]) - 1, starts)
    return np.concatenate([starts, ends], axis=1).astype(np.int64)
