"""What an analysis looks like on its photo, under the marks of its faces."""

from __future__ import annotations

import numpy as np

from faceprint.media.axes import draw_axes
from faceprint.parse.classes import CLASSES, number_of
from faceprint.pipeline.appearance import Analysis
from faceprint.pipeline.parts_pictures import HEAD_CLASSES, overlay
from faceprint.types import Face, FloatArray, Image, Labels

__all__ = ["analysis_pixels", "axes_place", "head_labels"]

_AXIS_SHARE = 0.6
"""Length of an axis, in shorter sides of the box."""

_HEAD = [number_of(name) for name in HEAD_CLASSES]


def analysis_pixels(analysis: Analysis) -> Image:
    """The photo with what its pixels show in colours, if that was asked for, and the axes of each head.

    Returns:
        (H, W, 3) uint8 RGB; the photo itself where there is nothing to draw.
    """
    pixels = analysis.detection.pixels
    if analysis.segmentation is not None:
        pixels = overlay(pixels, head_labels(analysis.segmentation.labels))
    for item in analysis.faces:
        if item.pose is not None:
            centre, size = axes_place(item.face)
            pose = item.pose
            pixels = draw_axes(pixels, centre, size, pose.yaw, pose.pitch, pose.roll)
    return pixels


def head_labels(labels: Labels) -> Labels:
    """The same class numbers, (H, W) uint8, with 0 for what is no part of a head, as clothes."""
    kept = np.zeros(len(CLASSES), dtype=np.uint8)
    kept[_HEAD] = _HEAD
    return kept[labels]


def axes_place(face: Face) -> tuple[FloatArray, float]:
    """Where the axes of a head are drawn: from where, (2,) float32 pixels, and how long, pixels."""
    centre: FloatArray = (
        np.mean([face.box[:2], face.box[2:]], axis=0)
        if face.landmarks is None
        else face.landmarks[2]
    )
    return centre, _AXIS_SHARE * min(face.width, face.height)
