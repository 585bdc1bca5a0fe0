"""Pictures of what a cascade looks at: features over a mean face, and windows side by side."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from faceprint.detect.viola_jones.cascade import Cascade
from faceprint.detect.viola_jones.haar import Feature
from faceprint.evaluate.report import Pictures, crops_picture
from faceprint.train.scenes.records import GreyArray
from faceprint.types import Image

__all__ = ["draw_feature", "first_features", "mean_face", "windows_picture"]

_SIDE_PX: Final = 160
_COVER: Final = 0.62
_LIGHT: Final = (255, 255, 255)
_DARK: Final = (0, 0, 0)
_OUTLINE: Final = (213, 94, 0)
_SHOWN: Final = 11
_WINDOWS: Final = 24
_WINDOW_PX: Final = 72
_A_ROW: Final = 8


def mean_face(windows: GreyArray) -> GreyArray:
    """The mean of windows, each of mean 0 and deviation 1 first, over the whole range of grey levels.

    Args:
        windows: (N, S, S) uint8.

    Returns:
        (S, S) uint8; plain grey without windows.
    """
    if not len(windows):
        return np.full(windows.shape[1:], 128, dtype=np.uint8)
    levels = windows.astype(np.float32)
    spread = np.maximum(levels.std(axis=(1, 2), keepdims=True), 1)
    mean = ((levels - levels.mean(axis=(1, 2), keepdims=True)) / spread).mean(axis=0)
    low, high = float(mean.min()), float(mean.max())
    scaled: GreyArray = ((mean - low) * 255 / max(high - low, 1e-6)).round().astype(np.uint8)
    return scaled


def draw_feature(face: GreyArray, feature: Feature, *, side_px: int = _SIDE_PX) -> Image:
    """A face with a feature laid over it: light cells count as they are, dark ones are subtracted.

    Args:
        face: (S, S) uint8, as large as the window that the feature is of.
        feature: What to draw.
        side_px: Of the picture.

    Returns:
        (side_px, side_px, 3) uint8 RGB.
    """
    grey = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_NEAREST)
    picture: Image = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    scale = side_px / len(face)
    for x, y, width, height, weight in feature.cells():
        left, top, right, bottom = (round(value * scale) for value in (x, y, x + width, y + height))
        part = picture[top:bottom, left:right]
        colour = np.array(_LIGHT if weight > 0 else _DARK)
        part[:] = np.round((1 - _COVER) * part + _COVER * colour)
        cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), _OUTLINE, 1)
    return picture


def first_features(cascade: Cascade, face: GreyArray, *, most: int = _SHOWN) -> Pictures:
    """The features that were chosen first, over a mean face."""
    plain = cv2.resize(face, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_NEAREST)
    rgb = np.asarray(cv2.cvtColor(plain, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
    items = [crops_picture(rgb[None], [""], "before anything is laid over it", names=["mean face"])]
    for number, stage in enumerate(cascade.stages, 1):
        for place, stump in enumerate(stage.stumps, 1):
            picture = draw_feature(face, stump.feature)
            caption = f"weight {stump.weight:.2f}, error {stump.error:.1%}"
            name = f"stage {number}, feature {place}"
            items.append(crops_picture(picture[None], [""], caption, names=[name]))
    return Pictures(
        "The first features, over the mean face",
        tuple(items[: most + 1]),
        "What lies under the light cells is summed and what lies under the dark ones subtracted.",
    )


def windows_picture(title: str, windows: GreyArray, note: str, *, most: int = _WINDOWS) -> Pictures:
    """Windows side by side, enlarged.

    Args:
        title: Of them all.
        windows: (N, S, S) uint8.
        note: What they are.
        most: Further ones are left out.
    """
    large = [_enlarged(window) for window in windows[:most]]
    rows = [large[start : start + _A_ROW] for start in range(0, len(large), _A_ROW)]
    items = [crops_picture(np.stack(row), [""] * len(row), names=[""] * len(row)) for row in rows]
    return Pictures(title, tuple(items), note)


def _enlarged(window: GreyArray) -> Image:
    large = cv2.resize(window, (_WINDOW_PX, _WINDOW_PX), interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
