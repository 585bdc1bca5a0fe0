"""Photos per second from disk to embeddings: faceprint, its peers, and the most there could be.

    python benchmarks/throughput.py --make-venvs local/venvs
    python benchmarks/throughput.py --data ../shared/data --out benchmarks/throughput.csv

Every library runs in a process and an interpreter of its own over the front of one shuffled list of
photos, one library after the other, the whole round several times. See benchmarks/README.md.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from machine import describe_machine, write_csv
from peer_venvs import PEERS, Peer, interpreter, make_venv
from peer_weights import write_peer_weights
from photos import lfw_photos

console = Console()
DEFAULT_VENVS = Path("local/venvs")
PEER_TIME_LIMIT_S = 1800
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


@dataclass
class Series:
    """The runs of one library.

    Attributes:
        peer: The library.
        runs: One result per round, as the peer's script printed it.
        failure: Why it did not run; empty if it did.
    """

    peer: Peer
    runs: list[dict[str, Any]] = field(default_factory=list)
    failure: str = ""

    @property
    def rates(self) -> list[float]:
        """Photos per second, one per round."""
        return [run["photos"] / run["seconds"] for run in self.runs]


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
    chosen = choose_peers(peers)
    if make_venvs is not None:
        make_all_venvs(chosen, make_venvs)
        return
    machine = describe_machine()
    pythons = {peer.name: interpreter(peer, venvs) for peer in chosen} | own_pythons(peer_python)
    paths = lfw_photos(data, photos + warm_up)
    with TemporaryDirectory(prefix="throughput-") as folder:
        bench = Bench(Path(folder), paths[:photos], paths[photos:], pythons)
        series = bench.run(chosen, rounds=rounds)
    rows = [row(one, series, machine) for one in series]
    show(rows)
    if out is not None:
        write_csv(out, rows)
        console.print(f"Written: {out}")
    if any(one.failure for one in series):
        raise typer.Exit(1)


def choose_peers(names: Iterable[str] | None) -> list[Peer]:
    """The peers of these names, or all."""
    known = {peer.name: peer for peer in PEERS}
    wanted = [part for name in names or known for part in name.split(",")]
    if unknown := [name for name in wanted if name not in known]:
        raise typer.BadParameter(f"No peer is called {unknown[0]!r}. There are {', '.join(known)}.")
    return [known[name] for name in wanted]


def own_pythons(pairs: Iterable[str] | None) -> dict[str, Path]:
    """Interpreters from NAME=PATH."""
    split = [pair.partition("=") for pair in pairs or ()]
    return {name: Path(path) for name, _, path in split}


def make_all_venvs(peers: Iterable[Peer], folder: Path) -> None:
    """Makes the environments of those peers that need one."""
    for peer in peers:
        if peer.requirements:
            console.print(f"{peer.name}: installing {', '.join(peer.requirements)}")
            make_venv(peer, folder)


class Bench:
    """Runs peers over the same photos and keeps what they say.

    Args:
        folder: Scratch folder.
        photos: The list that is timed.
        warm_up: Other photos, run through before the clock starts.
        pythons: Interpreter of each peer.
    """

    def __init__(
        self,
        folder: Path,
        photos: Sequence[Path],
        warm_up: Sequence[Path],
        pythons: dict[str, Path],
    ) -> None:
        self.folder = folder
        self.photos = photos
        self.warm_up = warm_up
        self.pythons = pythons
        self.faces_per_photo: float | None = None
        # DeepFace takes DEEPFACE_HOME/.deepface/weights.
        self.weights = folder / ".deepface" / "weights"
        write_peer_weights(self.weights)

    def run(self, peers: Iterable[Peer], *, rounds: int) -> list[Series]:
        """All peers in turn, the whole turn `rounds` times."""
        series = [Series(peer) for peer in peers]
        for path in (*self.photos, *self.warm_up):
            path.read_bytes()  # nobody pays for a cold disk
        for number in range(1, rounds + 1):
            for one in series:
                if not one.failure:
                    self._add_run(one, number)
        return series

    def _add_run(self, series: Series, number: int) -> None:
        peer = series.peer
        with console.status(f"Round {number}: {peer.name}"):
            result = self._run_peer(peer)
        if isinstance(result, str):
            series.failure = result
            console.print(f"Round {number}: {peer.name}: not run: {result}")
            return
        series.runs.append(result)
        if peer.name == "faceprint":
            self.faces_per_photo = result["faces"] / result["photos"]
        console.print(f"Round {number}: {peer.name}: {series.rates[-1]:.1f} photos/s")

    def _run_peer(self, peer: Peer) -> dict[str, Any] | str:
        python = self.pythons[peer.name]
        if not python.exists():
            return f"there is no {python}; make it with --make-venvs"
        job = self.folder / f"{peer.name}.json"
        job.write_text(json.dumps(self._job(peer)), encoding="utf-8")
        try:
            finished = subprocess.run(
                [python, peer.script, job],
                capture_output=True,
                text=True,
                timeout=PEER_TIME_LIMIT_S,
                env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            )
        except subprocess.TimeoutExpired:
            return f"not done after {PEER_TIME_LIMIT_S} s"
        if finished.returncode != 0:
            return (finished.stderr.strip().splitlines() or ["no message"])[-1]
        result: dict[str, Any] = json.loads(finished.stdout.strip().splitlines()[-1])
        return result

    def _job(self, peer: Peer) -> dict[str, object]:
        count = max(1, round(len(self.photos) * peer.share))
        return {
            "photos": [str(path) for path in self.photos[:count]],
            "warm_up": [str(path) for path in self.warm_up],
            "weights": str(self.weights),
            "faces_per_photo": self.faces_per_photo,
        }


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


def faceprint_ratios(one: Series, series: Iterable[Series]) -> list[float]:
    """How many times as fast as this library faceprint was, in each round that both ran."""
    own = next((other for other in series if other.peer.name == "faceprint"), None)
    if own is None:
        return []
    return [ours / theirs for ours, theirs in zip(own.rates, one.rates, strict=False)]


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
