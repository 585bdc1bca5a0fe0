"""A gallery of 100,000 templates: how long it takes to open, and to search.

    python benchmarks/search.py --gallery local/search/gallery.db --out benchmarks/search.csv

The gallery holds random unit vectors for people with one to five templates each. It is made once,
through the ordinary enrolment, and kept for the next run. Each opening happens in a new process and
counts what `open_gallery` imports. Half of the probes are enrolled templates with noise, and must
come back as the right person; the others are strangers.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from faceprint.gallery import Call, Consent, GalleryStore, NewTemplate, open_gallery
from faceprint.types import FloatArray
from machine import describe_machine, write_csv

console = Console()
MODEL_ID = "random-128:benchmark:1"
DIMENSION = 128
MAX_TEMPLATES_EACH = 5
NOISE = 0.3
CALL = Call(actor="benchmark", purpose="search")


@dataclass(frozen=True)
class Timing:
    """What one process measured, in seconds.

    Attributes:
        opening: From the path to the answer of the first search.
        searches: Each later search of one probe.
    """

    opening: float
    searches: list[float]


def main(
    gallery: Annotated[Path, typer.Option(help="Database to make, or to use again.")] = Path(
        "local/search/gallery.db"
    ),
    templates: Annotated[int, typer.Option(help="How many templates.")] = 100_000,
    searches: Annotated[int, typer.Option(help="Searches per opening.")] = 500,
    openings: Annotated[int, typer.Option(help="New processes.")] = 5,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures opening and searching a large gallery."""
    machine = describe_machine()
    vectors, edges = people_of(templates)
    fill(gallery, vectors, edges)
    probes, names = probes_of(vectors, edges, searches)
    timings = [in_new_process(gallery, probes, names) for _ in range(openings)]
    opening_s = [timing.opening for timing in timings]
    searches_ms = 1000 * np.concatenate([timing.searches for timing in timings])
    row = {
        "templates": templates,
        "people": len(edges) - 1,
        "dimension": DIMENSION,
        "openings": openings,
        "open_and_first_search_s_median": f"{np.median(opening_s):.3f}",
        "open_and_first_search_s_max": f"{max(opening_s):.3f}",
        "searches": len(searches_ms),
        "search_ms_median": f"{np.median(searches_ms):.2f}",
        "search_ms_p95": f"{np.percentile(searches_ms, 95):.2f}",
        "search_ms_max": f"{searches_ms.max():.2f}",
    }
    for name, value in row.items():
        console.print(f"{name}: {value}")
    if out is not None:
        write_csv(out, [row | machine])
        console.print(f"Written: {out}")


def people_of(templates: int) -> tuple[FloatArray, list[int]]:
    """(N, 128) float32 unit vectors, and where each person's begin, with N at the end."""
    random = np.random.default_rng(1)
    vectors = unit(random.standard_normal((templates, DIMENSION), dtype=np.float32))
    starts = np.cumsum(random.integers(1, MAX_TEMPLATES_EACH + 1, size=templates))
    return vectors, [0, *(int(edge) for edge in starts[starts < templates]), templates]


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to L2 norm 1."""
    scaled: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def name_of(number: int) -> str:
    """Name of a person by number."""
    return f"Person {number:06}"


def probes_of(
    vectors: FloatArray, edges: list[int], count: int
) -> tuple[FloatArray, list[str | None]]:
    """Probes in turn enrolled and strange, and the name that each must come back with."""
    random = np.random.default_rng(2)
    probes = unit(random.standard_normal((count + 1, DIMENSION), dtype=np.float32))
    chosen = random.integers(0, len(vectors), size=len(probes))
    names: list[str | None] = [None] * len(probes)
    for index in range(0, len(probes), 2):
        probes[index] = vectors[chosen[index]] + NOISE * probes[index]
        person = int(np.searchsorted(edges, chosen[index], side="right")) - 1
        names[index] = name_of(person)
    return unit(probes), names


def fill(path: Path, vectors: FloatArray, edges: list[int]) -> None:
    """Enrols everybody, unless the gallery holds them already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    store = open_gallery(path)
    there = store.template_count(MODEL_ID)
    if there not in (0, len(vectors)):
        raise typer.BadParameter(
            f"{path} holds {there} templates of another run. Delete it, or name another --gallery."
        )
    if not there:
        ranges = list(pairwise(edges))
        for number, (start, end) in enumerate(track(ranges, description="Enrolling")):
            enrol(store, name_of(number), vectors[start:end])
    store.close()


def enrol(store: GalleryStore, name: str, vectors: FloatArray) -> None:
    """Enrols one person."""
    consent = Consent(
        text="Nobody: random numbers.",
        purpose="benchmark",
        given_at=datetime.now(UTC),
        recorded_by="benchmark",
    )
    box = np.zeros(4, dtype=np.float32)
    rows = [
        NewTemplate(
            vector=vector,
            detector="none",
            source="random",
            source_digest=f"{name}-{index}".encode().hex().ljust(64, "0"),
            box=box,
            quality=1.0,
        )
        for index, vector in enumerate(vectors)
    ]
    store.enrol(rows, model_id=MODEL_ID, call=CALL, name=name, new=True, consent=consent)


def in_new_process(path: Path, probes: FloatArray, names: list[str | None]) -> Timing:
    """Opens and searches in a process that has opened nothing before."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(open_and_search, path, probes, names).result()


def open_and_search(path: Path, probes: FloatArray, names: list[str | None]) -> Timing:
    """Times the opening with the first probe, then each other probe on its own."""
    started = perf_counter()
    store = open_gallery(path)
    times = []
    for probe, name in zip(probes, names, strict=True):
        (candidates,) = store.search(probe[None], model_id=MODEL_ID, call=CALL)
        times.append(perf_counter() - started)
        if name is not None and candidates[0].name != name:
            raise SystemExit(f"{name} came back as {candidates[0].name}")
        started = perf_counter()
    store.close()
    return Timing(times[0], times[1:])


if __name__ == "__main__":
    typer.run(main)
