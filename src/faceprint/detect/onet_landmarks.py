"""Landmarks from O-Net, the last network of MTCNN, for boxes of any detector.

Zhang et al., "Joint Face Detection and Alignment Using Multi-task Cascaded Convolutional Networks",
IEEE SPL 2016. Weights: the authors', as the package `mtcnn` carries them, MIT; trained on WIDER
FACE and CelebA (research only).

Boxes of different detectors are of different kinds. O-Net therefore looks twice: where it puts the
box at first is where it looks for the landmarks.

It also refines landmarks. Those of YuNet follow a tilted face only part of the way: O-Net then sees the
face turned upright by them, and once more where that turn proves to be wrong. Profiles it does not know:
they keep the landmarks that they have.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint.detect.box_crops import cut_boxes, cut_turned_squares, square_boxes
from faceprint.detect.landmarking import breadths_of, locate_in_boxes, rolls_of
from faceprint.detect.mtcnn_network import STAGES, build_graph, from_keras
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.arrays import read_joblib

__all__ = ["OnetLandmarker", "build"]

_STAGE = STAGES[-1]
_LOOKS = 2
# Of the sides tried on LFW's training people, the one whose landmarks came nearest to those of
# MTCNN and of a 68-point model.
_SCALE = 0.9
_BATCH = 16
_SURE_ROLL = np.float32(np.deg2rad(10))
"""A face that proves to be tilted by more than this beyond what its landmarks said is looked at again."""

_PROFILE = 0.3
"""A face whose landmarks are less broad is a profile: see `breadths_of`."""


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> OnetLandmarker:
    """O-Net from its card."""

    def make(files: tuple[Path, ...]) -> bytes:
        arrays = read_joblib(files[0].read_bytes(), name=files[0].name)
        return build_graph(from_keras(_STAGE, arrays), card)

    path = store.made(card, f"r{card.revision}.onnx", make)
    session = open_session(path, options, sensitive=card.precision == "f32")
    return OnetLandmarker(session, name=card.name)


class OnetLandmarker:
    """Finds the five landmarks of faces whose box is known.

    Args:
        session: O-Net, as `mtcnn_network.build_graph` makes it.
        name: Card name.
    """

    def __init__(self, session: Session, *, name: str = "onet") -> None:
        self.name = name
        self._session = session

    def locate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[tuple[Face, ...]]:
        """The same faces in the same order, each with landmarks in place of those it had."""

        def look(photos: npt.NDArray[np.intp], boxes: FloatArray) -> FloatArray:
            points = [
                self._look(images, photos[start : start + _BATCH], boxes[start : start + _BATCH])
                for start in range(0, len(boxes), _BATCH)
            ]
            return np.concatenate(points)

        return locate_in_boxes(faces, look)

    def refine(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[tuple[Face, ...]]:
        """The same faces in the same order, each with better landmarks than those that it has.

        Args:
            images: (H, W, 3) uint8 RGB each.
            faces: Of each image, all with landmarks.
        """
        given = [face.landmarks for some in faces for face in some if face.landmarks is not None]

        def look(photos: npt.NDArray[np.intp], boxes: FloatArray) -> FloatArray:
            points = np.stack(given)
            squares, rolls = square_boxes(boxes, scale=_SCALE), rolls_of(points)
            (again,) = np.nonzero(breadths_of(points) > _PROFILE)
            for _ in range(_LOOKS):
                if not len(again):
                    break
                points[again] = self._look_turned(
                    images, photos[again], squares[again], rolls[again]
                )
                better = rolls_of(points)
                again = again[np.abs(np.angle(np.exp(1j * (better - rolls)[again]))) > _SURE_ROLL]
                rolls = better
            return points

        return locate_in_boxes(faces, look)

    def _look_turned(
        self,
        images: Sequence[Image],
        photos: npt.NDArray[np.intp],
        squares: FloatArray,
        rolls: FloatArray,
    ) -> FloatArray:
        crops = cut_turned_squares(images, photos, squares, rolls, side_px=_STAGE.input_px)
        shares = np.concatenate(
            [
                self._session.run(crops[start : start + _BATCH])[1]
                for start in range(0, len(crops), _BATCH)
            ]
        )
        sides = squares[:, 2] - squares[:, 0]
        turns = sides * np.exp(1j * rolls)
        across, down = shares.reshape(-1, 2, 5).transpose(1, 0, 2) - 0.5
        away = (across + 1j * down) * turns[:, None]
        middles = (squares[:, :2] + squares[:, 2:]) / 2
        points = np.stack([away.real, away.imag], axis=2) + middles[:, None]
        return points.astype(np.float32)

    def _look(
        self, images: Sequence[Image], photos: npt.NDArray[np.intp], boxes: FloatArray
    ) -> FloatArray:
        for _ in range(_LOOKS):
            squares = square_boxes(boxes, scale=_SCALE)
            crops = cut_boxes(images, photos, squares, side_px=_STAGE.input_px)
            offsets, shares, _scores = self._session.run(crops)
            sides = squares[:, 2:] - squares[:, :2]
            boxes = squares + offsets * np.tile(sides, (1, 2))
        points = shares.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None]
        return (points + squares[:, None, :2]).astype(np.float32)
