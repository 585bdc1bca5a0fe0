"""Where to look: at which sizes, in which tiles and at which turns a detector sees a photo.

A network finds faces of a certain range of sizes, upright. A photo is therefore shown to it as one or
more views (shrunk, enlarged, padded, cut into tiles, turned), and what it finds in each is brought back
into the photo's own pixels and merged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import inf

import cv2
import numpy as np

from faceprint.geometry import suppress
from faceprint.types import Detector, Face, FloatArray, Image

__all__ = ["Search", "SearchPlan"]

_VIEWS_AT_ONCE = 8
_NESTED = 0.8
"""A find that lies in a better one by more than this share is a part of that face."""

_WIDE = 4
"""Photos longer than this many times their short side are seen in windows."""

_FACE_PX = 8
"""No face is smaller: a strip that is narrower is not searched in parts."""


@dataclass(frozen=True, slots=True)
class SearchPlan:
    """How hard to look.

    Attributes:
        long_side_px: Photos larger than this are shrunk to it.
        overview_px: Photos at least twice as large are seen at this size too, for faces that fill the
            frame; 0 for never.
        retry_padded: Where nothing was found, look once more with a wide border around the photo.
        retry_turned: Where nothing was found, look again at each quarter turn.
        thorough: Look at full size and enlarged twice, in tiles, for faces down to about 10 pixels.
        tile_px: Side of a tile.
        overlap_px: What neighbouring tiles share; faces up to this size are looked for in them.
    """

    long_side_px: int = 1280
    overview_px: int = 320
    retry_padded: bool = True
    retry_turned: bool = False
    thorough: bool = False
    tile_px: int = 1024
    overlap_px: int = 128


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """A picture shown to the detector, and the way back: photo = (view @ matrix.T) + shift.

    Faces higher than `largest_px` are left to another view: a tile may show a part of one.
    """

    photo: int
    pixels: Image
    matrix: FloatArray
    shift: FloatArray
    largest_px: float = inf


_Views = Callable[[Sequence[Image], int], Iterator[_View]]


class Search:
    """A detector that looks as a plan says.

    Args:
        detector: What looks.
        plan: Where to look.
        iou: Faces found in several views are one if they overlap by more than this.
    """

    def __init__(
        self, detector: Detector, plan: SearchPlan | None = None, *, iou: float = 0.4
    ) -> None:
        self.name = detector.name
        self.plan = plan or SearchPlan()
        self._detector = detector
        self._iou = iou

    def detect(self, images: Sequence[Image]) -> list[tuple[Face, ...]]:
        """Faces of each image, best first, in the image's own pixels."""
        found = self._look(images, (v for i in range(len(images)) for v in self._views(images, i)))
        if self.plan.retry_padded:
            self._retry(images, found, _padded_views)
        if self.plan.retry_turned:
            self._retry(images, found, self._turned_views)
        return found

    def _views(self, images: Sequence[Image], index: int) -> Iterator[_View]:
        plan, image = self.plan, images[index]
        yield from self._plain_views(image, index)
        if plan.thorough and min(image.shape[:2]) >= _FACE_PX:
            if max(image.shape[:2]) > plan.long_side_px:
                yield from _tiles(index, image, 1.0, plan)
            yield from _tiles(index, image, 2.0, plan)

    def _plain_views(self, image: Image, index: int) -> Iterator[_View]:
        plan = self.plan
        short_side, long_side = sorted(image.shape[:2])
        if long_side > max(_WIDE * short_side, plan.long_side_px) and short_side >= _FACE_PX:
            # Shrunk to its long side, a panorama would lose its faces: it is seen in windows.
            yield from _windows(index, image, plan)
            return
        yield _scaled_view(index, image, min(1.0, plan.long_side_px / long_side))
        if plan.overview_px and long_side >= 2 * plan.overview_px:
            yield _scaled_view(index, image, plan.overview_px / long_side)

    def _turned_views(self, images: Sequence[Image], index: int) -> Iterator[_View]:
        """The plain views, turned: tiles at every turn would take four times as long for little."""
        for view in self._plain_views(images[index], index):
            for turns in (1, 3, 2):
                yield _turn(view, turns)

    def _retry(self, images: Sequence[Image], found: list[tuple[Face, ...]], views: _Views) -> None:
        empty = [i for i, faces in enumerate(found) if not faces and images[i].size]
        if empty:
            again = self._look(images, (v for i in empty for v in views(images, i)))
            for index in empty:
                found[index] = again[index]

    def _look(self, images: Sequence[Image], views: Iterator[_View]) -> list[tuple[Face, ...]]:
        gathered: list[list[Face]] = [[] for _ in images]
        seen = [0] * len(images)
        while some := list(islice(views, _VIEWS_AT_ONCE)):
            found = self._detector.detect([view.pixels for view in some])
            for view, faces in zip(some, found, strict=True):
                inside = (face for face in faces if face.height <= view.largest_px)
                gathered[view.photo].extend(_into_photo(face, view) for face in inside)
                seen[view.photo] += 1
        return [
            tuple(faces) if views_of_it < 2 else self._merge(faces)
            for faces, views_of_it in zip(gathered, seen, strict=True)
        ]

    def _merge(self, faces: Sequence[Face]) -> tuple[Face, ...]:
        if not faces:
            return ()
        boxes = np.stack([face.box for face in faces])
        scores = np.array([face.score for face in faces], dtype=np.float32)
        kept = suppress(boxes, scores, iou=self._iou)
        inner = suppress(boxes[kept], scores[kept], iou=_NESTED, of_smaller=True)
        return tuple(faces[k] for k in kept[inner])


def _scaled_view(index: int, image: Image, scale: float) -> _View:
    if scale == 1:
        return _View(index, image, np.eye(2, dtype=np.float32), np.zeros(2, dtype=np.float32))
    height, width = (max(1, round(side * scale)) for side in image.shape[:2])
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(image, (width, height), interpolation=method), dtype=np.uint8)
    back = np.diag([image.shape[1] / width, image.shape[0] / height]).astype(np.float32)
    # Pixel centres, not corners, map onto each other.
    return _View(index, pixels, back, ((np.diag(back) - 1) / 2).astype(np.float32))


def _padded_views(images: Sequence[Image], index: int) -> Iterator[_View]:
    """The photo at 160 pixels in the middle of 320: a face that fills it becomes findable."""
    image = images[index]
    view = _scaled_view(index, image, 160 / max(image.shape[:2]))
    canvas = np.zeros((320, 320, 3), dtype=np.uint8)
    top, left = ((320 - side) // 2 for side in view.pixels.shape[:2])
    canvas[top : top + view.pixels.shape[0], left : left + view.pixels.shape[1]] = view.pixels
    corner = np.array([left, top], dtype=np.float32)
    yield _View(index, canvas, view.matrix, view.shift - view.matrix @ corner)


def _tiles(index: int, image: Image, scale: float, plan: SearchPlan) -> Iterator[_View]:
    """Overlapping tiles that cover the photo, each scaled on its own."""
    side, overlap = round(plan.tile_px / scale), round(plan.overlap_px / scale)
    for top in _starts(image.shape[0], side, overlap):
        for left in _starts(image.shape[1], side, overlap):
            tile = np.ascontiguousarray(image[top : top + side, left : left + side])
            view = _scaled_view(index, tile, scale)
            shift = view.shift + np.array([left, top], dtype=np.float32)
            yield replace(view, shift=shift, largest_px=plan.overlap_px)


def _windows(index: int, image: Image, plan: SearchPlan) -> Iterator[_View]:
    """A long photo in windows that share half its short side, shrunk where they are large."""
    short_side = min(image.shape[:2])
    side, overlap = max(short_side, plan.long_side_px), max(1, short_side // 2)
    for top in _starts(image.shape[0], side, overlap):
        for left in _starts(image.shape[1], side, overlap):
            window = np.ascontiguousarray(image[top : top + side, left : left + side])
            view = _scaled_view(index, window, min(1.0, plan.long_side_px / side))
            yield replace(view, shift=view.shift + np.array([left, top], dtype=np.float32))


def _starts(length: int, side: int, overlap: int) -> list[int]:
    if length <= side:
        return [0]
    count = -(-(length - overlap) // (side - overlap))
    return [round(k * (length - side) / (count - 1)) for k in range(count)]


def _turn(view: _View, turns: int) -> _View:
    """The view turned counter-clockwise by quarter turns."""
    height, width = view.pixels.shape[:2]
    pixels = np.ascontiguousarray(np.rot90(view.pixels, turns))
    matrices = {
        1: (np.array([[0, -1], [1, 0]]), np.array([width - 1, 0])),
        2: (np.array([[-1, 0], [0, -1]]), np.array([width - 1, height - 1])),
        3: (np.array([[0, 1], [-1, 0]]), np.array([0, height - 1])),
    }
    turn, shift = (array.astype(np.float32) for array in matrices[turns])
    return _View(view.photo, pixels, view.matrix @ turn, view.matrix @ shift + view.shift)


def _into_photo(face: Face, view: _View) -> Face:
    corners = face.box.reshape(2, 2) @ view.matrix.T + view.shift
    box = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).astype(np.float32)
    points = face.landmarks
    if points is not None:
        points = (points @ view.matrix.T + view.shift).astype(np.float32)
    return replace(face, box=box, landmarks=points)
