"""Disturbances that are made on purpose: each a kind, a unit and levels from nothing to too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType

import cv2
import numpy as np

from faceprint.types import Face, FloatArray, Image

__all__ = ["SLICES", "Disturbance"]

Apply = Callable[[Image, Face, float], Image]

_MASK_COLOUR = (176, 196, 214)


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One way of making photos worse.

    Attributes:
        name: As in "blur".
        what: What a level says, as in "standard deviation of the blur, % of the distance between the eyes".
        levels: From the least to the worst.
        apply: Makes the photo worse: (photo, its face, level) to a photo of the same size, or, for "size",
            a smaller one. The photo that is given stays as it is.
    """

    name: str
    what: str
    levels: tuple[float, ...]
    apply: Apply


def _blur(image: Image, face: Face, level: float) -> Image:
    sigma = level / 100 * _eye_distance(face)
    return _pixels(cv2.GaussianBlur(image, (0, 0), sigmaX=max(sigma, 1e-3)))


def _size(image: Image, face: Face, level: float) -> Image:
    """Shrinks the photo so that the eyes are `level` pixels apart."""
    scale = level / _eye_distance(face)
    if scale >= 1:
        return image
    height, width = image.shape[:2]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return _pixels(cv2.resize(image, size, interpolation=cv2.INTER_AREA))


def _jpeg(image: Image, face: Face, level: float) -> Image:
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(level)])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert decoded is not None
    return np.ascontiguousarray(_pixels(decoded)[:, :, ::-1])


def _darkness(image: Image, face: Face, level: float) -> Image:
    """Less light on the sensor: fewer photons in linear light, their shot noise, 8 bits again."""
    light = (image.astype(np.float32) / 255) ** 2.2 / level
    noise = np.random.default_rng(0).standard_normal(image.shape, dtype=np.float32)
    light += noise * np.sqrt(light * 2e-5 + 1e-6)
    return _pixels(np.clip(light, 0, 1) ** (1 / 2.2) * 255)


def _brightness(image: Image, face: Face, level: float) -> Image:
    light = (image.astype(np.float32) / 255) ** 2.2 * level
    return _pixels(np.clip(light, 0, 1) ** (1 / 2.2) * 255)


def _rotation(image: Image, face: Face, level: float) -> Image:
    """Turns the photo in its plane about the middle of the face."""
    height, width = image.shape[:2]
    x, y = (face.box[:2] + face.box[2:]) / 2
    matrix = cv2.getRotationMatrix2D((float(x), float(y)), level, 1.0)
    return _pixels(cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))


def _occlusion(image: Image, face: Face, level: float) -> Image:
    """A grey bar from the left over `level` % of the box's width."""
    x1, y1, x2, y2 = face.box
    covered = image.copy()
    left, top, right, bottom = (
        round(float(side)) for side in (x1, y1, x1 + (x2 - x1) * level / 100, y2)
    )
    covered[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = 128
    return covered


def _mask(image: Image, face: Face, level: float) -> Image:
    """A surgical mask: from the chin up to `level` % of the way from the mouth to the eyes."""
    points = _landmarks(face)
    eyes, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    up = eyes - mouth
    across = points[1] - points[0]
    top = mouth + up * level / 100
    chin = mouth - up * 0.85
    outline = [
        top - across * 0.95,
        top + up * 0.06,
        top + across * 0.95,
        chin + across * 0.62 + up * 0.3,
        chin,
        chin - across * 0.62 + up * 0.3,
    ]
    covered = image.copy()
    cv2.fillConvexPoly(covered, np.round(outline).astype(np.int32), _MASK_COLOUR, cv2.LINE_AA)
    return covered


def _glasses(image: Image, face: Face, level: float) -> Image:
    """Dark glasses: two discs over the eyes, with a bridge; `level` is the radius."""
    points = _landmarks(face)
    right, left = points[:2]
    radius = max(1, round(level / 100 * float(np.linalg.norm(left - right))))
    covered = image.copy()
    places = [tuple(int(v) for v in np.round(eye)) for eye in (right, left)]
    for place in places:
        cv2.circle(covered, place, radius, (12, 12, 14), -1, cv2.LINE_AA)
    cv2.line(covered, places[0], places[1], (12, 12, 14), max(1, radius // 4), cv2.LINE_AA)
    return covered


def _landmarks(face: Face) -> FloatArray:
    if face.landmarks is not None:
        return face.landmarks
    x1, y1, x2, y2 = face.box
    shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.78], [0.65, 0.78]])
    points: FloatArray = np.array([x1, y1]) + shares * np.array([x2 - x1, y2 - y1])
    return points.astype(np.float32)


def _eye_distance(face: Face) -> float:
    points = _landmarks(face)
    return max(1.0, float(np.linalg.norm(points[1] - points[0])))


def _pixels(values: object) -> Image:
    return np.asarray(values).astype(np.uint8)


SLICES = MappingProxyType(
    {
        one.name: one
        for one in (
            Disturbance(
                "blur",
                "standard deviation of the blur, % of the distance between the eyes",
                (2.5, 5.0, 7.5, 10.0, 15.0),
                _blur,
            ),
            Disturbance(
                "size", "distance between the eyes, pixels", (32.0, 24.0, 16.0, 12.0, 8.0), _size
            ),
            Disturbance("jpeg", "JPEG quality, 1 to 100", (50.0, 30.0, 15.0, 8.0, 4.0), _jpeg),
            Disturbance(
                "darkness", "how many times less light", (4.0, 16.0, 64.0, 256.0), _darkness
            ),
            Disturbance("brightness", "how many times more light", (2.0, 4.0, 8.0), _brightness),
            Disturbance(
                "rotation",
                "turned in the plane, degrees",
                (10.0, 20.0, 30.0, 45.0, 60.0),
                _rotation,
            ),
            Disturbance(
                "occlusion",
                "covered from the left, % of the face's width",
                (15.0, 30.0, 45.0, 60.0),
                _occlusion,
            ),
            Disturbance(
                "mask",
                "a mask from the chin up, % of the way from mouth to eyes",
                (20.0, 45.0, 70.0),
                _mask,
            ),
            Disturbance(
                "glasses",
                "dark glasses, radius in % of the distance between the eyes",
                (20.0, 30.0, 40.0),
                _glasses,
            ),
        )
    }
)
"""By name."""
