"""Heads changed for training: dark glasses, masks, patches and hats put on them; turned, cut, coloured.

The labels that nobody drew know no glasses and no hats, and do not see what lies over a face. What is put
there by the points of the mesh is known to the pixel.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from faceprint.parse.classes import number_of
from faceprint.types import Image, Labels
from parser_labels import CHIN, FEATURES, LEFT, OVAL, RIGHT, SIDE, TOP, Floats, Mask, fill

UNKNOWN = 255
"""Label of pixels that nothing is learnt from."""

JAW = (93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323)
CHEEKS = (280, 50)
BRIDGE = (197, 195, 5, 4, 2)
"""Where a mask may end on the nose, from high to low."""

MASK_COLOURS = np.array(
    [
        [235, 235, 240],
        [150, 200, 220],
        [90, 150, 190],
        [20, 20, 25],
        [240, 240, 240],
        [130, 190, 170],
    ]
)
ROWS, COLUMNS = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)

Draws = np.random.Generator


def changed(
    draws: Draws, crop: Image, labels: Labels, points: Floats, other: Image
) -> tuple[Image, Labels]:
    """A crop and its labels, changed by chance.

    Args:
        draws: Chance.
        crop: (160, 160, 3) uint8 RGB.
        labels: (160, 160) uint8 class numbers.
        points: (478, 2) float32, the mesh.
        other: Another crop, whose pixels serve as patterns.
    """
    pixels, labels = crop.astype(np.float32), labels.copy()
    cover = draws.random()
    if cover < 0.10:
        put_glasses(draws, pixels, labels, points, other)
    elif cover < 0.20:
        put_mask(draws, pixels, labels, points, other)
    elif cover < 0.30:
        put_patch(draws, pixels, labels, points, other)
    if draws.random() < 0.12:
        put_hat(draws, pixels, labels, points, other)
    pixels, labels = moved(draws, pixels, labels)
    if draws.random() < 0.5:
        pixels, labels = pixels[:, ::-1], mirrored(labels)
    return coloured(draws, pixels), labels


def put_glasses(draws: Draws, pixels: Floats, labels: Labels, points: Floats, other: Image) -> None:
    """Dark glasses with their bridge and temples."""
    right, left = (points[list(FEATURES[f"{side} eye"])].mean(axis=0) for side in ("right", "left"))
    apart = float(np.linalg.norm(left - right))
    angle = float(np.degrees(np.arctan2(*(left - right)[::-1])))
    size = apart * draws.uniform(0.60, 0.88), apart * draws.uniform(0.40, 0.72)
    lower = np.array([-(left - right)[1], (left - right)[0]]) * draws.uniform(0, 0.08)
    right, left = right + lower, left + lower
    mask = np.zeros((SIDE, SIDE), np.uint8)
    square = draws.random() < 0.4
    for x, y in (right.tolist(), left.tolist()):
        if square:
            fill(mask, np.asarray(cv2.boxPoints(((x, y), size, angle)), np.float32), 1)
        else:
            cv2.ellipse(mask, ((x, y), size, angle), 1, -1)
    for a, b in ((right, left), (right, points[RIGHT]), (left, points[LEFT])):
        cv2.line(mask, whole(a), whole(b), 1, int(draws.integers(1, 3)))
    colour = draws.uniform(0, 70 if draws.random() < 0.8 else 160, 3)
    shade = draws.uniform(-20, 60) * (ROWS - right[1]) / SIDE
    paint = np.clip(colour + shade[..., None], 0, 255)
    if draws.random() < 0.3:  # what the glasses mirror
        paint = 0.8 * paint + 0.2 * pattern(draws, other)
    lay(pixels, labels, mask, paint, "glasses", strength=draws.uniform(0.8, 1))


def put_mask(draws: Draws, pixels: Floats, labels: Labels, points: Floats, other: Image) -> None:
    """A mask from the nose to under the chin; clothes, since there is no class for it."""
    edge = [*JAW, CHEEKS[0], BRIDGE[draws.integers(len(BRIDGE))], CHEEKS[1]]
    corners = points[edge]
    middle = corners.mean(axis=0)
    corners = (
        middle + (corners - middle) * draws.uniform(1, 1.1) + draws.normal(0, 1, corners.shape)
    )
    mask = np.zeros((SIDE, SIDE), np.uint8)
    fill(mask, corners.astype(np.float32), 1)
    if draws.random() < 0.6:
        for a, b in ((JAW[0], 127), (JAW[-1], 356)):
            cv2.line(mask, whole(points[a]), whole(points[b] + (0, 6)), 1, 1)
    usual = draws.random() < 0.7
    colour = MASK_COLOURS[draws.integers(len(MASK_COLOURS))] if usual else draws.uniform(0, 255, 3)
    aside = np.clip(np.abs(COLUMNS - (points[JAW[0], 0] + points[JAW[-1], 0]) / 2) / 50, 0, 1)
    paint = colour * (1 - draws.uniform(0, 0.35) * aside)[..., None]
    if draws.random() < 0.5:  # folds
        folds = np.sin(ROWS / draws.uniform(1.2, 3) + draws.uniform(0, 6)) > 0.6
        paint = paint * (1 - 0.08 * folds)[..., None]
    if draws.random() < 0.25:
        paint = pattern(draws, other)
    if draws.random() < 0.6:  # in the light of the face
        light = cv2.GaussianBlur(pixels.mean(axis=2), (0, 0), 8)
        under = float(light[mask > 0].mean()) if mask.any() else 1.0
        paint = paint * np.clip(0.5 + 0.5 * light / (under + 1), 0.5, 1.3)[..., None]
    lay(pixels, labels, mask, np.clip(paint, 0, 255), "clothes")


def put_patch(draws: Draws, pixels: Floats, labels: Labels, points: Floats, other: Image) -> None:
    """Something of any shape before the head; background."""
    middle = points[list(OVAL)].mean(axis=0) + draws.normal(0, 28, 2)
    count = int(draws.integers(4, 9))
    angles = np.sort(draws.uniform(0, 2 * np.pi, count))
    reach = draws.uniform(8, 38) * draws.uniform(0.5, 1.2, count)
    corners = middle + np.stack([np.cos(angles), np.sin(angles)], axis=1) * reach[:, None]
    mask = np.zeros((SIDE, SIDE), np.uint8)
    fill(mask, corners.astype(np.float32), 1)
    lay(pixels, labels, mask, pattern(draws, other), "background")


def put_hat(draws: Draws, pixels: Floats, labels: Labels, points: Floats, other: Image) -> None:
    """A dome over the brows that takes the hair above them with it, sometimes with a brim."""
    top, chin, right, left = points[[TOP, CHIN, RIGHT, LEFT]]
    length = float(np.linalg.norm(chin - top))
    up = (top - chin) / length
    side = np.array([-up[1], up[0]])
    side = side if side @ (left - right) > 0 else -side
    half = float(np.linalg.norm(left - right)) / 2
    brows = (points[105] + points[334]) / 2
    level = brows + (top - brows) * draws.uniform(0.15, 0.9)
    u = ((COLUMNS - level[0]) * side[0] + (ROWS - level[1]) * side[1]) / half
    v = ((COLUMNS - level[0]) * up[0] + (ROWS - level[1]) * up[1]) / length
    over = v - draws.uniform(-0.12, 0.12) * u - draws.uniform(-0.1, 0.15) * u * u
    height, width, power = draws.uniform(0.45, 1), draws.uniform(1.08, 1.35), draws.uniform(2, 5)
    dome = (np.abs(u) / width) ** power + (np.clip(over, 0, None) / height) ** power < 1
    mask: Mask = (over > 0) & dome
    if draws.random() < 0.85:
        mask |= (labels == number_of("hair")) & (over > 0)
    paint = pattern(draws, other)
    lay(pixels, labels, mask.astype(np.uint8), paint, "hat")
    if draws.random() < 0.6:
        reach, thick = draws.uniform(1, 2), draws.uniform(0.03, 0.14)
        edge = thick * np.sqrt(np.clip(1 - (u / reach) ** 2, 0, 1))
        brim = np.abs(over + draws.uniform(-0.02, 0.05)) < edge
        shaded = np.clip(paint * draws.uniform(0.4, 1.1), 0, 255)
        lay(pixels, labels, brim.astype(np.uint8), shaded, "hat")


def pattern(draws: Draws, other: Image) -> Floats:
    """A colour with a gradient and grain, or a part of another photo: (160, 160, 3), 0 to 255."""
    if draws.random() < 0.5:
        colour = draws.uniform(0, 255, 3) if draws.random() < 0.6 else draws.uniform(0, 255)
        slope = draws.uniform(-60, 60, 2)
        grade = slope[0] * (ROWS / SIDE - 0.5) + slope[1] * (COLUMNS / SIDE - 0.5)
        grain = draws.normal(0, draws.uniform(0, 8), (SIDE, SIDE, 3))
        cloth = colour + grade[..., None] + grain
    else:
        middle = float(draws.uniform(40, 120)), float(draws.uniform(40, 120))
        turn = cv2.getRotationMatrix2D(middle, draws.uniform(0, 360), draws.uniform(0.8, 3))
        part = cv2.warpAffine(other, turn, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
        cloth = part * draws.uniform(0.6, 1.2, 3) + draws.uniform(-40, 40)
    painted: Floats = np.clip(cloth, 0, 255).astype(np.float32)
    return painted


def lay(
    pixels: Floats,
    labels: Labels,
    mask: Labels,
    paint: npt.NDArray[np.floating],
    name: str,
    *,
    strength: float = 1.0,
) -> None:
    """Paints what a mask covers, with soft edges, and labels it; both in place."""
    share = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)[..., None] * strength
    pixels[:] = (pixels * (1 - share) + paint * share).astype(np.float32)
    labels[mask > 0] = number_of(name)


def moved(draws: Draws, pixels: Floats, labels: Labels) -> tuple[Floats, Labels]:
    """Turned, scaled, shifted, and now and then cut as by the border of a photo."""
    turn, scale = draws.normal(0, 9), np.exp(draws.normal(0, 0.11))
    if draws.random() < 0.1:
        turn, scale = 2 * turn, scale * draws.uniform(0.7, 1.3)
    matrix = cv2.getRotationMatrix2D((SIDE / 2 - 0.5,) * 2, turn, scale)
    matrix = matrix + np.array([[0, 0, draws.normal(0, 5)], [0, 0, draws.normal(0, 5)]])
    black = draws.random() < 0.6
    border = cv2.BORDER_CONSTANT if black else cv2.BORDER_REPLICATE
    pixels = np.asarray(cv2.warpAffine(pixels, matrix, (SIDE, SIDE), borderMode=border), np.float32)
    labels = np.asarray(
        cv2.warpAffine(
            labels,
            matrix,
            (SIDE, SIDE),
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(0 if black else UNKNOWN,),
        ),
        np.uint8,
    )
    if draws.random() < 0.08:
        depth = int(draws.uniform(5, 70))
        cut = (np.s_[:depth], np.s_[-depth:], np.s_[:, :depth], np.s_[:, -depth:])[
            draws.integers(4)
        ]
        pixels[cut], labels[cut] = 0, 0
    return pixels, labels


def mirrored(labels: Labels) -> Labels:
    """Labels of the mirror image, whose right is left."""
    swap = np.arange(256, dtype=np.uint8)
    for part in ("brow", "eye", "ear"):
        right, left = number_of(f"right {part}"), number_of(f"left {part}")
        swap[[right, left]] = left, right
    return swap[labels[:, ::-1]]


def coloured(draws: Draws, pixels: Floats) -> Image:
    """Brighter, darker, in other light, grey, blurred or grainy."""
    light = draws.uniform(0.7, 1.35) * draws.uniform(0.9, 1.1, 3)
    pixels = pixels * light.astype(np.float32) + np.float32(draws.uniform(-25, 25))
    mean = float(pixels.mean())
    pixels = (pixels - mean) * draws.uniform(0.75, 1.25) + mean
    grey = pixels.mean(axis=2, keepdims=True)
    if draws.random() < 0.15:
        pixels = np.repeat(grey, 3, axis=2)
    else:
        pixels = grey + (pixels - grey) * draws.uniform(0.6, 1.3)
    image = np.clip(pixels, 0, 255).astype(np.uint8)
    if draws.random() < 0.25:
        fit = draws.uniform(0.15, 0.8)
        small = cv2.resize(image, None, fx=fit, fy=fit, interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (SIDE, SIDE)), np.uint8)
    if draws.random() < 0.2:
        grain = draws.normal(0, draws.uniform(2, 10), image.shape)
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    return image


def whole(point: npt.NDArray[np.floating]) -> tuple[int, int]:
    """A point in whole pixels."""
    return int(point[0]), int(point[1])
