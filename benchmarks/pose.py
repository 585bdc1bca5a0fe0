"""Two ways to tell where a head looks, compared: five landmarks on a mean face, and FSA-Net.

    faceprint models pull fsanet
    python benchmarks/pose.py --data ../shared/data --out benchmarks/pose.csv

There are no true angles here, so nothing is said of how right either is. Measured is how far they agree
(mean absolute difference, bias, correlation), and how far each agrees with itself: a mirrored photo has the
opposite yaw and roll, and a photo turned in its plane by so many degrees has that much more roll and the same
yaw and pitch. The photos are the portraits of people/ and of LFW's pairsDevTest (deep-funneled: nearly no
roll, and little pitch, which makes for low correlations of these), the face in the middle.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

from faceprint.detect import load_detector, load_refiner
from faceprint.errors import WeightsMissingError
from faceprint.media import find_photos, read_image
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.pose import load_pose
from faceprint.settings import read_settings
from faceprint.types import Face, Image, PoseEstimator
from machine import describe_machine, write_csv
from mtcnn import pair_photos

console = Console()
ANGLES = ("yaw", "pitch", "roll")
TURNS = (-30, -15, 15, 30)
TURNED_DEG = 20
SIDE_PX = 500
Errors = npt.NDArray[np.float64]
Find = Callable[[Image], Face | None]


def main(
    data: Annotated[
        Path, typer.Option(help="Folder of lfw/ and people/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    photos: Annotated[int, typer.Option(help="How many photos of LFW.")] = 400,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Compares the estimators with each other and with themselves."""
    machine = describe_machine()
    settings = read_settings()
    store, options = weight_store(settings), runtime_options(settings)
    try:
        estimators = [load_pose(name, store, options) for name in ("landmarks", "fsanet")]
    except WeightsMissingError as error:
        console.print(f"Not run: {error}")
        raise typer.Exit(1) from error
    detector, refiner = load_detector("yunet", store, options), load_refiner(store, options)

    def find(image: Image) -> Face | None:
        middle = np.array([image.shape[1], image.shape[0]]) / 2
        faces = refiner.refine([image], detector.detect([image]))[0]
        return min(
            faces,
            key=lambda face: float(np.abs((face.box[:2] + face.box[2:]) / 2 - middle).sum()),
            default=None,
        )

    chosen = random.Random(0).sample(pair_photos(data / "lfw"), photos)
    sets = {"lfw": chosen, "people": list(find_photos([data / "people"]))}
    rows: list[dict[str, object]] = []
    for name, paths in sets.items():
        found = [(image, face) for image in read(paths) if (face := find(image)) is not None]
        rows += [{"set": name} | row | machine for row in compare(estimators, found, find)]
    show(rows)
    if out is not None:
        write_csv(out, rows)


def read(paths: Sequence[Path]) -> Iterator[Image]:
    """Photos, the large ones made smaller."""
    for path in paths:
        image = read_image(path).pixels
        scale = min(SIDE_PX / max(image.shape[:2]), 1.0)
        size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
        yield np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def compare(
    estimators: Sequence[PoseEstimator], found: Sequence[tuple[Image, Face]], find: Find
) -> Iterator[dict[str, object]]:
    """Rows of one set of photos."""
    known = {one.name: estimate(one, found) for one in estimators}
    first, second = known.values()
    turned = np.abs(first[:, 0]) >= TURNED_DEG
    yield row("landmarks less fsanet", "all", first - second, first, second)
    yield row(
        f"landmarks less fsanet, turned {TURNED_DEG} degrees or more",
        "all",
        (first - second)[turned],
        first[turned],
        second[turned],
    )
    mirror = [(np.ascontiguousarray(image[:, ::-1]), face) for image, face in found]
    yield from changed("mirrored", mirror, find, known, estimators, signs=(-1, 1, -1))
    for degrees in TURNS:
        turns = [turn(image, face, degrees) for image, face in found]
        what = f"turned by {degrees} degrees"
        yield from changed(what, turns, find, known, estimators, added=degrees)


def changed(
    what: str,
    photos: Sequence[tuple[Image, Face]],
    find: Find,
    known: dict[str, Errors],
    estimators: Sequence[PoseEstimator],
    *,
    signs: tuple[int, int, int] = (1, 1, 1),
    added: float = 0.0,
) -> Iterator[dict[str, object]]:
    """How far the angles of changed photos lie from what the change should have made of them."""
    faces = [find(image) for image, _ in photos]
    kept = [k for k, face in enumerate(faces) if face is not None]
    seen = [(photos[k][0], face) for k, face in enumerate(faces) if face is not None]
    for estimator in estimators:
        began = time.perf_counter()
        after = estimate(estimator, seen)
        took_ms = (time.perf_counter() - began) * 1000 / len(seen)
        wanted = known[estimator.name][kept] * np.array(signs) + np.array([0, 0, added])
        one = row(what, estimator.name, after - wanted, after, wanted)
        yield one | {"ms_per_face": round(took_ms, 3)}


def estimate(estimator: PoseEstimator, found: Sequence[tuple[Image, Face]]) -> Errors:
    """The angles of each face."""
    images, faces = [image for image, _ in found], [[face] for _, face in found]
    return np.concatenate(estimator.estimate(images, faces)).astype(np.float64)


def turn(image: Image, face: Face, degrees: float) -> tuple[Image, Face]:
    """A photo turned clockwise about the middle of its face, which moves to the middle."""
    x, y = ((face.box[:2] + face.box[2:]) / 2).tolist()
    matrix = cv2.getRotationMatrix2D((x, y), -degrees, 1)
    matrix[:, 2] += np.array([image.shape[1] / 2 - x, image.shape[0] / 2 - y])
    turned = cv2.warpAffine(image, matrix, (image.shape[1], image.shape[0]))
    return np.asarray(turned, dtype=np.uint8), face


def row(what: str, estimator: str, missed: Errors, one: Errors, other: Errors) -> dict[str, object]:
    """Differences and correlations of each angle."""
    columns: dict[str, object] = {"what": what, "estimator": estimator, "faces": len(missed)}
    for k, angle in enumerate(ANGLES):
        columns[f"{angle}_mad"] = round(float(np.abs(missed[:, k]).mean()), 2)
        columns[f"{angle}_bias"] = round(float(missed[:, k].mean()), 2)
        columns[f"{angle}_correlation"] = round(float(np.corrcoef(one[:, k], other[:, k])[0, 1]), 3)
    return columns | {"ms_per_face": ""}


def show(rows: Sequence[dict[str, object]]) -> None:
    """The rows as a table, without the machine."""
    heads = list(rows[0])[:14]
    table = Table(*heads)
    for one in rows:
        table.add_row(*(str(one[head]) for head in heads))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
