"""A detector says where the faces of photos are, and where there may be one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.detect.viola_jones.framing import window_of
from faceprint.errors import FaceprintError, ModelError
from faceprint.evaluate.kept import KeptResults, digest_of
from faceprint.geometry import iou_matrix
from faceprint.media import photo_name, read_image
from faceprint.pipeline import Faceprint
from faceprint.pipeline.models import weight_store
from faceprint.pipeline.results import Failure
from faceprint.pipeline.stream import chunks, in_order
from faceprint.train.scenes.dealing import THUMBNAIL_PX, thumbnail
from faceprint.train.scenes.records import GreyArray
from faceprint.types import Face, FloatArray, Image, NamedImage, Photo

__all__ = ["Progress", "Taught", "Teacher"]

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""

_REVISION: Final = 2
"""Of the steps of this module; a change makes that kept finds are not used."""

_ALIGNMENT: Final = "arcface-112"
"""Models that are aligned so are given refined landmarks."""
_SAME: Final = 0.3
_SLICE: Final = 256

_FILLED_LEVEL: Final = 4
_FILLED_SHARE: Final = 0.02
"""A face with more than this share of black border in its window is cut by it: photos that were turned
upright, as LFW's, are filled with black where they ended."""

_HEAD: Final = 3
_POINTS: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Taught:
    """What the teacher says of one photo.

    Attributes:
        photo: SHA-256 of the file, hexadecimal.
        width: Of the upright photo, pixels.
        height: The same.
        boxes: (K, 4) float32 pixels: the faces that it is sure of.
        landmarks: (K, 5, 2) float32 pixels.
        scores: (K,) float32.
        doubtful: (D, 4) float32 pixels: what it only suspects, and faces that black borders cut.
        thumbnail: (64, 64) uint8: what copies of the photo are told by.
    """

    photo: str
    width: int
    height: int
    boxes: FloatArray
    landmarks: FloatArray
    scores: FloatArray
    doubtful: FloatArray
    thumbnail: GreyArray


class Teacher:
    """The detector of a `Faceprint`, looking twice.

    Args:
        faceprint: What detects; its landmarks are refined where they are rough.
        kept: Folder where finds are kept by the content of the photos; None to keep nothing.
    """

    def __init__(self, faceprint: Faceprint, kept: Path | None) -> None:
        self._faceprint = faceprint
        self._kept = kept

    @property
    def name(self) -> str:
        """Card names of what finds faces and what refines their landmarks."""
        refined = self._faceprint.models.steps_for(_ALIGNMENT)
        return f"{self._faceprint.settings.detector}{refined.replace('+', ' ')}"

    def look(
        self,
        photos: Sequence[Path],
        backgrounds: Sequence[bool],
        progress: Progress | None = None,
    ) -> list[Taught | Failure]:
        """What is in each photo, or why it cannot be read.

        Args:
            photos: Paths.
            backgrounds: Whether a photo is said to hold no face. There it looks for small and turned faces,
                too, and suspects only what it is sure of: a dog is to be a background.
            progress: Told how many photos are done, and of how many.

        Raises:
            ModelError: The detector cannot be had or run, or gives no landmarks.
        """
        taught: dict[int, Taught | Failure] = {}
        for background in (False, True):
            rows = [row for row, one in enumerate(backgrounds) if one == background]
            recipe = self._recipe(background)
            with KeptResults.open(self._kept, "scenes", recipe) as kept:
                for start in range(0, len(rows), _SLICE):
                    some = {row: photos[row] for row in rows[start : start + _SLICE]}
                    taught |= self._look_at(some, background, kept)
                    if progress is not None:
                        progress("Looking for faces", len(taught), len(photos))
        return [taught[row] for row in range(len(photos))]

    def _look_at(
        self, photos: dict[int, Path], background: bool, kept: KeptResults
    ) -> dict[int, Taught | Failure]:
        done: dict[int, Taught | Failure] = {}
        if kept.usable:
            digests = {row: digest_of(path) for row, path in photos.items()}
            known = kept.find([one for one in digests.values() if one is not None])
            done |= {
                row: _unpack(digest, known[digest])
                for row, digest in digests.items()
                if digest is not None and digest in known
            }
        missing = [row for row in photos if row not in done]
        results = in_order(
            lambda some: self._work(some, background),
            chunks(photos[row] for row in missing),
            workers=self._faceprint.models.workers,
        )
        for row, result in zip(missing, results, strict=True):
            done[row] = result
            if isinstance(result, Taught):
                kept.keep(result.photo, _pack(result))
        return done

    def _work(self, photos: Sequence[Photo], background: bool) -> list[Taught | Failure]:
        read = [self._read(photo) for photo in photos]
        images = [one for one in read if isinstance(one, NamedImage)]
        find = self._suspects if background else self._faces
        found = iter(find(images) if images else ())
        return [one if isinstance(one, Failure) else next(found) for one in read]

    def _read(self, photo: Photo) -> NamedImage | Failure:
        try:
            return read_image(photo, max_pixels=self._faceprint.settings.max_pixels)
        except FaceprintError as error:
            return Failure.of(photo_name(photo), error)

    def _suspects(self, images: list[NamedImage]) -> list[Taught]:
        found = self._faceprint.models.detect([one.pixels for one in images], thorough=True)
        return [_taught(one, (), _boxes(faces)) for one, faces in zip(images, found, strict=True)]

    def _faces(self, images: list[NamedImage]) -> list[Taught]:
        models = self._faceprint.models
        pixels = [one.pixels for one in images]
        sure = models.detect(pixels, thorough=False)
        suspected = models.detect(pixels, thorough=False, watch=True)
        sure = models.all_with_landmarks(pixels, sure, alignment=_ALIGNMENT)
        return [_sorted(*one) for one in zip(images, sure, map(_boxes, suspected), strict=True)]

    def _recipe(self, background: bool) -> dict[str, Any]:
        """All that changes a find."""
        settings = self._faceprint.settings
        store = weight_store(settings)
        cards = [
            store.resolve(store.card(settings.detector, kind="detector")),
            store.resolve(store.card(settings.landmarker, kind="landmarker")),
        ]
        return {
            "models": [[one.name, one.digest, one.revision] for one in cards],
            "refine": settings.refine,
            "turn": settings.turn,
            "engine": [settings.runtime, settings.device, settings.precision],
            "background": background,
            "revision": _REVISION,
        }


def _sorted(image: NamedImage, sure: tuple[Face, ...], suspected: FloatArray) -> Taught:
    """What is sure and whole stays a face; all else is doubtful."""
    boxes = _boxes(sure)
    doubtful = suspected[iou_matrix(suspected, boxes).max(axis=1, initial=0) < _SAME]
    if not sure:
        return _taught(image, (), doubtful)
    whole = _filled_shares(image.pixels, window_of(_landmarks(sure))) <= _FILLED_SHARE
    kept = tuple(face for face, stays in zip(sure, whole, strict=True) if stays)
    return _taught(image, kept, np.concatenate([doubtful, boxes[~whole]]))


def _taught(image: NamedImage, faces: tuple[Face, ...], doubtful: FloatArray) -> Taught:
    height, width = image.pixels.shape[:2]
    scores = np.array([face.score for face in faces], dtype=np.float32)
    return Taught(
        photo=image.digest,
        width=width,
        height=height,
        boxes=_boxes(faces),
        landmarks=_landmarks(faces),
        scores=scores,
        doubtful=doubtful,
        thumbnail=thumbnail(image.pixels),
    )


def _boxes(faces: Sequence[Face]) -> FloatArray:
    return np.array([face.box for face in faces], dtype=np.float32).reshape(-1, 4)


def _landmarks(faces: Sequence[Face]) -> FloatArray:
    points = [face.landmarks for face in faces if face.landmarks is not None]
    if len(points) < len(faces):
        raise ModelError(
            "A face has no landmarks, and scenes need them. Take a detector that gives them, as yunet or "
            "mtcnn."
        )
    return np.array(points, dtype=np.float32).reshape(-1, 5, 2)


def _filled_shares(image: Image, windows: FloatArray) -> npt.NDArray[np.float64]:
    """The share of each window, (N, 4) pixels, that is black and joined to the border of the photo."""
    dark = (image.max(axis=2) <= _FILLED_LEVEL).astype(np.uint8)
    _, parts = cv2.connectedComponents(dark, connectivity=4)
    edges = np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]])
    filled = np.isin(parts, edges[edges > 0])
    limits = np.array([image.shape[1], image.shape[0]] * 2)
    places = np.clip(np.round(windows), 0, limits).astype(int)
    shown = [filled[y1:y2, x1:x2] for x1, y1, x2, y2 in places.tolist()]
    return np.array([one.mean() if one.size else 0.0 for one in shown], dtype=np.float64)


def _pack(taught: Taught) -> bytes:
    head = np.array([taught.width, taught.height, len(taught.boxes)], dtype=np.int32)
    points = taught.landmarks.reshape(-1, _POINTS)
    rows = np.concatenate([taught.boxes, taught.scores[:, None], points], axis=1)
    values = (rows.astype(np.float32), taught.doubtful.astype(np.float32))
    parts = (taught.thumbnail, *values)
    return head.tobytes() + b"".join(part.tobytes() for part in parts)


def _unpack(photo: str, data: bytes) -> Taught:
    width, height, count = np.frombuffer(data, dtype=np.int32, count=_HEAD).tolist()
    small = np.frombuffer(data, dtype=np.uint8, offset=4 * _HEAD, count=THUMBNAIL_PX**2)
    values = np.frombuffer(data, dtype=np.float32, offset=4 * _HEAD + small.nbytes).copy()
    end = count * (5 + _POINTS)
    rows, doubtful = values[:end].reshape(-1, 5 + _POINTS), values[end:].reshape(-1, 4)
    landmarks = rows[:, 5:].reshape(-1, 5, 2)
    return Taught(
        photo=photo,
        width=width,
        height=height,
        boxes=rows[:, :4],
        landmarks=landmarks,
        scores=rows[:, 4],
        doubtful=doubtful,
        thumbnail=small.reshape(THUMBNAIL_PX, THUMBNAIL_PX).copy(),
    )
