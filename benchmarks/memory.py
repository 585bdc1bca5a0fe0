"""Memory over a long run: names the faces of 10,000 photos in a row and watches the process grow.

    python benchmarks/memory.py --data ../shared/data --out benchmarks/memory.csv

A gallery of a few people is made in a temporary folder. The resident size is sampled from
/proc/self, so this runs on Linux alone; the peak is the kernel's own.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from faceprint import Call, Consent, Faceprint, Failure
from machine import describe_machine, write_csv
from photos import all_lfw_photos

console = Console()
CALL = Call(actor="benchmark", purpose="memory")
CONSENT = Consent(
    text="A public research set; a gallery that lives as long as this run.",
    purpose="benchmark",
    given_at=datetime.now(UTC),
    recorded_by="benchmark",
)


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/, or LFW itself.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    photos: Annotated[int, typer.Option(help="How many; the set is repeated as needed.")] = 10_000,
    every: Annotated[int, typer.Option(help="Photos between two samples.")] = 200,
    people: Annotated[int, typer.Option(help="People in the gallery.")] = 50,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures memory over a long run of identify_many."""
    machine = describe_machine()
    distinct = all_lfw_photos(data)
    with (
        TemporaryDirectory(prefix="memory-") as folder,
        Faceprint(gallery=str(Path(folder) / "gallery.db")) as faceprint,
    ):
        enrol_first(faceprint, distinct, people)
        watched = watch(faceprint, islice(cycle(distinct), photos), every=every)
        samples = list(track(watched, total=photos // every, description="Identifying"))
    kernel_peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # The kernel brings its peak up to date in steps, so a sample can be a little above it.
    peak_mb = max(kernel_peak_mb, *(float(size) for _, size, _ in samples))
    report(samples, photos=photos, distinct=len(distinct), peak_mb=peak_mb)
    if out is not None:
        columns = ("photos", "rss_mb", "seconds")
        rows = [dict(zip(columns, sample, strict=True)) for sample in samples]
        write_csv(out, [row | {"peak_rss_mb": f"{peak_mb:.1f}"} | machine for row in rows])
        console.print(f"Written: {out}")


def enrol_first(faceprint: Faceprint, photos: list[Path], people: int) -> None:
    """Enrols the first people of the set, each from one photo."""
    by_name = {photo.parent.name: photo for photo in reversed(photos)}
    for name in sorted(by_name)[:people]:
        faceprint.enrol(
            name.replace("_", " "), [by_name[name]], call=CALL, consent=CONSENT, largest=True
        )


def watch(
    faceprint: Faceprint, photos: Iterator[Path], *, every: int
) -> Iterator[tuple[int, str, str]]:
    """Photos done, resident size in MB and seconds, after every so many photos."""
    started = perf_counter()
    for done, result in enumerate(faceprint.identify_many(photos, call=CALL), start=1):
        if isinstance(result, Failure):
            raise SystemExit(f"{result.image}: {result.message}")
        if done % every == 0:
            yield done, f"{resident_mb():.1f}", f"{perf_counter() - started:.2f}"


def resident_mb() -> float:
    """Resident size of this process, in MB of 1,048,576 bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def report(
    samples: list[tuple[int, str, str]], *, photos: int, distinct: int, peak_mb: float
) -> None:
    """Prints the peak, and how much the second quarter and the last differ."""
    sizes = [float(size) for _, size, _ in samples]
    quarter = max(1, len(sizes) // 4)
    early, late = median(sizes[quarter : 2 * quarter] or sizes), median(sizes[-quarter:])
    seconds = float(samples[-1][2])
    console.print(
        f"{photos} photos ({distinct} distinct) in {seconds:.0f} s: peak {peak_mb:.0f} MB; "
        f"second quarter {early:.0f} MB, last quarter {late:.0f} MB ({late - early:+.1f} MB)"
    )


if __name__ == "__main__":
    typer.run(main)
