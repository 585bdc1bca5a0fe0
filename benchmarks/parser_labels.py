"""Labels of heads that nobody drew, for the parser to learn from.

    python benchmarks/parser_labels.py --data ../shared/data --teacher INTERPRETER --out local/heads.npz

Two photos at most of each person of LFW's `peopleDevTrain.txt`. INTERPRETER is the Python of an
environment with mediapipe 0.10.14, whose selfie segmentation tells people from what is behind them and
whose mesh of 478 points tells brows, eyes, nose, lips and the outline of the face (`peers/mediapipe_.py`).
Skin, ears, neck, hair and clothes are told apart by where they may be around that outline and by colours,
learnt anew from each photo.

What is wrong in one photo is wrong elsewhere in the next: a network that learns from thousands of them
learns what they have in common.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from scipy.ndimage import gaussian_filter
from scipy.ndimage import label as number_pieces

from faceprint import Detection, Faceprint
from faceprint.align import ALIGNMENTS, crop_matrices
from faceprint.parse.classes import number_of
from faceprint.pipeline.choose import central_face
from faceprint.types import Image, Labels

console = Console()

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SIDE = 160
PHOTOS_EACH = 2
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face; the first point is its top."""

TOP, CHIN, RIGHT, LEFT = 10, 152, 234, 454
UPPER = (
    (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291),
    (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308),
)
LOWER = (
    (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291),
    (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308),
)
FEATURES: dict[str, tuple[int, ...]] = {
    "nose": (
        *(168, 122, 188, 174, 198, 209, 49, 48, 64, 98, 97),
        *(2, 326, 327, 294, 278, 279, 429, 420, 399, 412, 351),
    ),
    "right brow": (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    "left brow": (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
    "right eye": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "left eye": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "mouth": (*UPPER[1], *LOWER[1][::-1]),
    "upper lip": (*UPPER[0], *UPPER[1][::-1]),
    "lower lip": (*LOWER[0], *LOWER[1][::-1]),
}
"""Points of the mesh around each feature."""

KINDS = ("background", "skin", "ear", "neck", "clothes", "hair", "hat")
"""What has a place and colours; features are put on top. Only a network knows hats."""

GROUPS = ((0,), (1, 2, 3), (4,), (5,), (6,))
"""Kinds that share colours."""

BINS = (24, 32, 32)
ROUNDS = 3


def main(
    teacher: Annotated[Path, typer.Option(help="Python of an environment with mediapipe.")],
    out: Annotated[Path, typer.Option(help="Where crops, labels and points go.")],
    data: Annotated[Path, typer.Option(help="Folder of lfw/.", envvar="FACEPRINT_DATA")] = Path(
        "../shared/data"
    ),
    seed: Annotated[int, typer.Option(help="Of the choice of photos.")] = 0,
) -> None:
    """Writes crops, labels and the points of the mesh."""
    names, crops, large, inside = cut_heads(choose_photos(data / "lfw", seed=seed))
    person, points = ask_teacher(teacher, large)
    kept = np.flatnonzero(~np.isnan(points[:, 0, 0]))
    labels = np.stack(
        [
            label_head(crops[row], person[row], points[row], inside[row])
            for row in track(kept, "Colours")
        ]
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        out,
        names=np.array(names)[kept],
        crops=crops[kept],
        labels=labels,
        points=points[kept],
        person=person[kept],
        inside=inside[kept],
    )
    console.print(f"{len(kept)} heads in {out}; {len(names) - len(kept)} without a mesh.")


def choose_photos(lfw: Path, *, seed: int) -> list[Path]:
    """Two photos at most of each person to train with."""
    rows = (lfw / "peopleDevTrain.txt").read_text(encoding="utf-8").split("\n")[1:]
    people = sorted({row.split("\t")[0] for row in rows if row.strip()})
    draws = np.random.default_rng(seed)
    photos: dict[str, list[Path]] = defaultdict(list)
    for name in people:
        found = sorted((lfw / name).glob("*.jpg"))
        order = draws.permutation(len(found))[:PHOTOS_EACH]
        photos[name] = [found[row] for row in sorted(order)]
    return [photo for some in photos.values() for photo in some]


def cut_heads(photos: Sequence[Path]) -> tuple[list[str], Image, Image, Labels]:
    """Of photos whose middle shows a face: names, crops of 160 and of 320, and what lies inside the photo."""
    alignment = ALIGNMENTS["head-160"]
    names, crops, large, inside = [], [], [], []
    with Faceprint() as engine:
        for photo, found in zip(photos, engine.detect_many(photos), strict=True):
            central = central_face(found) if isinstance(found, Detection) else None
            if central is None or not isinstance(found, Detection):
                continue
            face = (found.faces[central],)
            (placed,) = engine.models.with_landmarks(found.pixels, face, alignment="head-160")
            assert placed.landmarks is not None
            small, wide = (
                crop_matrices(placed.landmarks[None], alignment=alignment, size_px=size)[0]
                for size in (SIDE, 2 * SIDE)
            )
            names.append(f"{photo.parent.name}/{photo.name}")
            crops.append(cv2.warpAffine(found.pixels, small, (SIDE, SIDE)))
            white = np.full(found.pixels.shape[:2], 255, np.uint8)
            inside.append(cv2.warpAffine(white, small, (SIDE, SIDE)))
            large.append(
                cv2.warpAffine(
                    found.pixels,
                    wide,
                    (2 * SIDE, 2 * SIDE),
                    flags=cv2.INTER_CUBIC,
                    borderMode=cv2.BORDER_REPLICATE,
                )
            )
    return names, np.stack(crops), np.stack(large), np.stack(inside)


def ask_teacher(interpreter: Path, crops: Image) -> tuple[Labels, Floats]:
    """Where people are, and the mesh of each face: see `peers/mediapipe_.py`."""
    script = Path(__file__).parent / "peers" / "mediapipe_.py"
    with tempfile.TemporaryDirectory() as folder:
        given, told = Path(folder) / "crops.npz", Path(folder) / "told.npz"
        np.savez(given, crops=crops)
        subprocess.run([interpreter, script, given, told], check=True)
        answer = np.load(told)
        return answer["person"], answer["points"]


def label_head(crop: Image, person: Labels, points: Floats, inside: Labels) -> Labels:
    """Class numbers (160, 160) of one crop.

    Args:
        crop: (160, 160, 3) uint8 RGB.
        person: (160, 160) uint8, 255 where a person is sure.
        points: (478, 2) float32, the mesh in pixels of the crop.
        inside: (160, 160) uint8, 255 where the photo is.
    """
    shares = shares_of(crop, person, points, first_places(points), inside)
    return named(shares, points)


def shares_of(
    crop: Image, person: Labels, points: Floats, places: Floats, inside: Labels
) -> Floats:
    """How likely each pixel shows each of `KINDS`: (7, 160, 160), by place and by colours of this crop."""
    lab = cv2.cvtColor(crop, cv2.COLOR_RGB2LAB).astype(np.int32)
    bins = ((lab[..., 0] // 11) * 32 + lab[..., 1] // 8) * 32 + lab[..., 2] // 8
    sure = np.clip(person.astype(np.float32) / 255, 0.02, 0.98)
    before = places.copy()
    before[1:] = before[1:] / before[1:].sum(axis=0) * sure
    before[0] = np.maximum(1 - sure, places[0] * 0.5)
    before /= before.sum(axis=0)
    face, seen, shares = outline(points), inside > 128, before
    counts = histogram(bins, (before[1] * seen * face).astype(np.float32), share=False)[bins]
    alike = np.minimum(1, counts / (np.median(counts[face]) + 1e-6)) if face.any() else counts * 0
    for _ in range(ROUNDS):
        likely = np.zeros_like(before)
        for group in GROUPS:
            weights = np.asarray(sum(shares[kind] for kind in group)) * seen
            if group == GROUPS[1]:
                weights = weights * np.where(face, 1, 0.3)
            elif group == GROUPS[3]:  # what has the colours of the face says little of hair
                weights = weights * np.exp(-1.5 * alike)
            likely[list(group)] = histogram(bins, weights.astype(np.float32))[bins]
        shares = before * likely
        shares = smooth(lab[..., 0].astype(np.float32), shares / shares.sum(axis=0))
    return shares


def histogram(bins: npt.NDArray[np.int32], weights: Floats, *, share: bool = True) -> Floats:
    """Smoothed counts of colours, or shares."""
    counts = np.bincount(bins.ravel(), weights.ravel(), minlength=int(np.prod(BINS)))
    soft = gaussian_filter(counts.reshape(BINS), (1.2, 1.0, 1.0), mode="nearest").ravel()
    if share:
        soft = soft / (soft.sum() + 1e-6) + 2e-6
    return np.asarray(soft, np.float32)


def smooth(grey: Floats, shares: Floats) -> Floats:
    """Shares made even within edges (He, Sun, Tang, Guided Image Filtering, ECCV 2010)."""
    window = (9, 9)
    mean = cv2.blur(grey, window)
    variance = cv2.blur(grey * grey, window) - mean * mean + 30
    even = np.empty_like(shares)
    for one, out in zip(shares, even, strict=True):
        own = cv2.blur(one, window)
        slope = (cv2.blur(grey * one, window) - mean * own) / variance
        out[:] = cv2.blur(slope, window) * grey + cv2.blur(own - slope * mean, window)
    np.clip(even, 1e-5, 1, out=even)
    even /= even.sum(axis=0)
    return even


def first_places(points: Floats) -> Floats:
    """Where each of `KINDS` may be around the outline of a face: (7, 160, 160)."""
    across, down = frame(points)
    aside = np.abs(across)

    def put(where: Mask, shares: tuple[float, ...]) -> None:
        places[:-1, where] = np.array(shares, np.float32)[:, None]

    places = np.zeros((len(KINDS), SIDE, SIDE), np.float32)
    put(np.ones((SIDE, SIDE), bool), (0, 0.05, 0.02, 0.01, 0.05, 0.9))
    forehead = (down < 0.1) & (down > -0.4) & (aside < 1)
    places[1, forehead], places[5, forehead] = 0.45, 0.5
    side = (down > 0.15) & (down < 0.85) & (aside < 1.35)
    places[2, side], places[5, side], places[1, side] = 0.4, 0.5, 0.1
    low = down > 0.95
    put(low, (0, 0.02, 0, 0.08, 0.5, 0.4))
    put(low & (aside > 1.8) & (down > 1.08), (0, 0.02, 0, 0.05, 0.75, 0.15))
    put(down > 1.3, (0, 0, 0, 0.08, 0.7, 0.2))
    put((down > 1.3) & (aside > 2.2), (0, 0, 0, 0.04, 0.9, 0.06))
    put((down > 0.9) & (down < 1.45) & (aside < 0.85), (0, 0.08, 0, 0.55, 0.25, 0.07))
    put(outline(points), (0.02, 0.93, 0, 0, 0, 0.05))
    return np.stack([gaussian_filter(one, 2) for one in places])


def frame(points: Floats) -> tuple[Floats, Floats]:
    """Across the face in halves of its width, and down it: 0 at its top, 1 at the chin."""
    top, chin, right, left = points[[TOP, CHIN, RIGHT, LEFT]]
    length = float(np.linalg.norm(chin - top)) + 1e-6
    down = (chin - top) / length
    side = np.array([-down[1], down[0]])
    side = side if side @ (left - right) >= 0 else -side
    half = max(abs(float((left - right) @ side)) / 2, 0.28 * length)
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    middle = (left + right) / 2
    u = ((columns - middle[0]) * side[0] + (rows - middle[1]) * side[1]) / half
    v = ((columns - top[0]) * down[0] + (rows - top[1]) * down[1]) / length
    return u.astype(np.float32), v.astype(np.float32)


def outline(points: Floats) -> Mask:
    """What lies inside the outline of a face."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)
    fill(canvas, points[list(OVAL)], 1)
    return canvas > 0


def fill(canvas: Labels, corners: Floats, value: int) -> None:
    """Fills a polygon, to a sixteenth of a pixel."""
    cv2.fillPoly(canvas, [np.round(corners * 16).astype(np.int32)], value, shift=4)


def named(shares: Floats, points: Floats) -> Labels:
    """The likeliest kind of each pixel as a class number, pieces that hang loose dropped, features on top."""
    found = shares.argmax(axis=0)
    face = outline(points)
    across, _ = frame(points)
    labels = np.zeros((SIDE, SIDE), np.uint8)
    for kind in (4, 5, 6):
        labels[found == kind] = number_of(KINDS[kind])
    bare = touching(np.isin(found, (1, 2, 3)), face)
    labels[bare & (found == 1)] = number_of("skin")
    labels[bare & (found == 2) & (across < 0)] = number_of("right ear")
    labels[bare & (found == 2) & (across >= 0)] = number_of("left ear")
    labels[bare & (found == 3)] = number_of("neck")
    hair = labels == number_of("hair")
    near = cv2.dilate(face.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    labels[hair & ~touching(hair, near)] = 0
    features = np.zeros((SIDE, SIDE), np.uint8)
    for name, ids in FEATURES.items():
        fill(features, points[list(ids)], number_of(name))
    there = (features > 0) & np.isin(labels, (number_of("skin"), number_of("hair")))
    labels[there] = features[there]
    return labels


def touching(mask: Mask, seed: Mask) -> Mask:
    """The pieces of a mask that touch a seed."""
    numbers, _ = number_pieces(mask)
    reached = np.unique(numbers[seed & mask])
    kept: Mask = np.isin(numbers, reached[reached > 0])
    return kept


if __name__ == "__main__":
    typer.run(main)
