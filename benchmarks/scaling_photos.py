"""How time and memory grow with the number of photos, and with the faces in one photo."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from faceprint import Faceprint, Failure
from faceprint.media import read_image
from faceprint.types import Image
from memory import CALL, enrol_first
from photos import all_lfw_photos, lfw_photos

PEOPLE = 50
PHOTOS_PER_COUNT = 12
TILES_ACROSS = 10
TILE_PX = 160
GREY = 127

Row = dict[str, str]


def measure_photos(data: Path, count: int) -> list[Row]:
    """`identify_many` over so many photos, the set repeated as needed; models loaded before."""
    distinct = all_lfw_photos(data)
    with gallery_of(distinct) as faceprint:
        started = perf_counter()
        for result in faceprint.identify_many(islice(cycle(distinct), count), call=CALL):
            if isinstance(result, Failure):
                raise SystemExit(f"{result.image}: {result.message}")
        seconds = perf_counter() - started
    row = {
        "method": "identify_many",
        "seconds": f"{seconds:.2f}",
        "per_second": f"{count / seconds:.1f}",
        "memory_mb": f"{peak_mb():.0f}",
    }
    return [row]


def measure_faces(data: Path, faces: int) -> list[Row]:
    """`identify` of montages of so many faces, all on canvases of one size."""
    montages = [
        montage(lfw_photos(data, faces, seed=seed), seed) for seed in range(PHOTOS_PER_COUNT)
    ]
    times, found = [], []
    with gallery_of(all_lfw_photos(data)) as faceprint:
        faceprint.identify(montages[0], call=CALL)
        for picture in montages:
            started = perf_counter()
            found.append(len(faceprint.identify(picture, call=CALL).faces))
            times.append(1000 * (perf_counter() - started))
    row = {
        "method": "identify",
        "ms_median": f"{np.median(times):.1f}",
        "ms_p95": f"{np.percentile(times, 95):.1f}",
        "ms_each": f"{np.median(times) / faces:.2f}",
        "found": f"{np.mean(found):.1f}",
        "memory_mb": f"{peak_mb():.0f}",
    }
    return [row]


def montage(photos: list[Path], seed: int) -> Image:
    """The middle of each photo as one tile of a grey canvas of ten times ten."""
    canvas = np.full((TILES_ACROSS * TILE_PX, TILES_ACROSS * TILE_PX, 3), GREY, dtype=np.uint8)
    places = random.Random(seed).sample(range(TILES_ACROSS**2), len(photos))
    for photo, place in zip(photos, places, strict=True):
        pixels = read_image(photo).pixels
        top, left = ((side - TILE_PX) // 2 for side in pixels.shape[:2])
        row, column = (TILE_PX * number for number in divmod(place, TILES_ACROSS))
        tile = pixels[top : top + TILE_PX, left : left + TILE_PX]
        canvas[row : row + TILE_PX, column : column + TILE_PX] = tile
    return canvas


@contextmanager
def gallery_of(photos: list[Path]) -> Iterator[Faceprint]:
    """A gallery of the first people, open, with the models loaded."""
    with (
        TemporaryDirectory(prefix="scaling-") as folder,
        Faceprint(gallery=str(Path(folder) / "gallery.db")) as faceprint,
    ):
        enrol_first(faceprint, photos, PEOPLE)
        yield faceprint


def peak_mb() -> float:
    """The most memory that this process has held, in MB of 1,048,576 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
