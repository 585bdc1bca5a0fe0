"""What landmarkers share: from faces of many images to one batch of boxes, and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from faceprint.types import Face, FloatArray

__all__ = ["breadths_of", "locate_in_boxes", "rolls_of"]


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
    across, down = _axes(landmarks)
    # The way down is a quarter turn from the way across, and all that a profile shows.
    rolls: FloatArray = np.angle(across - 1j * down)
    return rolls


def breadths_of(landmarks: FloatArray) -> FloatArray:
    """How far eyes and mouth corners lie apart, as a share of how far the mouth lies below the eyes.

    About 0.9 for a face that looks into the camera, 0 for a profile, whatever its tilt.

    Args:
        landmarks: (N, 5, 2) float32 pixels.

    Returns:
        (N,) float32; below 0 where the left eye lies to the right.
    """
    across, down = _axes(landmarks)
    turn = np.exp(-1j * rolls_of(landmarks))
    heights = np.maximum((down * turn).imag, 1e-6)
    breadths: FloatArray = ((across * turn).real / heights).astype(np.float32)
    return breadths


def _axes(landmarks: FloatArray) -> tuple[npt.NDArray[np.complex64], npt.NDArray[np.complex64]]:
    """From right to left and from eyes to mouth, each (N,) in the complex plane, twice as long."""
    right_eye, left_eye, _, right_mouth, left_mouth = np.moveaxis(
        landmarks[..., 0] + 1j * landmarks[..., 1], 1, 0
    )
    across = left_eye - right_eye + left_mouth - right_mouth
    return across, right_mouth + left_mouth - right_eye - left_eye
