"""What is measured of a face before anything is made of it: plain physical quantities, as arrays.

Sharpness and exposure are read from the oval that a face fills in a crop aligned to 112 pixels. Exposure
is the entropy of its grey levels, the "dynamic range" of ISO/IEC 29794-5: under- and overexposed faces
and faces without contrast all crowd into few levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.types import Face, Image

__all__ = ["Measures", "measure"]

_Float64 = npt.NDArray[np.float64]

_SIDE_PX = 112
_HALF_PX = 56
_AT_ONCE = 256
_EYES_PER_BOX = 0.45
_NOSE_DEPTH = 0.55
"""How far the tip of a nose stands out before the eyes, in distances between the eyes."""
_NOSE_HEIGHT = 0.56
"""Where the nose of a level face lies between eyes (0) and mouth (1): mean over LFW, as YuNet marks it."""
_LEAST_VARIANCE = 2.0
"""Of the grey levels; about what rounding and noise alone give, which is no detail."""


def _oval(side: int) -> npt.NDArray[np.bool_]:
    y, x = (np.mgrid[:side, :side] + 0.5) * (_SIDE_PX / side)
    oval: npt.NDArray[np.bool_] = ((x - 56) / 40) ** 2 + ((y - 64) / 46) ** 2 <= 1
    return oval


_OVAL = np.flatnonzero(_oval(_SIDE_PX))
_HALF_OVAL = np.flatnonzero(_oval(_HALF_PX)[1:-1, 1:-1])
_PLANES = np.linalg.qr(
    np.stack([np.ones(len(_HALF_OVAL)), *np.divmod(_HALF_OVAL, _HALF_PX - 2)], axis=1)
)[0].astype(np.float32)
"""All planes over the oval, as three columns of length 1 at right angles to each other."""


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What was measured of N faces; each (N,) float64.

    Attributes:
        detail: Natural logarithm of the variance of the Laplacian of the crop at 56 pixels, over the
            variance of its grey levels about the plane that fits them best, so that neither darkness
            nor light from one side is a blur: about -4 for a blur, 0 for a sharp face. At half size,
            since networks on 112 pixels hardly miss finer detail.
        eye_distance: Natural logarithm of the pixels between the eyes.
        turn: Degrees turned to a side, up or down; rough, from where the nose lies.
        roll: Degrees between the line of the eyes and the horizontal, 0 to 180.
        dynamic_range: Entropy of the grey levels, 0 to 8 bits.
        confidence: Logit of the detector score.
        brightness: Mean grey level, 0 to 1.
    """

    detail: _Float64
    eye_distance: _Float64
    turn: _Float64
    roll: _Float64
    dynamic_range: _Float64
    confidence: _Float64
    brightness: _Float64


def measure(faces: Sequence[Face], crops: Image) -> Measures:
    """Measures faces in their crops.

    Args:
        faces: N faces; without landmarks, the eyes are guessed from the box, and the face counts as
            upright and turned to the camera.
        crops: (N, S, S, 3) uint8 RGB.
    """
    boxes = np.array([face.box for face in faces], dtype=np.float64).reshape(-1, 4)
    scores = np.array([face.score for face in faces], dtype=np.float64).clip(1e-3, 1 - 1e-3)
    eyes, turn, roll = (boxes[:, 2] - boxes[:, 0]) * _EYES_PER_BOX, *np.zeros((2, len(faces)))
    marked = [row for row, face in enumerate(faces) if face.landmarks is not None]
    if marked:
        points = np.array([faces[row].landmarks for row in marked], dtype=np.float64)
        eyes[marked], turn[marked], roll[marked] = _pose(points)
    detail, dynamic_range, brightness = _read(crops)
    return Measures(
        detail=detail,
        eye_distance=np.log(np.maximum(eyes, 0.1)),
        turn=turn,
        roll=roll,
        dynamic_range=dynamic_range,
        confidence=np.log(scores / (1 - scores)),
        brightness=brightness,
    )


def _pose(points: _Float64) -> tuple[_Float64, _Float64, _Float64]:
    """Distance of the eyes in pixels, turn and roll in degrees, of (N, 5, 2) landmarks.

    Of a head with a nose that stands out, the tip moves by depth times tangent of the angle, measured
    in the foreshortened distance of the eyes, or of eyes and mouth, which are about as far apart.
    """
    right, left, nose = points[:, 0], points[:, 1], points[:, 2]
    across = left - right
    eyes = np.linalg.norm(across, axis=1)
    along = across / np.maximum(eyes, 1e-6)[:, None]
    down = np.stack([-along[:, 1], along[:, 0]], axis=1)
    middle = (right + left) / 2
    sideways = ((nose - middle) * along).sum(axis=1) / np.maximum(eyes, 1e-6)
    mouth = ((points[:, 3:].mean(axis=1) - middle) * down).sum(axis=1)
    height = ((nose - middle) * down).sum(axis=1) / np.maximum(mouth, 1e-6)
    yaw, pitch = np.arctan(sideways / _NOSE_DEPTH), np.arctan((height - _NOSE_HEIGHT) / _NOSE_DEPTH)
    turn = np.degrees(np.arccos(np.cos(yaw) * np.cos(pitch)))
    return eyes, turn, np.abs(np.degrees(np.arctan2(across[:, 1], across[:, 0])))


def _read(crops: Image) -> tuple[_Float64, _Float64, _Float64]:
    """Detail, dynamic range and brightness of crops."""
    parts = [_read_some(crops[k : k + _AT_ONCE]) for k in range(0, len(crops), _AT_ONCE)]
    if not parts:
        return np.zeros(0), np.zeros(0), np.zeros(0)
    detail, dynamic_range, brightness = (np.concatenate(one) for one in zip(*parts, strict=True))
    return detail, dynamic_range, brightness


def _read_some(crops: Image) -> tuple[_Float64, _Float64, _Float64]:
    count = len(crops)
    # All crops as one tall picture: one call for all, and no cell of the grid spans two of them.
    tall = _fitted(crops).reshape(count * _SIDE_PX, _SIDE_PX, 3)
    grey = np.asarray(cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY), np.uint8)
    levels = np.take(grey.reshape(count, -1), _OVAL, axis=1)
    shares = _histograms(levels) / levels.shape[1]
    entropy = -(shares * np.log2(shares, out=np.zeros_like(shares), where=shares > 0)).sum(axis=1)
    size = (_HALF_PX, count * _HALF_PX)
    shrunk = cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    detail = _detail(np.asarray(shrunk, np.float32).reshape(count, _HALF_PX, _HALF_PX))
    return detail, np.maximum(entropy, 0), shares @ np.linspace(0, 1, 256)


def _detail(pictures: npt.NDArray[np.float32]) -> _Float64:
    """Log share of the fine in what (N, 56, 56) grey pictures show beside their shading."""
    laplacian, inner = (
        np.take(one.reshape(len(pictures), -1), _HALF_OVAL, axis=1)
        for one in (_laplacian(pictures), pictures[:, 1:-1, 1:-1])
    )
    unshaded = inner - (inner @ _PLANES) @ _PLANES.T
    fine = np.maximum(laplacian.var(axis=1, dtype=np.float64), 1e-3)
    whole = unshaded.var(axis=1, dtype=np.float64) + _LEAST_VARIANCE
    share: _Float64 = np.log(fine / whole)
    return share


def _fitted(crops: Image) -> Image:
    if crops.shape[1:3] == (_SIDE_PX, _SIDE_PX):
        return np.ascontiguousarray(crops)
    size = (_SIDE_PX, _SIDE_PX)
    fitted = [cv2.resize(crop, size, interpolation=cv2.INTER_AREA) for crop in crops]
    return np.stack(fitted).astype(np.uint8, copy=False)


def _histograms(levels: Image) -> npt.NDArray[np.int64]:
    """How often each grey level comes, row by row: (N, 256)."""
    rows = np.arange(len(levels), dtype=np.intp)[:, None] * 256
    counts = np.bincount((levels + rows).ravel(), minlength=256 * len(levels))
    return counts.reshape(-1, 256)


def _laplacian(pictures: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The second differences of (N, H, W) pictures, without the border."""
    inner: npt.NDArray[np.float32] = (
        pictures[:, :-2, 1:-1]
        + pictures[:, 2:, 1:-1]
        + pictures[:, 1:-1, :-2]
        + pictures[:, 1:-1, 2:]
        - 4 * pictures[:, 1:-1, 1:-1]
    )
    return inner
