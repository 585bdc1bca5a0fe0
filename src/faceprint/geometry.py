"""Boxes: overlap, suppression, clipping. Boxes are (N, 4) float32 arrays of x1 y1 x2 y2 in pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.types import FloatArray

__all__ = ["box_areas", "clip_boxes", "iou_matrix", "suppress"]


def box_areas(boxes: FloatArray) -> FloatArray:
    """Areas of boxes; a box turned inside out has none.

    Args:
        boxes: (N, 4) float32 pixels.

    Returns:
        (N,) float32, square pixels.
    """
    sides = np.maximum(boxes[:, 2:4] - boxes[:, 0:2], 0)
    areas: FloatArray = sides[:, 0] * sides[:, 1]
    return areas


def clip_boxes(boxes: FloatArray, *, width: int, height: int) -> FloatArray:
    """Boxes cut to the image.

    Args:
        boxes: (N, 4) float32 pixels.
        width: Width of the image in pixels.
        height: Height of the image in pixels.

    Returns:
        (N, 4) float32 pixels.
    """
    limits = np.array([width, height, width, height], dtype=np.float32)
    clipped: FloatArray = np.clip(boxes, 0, limits)
    return clipped


def iou_matrix(a: FloatArray, b: FloatArray, *, of_smaller: bool = False) -> FloatArray:
    """Intersection over union of every box of `a` with every box of `b`.

    Args:
        a: (N, 4) float32 pixels.
        b: (M, 4) float32 pixels.
        of_smaller: Divide by the smaller area instead of the union.

    Returns:
        (N, M) float32, 0 to 1; 0 where both boxes are empty.
    """
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    sides = np.maximum(bottom_right - top_left, 0)
    shared = sides[..., 0] * sides[..., 1]
    areas_a, areas_b = box_areas(a)[:, None], box_areas(b)[None, :]
    whole = np.minimum(areas_a, areas_b) if of_smaller else areas_a + areas_b - shared
    overlap: FloatArray = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return overlap


def suppress(
    boxes: FloatArray,
    scores: FloatArray,
    *,
    iou: float,
    groups: npt.NDArray[np.integer] | None = None,
    of_smaller: bool = False,
) -> npt.NDArray[np.intp]:
    """Greedy non-maximum suppression: the best of each heap of overlapping boxes.

    Args:
        boxes: (N, 4) float32 pixels.
        scores: (N,) float32.
        iou: Boxes that overlap a better one by more than this are dropped.
        groups: (N,) integers; boxes of different groups never suppress each other.
        of_smaller: Measure overlap as a share of the smaller box instead of the union.

    Returns:
        (K,) indices of the boxes that stay, best score first.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    overlaps = iou_matrix(boxes[order], boxes[order], of_smaller=of_smaller) > iou
    if groups is not None:
        overlaps &= groups[order][:, None] == groups[order][None, :]
    stays = np.ones(len(order), dtype=bool)
    for place in range(len(order) - 1):
        if stays[place]:
            stays[place + 1 :] &= ~overlaps[place, place + 1 :]
    return order[stays]
