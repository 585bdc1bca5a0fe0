"""Photos with all that is known of the faces in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.media import read_image
from faceprint.train.data.records import Part
from faceprint.types import FloatArray, Image
from faceprint.zoo.cards import Licence

__all__ = ["GreyArray", "Scene", "Scenes", "scenes_digest"]

GreyArray = npt.NDArray[np.uint8]
"""Grey levels; the docstring of its owner gives the shape."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One photo and the faces in it.

    Attributes:
        name: Its path below the folder that was given, with the folder's name before it.
        path: The photo.
        boxes: (K, 4) float32 pixels, x1 y1 x2 y2: every face that is known in it; K may be 0.
        landmarks: (K, 5, 2) float32 pixels, NaN where they are not known.
        scores: (K,) float32, the teacher's; 1 for labels.
        part: "train", "validation" or "test".
        doubtful: (D, 4) float32 pixels: where there may be a face, or one that is cut by the border. Such a
            place serves neither as a face nor as background.
        width: Of the upright photo, pixels.
        height: The same.
        photo: SHA-256 of the file, hexadecimal.
        background: Whether it was given as a photo without faces.
    """

    name: str
    path: Path
    boxes: FloatArray
    landmarks: FloatArray
    scores: FloatArray
    part: Part
    doubtful: FloatArray
    width: int
    height: int
    photo: str
    background: bool = False

    @property
    def occupied(self) -> FloatArray:
        """(K + D, 4) float32 pixels: all places that are no background."""
        return np.concatenate([self.boxes, self.doubtful]).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Scenes:
    """Photos with the faces in them.

    Attributes:
        scenes: In the order of the folders that were given, and of their names.
        teacher: What found the faces that nobody labelled: card names, with spaces between them.
        digest: Names the photos, what is known of them, and the parts they are in.
        terms: Of the photos, for the card of what is trained on them.
        sources: What they are, in words.
        problems: Photos that cannot be read, with the reason.
    """

    scenes: tuple[Scene, ...]
    teacher: str
    digest: str
    terms: Licence
    sources: str
    problems: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scenes)

    @property
    def faces(self) -> int:
        """How many faces are known."""
        return sum(len(scene.boxes) for scene in self.scenes)

    def part(self, name: Part) -> Scenes:
        """The photos of one part: "train", "validation" or "test"."""
        return self._of([scene for scene in self.scenes if scene.part == name])

    def backgrounds(self) -> Scenes:
        """The photos that were given as ones without faces."""
        return self._of([scene for scene in self.scenes if scene.background])

    def of(self, rows: Sequence[int]) -> Scenes:
        """The photos of those numbers."""
        return self._of([self.scenes[row] for row in rows])

    def _of(self, scenes: Sequence[Scene]) -> Scenes:
        return replace(self, scenes=tuple(scenes), digest=scenes_digest(scenes))

    def read(self, k: int) -> Image:
        """The photo of that number: (H, W, 3) uint8 RGB, upright.

        Raises:
            ImageError: It cannot be read any more.
        """
        return read_image(self.scenes[k].path).pixels

    def grey(self, k: int) -> GreyArray:
        """The same in grey levels: (H, W) uint8; raises like `read`."""
        return np.asarray(cv2.cvtColor(self.read(k), cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def scenes_digest(scenes: Sequence[Scene]) -> str:
    """SHA-256 over the photos, their faces, doubtful places and parts, hexadecimal."""
    whole = sha256()
    for scene in scenes:
        whole.update(f"{scene.name}\0{scene.photo}\0{scene.part}\0{scene.background}\n".encode())
        for array in (scene.boxes, scene.landmarks, scene.scores, scene.doubtful):
            whole.update(str(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()
