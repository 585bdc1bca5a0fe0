"""The image pyramid of MTCNN, laid out on one canvas."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray, Image

__all__ = ["STRIDE_PX", "WINDOW_PX", "Level", "Pyramid", "plan_pyramid"]

WINDOW_PX = 12
STRIDE_PX = 2
_CANVAS_STEP_PX = 16


@dataclass(frozen=True, slots=True)
class Level:
    """Where one size of the photo lies on the canvas; all numbers are even.

    Attributes:
        top: Of its first row, pixels.
        left: Of its first column, pixels.
        height: Pixels.
        width: Pixels.
    """

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, eq=False)
class Pyramid:
    """The plan for photos of one size.

    Levels touch each other without a margin: of the windows that P-Net slides over the canvas,
    those that lie inside one level see what they would see if the level stood alone, and no other
    counts.

    Attributes:
        levels: Largest first.
        height: Of the canvas, pixels.
        width: Of the canvas, pixels.
        level_of_window: (H / 2 - 5, W / 2 - 5) int16, the level that holds the window whose top
            left corner is at twice these indices; -1 where none does.
        corners: (L, 2) float32, left and top of each level on the canvas.
        growth: (L, 2) float32, pixels of the photo per pixel of each level, in x and y.
    """

    levels: tuple[Level, ...]
    height: int
    width: int
    level_of_window: npt.NDArray[np.int16]
    corners: FloatArray
    growth: FloatArray

    def draw(self, image: Image, canvas: Image) -> None:
        """Puts all levels of a photo onto a canvas of (height, width, 3) uint8."""
        for level in self.levels:
            shrinks = level.height < image.shape[0]
            canvas[level.top : level.top + level.height, level.left : level.left + level.width] = (
                cv2.resize(
                    image,
                    (level.width, level.height),
                    interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
                )
            )

    def windows(self, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> FloatArray:
        """Where windows on the canvas lie in the photo.

        Args:
            rows: (N,) first index into `level_of_window`.
            columns: (N,) second index.

        Returns:
            (N, 4) float32 pixels of the photo.
        """
        level = self.level_of_window[rows, columns]
        starts = np.stack([columns, rows], axis=1) * STRIDE_PX - self.corners[level]
        boxes = np.concatenate([starts, starts + WINDOW_PX], axis=1)
        scaled: FloatArray = boxes * np.tile(self.growth[level], (1, 2))
        return scaled.astype(np.float32, copy=False)


@lru_cache(maxsize=64)
def plan_pyramid(
    height: int, width: int, *, min_face_px: float, scale_factor: float
) -> Pyramid | None:
    """The pyramid for photos of one size.

    Args:
        height: Of the photo, pixels.
        width: Of the photo, pixels.
        min_face_px: Faces of this size fill the window on the largest level.
        scale_factor: Size of each level as a share of the one before.

    Returns:
        The plan; None where not even the largest level holds one window.
    """
    sides = []
    scale = WINDOW_PX / min_face_px
    while min(height, width) * scale >= WINDOW_PX:
        sides.append((2 * round(height * scale / 2), 2 * round(width * scale / 2)))
        scale *= scale_factor
    if not sides:
        return None
    levels = _pack(sides)
    canvas_height = _round_up(max(level.top + level.height for level in levels))
    canvas_width = _round_up(max(level.left + level.width for level in levels))
    owner = np.full((canvas_height // 2 - 5, canvas_width // 2 - 5), -1, dtype=np.int16)
    for index, level in enumerate(levels):
        rows, columns = level.height // 2 - 5, level.width // 2 - 5
        top, left = level.top // 2, level.left // 2
        owner[top : top + rows, left : left + columns] = index
    corners = np.array([[level.left, level.top] for level in levels], dtype=np.float32)
    growth = np.array([[width / w, height / h] for h, w in sides], dtype=np.float32)
    return Pyramid(levels, canvas_height, canvas_width, owner, corners, growth)


def _pack(sides: list[tuple[int, int]]) -> tuple[Level, ...]:
    """Places levels, largest first, into room that earlier ones left, else to their right."""
    levels: list[Level] = []
    free: list[Level] = []
    right = 0
    for height, width in sides:
        fitting = [room for room in free if room.height >= height and room.width >= width]
        if fitting:
            room = min(fitting, key=lambda room: room.height * room.width)
            free.remove(room)
        else:
            room = Level(0, right, sides[0][0], width)
            right += width
        levels.append(Level(room.top, room.left, height, width))
        free.append(Level(room.top + height, room.left, room.height - height, width))
        free.append(Level(room.top, room.left + width, room.height, room.width - width))
    return tuple(levels)


def _round_up(length: int) -> int:
    """To a step, so that photos of nearly one size share a network compiled for one shape."""
    return -(-length // _CANVAS_STEP_PX) * _CANVAS_STEP_PX
