"""What landmarkers share: from faces of many images to one batch of boxes, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceprint.types import Face, FloatArray

__all__ = ["locate_in_boxes", "rolls_of"]


def locate_in_boxes(
    faces: Sequence[Sequence[Face]],
    locate: Callable[[npt.NDArray[np.intp], FloatArray], FloatArray],
) -> list[tuple[Face, ...]]:
    """The same faces in the same order, with the landmarks that `locate` gives.

    Args:
        faces: Of each image.
        locate: From the image of each box (N,) and the boxes (N, 4) float32 pixels to landmarks
            (N, 5, 2) float32 pixels; not called where there are no faces.
    """
    if not any(faces):
        return [() for _ in faces]
    photos = np.repeat(np.arange(len(faces)), [len(some) for some in faces])
    boxes = np.stack([face.box for some in faces for face in some]).astype(np.float32)
    points = iter(locate(photos, boxes))
    return [tuple(replace(face, landmarks=next(points)) for face in some) for some in faces]


def rolls_of(landmarks: FloatArray) -> FloatArray:
    """How far faces are tilted to a shoulder, by all five landmarks but the nose.

    Args:
        landmarks: (N, 5, 2) float32 pixels.

    Returns:
        (N,) float32 radians, from the x axis towards the y axis; 0 for an upright face.
    """
    right_eye, left_eye, _, right_mouth, left_mouth = landmarks.transpose(1, 0, 2)
    across = left_eye - right_eye + left_mouth - right_mouth
    down = right_mouth + left_mouth - right_eye - left_eye
    # The way down is a quarter turn from the way across, and all that a profile shows.
    rolls: FloatArray = np.arctan2(across[:, 1] - down[:, 0], across[:, 0] + down[:, 1])
    return rolls
