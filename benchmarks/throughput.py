"""Photos per second from disk to embeddings: faceprint, its peers, and the most there could be.

    python benchmarks/throughput.py --make-venvs local/venvs
    python benchmarks/throughput.py --data ../shared/data --out benchmarks/throughput.csv

Every library runs in a process and an interpreter of its own over the front of one shuffled list of
photos, one library after the other, the whole round several times. See benchmarks/README.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.table import Table

from machine import describe_machine, write_csv
from peer_runs import (
    DEFAULT_VENVS,
    Bench,
    Series,
    choose_peers,
    choose_pythons,
    console,
    faceprint_ratios,
    make_all_venvs,
)
from photos import lfw_photos

LIBRARIES = ("faceprint", "bound", "opencv", "deepface", "face_recognition")
SHOWN = (
    "library",
    "version",
    "photos",
    "faces",
    "seconds_median",
    "photos_per_second",
    "faceprint_times",
)
MEASURED = (
    "version",
    "with",
    "photos",
    "faces",
    "rounds",
    "seconds_median",
    "seconds_min",
    "seconds_max",
    "photos_per_second",
    "faceprint_times",
    "faceprint_times_min",
    "faceprint_times_max",
)


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/, or LFW itself.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    photos: Annotated[int, typer.Option(help="Photos per round; slow libraries get fewer.")] = 1000,
    rounds: Annotated[int, typer.Option(help="How often each library runs.")] = 3,
    warm_up: Annotated[int, typer.Option(help="Photos before the clock starts.")] = 64,
    peers: Annotated[list[str] | None, typer.Option(help="Only these; may be repeated.")] = None,
    venvs: Annotated[Path, typer.Option(help="Folder of the peers' environments.")] = DEFAULT_VENVS,
    peer_python: Annotated[
        list[str] | None, typer.Option(help="NAME=PATH of an interpreter of your own.")
    ] = None,
    make_venvs: Annotated[
        Path | None, typer.Option(help="Make the peers' environments in this folder and stop.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures photos per second from disk to embeddings."""
    chosen = choose_peers(peers, LIBRARIES)
    if make_venvs is not None:
        make_all_venvs(chosen, make_venvs)
        return
    machine = describe_machine()
    pythons = choose_pythons(chosen, venvs, peer_python)
    paths = lfw_photos(data, photos + warm_up)
    with TemporaryDirectory(prefix="throughput-") as folder:
        bench = Bench(Path(folder), paths[photos:], pythons)
        series = bench.run(chosen, [paths[:photos]] * rounds)
    rows = [row(one, series, machine) for one in series]
    show(rows)
    if out is not None:
        write_csv(out, rows)
        console.print(f"Written: {out}")
    if any(one.failure for one in series):
        raise typer.Exit(1)


def row(one: Series, series: Iterable[Series], machine: dict[str, str]) -> dict[str, object]:
    """One line of the CSV."""
    head: dict[str, object] = {"library": one.peer.name, "what": one.peer.what}
    if one.failure or not one.runs:
        return head | dict.fromkeys(MEASURED, "") | {"note": f"not run: {one.failure}"} | machine
    seconds = [run["seconds"] for run in one.runs]
    last = one.runs[-1]
    ratios = faceprint_ratios(one, series)
    return (
        head
        | {
            "version": last["version"],
            "with": last["with"],
            "photos": last["photos"],
            "faces": last["faces"],
            "rounds": len(seconds),
            "seconds_median": f"{median(seconds):.3f}",
            "seconds_min": f"{min(seconds):.3f}",
            "seconds_max": f"{max(seconds):.3f}",
            "photos_per_second": f"{median(one.rates):.1f}",
            "faceprint_times": f"{median(ratios):.2f}" if ratios else "",
            "faceprint_times_min": f"{min(ratios):.2f}" if ratios else "",
            "faceprint_times_max": f"{max(ratios):.2f}" if ratios else "",
            "note": last["note"],
        }
        | machine
        | {"python": last["python"]}
    )


def show(rows: Sequence[dict[str, object]]) -> None:
    """Prints the table."""
    first = rows[0]
    table = Table(
        title="Photos per second, from disk to embeddings",
        caption=f"{first['cpu']}, {first['cores']} cores, load before {first['load_before']}. "
        "Ratio: how many times as fast faceprint is, median of the rounds.",
    )
    table.add_column("Library")
    for name in ("Version", "Photos", "Faces", "Seconds", "Photos/s", "Ratio"):
        table.add_column(name, justify="right")
    for line in rows:
        if line["photos"]:
            cells = (line[name] for name in SHOWN)
            table.add_row(*map(str, cells))
        else:
            table.add_row(str(line["library"]), "not run", style="dim")
    console.print(table)
    for line in rows:
        if line["note"]:
            console.print(f"{line['library']}: {line['note']}", style="dim", highlight=False)


if __name__ == "__main__":
    typer.run(main)
