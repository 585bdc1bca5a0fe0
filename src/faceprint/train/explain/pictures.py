"""Weights and maps as pictures for people to look at: (H, W, 3) uint8 RGB each."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from faceprint.errors import InputError
from faceprint.types import FloatArray, Image

__all__ = ["beside", "feature_picture", "filter_picture", "heat_picture", "signed_picture"]

_SIDE_PX = 448
_GAP_PX = 3
_WHITE = 255
_SUPPORTS = np.array([214, 39, 40], dtype=np.float32)
_OPPOSES = np.array([31, 119, 180], dtype=np.float32)
_STRONGEST = 0.85
_TINY = 1e-12


def filter_picture(weights: FloatArray, *, columns: int = 8, side_px: int = 48) -> Image:
    """The filters of a first layer, side by side, each stretched to its own range around mid-grey.

    Args:
        weights: (K, 3, h, w) float32, channels red, green, blue; or (K, 1, h, w).
        columns: Filters in a row.
        side_px: Of a filter.

    Raises:
        InputError: The layer does not read a picture.
    """
    if weights.ndim != 4 or weights.shape[1] not in (1, 3):
        raise InputError(
            f"Filters that read a picture have the shape (K, 3, h, w), got {weights.shape}."
        )
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    scaled = 0.5 + 0.5 * weights / np.where(largest > 0, largest, 1)
    pictures = np.repeat(scaled, 3 // weights.shape[1], axis=1).transpose(0, 2, 3, 1)
    return _tiled([_enlarged(_bytes(one), side_px) for one in pictures], columns)


def feature_picture(
    maps: FloatArray, *, count: int = 16, columns: int = 4, side_px: int = 112
) -> Image:
    """The maps of a layer that differ most from place to place, each over its own range, dark to bright.

    Args:
        maps: (C, h, w) float32.
        count: How many of them.
        columns: Maps in a row.
        side_px: Of a map.

    Raises:
        InputError: These are no maps.
    """
    if maps.ndim != 3:
        raise InputError(f"Feature maps have the shape (C, h, w), got {maps.shape}.")
    spread = maps.std(axis=(1, 2))
    chosen = sorted(np.argsort(-spread, kind="stable")[:count])
    pictures = [_coloured(_stretched(maps[c]), cv2.COLORMAP_VIRIDIS) for c in chosen]
    return _tiled([_enlarged(one, side_px) for one in pictures], columns)


def heat_picture(crop: Image, values: FloatArray, *, side_px: int = _SIDE_PX) -> Image:
    """Values from nothing (the face in grey) to the largest (bright), laid over a crop.

    The largest half percent count as one, so that a few pixels do not leave all others dark.

    Args:
        crop: (S, S, 3) uint8 RGB.
        values: (h, w) float32; what is below zero counts as zero.
        side_px: Of the picture.
    """
    values = np.maximum(values, 0)
    share = _smooth(values / max(float(np.percentile(values, 99.5)), _TINY), side_px)
    colours = _coloured(share, cv2.COLORMAP_INFERNO).astype(np.float32)
    return _blended(crop, colours, share, side_px)


def signed_picture(
    crop: Image, values: FloatArray, *, limit: float | None = None, side_px: int = _SIDE_PX
) -> Image:
    """Values above zero in red, below in blue, near zero the face in grey.

    Args:
        crop: (S, S, 3) uint8 RGB.
        values: (h, w) float32, as `OcclusionMap.drops`: red is what an answer rests on.
        limit: The value of full colour; the largest of either sign unless given.
        side_px: Of the picture.
    """
    largest = float(np.abs(values).max()) if limit is None else limit
    share = _smooth(values / max(largest, _TINY), side_px)
    colours = np.where(share[..., None] > 0, _SUPPORTS, _OPPOSES)
    return _blended(crop, colours, np.abs(share), side_px)


def beside(pictures: Sequence[Image], *, side_px: int = _SIDE_PX) -> Image:
    """Square pictures in a row, all of one side."""
    return _tiled([_enlarged(one, side_px, smooth=True) for one in pictures], len(pictures))


def _blended(crop: Image, colours: FloatArray, share: FloatArray, side_px: int) -> Image:
    grey = cv2.cvtColor(_enlarged(crop, side_px, smooth=True), cv2.COLOR_RGB2GRAY)[..., None]
    weight = _STRONGEST * np.clip(share, 0, 1)[..., None]
    mixed: Image = np.round((1 - weight) * grey + weight * colours).astype(np.uint8)
    return mixed


def _smooth(values: FloatArray, side_px: int) -> FloatArray:
    resized = cv2.resize(
        values.astype(np.float32), (side_px, side_px), interpolation=cv2.INTER_LINEAR
    )
    return np.clip(resized, -1, 1)


def _stretched(values: FloatArray) -> FloatArray:
    low, high = float(values.min()), float(values.max())
    stretched: FloatArray = (values - low) / (high - low if high > low else 1.0)
    return stretched


def _coloured(share: FloatArray, scale: int) -> Image:
    coloured = cv2.applyColorMap(_bytes(share), scale)
    return np.asarray(cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _bytes(share: FloatArray) -> Image:
    whole: Image = np.round(255 * np.clip(share, 0, 1)).astype(np.uint8)
    return whole


def _enlarged(picture: Image, side_px: int, *, smooth: bool = False) -> Image:
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_NEAREST
    resized = cv2.resize(picture, (side_px, side_px), interpolation=how)
    return np.asarray(resized, dtype=np.uint8)


def _tiled(pictures: Sequence[Image], columns: int) -> Image:
    """Pictures of one size in rows, with white between them."""
    side = pictures[0].shape[0] + _GAP_PX
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * side - _GAP_PX, columns * side - _GAP_PX, 3), _WHITE, dtype=np.uint8)
    for place, picture in enumerate(pictures):
        top, left = (place // columns) * side, (place % columns) * side
        sheet[top : top + side - _GAP_PX, left : left + side - _GAP_PX] = picture
    return sheet
