"""What landmarkers share: from faces of many images to one batch of boxes, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceprint.types import Face, FloatArray

__all__ = ["locate_in_boxes"]


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
