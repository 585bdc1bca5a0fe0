"""Faces followed from one frame to the next without a detector.

Pyramidal Lucas-Kanade (Bouguet, "Pyramidal Implementation of the Lucas Kanade Feature Tracker", 2000),
checked by following each point back again (Kalal et al., "Forward-Backward Error", ICPR 2010).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray, Image

__all__ = ["PATTERN_LENGTH", "Followed", "follow", "patterns_of"]

_GRID = 5
_INSIDE = 0.7
"""Points are spread over this share of the box: its corners show what is behind the face."""

_WINDOW_PX = 15
_LEVELS = 3
_MOST_ERROR = 0.06
"""A point that comes back further from where it left, as a share of the face, is lost."""

_MOST_ASTRAY = 0.15
"""Half the points must move alike, to within this share of their distance from the middle."""

_FEWEST = 8
_SCALES = (0.8, 1.25)
_PATCH_PX = 16

PATTERN_LENGTH = _PATCH_PX**2
"""Length of what `patterns_of` gives for one face."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """Where faces went.

    Attributes:
        boxes: (N, 4) float32, in the pixels of the boxes given.
        scales: (N,) float32, how much each face grew.
        origins: (N, 2) float32, the middle of each face before.
        shifts: (N, 2) float32, how far that middle moved.
        found: (N,) whether enough of the face was seen again.
    """

    boxes: FloatArray
    scales: FloatArray
    origins: FloatArray
    shifts: FloatArray
    found: npt.NDArray[np.bool_]

    def move(self, index: int, points: FloatArray) -> FloatArray:
        """Points of a face, (K, 2), brought to the next frame with it."""
        origin = self.origins[index]
        moved: FloatArray = (points - origin) * self.scales[index] + origin + self.shifts[index]
        return moved.astype(np.float32)


def follow(before: Image, after: Image, boxes: FloatArray, *, scale: float) -> Followed:
    """Follows faces from one frame to the next.

    Args:
        before: (H, W) uint8 grey.
        after: The next frame, of the same size.
        boxes: (N, 4) float32; faces in `before`.
        scale: Pixels of the grey frames for each pixel of the boxes.
    """
    count = len(boxes)
    sides = boxes[:, 2:] - boxes[:, :2]
    middles = (boxes[:, :2] + boxes[:, 2:]) / np.float32(2)
    if not count:
        nothing = np.zeros((0, 2), np.float32)
        return Followed(boxes, np.zeros(0, np.float32), nothing, nothing, np.zeros(0, np.bool_))
    steps = np.linspace(-0.5, 0.5, _GRID, dtype=np.float32) * _INSIDE
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(1, -1, 2)
    points = middles[:, None] + grid * sides[:, None]
    there, seen = _follow_points(before, after, points.reshape(-1, 2) * scale)
    back, _ = _follow_points(after, before, there)
    errors = np.linalg.norm(back / scale - points.reshape(-1, 2), axis=1).reshape(count, -1)
    size = sides.mean(axis=1, keepdims=True)
    good = seen.reshape(count, -1) & (errors < np.maximum(_MOST_ERROR * size, 0.5 / scale))
    there = (there / np.float32(scale)).reshape(points.shape)
    scales, shifts, found = _similarity(points - middles[:, None], there - middles[:, None], good)
    half = sides / 2 * scales[:, None]
    moved = middles + shifts
    return Followed(
        np.concatenate([moved - half, moved + half], axis=1).astype(np.float32),
        scales,
        middles.astype(np.float32),
        shifts,
        found,
    )


def patterns_of(grey: Image, boxes: FloatArray, *, scale: float) -> FloatArray:
    """The light and dark inside boxes, whatever their size, place and lighting.

    The product of two rows is their correlation, -1 to 1. The points of a face that gets covered go
    with what covers it, all the same way; that it is something else, only the pattern shows.

    Args:
        grey: (H, W) uint8.
        boxes: (N, 4) float32.
        scale: Pixels of the grey frame for each pixel of the boxes.

    Returns:
        (N, 256) float32, each row of mean 0 and L2 norm 1; of zeros where the frame is flat.
    """
    if not len(boxes):
        return np.zeros((0, PATTERN_LENGTH), dtype=np.float32)
    steps = np.linspace(-0.5, 0.5, _PATCH_PX, dtype=np.float32) * _INSIDE
    grid = np.stack(np.meshgrid(steps, steps), axis=-1)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    sides = boxes[:, 2:] - boxes[:, :2]
    places = (middles[:, None, None] + grid * sides[:, None, None]) * scale
    # One call for all faces; OpenCV keeps a picture's height below 32,768, enough for 2,000 faces.
    x, y = np.moveaxis(places.reshape(-1, _PATCH_PX, 2).astype(np.float32), -1, 0)
    cut = cv2.remap(grey, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    rows = np.asarray(cut, dtype=np.float32).reshape(len(boxes), -1)
    rows -= rows.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    patterns: FloatArray = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 1)
    return patterns


def _follow_points(
    before: Image, after: Image, points: FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    given = np.ascontiguousarray(points[:, None], dtype=np.float32)
    there, status, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        given,
        np.empty_like(given),
        winSize=(_WINDOW_PX, _WINDOW_PX),
        maxLevel=_LEVELS,
        criteria=(cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 15, 0.03),
    )
    return np.asarray(there, dtype=np.float32)[:, 0], np.asarray(status)[:, 0] == 1


def _similarity(
    here: FloatArray, there: FloatArray, good: npt.NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Growth and shift of each face, as medians over its points, which outliers do not move."""
    found = good.sum(axis=1) >= _FEWEST
    scales = np.ones(len(here), dtype=np.float32)
    shifts = np.zeros((len(here), 2), dtype=np.float32)
    if found.any():
        masked = good[found][..., None]
        old, new = (np.where(masked, points[found], np.nan) for points in (here, there))
        old_middle, new_middle = (np.nanmedian(p, axis=1, keepdims=True) for p in (old, new))
        old_arms, new_arms = old - old_middle, new - new_middle
        spread = np.nanmedian(np.linalg.norm(old_arms, axis=2), axis=1)
        grown = np.clip(_growth(old_arms, new_arms), *_SCALES)
        scales[found] = grown
        shifts[found] = (new_middle - old_middle * grown[:, None, None])[:, 0]
        # The points of one face go one way; those of a face that is gone go anywhere.
        astray = np.linalg.norm(new_arms - old_arms * grown[:, None, None], axis=2)
        found[found] = np.nanmedian(astray, axis=1) < _MOST_ASTRAY * spread
    return scales, shifts, found


def _growth(old: FloatArray, new: FloatArray) -> FloatArray:
    """By how much arms from a middle grew along their own direction: (N, P, 2) to (N,).

    The median over points, longer arms counting more; what points wander sideways counts nothing.
    """
    along, length = (old * new).sum(axis=2), (old**2).sum(axis=2)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = along / length
    grown: FloatArray = np.nanmedian(np.where(length > 0, ratios, np.nan), axis=1)
    return grown
