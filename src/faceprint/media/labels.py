"""Name plates: text of any script as pixels, and a place for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, features

from faceprint.media.fonts import load_font, split_runs
from faceprint.media.script import clean_label, visual_order
from faceprint.types import FloatArray, Image

__all__ = ["draw_labels", "render_plate"]

Colour = tuple[int, int, int]

_SMALLEST_PX: Final = 11
_LONGEST_LABEL: Final = 80


def draw_labels(
    canvas: Image, labels: Sequence[tuple[FloatArray, str, Colour]], *, steady: bool = False
) -> None:
    """Draws name plates beside boxes, into the image itself; the largest faces choose first.

    Args:
        canvas: (H, W, 3) uint8 RGB.
        labels: Box, (4,) float32 pixels, with text and the colour of the plate; empty texts are
            skipped.
        steady: Each plate goes above its box, else below, else into it, wherever it first lies inside
            the image and whatever else is there; plates are drawn in the order given.
    """
    boxes = np.array([box for box, _, _ in labels], dtype=np.float32).reshape(-1, 4)
    sizes = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    taken: list[FloatArray] = []
    for index in range(len(labels)) if steady else np.argsort(-sizes, kind="stable"):
        box, text, colour = labels[index]
        line = clean_label(text)
        if not line:
            continue
        plate = _fitting_plate(line, colour, box, canvas)
        if steady:
            place = _steady_place(plate, box, canvas)
        else:
            others = np.delete(boxes, index, axis=0)
            place = _choose_place(plate, box, taken=taken, others=others, canvas=canvas)
        x, y = int(place[0]), int(place[1])
        canvas[y : y + plate.shape[0], x : x + plate.shape[1]] = plate
        taken.append(place)


def render_plate(text: str, size_px: int, colour: Colour) -> Image:
    """A line of text on a plate.

    Args:
        text: Not empty.
        size_px: Height of the letters with their reach above and below.
        colour: Of the plate.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    shaped = features.check("raqm")
    parts = [
        (run.text if shaped else visual_order(run.text), load_font(run.font, size_px))
        for run in split_runs(text)
    ]
    boxes = [font.getbbox(part, anchor="ls") for part, font in parts]
    margin = max(2, round(size_px / 4))
    above = max(round(0.78 * size_px), *(-int(box[1]) for box in boxes))
    below = max(round(0.2 * size_px), *(int(box[3]) for box in boxes))
    lead = max(0, -int(boxes[0][0]))
    advances = [font.getlength(part) for part, font in parts]
    width = lead + round(max(sum(advances), sum(advances[:-1]) + boxes[-1][2]))
    padding = max(1, margin // 2)
    plate = PillowImage.new("RGB", (width + 2 * margin, above + below + 2 * padding), colour)
    pen = ImageDraw.Draw(plate)
    x = float(margin + lead)
    for (part, font), advance in zip(parts, advances, strict=True):
        pen.text((x, padding + above), part, font=font, fill=_ink(colour), anchor="ls")
        x += advance
    return np.array(plate)


def _ink(colour: Colour) -> Colour:
    """Black or white, whichever stands out more (WCAG 2.2, relative luminance)."""
    channels = np.array(colour) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    white_contrast, black_contrast = 1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05
    return (255, 255, 255) if white_contrast > black_contrast else (0, 0, 0)


def _fitting_plate(text: str, colour: Colour, box: FloatArray, canvas: Image) -> Image:
    """A plate in keeping with photo and face, made smaller or cut short where it must be."""
    height, width = canvas.shape[:2]
    face = float(box[2] - box[0])
    least = max(_SMALLEST_PX, max(height, width) / 90)
    size = round(min(max(face / 5, least), max(14, max(height, width) / 32)))
    line = text if len(text) <= _LONGEST_LABEL else text[: _LONGEST_LABEL - 1] + "…"
    plate = render_plate(line, size, colour)
    wanted = min(width, max(1.4 * face, width / 8))
    if plate.shape[1] > wanted:
        size = max(_SMALLEST_PX, round(max(least, size * wanted / plate.shape[1])))
        plate = render_plate(line, size, colour)
    while plate.shape[1] > width and len(line) > 2:
        keep = max(1, min(len(line) - 2, int(len(line) * width / plate.shape[1]) - 1))
        line = line[:keep].rstrip() + "…"
        plate = render_plate(line, size, colour)
    return plate[:height, :width]


def _choose_place(
    plate: Image, box: FloatArray, *, taken: list[FloatArray], others: FloatArray, canvas: Image
) -> FloatArray:
    """The place beside the box that hides least: no other plate if possible, then no other face."""
    places = _places(plate, box, canvas)
    hidden = _covered(places, np.array(taken, dtype=np.float32).reshape(-1, 4)) * 10
    hidden += _covered(places, others) + 2 * _covered(places, box[None].astype(np.float32))
    best: FloatArray = places[int(np.argmin(np.round(hidden, 1)))]
    return best


def _steady_place(plate: Image, box: FloatArray, canvas: Image) -> FloatArray:
    """The first place above, below or in the box that the image has room for."""
    (high, wide), (height, width) = plate.shape[:2], canvas.shape[:2]
    x, y1, y2 = (float(box[side]) for side in (0, 1, 3))
    above, below = round(y1) - 1 - high, round(y2) + 1
    y = next((y for y in (above, below) if 0 <= y <= height - high), round(y1))
    corner = np.rint(np.clip((x, y), 0, (width - wide, height - high)))
    return np.hstack([corner, corner + np.array([wide, high])]).astype(np.float32)


def _places(plate: Image, box: FloatArray, canvas: Image) -> FloatArray:
    """(10, 4) places for a plate around and in a box, best first, each moved into the image."""
    high, wide = plate.shape[:2]
    height, width = canvas.shape[:2]
    x1, y1, x2, y2 = (float(value) for value in box)
    y1, y2 = y1 - 1, y2 + 1
    middle = (x1 + x2 - wide) / 2
    corners = np.array(
        [
            (x1, y1 - high),
            (x1, y2),
            (x2 - wide, y1 - high),
            (x2 - wide, y2),
            (middle, y1 - high),
            (middle, y2),
            (x2, y1),
            (x1 - wide, y1),
            (x2, y2 - high),
            (x1 - wide, y2 - high),
        ]
    )
    corners = np.rint(np.clip(corners, 0, (width - wide, height - high)))
    return np.hstack([corners, corners + np.array([wide, high])]).astype(np.float32)


def _covered(places: FloatArray, boxes: FloatArray) -> FloatArray:
    """(P,) sum over boxes of the share of the smaller of place and box that both cover."""
    low = np.maximum(places[:, None, :2], boxes[None, :, :2])
    high = np.minimum(places[:, None, 2:], boxes[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=2)
    sizes = [np.prod(np.maximum(some[:, 2:] - some[:, :2], 1), axis=1) for some in (places, boxes)]
    shares: FloatArray = (shared / np.minimum(sizes[0][:, None], sizes[1][None])).sum(axis=1)
    return shares
