"""What cameras, networks and hands do to a face: each changes one crop (S, S, 3) uint8 in place."""

from __future__ import annotations

import cv2
import numpy as np

from faceprint.types import Image

__all__ = ["blur", "hide", "recompress", "shrink"]

_SMALLEST_PX = 16


def blur(crop: Image, rng: np.random.Generator) -> None:
    """Out of focus, or moved while the shutter was open."""
    width = crop.shape[0] / 112
    if rng.random() < 0.5:
        crop[:] = cv2.GaussianBlur(crop, (0, 0), float(width * rng.uniform(0.5, 2.5)))
        return
    length = max(3, round(width * rng.uniform(3, 11)))
    line = np.zeros((length, length), dtype=np.float32)
    angle = rng.uniform(0, np.pi)
    reach = (length - 1) / 2 * np.array([np.cos(angle), np.sin(angle)])
    middle = (length - 1) / 2
    ends = np.round([middle - reach, middle + reach]).astype(int).tolist()
    cv2.line(line, tuple(ends[0]), tuple(ends[1]), 1.0)
    crop[:] = cv2.filter2D(crop, -1, line / line.sum(), borderType=cv2.BORDER_REFLECT_101)


def shrink(crop: Image, rng: np.random.Generator) -> None:
    """As far away as to be 16 pixels wide, or nearer."""
    side = crop.shape[0]
    small = round(float(np.exp(rng.uniform(np.log(_SMALLEST_PX), np.log(max(side * 0.7, 17))))))
    tiny = cv2.resize(crop, (small, small), interpolation=cv2.INTER_AREA)
    way = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    crop[:] = cv2.resize(tiny, (side, side), interpolation=way)


def hide(crop: Image, rng: np.random.Generator) -> None:
    """A rectangle of one colour or of noise before the face: a hand, a mask, a microphone."""
    side = crop.shape[0]
    height, width = np.maximum(side * rng.uniform(0.12, 0.5, 2), 1).astype(int)
    top, left = rng.integers(0, side - height + 1), rng.integers(0, side - width + 1)
    part = crop[top : top + height, left : left + width]
    if rng.random() < 0.3:
        part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    else:
        part[:] = rng.integers(0, 256, 3, dtype=np.uint8)


def recompress(crop: Image, rng: np.random.Generator) -> None:
    """Saved as JPEG once more, of quality 20 to 75."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 76))]
    _, data = cv2.imencode(".jpg", crop, quality)
    read = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert read is not None
    crop[:] = read
