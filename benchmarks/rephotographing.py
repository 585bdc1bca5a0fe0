"""Photos of photos, simulated: a print held before a camera, and a screen.

No camera took these pictures. They have what gives a copy away: less contrast and colour, the grain of ink,
a paper edge, a bend; or the grid of a screen and the moiré it makes with that of the camera, a blue cast,
glare, a dark rim; and the perspective of a hand. How strong each of them is, is drawn from ranges that look
right to us. Genuine pictures go through the same camera: its size, blur, noise and JPEG, with the face as
large in the frame as in what is printed and shown.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.pose.angles import rotations
from faceprint.types import FloatArray, Image

__all__ = ["CAMERA_PX", "Card", "bend", "framed", "genuine", "place_of", "printed", "screened"]

CAMERA_PX = 512
"""Frames are square, so that portraits and landscapes fill them alike."""
_Float = npt.NDArray[np.float32]
_OVER = 2
"""Scenes are drawn at this multiple of the camera's pixels, and then averaged as a sensor does."""
_FAR = 4.0
"""Distance of the camera from a card, in half widths of the card."""


@dataclass(frozen=True, slots=True)
class Card:
    """How something flat is held before a camera.

    Attributes:
        yaw: Degrees.
        pitch: Degrees.
        roll: Degrees.
        share: Height that it takes, as a share of the frame's.
        shift: Of its middle, as shares of the frame.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    share: float = 0.9
    shift: tuple[float, float] = (0.0, 0.0)


def held(rng: np.random.Generator) -> Card:
    """As a hand holds it that wants to be taken for a person: nearly straight, nearly filling the frame."""
    yaw, pitch, roll = rng.normal(0, [7, 7, 3])
    shift = rng.uniform(-0.06, 0.06, 2)
    return Card(yaw, pitch, roll, rng.uniform(0.75, 1.15), (shift[0], shift[1]))


def place_of(
    card: Card, width: int, height: int, frame: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """The perspective that brings a flat picture of that size to a frame: a 3 by 3 matrix."""
    turned = rotations(np.array([[card.yaw, card.pitch, card.roll]]))[0]
    tall = height / width
    corners = np.array([[-1, -tall, 0], [1, -tall, 0], [1, tall, 0], [-1, tall, 0]]) @ turned.T
    seen = corners[:, :2] / (corners[:, 2:] + _FAR) * _FAR
    scale = card.share * frame[1] / (2 * tall)
    middle = np.array(frame) * (0.5 + np.array(card.shift))
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    placed = (seen * scale + middle).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(flat, placed), dtype=np.float64)


def framed(photo: Image, box: FloatArray, rng: np.random.Generator) -> Image:
    """A square of a photo, with the face as large in it as before a camera at arm's length.

    Args:
        photo: (H, W, 3) uint8 RGB.
        box: (4,) float32 pixels, of the face.
        rng: Draws the size, as far as the photo has room for it.
    """
    height, width = photo.shape[:2]
    tall = float(box[3] - box[1])
    side = int(min(tall / rng.uniform(0.25, 0.4), height, width))
    left = round(float(np.clip((box[0] + box[2] - side) / 2, 0, width - side)))
    top = round(float(np.clip((box[1] + box[3]) / 2 - 0.45 * side, 0, height - side)))
    return photo[top : top + side, left : left + side]


def genuine(photo: Image, rng: np.random.Generator) -> Image:
    """A square photo as if its scene had been before the camera."""
    return _capture(_light(_resized(photo, CAMERA_PX * _OVER)), rng)


def printed(photo: Image, backdrop: Image, rng: np.random.Generator) -> Image:
    """A print of the photo, held before the camera."""
    large = _resized(photo, 900)
    light = _light(large)
    ink, paper = rng.uniform(0.02, 0.06), rng.uniform(0.7, 0.9)
    grey = light.mean(axis=2, keepdims=True)
    light = grey + (light - grey) * rng.uniform(0.65, 0.9)
    light = _inked(light, rng)
    on_paper = ink + (paper - ink) * np.clip(light, 0, 1) * rng.uniform(0.95, 1.0, 3)
    sheet = (on_paper + rng.normal(0, 0.008, light.shape[:2])[..., None]).astype(np.float32)
    rim = round(rng.uniform(0, 0.06) * light.shape[1])
    bare = (float(paper),) * 3
    framed_sheet = cv2.copyMakeBorder(sheet, *(rim,) * 4, cv2.BORDER_CONSTANT, value=bare)
    bent = bend(np.asarray(framed_sheet, np.float32), rng.uniform(0, 25), rng)
    return _capture(_scene(bent, backdrop, rng), rng)


def screened(photo: Image, backdrop: Image, rng: np.random.Generator) -> Image:
    """The photo on a screen, held before the camera."""
    rows = int(rng.integers(380, 760))
    light = _light(_resized(photo, rows))
    grid = np.repeat(np.repeat(light, 3, axis=0), 3, axis=1)
    gap = rng.uniform(0.3, 0.9)
    stripes = np.full((3, 3, 3), 1 - gap, dtype=np.float32)
    for channel in range(3):
        stripes[:, channel, channel] = 1 + 2 * gap
    stripes[2] *= 1 - 0.5 * gap  # the dark lines between rows
    grid *= np.tile(stripes / stripes.mean(), (light.shape[0], light.shape[1], 1))
    grid *= np.array([rng.uniform(0.85, 1), 1, rng.uniform(1.0, 1.25)], dtype=np.float32)
    grid = 0.01 + rng.uniform(0.8, 1.2) * grid
    rim = round(rng.uniform(0.02, 0.08) * grid.shape[1])
    dark = cv2.copyMakeBorder(grid, *(rim,) * 4, cv2.BORDER_CONSTANT, value=(0.015,) * 3)
    scene = _scene(np.asarray(dark, np.float32), backdrop, rng)
    return _capture(_glared(scene, rng), rng)


def bend(light: _Float, degrees: float, rng: np.random.Generator) -> _Float:
    """A sheet bent about an upright axis, with the shading that gives."""
    if degrees < 1:
        return light
    width = light.shape[1]
    reach = np.radians(degrees)
    across = np.linspace(-1, 1, width, dtype=np.float32)
    from_x = (np.arcsin(across * np.sin(reach)) / reach + 1) / 2 * (width - 1)
    map_x = np.tile(from_x.astype(np.float32), (light.shape[0], 1))
    map_y = np.tile(np.arange(light.shape[0], dtype=np.float32)[:, None], (1, width))
    bent = cv2.remap(light, map_x, map_y, cv2.INTER_LINEAR)
    towards = np.sin(np.arcsin(across * np.sin(reach)) + rng.uniform(-0.5, 0.5))
    return np.asarray(bent * (1 - 0.3 * np.abs(towards))[None, :, None], dtype=np.float32)


def _capture(scene: _Float, rng: np.random.Generator) -> Image:
    """What a camera makes of the light of a scene, drawn at twice its pixels."""
    size = (CAMERA_PX, CAMERA_PX)
    light = np.asarray(cv2.resize(scene, size, interpolation=cv2.INTER_AREA), np.float32)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.4, 0.9)), np.float32)
    light *= (rng.uniform(0.95, 1.05, 3) * rng.uniform(0.85, 1.1)).astype(np.float32)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    light += noise * np.sqrt(np.clip(light, 0, 1) * 2e-4 + 1e-5)
    picture = np.rint(np.clip(light, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(80, 95))]
    _, packed = cv2.imencode(".jpg", picture, quality)
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def _scene(flat: _Float, backdrop: Image, rng: np.random.Generator) -> _Float:
    """Something flat before a backdrop that is out of focus, with light that comes from a side."""
    side = CAMERA_PX * _OVER
    far = cv2.GaussianBlur(_light(_resized(backdrop, 128)), (0, 0), 2) * rng.uniform(0.4, 0.9)
    height, width = flat.shape[:2]
    matrix = place_of(held(rng), width, height, (side, side))
    scale = np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    if scale < 0.7:  # as much as the drawn scene cannot hold; the rest becomes moiré, as it should
        flat = np.asarray(cv2.GaussianBlur(flat, (0, 0), 0.3 / scale), dtype=np.float32)
    scene = np.asarray(cv2.resize(far, (side, side)), dtype=np.float32)
    cv2.warpPerspective(flat, matrix, (side, side), dst=scene, borderMode=cv2.BORDER_TRANSPARENT)
    ramp = np.linspace(-1, 1, side, dtype=np.float32)
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    shade = 1 + depth * (np.cos(angle) * ramp[None] + np.sin(angle) * ramp[:, None])
    return np.asarray(scene * shade[..., None], dtype=np.float32)


def _inked(light: _Float, rng: np.random.Generator) -> _Float:
    """Dots of ink: a screen for each colour, turned by angles of its own."""
    height, width = light.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    dots = np.empty_like(light)
    pitch = rng.uniform(3.0, 5.0)
    for channel, degrees in enumerate((15, 75, 45)):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        u, v = (x * cos + y * sin) / pitch, (y * cos - x * sin) / pitch
        level = (np.cos(2 * np.pi * u) + np.cos(2 * np.pi * v)) / 4 + 0.5
        dots[..., channel] = 1 / (1 + np.exp(-(light[..., channel] - level) * 8))
    strength = rng.uniform(0.15, 0.5)
    return np.asarray(light * (1 - strength) + dots * strength, dtype=np.float32)


def _glared(scene: _Float, rng: np.random.Generator) -> _Float:
    """A lamp or a window, mirrored in the glass."""
    ramp = np.linspace(0, 1, len(scene), dtype=np.float32)
    across, down = (
        np.exp(-(((ramp - middle) / spread) ** 2))
        for middle, spread in zip(rng.uniform(0, 1, 2), rng.uniform(0.05, 0.2, 2), strict=True)
    )
    glare = rng.uniform(0.01, 0.05) + rng.uniform(0, 0.5) * down[:, None] * across[None]
    return np.asarray(scene + glare[..., None], dtype=np.float32)


_LIGHT = ((np.arange(256) / 255) ** 2.2).astype(np.float32)
"""Photos are stored as the eye sees; light adds up otherwise."""


def _light(photo: Image) -> _Float:
    return _LIGHT[photo]


def _resized(photo: Image, rows: int) -> Image:
    scale = rows / photo.shape[0]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (round(photo.shape[1] * scale), rows)
    return np.asarray(cv2.resize(photo, size, interpolation=how), dtype=np.uint8)
