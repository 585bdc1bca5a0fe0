"""Crops of boxes for networks that look at one face at a time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray, Image

__all__ = ["cut_boxes", "cut_turned_squares", "square_boxes", "whole_boxes"]


def whole_boxes(boxes: FloatArray) -> FloatArray:
    """Boxes rounded to whole pixels, each side at least one pixel; (N, 4) float32."""
    starts = np.round(boxes[:, :2])
    sides = np.maximum(np.round(boxes[:, 2:] - boxes[:, :2]), 1)
    return np.concatenate([starts, starts + sides], axis=1).astype(np.float32)


def square_boxes(boxes: FloatArray, *, scale: float = 1.0) -> FloatArray:
    """Squares of whole pixels around boxes.

    Args:
        boxes: (N, 4) float32 pixels.
        scale: Side of the square as a share of the longer side of the box.

    Returns:
        (N, 4) float32 pixels.
    """
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    longer = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True, initial=0)
    # One side for both directions, rounded once: rounding each could make them differ.
    sides = np.maximum(np.round(longer * scale), 1)
    starts = np.round(centres - sides / 2)
    return np.concatenate([starts, starts + sides], axis=1).astype(np.float32)


def cut_boxes(
    images: Sequence[Image], photos: npt.NDArray[np.intp], boxes: FloatArray, *, side_px: int
) -> Image:
    """What boxes show, each resized to a square; what lies outside its image is black.

    Args:
        images: (H, W, 3) uint8 each.
        photos: (N,) the image that each box is of.
        boxes: (N, 4) float32 whole pixels; see `whole_boxes`.
        side_px: Side of the crops.

    Returns:
        (N, side_px, side_px, 3) uint8.
    """
    crops = np.zeros((len(boxes), side_px, side_px, 3), dtype=np.uint8)
    for crop, photo, (x1, y1, x2, y2) in zip(
        crops, photos, boxes.astype(int).tolist(), strict=True
    ):
        image = images[photo]
        height, width = image.shape[:2]
        part = image[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
        if not part.size:
            continue
        outside = (max(-y1, 0), max(y2 - height, 0), max(-x1, 0), max(x2 - width, 0))
        if any(outside):
            part = cv2.copyMakeBorder(part, *outside, cv2.BORDER_CONSTANT)
        shrinks = (x2 - x1) * (y2 - y1) > side_px * side_px
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cv2.resize(part, (side_px, side_px), dst=crop, interpolation=method)
    return crops


def cut_turned_squares(
    images: Sequence[Image],
    photos: npt.NDArray[np.intp],
    squares: FloatArray,
    rolls: FloatArray,
    *,
    side_px: int,
) -> Image:
    """What squares show that are turned about their middles; what lies outside its image is black.

    Args:
        images: (H, W, 3) uint8 each.
        photos: (N,) the image that each square is of.
        squares: (N, 4) float32 pixels, before they are turned.
        rolls: (N,) float32 radians, from the x axis towards the y axis.
        side_px: Side of the crops.

    Returns:
        (N, side_px, side_px, 3) uint8, each turned back.
    """
    crops = np.empty((len(squares), side_px, side_px, 3), dtype=np.uint8)
    middles = (squares[:, :2] + squares[:, 2:]) / 2
    scales = side_px / (squares[:, 2] - squares[:, 0])
    reaches = side_px / scales * (np.abs(np.cos(rolls)) + np.abs(np.sin(rolls))) / 2
    for k, (photo, middle, scale, reach, roll) in enumerate(
        zip(photos, middles, scales, reaches, rolls, strict=True)
    ):
        # First the upright square around the turned one, at the scale of the crop, so that nothing aliases.
        start = np.floor(middle - reach)
        size = np.ceil(2 * reach) + 1
        around = np.concatenate([start, start + size])[None]
        around_px = max(1, round(float(size * scale)))
        (patch,) = cut_boxes(images, photo[None], around, side_px=around_px)
        zoom = scale * size / around_px
        cos, sin = zoom * np.cos(roll), zoom * np.sin(roll)
        matrix = np.array([[cos, sin, 0], [-sin, cos, 0]])
        centre = (middle - start) * around_px / size - 0.5
        matrix[:, 2] = (side_px - 1) / 2 - matrix[:, :2] @ centre
        cv2.warpAffine(patch, matrix, (side_px, side_px), dst=crops[k], flags=cv2.INTER_LINEAR)
    return crops
