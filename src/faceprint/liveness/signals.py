"""What a face does, read from one frame: where it turns, how wide its mouth is, how open its eyes are.

Five landmarks cannot show a blink, so eyes are looked at: an open one is a dark disc between two whites,
whose borders run up and down; a closed one is a line across. How much of the change of brightness around an
eye runs along the line of the eyes depends neither on light nor on contrast, and falls to a third in a blink.

Width of the mouth over distance of the eyes stays as it is however a flat picture is turned or tilted, since
both lie along one direction. YuNet's own landmarks hardly follow a smile; those of O-Net, which refine them,
do: on LFW, of a happy and another face of one person they tell which is which 98 times of 100, YuNet's 62
(benchmarks/challenge.csv).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.types import Face, FloatArray, Image

__all__ = ["FaceSignals", "eye_patches", "openness_of", "read_signals"]

_EYES_PX: Final = 96
"""Distance between the eyes to which patches are scaled."""
_PATCH_PX: Final = (48, 32)
_BLUR_PX = 0.8
_LEAST_EYES_PX = 16.0
"""Below, an eye has too few pixels to tell."""


@dataclass(frozen=True, slots=True)
class FaceSignals:
    """What one face does in one frame.

    Attributes:
        yaw: Degrees, greater than 0 towards the right of the image, which is the person's own left.
        pitch: Degrees, greater than 0 upwards.
        roll: Degrees, greater than 0 clockwise in the image.
        mouth: Width of the mouth over the distance between the eyes, which a turned head changes little.
        openness: How open the eyes are, 0 to 1: about 0.4 for open ones and 0.1 for closed ones, but only
            changes in one person tell. NaN where the face is too small.
        eyes_px: Distance between the eyes in the image, in pixels.
        height: From the eyes to the mouth, over the distance between the eyes.
        centre: Between the eyes, in pixels.
    """

    yaw: float
    pitch: float
    roll: float
    mouth: float
    openness: float
    eyes_px: float
    height: float = 1.0
    centre: tuple[float, float] = (0.0, 0.0)


def read_signals(image: Image, face: Face, pose: FloatArray) -> FaceSignals | None:
    """What a face does in one frame.

    Args:
        image: (H, W, 3) uint8 RGB, the frame.
        face: One face of it, best with refined landmarks.
        pose: (3,) float32 degrees, yaw, pitch and roll, as a `PoseEstimator` gives them.

    Returns:
        None where the face has no landmarks, its eyes fall into one place, or the pose is not known.
    """
    if face.landmarks is None or not np.isfinite([*face.landmarks.ravel(), *pose]).all():
        return None
    points = face.landmarks.astype(np.float64)
    right_eye, left_eye, _, right_mouth, left_mouth = points
    eyes_px = float(np.linalg.norm(left_eye - right_eye))
    if eyes_px < 1:
        return None
    between = (right_eye + left_eye) / 2
    down = (right_mouth + left_mouth) / 2 - between
    seen = eyes_px >= _LEAST_EYES_PX
    yaw, pitch, roll = pose.tolist()
    return FaceSignals(
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        mouth=float(np.linalg.norm(left_mouth - right_mouth)) / eyes_px,
        openness=openness_of(eye_patches(image, face.landmarks)) if seen else float("nan"),
        eyes_px=eyes_px,
        height=float(np.linalg.norm(down)) / eyes_px,
        centre=(float(between[0]), float(between[1])),
    )


def eye_patches(image: Image, landmarks: FloatArray) -> Image:
    """Both eyes, turned level and scaled to 96 pixels between them.

    Args:
        image: (H, W, 3) uint8 RGB.
        landmarks: (5, 2) float32 pixels.

    Returns:
        (2, 32, 48, 3) uint8, the right eye first; what lies outside the image repeats its border.
    """
    eyes = landmarks[:2].astype(np.float64)
    across = eyes[1] - eyes[0]
    length = max(float(np.hypot(*across)), 1e-6)
    cos, sin = across / length
    turn = np.array([[cos, -sin], [sin, cos]]) * (length / _EYES_PX)
    middle = (np.array(_PATCH_PX) - 1) / 2
    patches = np.empty((2, *_PATCH_PX[::-1], 3), dtype=np.uint8)
    for patch, eye in zip(patches, eyes, strict=True):
        part, start = _around(image, eye, length)
        matrix = np.concatenate([turn, (eye - start - turn @ middle)[:, None]], axis=1)
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cv2.warpAffine(
            part, matrix, _PATCH_PX, dst=patch, flags=how, borderMode=cv2.BORDER_REPLICATE
        )
    return patches


def _around(image: Image, eye: npt.NDArray[np.float64], length: float) -> tuple[Image, FloatArray]:
    """A part of the image around an eye and where it begins; blurred where it will be shrunk much."""
    limits = np.array([image.shape[1], image.shape[0]])
    low = np.clip(np.floor(eye - 0.4 * length), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(eye + 0.4 * length), low + 1, limits).astype(int)
    part = image[low[1] : high[1], low[0] : high[0]]
    if length > 2 * _EYES_PX:
        part = np.asarray(cv2.GaussianBlur(part, (0, 0), 0.4 * length / _EYES_PX), dtype=np.uint8)
    return part, low.astype(np.float32)


def openness_of(patches: Image) -> float:
    """How open two eyes are: see `FaceSignals`.

    Args:
        patches: (2, 32, 48, 3) uint8 RGB, from `eye_patches`.
    """
    shares = []
    for patch in patches:
        grey = cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY).astype(np.float32)
        blurred = np.asarray(cv2.GaussianBlur(grey, (0, 0), _BLUR_PX), dtype=np.float64)
        across = float((np.diff(blurred, axis=1) ** 2).mean())
        down = float((np.diff(blurred, axis=0) ** 2).mean())
        # One level of grey per pixel, so that a patch of one colour is not decided by its noise.
        shares.append(across / (across + down + 1))
    return sum(shares) / len(shares)
