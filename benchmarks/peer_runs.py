"""Runs libraries over the same photos, each in a process and an interpreter of its own, in rounds."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from peer_venvs import PEERS, Peer, interpreter, make_venv
from peer_weights import write_peer_weights

console = Console()
DEFAULT_VENVS = Path("local/venvs")
PEER_TIME_LIMIT_S = 1800
BOX = 4

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Kept:
    """What a library found in the photos of a round.

    Attributes:
        boxes: Of each photo (F, 4) float32, left, top, right and bottom, in pixels.
        vectors: Of each photo (F, D) float32, as the library gives them.
    """

    boxes: list[Rows]
    vectors: list[Rows]


@dataclass
class Series:
    """The runs of one library.

    Attributes:
        peer: The library.
        runs: One result per round, as the peer's script printed it.
        kept: One per round, where faces are kept.
        failure: Why it did not run; empty if it did.
    """

    peer: Peer
    runs: list[dict[str, Any]] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    failure: str = ""

    @property
    def rates(self) -> list[float]:
        """Photos per second, one per round."""
        return [run["photos"] / run["seconds"] for run in self.runs]


class Bench:
    """Runs peers over the same photos and keeps what they say.

    Args:
        folder: Scratch folder.
        warm_up: Photos run through before the clock starts, none of those that are timed.
        pythons: Interpreter of each peer.
        keep: Also bring back each face and its vector; then slow libraries get all photos too.
    """

    def __init__(
        self,
        folder: Path,
        warm_up: Sequence[Path],
        pythons: dict[str, Path],
        *,
        keep: bool = False,
    ) -> None:
        self.folder = folder
        self.warm_up = warm_up
        self.pythons = pythons
        self.keep = keep
        self.faces_per_photo: float | None = None
        # DeepFace takes DEEPFACE_HOME/.deepface/weights.
        self.weights = folder / ".deepface" / "weights"
        write_peer_weights(self.weights)

    def run(self, peers: Iterable[Peer], rounds: Sequence[Sequence[Path]]) -> list[Series]:
        """All peers in turn over the photos of each round."""
        series = [Series(peer) for peer in peers]
        for path in {*self.warm_up, *(path for photos in rounds for path in photos)}:
            path.read_bytes()  # nobody pays for a cold disk
        for number, photos in enumerate(rounds, 1):
            for one in series:
                if not one.failure:
                    self._add_run(one, photos, number)
        return series

    def _add_run(self, series: Series, photos: Sequence[Path], number: int) -> None:
        peer = series.peer
        with console.status(f"Round {number}: {peer.name}"):
            result = self._run_peer(peer, photos)
        if isinstance(result, str):
            series.failure = result
            console.print(f"Round {number}: {peer.name}: not run: {result}", soft_wrap=True)
            return
        series.runs.append(result)
        if self.keep:
            series.kept.append(read_faces(self._faces_file(peer), result["counts"]))
        if peer.name == "faceprint":
            self.faces_per_photo = result["faces"] / result["photos"]
        console.print(f"Round {number}: {peer.name}: {series.rates[-1]:.1f} photos/s")

    def _run_peer(self, peer: Peer, photos: Sequence[Path]) -> dict[str, Any] | str:
        python = self.pythons[peer.name]
        if not python.exists():
            return f"there is no {python}; make it with --make-venvs"
        job = self.folder / f"{peer.name}.json"
        job.write_text(json.dumps(self._job(peer, photos)), encoding="utf-8")
        try:
            finished = subprocess.run(
                [python, peer.script, job, *peer.arguments],
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

    def _job(self, peer: Peer, photos: Sequence[Path]) -> dict[str, object]:
        count = len(photos) if self.keep else max(1, round(len(photos) * peer.share))
        return {
            "photos": [str(path) for path in photos[:count]],
            "warm_up": [str(path) for path in self.warm_up],
            "weights": str(self.weights),
            "faces_per_photo": self.faces_per_photo,
            "faces_file": str(self._faces_file(peer)) if self.keep else None,
        }

    def _faces_file(self, peer: Peer) -> Path:
        return self.folder / f"{peer.name}.faces"


def read_faces(path: Path, counts: Sequence[int]) -> Kept:
    """The faces that a peer's script wrote: of each its box and its vector, photo after photo."""
    faces = sum(counts)
    rows = np.fromfile(path, np.float32).reshape(faces, -1) if faces else np.empty((0, BOX), "f4")
    photos = np.split(rows, np.cumsum(counts)[:-1])
    return Kept([photo[:, :BOX] for photo in photos], [photo[:, BOX:] for photo in photos])


def choose_peers(names: Iterable[str] | None, default: Sequence[str]) -> list[Peer]:
    """The peers of these names, separated by commas where one holds several, or the default ones."""
    known = {peer.name: peer for peer in PEERS}
    wanted = [part for name in names or default for part in name.split(",")]
    if unknown := [name for name in wanted if name not in known]:
        raise typer.BadParameter(f"No peer is called {unknown[0]!r}. There are {', '.join(known)}.")
    return [known[name] for name in wanted]


def choose_pythons(
    peers: Iterable[Peer], venvs: Path, own: Iterable[str] | None
) -> dict[str, Path]:
    """The interpreter of each peer; those of NAME=PATH go first."""
    split = [pair.partition("=") for pair in own or ()]
    return {peer.name: interpreter(peer, venvs) for peer in peers} | {
        name: Path(path) for name, _, path in split
    }


def make_all_venvs(peers: Iterable[Peer], folder: Path) -> None:
    """Makes the environments of those peers that need one."""
    for peer in peers:
        if peer.requirements:
            console.print(f"{peer.name}: installing {', '.join(peer.requirements)}")
            make_venv(peer, folder)


def faceprint_ratios(one: Series, series: Iterable[Series]) -> list[float]:
    """How many times as fast as this library faceprint was, in each round that both ran."""
    own = next((other for other in series if other.peer.name == "faceprint"), None)
    if own is None:
        return []
    return [ours / theirs for ours, theirs in zip(own.rates, one.rates, strict=False)]
