"""Crops with the box of their face, and crops without a face, drawn from places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.errors import TrainingError
from faceprint.geometry import box_areas, clip_boxes
from faceprint.train.augment.colours import change_colours
from faceprint.train.augment.photos import blur, recompress
from faceprint.train.localizer.places import Place, Places
from faceprint.train.recipes.config import AugmentConfig
from faceprint.train.recipes.localizer import LocalizerChangesConfig, LocalizerCropsConfig
from faceprint.types import FloatArray, Image

__all__ = ["CropSource", "Crops", "moved_box"]

_STILL: Final = LocalizerChangesConfig(flip=0)
_VISIBLE: Final = 0.15
"""A crop shows a second face if it shows this share of it."""
_TRIES: Final = 50
_BESIDE: Final = 0.5
"""Share of the crops without a face that are cut beside faces, where there are other photos too."""
_NOTHING: Final = 0.02
"""Share of the crops without a face that show nothing at all: one colour, or noise."""
_HIDDEN: Final = 0.2
_HIDING: Final = 1.3
"""Some photos show all but their faces, lest a crop count as a face for what is around one: for the square
of a photo, or for shoulders. What hides a face is by so much larger than its box."""
_NARROWEST_PX: Final = 12
_FINEST: Final = 4
_FARTHEST: Final = 2.5
"""A crop without a face is at most so many times as wide as the photo that it shows."""


@dataclass(frozen=True, slots=True, eq=False)
class Crops:
    """What the network is shown, and what it should say.

    Attributes:
        pixels: (N, S, S, 3) uint8 RGB.
        faces: (N,) bool, whether a crop shows a face.
        boxes: (N, 4) float32, x1 y1 x2 y2 as shares of the side, cut to the crop; 0 without a face.
        photos: What each was cut from.
    """

    pixels: Image
    faces: npt.NDArray[np.bool_]
    boxes: FloatArray
    photos: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)


class CropSource:
    """Draws crops, half of them with a face.

    Args:
        places: What they are cut from.
        config: How large faces are in them.
        side_px: Of the crops.
        changes: What is done to them; nothing unless given. Then what lies outside of a photo is black, as
            it is in use, and in training it is whatever comes.
    """

    def __init__(
        self,
        places: Places,
        config: LocalizerCropsConfig,
        *,
        side_px: int,
        changes: LocalizerChangesConfig | None = None,
    ) -> None:
        self._places = places
        self._config = config
        self._side = side_px
        self._changes = changes or _STILL
        self._plain = changes is None

    def draw(self, count: int, rng: np.random.Generator) -> Crops:
        """Crops in an order of chance; the same state of `rng` gives the same ones.

        Raises:
            TrainingError: No crop shows one face alone, or none is free of faces.
        """
        faces = np.zeros(count, dtype=np.bool_)
        faces[: (count + 1) // 2] = True
        rng.shuffle(faces)
        pixels = np.empty((count, self._side, self._side, 3), dtype=np.uint8)
        boxes = np.zeros((count, 4), dtype=np.float32)
        photos = []
        for row in range(count):
            if faces[row]:
                boxes[row], photo = self._draw_face(pixels[row], rng)
            else:
                photo = self._draw_background(pixels[row], rng)
            photos.append(photo)
        self._flip(pixels, boxes, faces, rng)
        if not self._plain:
            self._spoil(pixels, rng)
        return Crops(pixels, faces, boxes, tuple(photos))

    def _draw_face(self, crop: Image, rng: np.random.Generator) -> tuple[FloatArray, str]:
        """Cuts a crop with one face; its box as shares, and the photo."""
        for _ in range(_TRIES):
            place = self._places.faces[rng.integers(len(self._places.faces))]
            assert place.box is not None
            matrix = self._around_face(place, place.box, rng)
            if not self._shows_another(place, matrix):
                self._cut(place.pixels, matrix, crop, rng)
                box = clip_boxes(
                    moved_box(place.box[None], matrix), width=self._side, height=self._side
                )
                return (box[0] / self._side).astype(np.float32), place.photo
        raise TrainingError(
            f"In {_TRIES} tries no crop showed one face alone. Give photos of single people with --data."
        )

    def _around_face(self, place: Place, box: FloatArray, rng: np.random.Generator) -> FloatArray:
        """(2, 3) float32 from the pixels of a place to those of a crop that shows its face."""
        config, side = self._config, self._side
        share = np.exp(rng.uniform(np.log(config.smallest), np.log(config.largest)))
        scale = side * share / (box[2:] - box[:2]).max()
        matrix = self._turned(scale, rng)
        middle = (box[:2] + box[2:]) / 2
        moved = moved_box(box[None], matrix)[0]
        half = (moved[2:] - moved[:2]) / 2
        low = half - config.cut * 2 * half
        high = side - low
        if self._plain or rng.random() < 0.5:
            # No border is shown that the photo need not show.
            size = np.array(place.pixels.shape[1::-1])
            inner_low, inner_high = side - (size - middle) * scale, middle * scale
            inside = np.maximum(low, inner_low) <= np.minimum(high, inner_high)
            low = np.where(inside, np.maximum(low, inner_low), low)
            high = np.where(inside, np.minimum(high, inner_high), high)
        low, high = np.minimum(low, high), np.maximum(low, high)
        matrix[:, 2] = rng.uniform(low, high) - matrix[:, :2] @ middle
        return matrix

    def _shows_another(self, place: Place, matrix: FloatArray) -> bool:
        if not len(place.others):
            return False
        moved = moved_box(place.others, matrix)
        seen = clip_boxes(moved, width=self._side, height=self._side)
        return bool((box_areas(seen) > _VISIBLE * np.maximum(box_areas(moved), 1e-6)).any())

    def _draw_background(self, crop: Image, rng: np.random.Generator) -> str:
        """Cuts a crop without a face; the photo."""
        if rng.random() < _NOTHING:
            crop[:] = rng.integers(0, 256, 3)
            if rng.random() < 0.5:
                crop[:] = rng.integers(0, 256, crop.shape)
            return "nothing"
        for _ in range(_TRIES):
            place = self._background(rng)
            part = self._without_faces(place, rng)
            if part is not None:
                self._cut(part, self._within(part, rng), crop, rng)
                return place.photo
        raise TrainingError(
            f"In {_TRIES} tries no place without a face was found. Give photos without faces with "
            "--backgrounds."
        )

    def _background(self, rng: np.random.Generator) -> Place:
        places = self._places
        beside = not places.backgrounds or rng.random() < _BESIDE
        chosen = places.faces if beside else places.backgrounds
        return chosen[rng.integers(len(chosen))]

    def _without_faces(self, place: Place, rng: np.random.Generator) -> Image | None:
        """A part beside the faces of a place, or in training all of it with the faces hidden."""
        if self._plain or not len(place.occupied) or rng.random() >= _HIDDEN:
            return _free_part(place, rng)
        part = place.pixels.copy()
        for box in place.occupied:
            middle, reach = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * _HIDING / 2
            left, top = np.maximum(middle - reach, 0).astype(int).tolist()
            right, bottom = np.maximum(np.ceil(middle + reach), 0).astype(int).tolist()
            hidden = part[top:bottom, left:right]
            if not hidden.size:
                continue
            other = _free_part(self._background(rng), rng)
            hidden[:] = rng.integers(0, 256, 3)
            if other is not None and rng.random() < 0.5:
                cv2.resize(other, hidden.shape[1::-1], dst=hidden, interpolation=cv2.INTER_LINEAR)
        return part

    def _within(self, part: Image, rng: np.random.Generator) -> FloatArray:
        """(2, 3) float32 to a crop that lies in a part, or that the part lies in, on each axis."""
        size = np.array(part.shape[1::-1])
        least = min(0.4 * self._side, float(size.max()))
        width = np.exp(rng.uniform(np.log(least), np.log(_FARTHEST * size.max())))
        if self._plain:
            width = min(width, float(size.max()))
        scale = self._side / width
        matrix = self._turned(scale, rng)
        middle = size / 2 + rng.uniform(-0.5, 0.5, 2) * np.abs(size - width)
        matrix[:, 2] = self._side / 2 - matrix[:, :2] @ middle
        return matrix

    def _turned(self, scale: float, rng: np.random.Generator) -> FloatArray:
        """(2, 3) float32: scaled, stretched and turned, and not yet moved."""
        turn = np.deg2rad(rng.normal(0, 1) * self._changes.turn_degrees)
        wider = 1 + self._changes.stretch * rng.uniform(-1, 1)
        cos, sin = scale * np.cos(turn), scale * np.sin(turn)
        return np.array([[cos * wider, -sin, 0], [sin * wider, cos, 0]], dtype=np.float32)

    def _cut(
        self, pixels: Image, matrix: FloatArray, crop: Image, rng: np.random.Generator
    ) -> None:
        """Fills a crop; what lies outside of the pixels is black, or in training whatever comes."""
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        fine = int(np.clip(round(1 / scale), 1, _FINEST))
        onto = matrix * fine
        # Boxes count from the corner of the first pixel, OpenCV from its middle.
        onto[:, 2] += onto[:, :2].sum(axis=1) / 2 - 0.5
        side = self._side * fine
        around = self._around(side, rng)
        mode = cv2.BORDER_REPLICATE if around is None else cv2.BORDER_TRANSPARENT
        large = np.zeros((side, side, 3), dtype=np.uint8) if around is None else around
        cv2.warpAffine(
            pixels, onto, (side, side), dst=large, flags=cv2.INTER_LINEAR, borderMode=mode
        )
        cv2.resize(large, (self._side, self._side), dst=crop, interpolation=cv2.INTER_AREA)

    def _around(self, side: int, rng: np.random.Generator) -> Image | None:
        """What a photo stands on; None where its border goes on instead."""
        if self._plain:
            return np.zeros((side, side, 3), dtype=np.uint8)
        kind = rng.integers(4)
        if kind == 0:
            return None
        if kind == 1 and self._places.backgrounds:
            place = self._places.backgrounds[rng.integers(len(self._places.backgrounds))]
            if (part := _free_part(place, rng)) is not None:
                way = cv2.INTER_LINEAR
                return np.asarray(cv2.resize(part, (side, side), interpolation=way), dtype=np.uint8)
        colour = rng.integers(0, 256, 3) if kind == 2 else 0
        return np.full((side, side, 3), colour, dtype=np.uint8)

    def _flip(
        self,
        pixels: Image,
        boxes: FloatArray,
        faces: npt.NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> None:
        mirrored = rng.random(len(pixels)) < self._changes.flip
        pixels[mirrored] = pixels[mirrored, :, ::-1]
        shown = mirrored & faces
        boxes[shown] = boxes[shown][:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [1, 0, 1, 0]

    def _spoil(self, pixels: Image, rng: np.random.Generator) -> None:
        """Changes that leave boxes where they are."""
        changes = self._changes
        change_colours(pixels, AugmentConfig(colour=changes.colour, grey=changes.grey), rng)
        for change, share in (
            (blur, changes.blur),
            (_add_noise, changes.noise),
            (recompress, changes.jpeg),
        ):
            for row in np.flatnonzero(rng.random(len(pixels)) < share):
                change(pixels[row], rng)


def moved_box(boxes: FloatArray, matrix: FloatArray) -> FloatArray:
    """Where boxes go with their pixels.

    A face is round: the box of a turned one is that of the turned ellipse in its box, and not that of the
    turned box, which would be too large.

    Args:
        boxes: (N, 4) float32 pixels.
        matrix: (2, 3) float32.

    Returns:
        (N, 4) float32 pixels.
    """
    middles, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    moved = middles @ matrix[:, :2].T + matrix[:, 2]
    reaches = np.sqrt(halves**2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([moved - reaches, moved + reaches], axis=1).astype(np.float32)


def _free_part(place: Place, rng: np.random.Generator) -> Image | None:
    """What lies to one side of all that may be a face, larger parts more often; None if nothing does."""
    occupied = place.occupied
    if not len(occupied):
        return place.pixels
    height, width = place.pixels.shape[:2]
    first = np.clip(np.floor(occupied[:, :2].min(axis=0)), 0, (width, height)).astype(int)
    last = np.clip(np.ceil(occupied[:, 2:].max(axis=0)), 0, (width, height)).astype(int)
    parts = [
        place.pixels[:, : first[0]],
        place.pixels[:, last[0] :],
        place.pixels[: first[1]],
        place.pixels[last[1] :],
    ]
    wide = [part for part in parts if min(part.shape[:2]) >= _NARROWEST_PX]
    if not wide:
        return None
    areas = np.array([part.shape[0] * part.shape[1] for part in wide])
    return wide[rng.choice(len(wide), p=areas / areas.sum())]


def _add_noise(crop: Image, rng: np.random.Generator) -> None:
    """As a small sensor does in the dark."""
    noise = rng.normal(0, rng.uniform(3, 20), crop.shape)
    crop[:] = np.clip(crop + noise, 0, 255).astype(np.uint8)
