"""Where things are in a crop: turned, moved, larger, squeezed."""

from __future__ import annotations

import cv2
import numpy as np

from faceprint.train.recipes.config import AugmentConfig
from faceprint.types import Image

__all__ = ["resize", "warp"]


def resize(crops: Image, side_px: int) -> Image:
    """Crops of another side, shrunk by area; (N, side_px, side_px, 3) uint8, always a copy."""
    if crops.shape[1] == side_px:
        return crops.copy()
    way = cv2.INTER_AREA if side_px < crops.shape[1] else cv2.INTER_LINEAR
    out = np.empty((len(crops), side_px, side_px, 3), dtype=np.uint8)
    for crop, target in zip(crops, out, strict=True):
        cv2.resize(crop, (side_px, side_px), dst=target, interpolation=way)
    return out


def warp(crops: Image, side_px: int, config: AugmentConfig, rng: np.random.Generator) -> Image:
    """Crops turned, scaled, squeezed and moved about their middle; what comes in is mirrored."""
    side = crops.shape[1]
    if side_px < 0.75 * side:
        # A warp takes single pixels of a larger crop, and would alias.
        crops, side = resize(crops, side_px), side_px
    count = len(crops)
    turns = np.deg2rad(rng.normal(0.0, config.turn_degrees, count))
    sizes = side_px / side * np.exp(rng.uniform(-1, 1, count) * np.log1p(config.scale))
    widths = sizes * (1 - config.stretch * rng.random(count))
    moves = side_px * config.shift * rng.uniform(-1, 1, (count, 2))
    matrices = np.empty((count, 2, 3), dtype=np.float32)
    matrices[:, 0, 0], matrices[:, 0, 1] = widths * np.cos(turns), -sizes * np.sin(turns)
    matrices[:, 1, 0], matrices[:, 1, 1] = widths * np.sin(turns), sizes * np.cos(turns)
    middle = np.full(2, (side - 1) / 2)
    matrices[:, :, 2] = (side_px - 1) / 2 - matrices[:, :, :2] @ middle + moves
    out = np.empty((count, side_px, side_px, 3), dtype=np.uint8)
    for crop, matrix, target in zip(crops, matrices, out, strict=True):
        cv2.warpAffine(
            crop,
            matrix,
            (side_px, side_px),
            dst=target,
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    return out
