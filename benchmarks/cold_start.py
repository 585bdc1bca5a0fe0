"""How long a single command takes from nothing: `faceprint verify A B`, each time a new process.

    python benchmarks/cold_start.py --data ../shared/data --out benchmarks/cold_start.csv

One run goes first and is not counted: it prepares the models and fills the runtime's cache. The
time of `import faceprint` is measured beside it, as a new process less one that imports nothing.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from machine import describe_machine, write_csv

console = Console()


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds people/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    runs: Annotated[int, typer.Option(help="How often each command runs.")] = 9,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures cold starts."""
    machine = describe_machine()
    photos = [str(data / "people" / name) for name in ("obama.jpg", "obama2.jpg")]
    program = str(Path(sys.executable).with_name("faceprint"))
    verify = time_command([program, "verify", *photos], runs=runs)
    bare = time_command([sys.executable, "-c", "pass"], runs=runs)
    importing = time_command([sys.executable, "-c", "import faceprint"], runs=runs)
    own = [seconds - median(bare) for seconds in importing]
    rows = [
        summary("faceprint verify A B", verify) | machine,
        summary("import faceprint", own) | machine,
    ]
    for row in rows:
        console.print(
            f"{row['what']}: median {row['seconds_median']} s "
            f"({row['seconds_min']} to {row['seconds_max']}, {row['runs']} runs)"
        )
    if out is not None:
        write_csv(out, rows)
        console.print(f"Written: {out}")


def time_command(command: Sequence[str], *, runs: int) -> list[float]:
    """Seconds of each run of a command, after one that is not counted; it must exit with 0."""
    times = []
    for _ in range(runs + 1):
        started = perf_counter()
        finished = subprocess.run(command, capture_output=True, text=True)
        times.append(perf_counter() - started)
        if finished.returncode != 0:
            raise SystemExit(
                f"{' '.join(command)} ended with {finished.returncode}: "
                f"{(finished.stderr or finished.stdout).strip()}"
            )
    return times[1:]


def summary(what: str, seconds: Sequence[float]) -> dict[str, object]:
    """Median and range as a row."""
    return {
        "what": what,
        "runs": len(seconds),
        "seconds_median": f"{median(seconds):.3f}",
        "seconds_min": f"{min(seconds):.3f}",
        "seconds_max": f"{max(seconds):.3f}",
    }


if __name__ == "__main__":
    typer.run(main)
