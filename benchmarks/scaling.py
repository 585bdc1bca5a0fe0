"""How time, memory and recall grow: with photos, with faces per photo, and with the gallery.

    python benchmarks/scaling.py --part photos --data ../shared/data --out benchmarks/scaling.csv
    python benchmarks/scaling.py --part faces --data ../shared/data --out benchmarks/scaling.csv
    python benchmarks/scaling.py --part random --data ../shared/data --out benchmarks/scaling.csv
    python benchmarks/scaling.py --part lifelike --data ../shared/data --out benchmarks/scaling.csv
    python benchmarks/scaling.py --part store --out benchmarks/scaling.csv
    python benchmarks/scaling.py --plot docs/images --out benchmarks/scaling.csv

Each point is measured in a new process and written at once; a point that stands in the CSV is not
measured again, so a run that was broken off goes on where it was. See benchmarks/README.md.
"""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal

import typer
from rich.console import Console

from faceprint.gallery import SearchMode
from machine import describe_machine, write_csv
from scaling_gallery import PLANS, measure_index, measure_store
from scaling_photos import measure_faces, measure_photos
from scaling_plots import plot

console = Console()
Part = Literal["photos", "faces", "random", "lifelike", "store"]
Row = dict[str, str]

PHOTOS = (100, 300, 1000, 3000, 10_000)
FACES = (1, 2, 5, 10, 20, 50, 100)
TEMPLATES = (1000, 10_000, 100_000, 1_000_000)
HNSW = tuple(f"hnsw {breadth}" for breadth in (64, 256, 1024, 2048))
MODES: tuple[SearchMode, ...] = ("auto", "exact", "approximate")
KEY = ("part", "size", "method")
COLUMNS = (
    *KEY,
    "seconds",
    "per_second",
    "ms_median",
    "ms_p95",
    "ms_min",
    "ms_each",
    "after_enrolment_ms",
    "found",
    "recall_at_5",
    "times_float32",
    "memory_mb",
)


@dataclass(frozen=True)
class Point:
    """What one process measures.

    Attributes:
        part: Which curves it belongs to.
        size: Photos, faces or templates.
        methods: The rows that it gives.
        measure: Gives them.
    """

    part: str
    size: int
    methods: tuple[str, ...]
    measure: Callable[[], list[Row]]

    def keys(self) -> set[tuple[str, ...]]:
        """What its rows are called."""
        return {(self.part, str(self.size), method) for method in self.methods}


def main(
    part: Annotated[Part | None, typer.Option(help="What to measure; all unless given.")] = None,
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/, or LFW itself.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    folder: Annotated[Path, typer.Option(help="For galleries and embeddings to keep.")] = Path(
        "local/scaling"
    ),
    largest: Annotated[int, typer.Option(help="Leave out larger points.")] = 1_000_000,
    minutes: Annotated[float, typer.Option(help="Start no point after so long.")] = 60,
    out: Annotated[Path, typer.Option(help="CSV to go on with.")] = Path("benchmarks/scaling.csv"),
    plots: Annotated[
        Path | None, typer.Option("--plot", help="Folder for figures of the CSV; measures nothing.")
    ] = None,
) -> None:
    """Measures how faceprint scales."""
    if plots is not None:
        for figure in plot(_read(out), plots):
            console.print(f"Written: {figure}")
        return
    started = perf_counter()
    for point in _points(part, data, folder):
        rows = _read(out)
        missing = point.keys() - {tuple(row[name] for name in KEY) for row in rows}
        if point.size > largest or not missing:
            continue
        if perf_counter() - started > 60 * minutes:
            console.print("The time is up; the same command goes on from here.")
            break
        machine = describe_machine()
        for row in _in_new_process(point):
            whole = dict.fromkeys(COLUMNS, "") | {"part": point.part, "size": str(point.size)}
            rows = [one for one in rows if one["method"] != row["method"] or _differ(one, point)]
            rows.append(whole | row | machine)
            shown = {name: value for name, value in (whole | row).items() if value}
            console.print(" ".join(f"{name}={value}" for name, value in shown.items()))
        write_csv(out, rows)


def _points(part: Part | None, data: Path, folder: Path) -> Iterator[Point]:
    """All points of a part, or of all parts, small ones first."""
    if part in (None, "photos"):
        for size in PHOTOS:
            yield Point("photos", size, ("identify_many",), partial(measure_photos, data, size))
    if part in (None, "faces"):
        for size in FACES:
            yield Point("faces", size, ("identify",), partial(measure_faces, data, size))
    for vectors in ("random", "lifelike"):
        if part in (None, vectors):
            for size in TEMPLATES:
                index = partial(measure_index, data, folder, vectors=vectors, templates=size)
                for methods in (*((name,) for name in PLANS), HNSW):
                    yield Point(vectors, size, methods, partial(index, methods=methods))
    if part in (None, "store"):
        for size in TEMPLATES:
            for mode in MODES:
                store = partial(measure_store, folder, templates=size, mode=mode)
                yield Point("store", size, (mode,), store)


def _differ(row: Row, point: Point) -> bool:
    return (row["part"], row["size"]) != (point.part, str(point.size))


def _in_new_process(point: Point) -> list[Row]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(point.measure).result()


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    typer.run(main)
