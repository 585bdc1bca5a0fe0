"""What crops are cut from: the surroundings of faces, and photos without any, kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from faceprint.errors import TrainingError
from faceprint.geometry import iou_matrix
from faceprint.train.scenes import Scene, Scenes
from faceprint.types import FloatArray, Image

__all__ = ["Place", "Places", "Progress", "gather_places"]

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""

_FACE_SHARE: Final = 0.6
"""Longer side of a face in memory, in sides of the crops: some crops enlarge it a little, most shrink it."""
_BACKGROUND_SIDES: Final = 4
"""Longer side of a photo without faces in memory, in sides of the crops."""
_SMALLEST_FACE_PX: Final = 20
_MOST_FACES: Final = 6
"""Of one photo, so that a crowd does not outweigh all others."""
_SAME: Final = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A part of a photo.

    Attributes:
        pixels: (H, W, 3) uint8 RGB.
        box: (4,) float32 pixels, the face in its middle; None where there is none.
        others: (K, 4) float32 pixels: other faces, and where there may be some.
        photo: What the photo is called.
    """

    pixels: Image
    box: FloatArray | None
    others: FloatArray
    photo: str

    @property
    def occupied(self) -> FloatArray:
        """(K, 4) float32 pixels: all that is no background."""
        return self.others if self.box is None else np.concatenate([self.box[None], self.others])


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """All that crops of one part of the photos are cut from.

    Attributes:
        faces: With a face in their middle; what is beside it serves as background too.
        backgrounds: Photos without faces.
    """

    faces: tuple[Place, ...]
    backgrounds: tuple[Place, ...]


def gather_places(
    scenes: Scenes,
    *,
    side_px: int,
    smallest: float,
    what: str = "photos",
    progress: Progress | None = None,
) -> Places:
    """Reads photos once, and keeps what crops may show.

    Args:
        scenes: Photos with the faces in them.
        side_px: Of the crops.
        smallest: The least that a face's longer side is of the crop's.
        what: The photos are called in messages and to `progress`.
        progress: Told of the photos read.

    Raises:
        ImageError: A photo cannot be read any more.
        TrainingError: There are no faces.
    """
    faces: list[Place] = []
    backgrounds: list[Place] = []
    for number, scene in enumerate(scenes.scenes):
        image = scenes.read(number)
        faces += _face_places(image, scene, side_px=side_px, smallest=smallest)
        if not len(scene.boxes):
            backgrounds.append(_background_place(image, scene, side_px=side_px))
        if progress is not None:
            progress(f"Reading {what}", number + 1, len(scenes))
    if not faces:
        raise TrainingError(
            f"There are {len(scenes):,} {what}, and none shows a face of {_SMALLEST_FACE_PX} pixels or more. "
            "Give more photos of faces with --data."
        )
    return Places(tuple(faces), tuple(backgrounds))


def _face_places(image: Image, scene: Scene, *, side_px: int, smallest: float) -> list[Place]:
    """A place around each of the largest faces of a photo."""
    longer = (scene.boxes[:, 2:] - scene.boxes[:, :2]).max(axis=1, initial=0)
    order = np.argsort(-longer, kind="stable")[:_MOST_FACES]
    found = []
    for number in order[longer[order] >= _SMALLEST_FACE_PX].tolist():
        box, reach = scene.boxes[number], float(longer[number]) / smallest
        others = _others(scene, number)
        middle = (box[:2] + box[2:]) / 2
        height, width = image.shape[:2]
        left, top = np.maximum(np.floor(middle - reach), 0).astype(int).tolist()
        right, bottom = np.minimum(np.ceil(middle + reach), (width, height)).astype(int).tolist()
        if left >= right or top >= bottom:
            continue
        scale = min(1.0, _FACE_SHARE * side_px / float(longer[number]))
        part, steps = _shrunk(image[top:bottom, left:right], scale)
        corner = np.array([left, top] * 2, dtype=np.float32)
        found.append(Place(part, (box - corner) * steps, (others - corner) * steps, scene.name))
    return found


def _others(scene: Scene, number: int) -> FloatArray:
    """Where else faces are or may be; a second find of the same face is none."""
    others = np.concatenate([np.delete(scene.boxes, number, axis=0), scene.doubtful])
    same = iou_matrix(scene.boxes[number][None], others)[0] > _SAME
    kept: FloatArray = others[~same].astype(np.float32)
    return kept


def _background_place(image: Image, scene: Scene, *, side_px: int) -> Place:
    scale = min(1.0, _BACKGROUND_SIDES * side_px / max(image.shape[:2]))
    part, steps = _shrunk(image, scale)
    return Place(part, None, (scene.doubtful * steps).astype(np.float32), scene.name)


def _shrunk(image: Image, scale: float) -> tuple[Image, FloatArray]:
    """A copy of an image at a scale of at most 1, and the scale that came of it, (4,) float32."""
    height, width = image.shape[:2]
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    part = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return part, np.array([size[0] / width, size[1] / height] * 2, dtype=np.float32)
