"""Head pose from the five landmarks: the turn of a mean face that fits them best. Needs no weights.

The camera is taken for far away (a scaled orthographic projection, as in DeMenthon and Davis,
"Model-based object pose in 25 lines of code", IJCV 1995), which spares its focal length; what is left are
three angles, a scale and a shift, fitted to ten numbers by damped least squares.

The mean face is a rigid one, but for the corners of its mouth, which a smile lifts and draws apart: without
that, a broad smile would read as a head bowed by ten degrees. A long nose reads as looking down, an open
mouth a little as well, and a landmark that is off by a twentieth of the distance between the eyes turns the
face by three degrees, a corner of the mouth by five. Beyond 60 degrees to a side, where detectors guess the
far eye, angles are rough.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from faceprint.pose.angles import angles_of, turn_z
from faceprint.runtime import RuntimeOptions
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["MEAN_FACE", "LandmarkPose", "build", "pose_of"]

_Float64 = npt.NDArray[np.float64]

MEAN_FACE: Final = np.array(
    [
        [-0.50, 0.00, 0.00],
        [0.50, 0.00, 0.00],
        [0.00, 0.556, -0.50],
        [-0.43, 0.99, 0.00],
        [0.43, 0.99, 0.00],
    ]
)
"""The five landmarks of a level face, in distances between the eyes; z grows away from the camera.

Width and height are those that YuNet marks on LFW photos of people of peopleDevTrain, made symmetric, with
the nose where it makes their mean pitch 0. How far the nose stands out is told by how much eyes and mouth
narrow as the nose moves aside in the same photos: by 3 cm, where the eyes are 6.3 cm apart, which agrees with
faces that were measured.
"""

_SMILE_DEG: Final = 43.0
"""By how much faces seem to bow as their mouth grows by the distance between the eyes: a smile lifts its
corners. The slope over 500 faces of people of peopleDevTrain, whose heads do not bow when they smile."""

_MOUTH: Final = 0.86
"""Width of the mean face's mouth."""

_WIDEST: Final = 0.3
"""No smile is wider; what is further off is a landmark that went astray."""

_SIDEWAYS_DEG: Final = (35.0, 60.0)
"""Mouths of faces turned so far to a side tell less of a smile, and then nothing."""

_STEPS = 12
_FIRST_DAMPING = 1e-2
_LEAST_SPREAD_PX = 1e-3


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> LandmarkPose:
    """The estimator of the card."""
    return LandmarkPose(name=card.name)


class LandmarkPose:
    """Says where heads look by their five landmarks alone.

    Args:
        name: Card name.
    """

    def __init__(self, *, name: str = "landmarks") -> None:
        self.name = name

    def estimate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[FloatArray]:
        """Yaw, pitch and roll of the K faces of each image: (K, 3) float32 degrees.

        NaN for faces without landmarks, and where these are not finite or fall into one place.
        """
        marked = [face.landmarks for some in faces for face in some]
        nowhere = np.full((5, 2), np.nan, dtype=np.float32)
        points = np.array([nowhere if one is None else one for one in marked], dtype=np.float32)
        found = pose_of(points.reshape(-1, 5, 2))
        return np.split(found, np.cumsum([len(some) for some in faces])[:-1]) if faces else []


def pose_of(landmarks: FloatArray) -> FloatArray:
    """Yaw, pitch and roll of faces.

    Args:
        landmarks: (N, 5, 2) float32 pixels.

    Returns:
        (N, 3) float32 degrees; NaN where landmarks are not finite or fall into one place.
    """
    angles = np.full((len(landmarks), 3), np.nan, dtype=np.float32)
    points = landmarks.astype(np.float64) - landmarks.mean(axis=1, keepdims=True, dtype=np.float64)
    spread = np.sqrt((points**2).sum(axis=(1, 2)))
    (usable,) = np.nonzero(spread > _LEAST_SPREAD_PX)  # not where it is NaN
    if len(usable):
        found = angles_of(_fit(points[usable] / spread[usable, None, None]))
        found[:, 1] += _bowed_by_smile(points[usable], found[:, 0])
        angles[usable] = found
    return angles


def _bowed_by_smile(points: _Float64, yaws: _Float64) -> _Float64:
    """What a smile takes from the pitch of faces, degrees; less than nothing for a pursed mouth."""
    right_eye, left_eye, _, right_mouth, left_mouth = np.moveaxis(points @ np.array([1, 1j]), 1, 0)
    widths = np.abs(left_mouth - right_mouth) / np.maximum(np.abs(left_eye - right_eye), 1e-9)
    near, far = _SIDEWAYS_DEG
    seen = np.clip((far - np.abs(yaws)) / (far - near), 0, 1)
    bowed: _Float64 = _SMILE_DEG * np.clip(widths - _MOUTH, -_WIDEST, _WIDEST) * seen
    return bowed


def _fit(points: _Float64) -> _Float64:
    """Rotations of the mean face whose projections lie nearest to (N, 5, 2) centred points of length 1."""
    face = MEAN_FACE - MEAN_FACE.mean(axis=0)
    turned = _upright(points)
    scales = np.full(len(points), 1 / np.sqrt((face[:, :2] ** 2).sum()))
    missed = _missed(face @ turned.transpose(0, 2, 1), scales, points)
    damping = np.full(len(points), _FIRST_DAMPING)
    for _ in range(_STEPS):
        step = _step(face @ turned.transpose(0, 2, 1), scales, missed, damping)
        tried = _turned(step[:, :3]) @ turned
        tried_scales = scales * np.exp(step[:, 3])
        tried_missed = _missed(face @ tried.transpose(0, 2, 1), tried_scales, points)
        better = (tried_missed**2).sum(axis=(1, 2)) < (missed**2).sum(axis=(1, 2))
        turned = np.where(better[:, None, None], tried, turned)
        scales = np.where(better, tried_scales, scales)
        missed = np.where(better[:, None, None], tried_missed, missed)
        damping = np.where(better, damping / 4, damping * 6)
    return turned


def _upright(points: _Float64) -> _Float64:
    """Where the fit begins: faces that look into the camera, with the tilt of eyes and mouth."""
    right_eye, left_eye, _, right_mouth, left_mouth = np.moveaxis(points @ np.array([1, 1j]), 1, 0)
    across = left_eye - right_eye + left_mouth - right_mouth
    down = right_mouth + left_mouth - right_eye - left_eye
    # The way down is a quarter turn from the way across, and all that a profile shows.
    return turn_z(np.degrees(np.angle(across - 1j * down)))


def _missed(placed: _Float64, scales: _Float64, points: _Float64) -> _Float64:
    missed: _Float64 = scales[:, None, None] * placed[:, :, :2] - points
    return missed


def _step(placed: _Float64, scales: _Float64, missed: _Float64, damping: _Float64) -> _Float64:
    """A step of Levenberg and Marquardt: (N, 4), three small turns and the logarithm of a growth."""
    x, y, z = (scales[:, None, None] * placed).transpose(2, 0, 1)
    none = np.zeros_like(x)
    slopes = np.stack([none, z, -y, x, -z, none, x, y]).reshape(2, 4, *x.shape)
    slopes = slopes.transpose(2, 3, 0, 1).reshape(len(x), -1, 4)
    normal = slopes.transpose(0, 2, 1) @ slopes
    held = normal * np.eye(4) * damping[:, None, None] + 1e-12 * np.eye(4)
    wanted = slopes.transpose(0, 2, 1) @ missed.reshape(len(x), -1, 1)
    step: _Float64 = -np.linalg.solve(normal + held, wanted)[:, :, 0]
    return np.clip(step, -0.5, 0.5)


def _turned(step: _Float64) -> _Float64:
    """Rotations about (N, 3) axes by about their length, in radians (Cayley's form)."""
    x, y, z = step.T / 2
    none = np.zeros_like(x)
    half = np.stack([none, -z, y, z, none, -x, -y, x, none], axis=1).reshape(-1, 3, 3)
    turned: _Float64 = np.linalg.solve(np.eye(3) - half, np.eye(3) + half)
    return turned
