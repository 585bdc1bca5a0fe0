"""What refined landmarks change for heads that are tilted and for small faces.

    python benchmarks/landmarks.py --data ../shared/data --out benchmarks/landmarks.csv

Photos of people of LFW's peopleDevTrain are tilted or shrunk, and each is compared with the other photos of
its person as they are. The threshold is that of one false match in 10,000 among the unchanged photos. A photo
without a face matches nothing.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated
from zlib import crc32

import cv2
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from faceprint import Faceprint
from faceprint.evaluate.calibrating import read_people_list
from faceprint.evaluate.photos import Change, PhotoEmbeddings, embed_photos
from faceprint.match import error_curve, rate
from faceprint.types import Image
from machine import describe_machine, write_csv

console = Console()
FMR = 1e-4
TILTS = (0, 15, 30, 45)
SIDES_PX = (100, 62, 40)


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    people: Annotated[int, typer.Option(help="How many people.")] = 500,
    embedder: Annotated[str, typer.Option(help="Card name.")] = "sface",
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures YuNet's landmarks as they are and refined."""
    machine = describe_machine()
    photos = draw(data / "lfw", people)
    changes = {f"tilted by {degrees} degrees": tilted(degrees) for degrees in TILTS}
    changes |= {f"shrunk to {side} pixels": shrunk(side) for side in SIDES_PX}
    table = Table("photos", "refine", "misses", "95 % interval", "no face")
    rows = []
    for refine in (False, True):
        with Faceprint(refine=refine, embedder=embedder) as faceprint:
            whole = embed_photos(faceprint, photos)
            threshold = threshold_of(whole)
            for name, change in changes.items():
                changed = embed_photos(faceprint, photos, change=change)
                row = misses(whole, changed, threshold)
                rows.append(
                    {"change": name, "refine": refine, "embedder": embedder} | row | machine
                )
                interval = f"{row['fnmr_low']} to {row['fnmr_high']}"
                table.add_row(name, str(refine), str(row["fnmr"]), interval, str(row["no_face"]))
    console.print(table)
    if out is not None:
        write_csv(out, rows)


def draw(root: Path, count: int) -> list[Path]:
    """Up to four photos of each of some people with two or more."""
    names = read_people_list(root / "peopleDevTrain.txt")
    found = [sorted((root / name).glob("*.jpg"))[:4] for name in names]
    several = [photos for photos in found if len(photos) > 1]
    return [photo for photos in random.Random(0).sample(several, count) for photo in photos]


def tilted(degrees: float) -> Change:
    """Turns photos about their middles, half of them to each side."""

    def change(image: Image, path: Path) -> Image:
        sign = 1 if crc32(path.name.encode()) % 2 else -1
        height, width = image.shape[:2]
        middle = ((width - 1) / 2, (height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(middle, sign * degrees, 1)
        return np.asarray(cv2.warpAffine(image, matrix, (width, height)), dtype=np.uint8)

    return change


def shrunk(side_px: int) -> Change:
    """Shrinks photos to squares of that side."""

    def change(image: Image, path: Path) -> Image:
        small = cv2.resize(image, (side_px, side_px), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)

    return change


def compared(one: PhotoEmbeddings, other: PhotoEmbeddings) -> tuple[np.ndarray, np.ndarray]:
    """Scores of every photo of one with every later photo of the other, and which show one person."""
    first, second = np.triu_indices(len(one.photos), 1)
    people = np.array([photo.parent.name for photo in one.photos])
    found = np.einsum("pd,pd->p", one.vectors[first], other.vectors[second])
    found[~(one.present[first] & other.present[second])] = -np.inf
    return found, people[first] == people[second]


def threshold_of(whole: PhotoEmbeddings) -> float:
    """That of the asked false match rate among the photos as they are."""
    scores, same = compared(whole, whole)
    return float(error_curve(scores[same], scores[~same]).threshold_at(FMR))


def misses(whole: PhotoEmbeddings, changed: PhotoEmbeddings, threshold: float) -> dict[str, object]:
    """What changed photos miss against photos as they are."""
    scores, same = compared(changed, whole)
    missed = rate(int((scores[same] < threshold).sum()), int(same.sum()))
    return {
        "threshold": round(threshold, 4),
        "genuine_pairs": missed.trials,
        "fnmr": round(missed.value, 4),
        "fnmr_low": round(missed.low, 4),
        "fnmr_high": round(missed.high, 4),
        "fmr": round(float((scores[~same] >= threshold).mean()), 6),
        "no_face": len(changed.failures),
    }


if __name__ == "__main__":
    typer.run(main)
