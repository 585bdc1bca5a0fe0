"""Crops of boxes for networks that look at one face at a time."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray, Image

__all__ = ["cut_boxes", "square_boxes", "whole_boxes"]


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
