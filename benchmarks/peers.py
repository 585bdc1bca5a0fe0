"""Accuracy on LFW view 1 and photos per second of faceprint and of other libraries, in one run.

    python benchmarks/peers.py --make-venvs local/venvs
    python benchmarks/peers.py --data ../shared/data --out benchmarks/peers.csv

Every library runs in a process and an interpreter of its own, with its own detection, alignment,
embedding and score. The photos are dealt out to rounds; in each round all libraries embed the same
photos one after the other, against the clock, and what they embedded is then compared. See
benchmarks/README.md.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import numpy.typing as npt
import PIL.Image
import typer
from rich.table import Table

from faceprint.evaluate.protocols import PairList, read_lfw
from faceprint.match import fold_accuracy, rate, true_accept_rate
from machine import describe_machine, write_csv
from peer_runs import (
    DEFAULT_VENVS,
    Bench,
    Rows,
    Series,
    choose_peers,
    choose_pythons,
    console,
    faceprint_ratios,
    make_all_venvs,
)
from peer_venvs import Peer
from photos import all_lfw_photos

LIBRARIES = (
    "faceprint",
    "fusion",
    "opencv",
    "deepface",
    "face_recognition",
    "uniface",
    "insightface",
)
FMRS = {"1e-2": 1e-2, "1e-3": 1e-3}
SHOWN = ("version", "test_accuracy", "fnmr_at_1e-2", "photos_without_face", "photos_per_second")
MEASURED = (
    "version",
    "with",
    "photos",
    "photos_without_face",
    "train_pairs",
    "test_pairs",
    "threshold",
    *(f"test_accuracy{end}" for end in ("", "_low", "_high")),
    *(f"fnmr_at_{fmr}{end}" for fmr in FMRS for end in ("", "_low", "_high")),
    "rounds",
    "photos_per_second",
    "photos_per_second_min",
    "photos_per_second_max",
    "faceprint_times",
)

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trial:
    """What all libraries are given.

    Attributes:
        test: The pairs that are reported, and as `train` those that thresholds come from.
        rounds: Indices of photos, dealt out.
    """

    test: PairList
    train: PairList
    rounds: list[npt.NDArray[np.intp]]

    @property
    def order(self) -> npt.NDArray[np.intp]:
        """Indices of photos as they are embedded."""
        return np.concatenate(self.rounds)


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/, or LFW itself.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    train_pairs: Annotated[
        int, typer.Option(help="How many of the 2,200 training pairs choose the threshold.")
    ] = 500,
    test_pairs: Annotated[int, typer.Option(help="How many of the 1,000 test pairs.")] = 1000,
    rounds: Annotated[int, typer.Option(help="Into how many rounds the photos are dealt.")] = 3,
    warm_up: Annotated[int, typer.Option(help="Photos before the clock starts.")] = 32,
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
    """Measures accuracy and photos per second of each library."""
    chosen = choose_peers(peers, LIBRARIES)
    if make_venvs is not None:
        make_all_venvs(chosen, make_venvs)
        return
    machine = describe_machine()
    trial = plan(data, train=train_pairs, test=test_pairs, rounds=rounds)
    photos = trial.test.photos
    others = sorted(set(all_lfw_photos(data)) - set(photos))
    with TemporaryDirectory(prefix="peers-") as folder:
        pythons = choose_pythons(chosen, venvs, peer_python)
        warm_ups = random.Random(0).sample(others, warm_up)
        bench = Bench(Path(folder), warm_ups, pythons, keep=True)
        series = bench.run(chosen, [[photos[k] for k in part] for part in trial.rounds])
    rows = [row(one, series, trial, machine) for one in series]
    show(rows)
    if out is not None:
        write_csv(out, rows)
        console.print(f"Written: {out}")
    if all(one.failure for one in series):
        raise typer.Exit(1)


def plan(data: Path, *, train: int, test: int, rounds: int) -> Trial:
    """The pairs and the rounds: the same for everybody, and the same in every run."""
    folder = data / "lfw" if (data / "lfw").is_dir() else data
    pairs = read_lfw(folder, view=1)
    if pairs.train is None:
        raise typer.BadParameter(f"{folder} has no training pairs.")
    random_numbers = np.random.default_rng(0)
    chosen_test = draw(pairs, test, random_numbers)
    chosen_train = draw(pairs.train, train, random_numbers)
    used = np.unique([*chosen_test.first, *chosen_test.second])
    used = np.union1d(used, [*chosen_train.first, *chosen_train.second])
    return Trial(
        chosen_test, chosen_train, np.array_split(random_numbers.permutation(used), rounds)
    )


def draw(pairs: PairList, count: int, random_numbers: np.random.Generator) -> PairList:
    """So many of the pairs, half of them genuine."""
    if count >= len(pairs):
        return pairs
    rows = np.concatenate(
        [
            random_numbers.choice(np.flatnonzero(pairs.same == kind), count // 2, replace=False)
            for kind in (True, False)
        ]
    )
    return replace(
        pairs, first=pairs.first[rows], second=pairs.second[rows], same=pairs.same[rows], folds=None
    )


def row(
    one: Series, series: Sequence[Series], trial: Trial, machine: dict[str, str]
) -> dict[str, object]:
    """One line of the CSV."""
    head: dict[str, object] = {"library": one.peer.name, "what": one.peer.what}
    if one.failure:
        nothing = dict.fromkeys(MEASURED, "") | {"version": one.peer.pinned}
        return head | nothing | {"note": f"not run: {one.failure}"} | machine
    vectors = central_vectors(one, trial)
    ratios = faceprint_ratios(one, series)
    figures = {
        "version": one.runs[0]["version"],
        "with": one.runs[0]["with"],
        "photos": len(trial.order),
        "photos_without_face": len(trial.order) - len(vectors),
        **accuracy(one.peer, vectors, trial),
        "rounds": len(one.runs),
        "photos_per_second": f"{median(one.rates):.1f}",
        "photos_per_second_min": f"{min(one.rates):.1f}",
        "photos_per_second_max": f"{max(one.rates):.1f}",
        "faceprint_times": f"{median(ratios):.2f}" if ratios else "",
    }
    assert tuple(figures) == MEASURED
    return head | figures | {"note": note(trial)} | machine | {"python": one.runs[0]["python"]}


def note(trial: Trial) -> str:
    """What a reader of the figures must know."""
    impostors = int(np.count_nonzero(~trial.test.same))
    beyond = [name for name, fmr in FMRS.items() if fmr * impostors < 1]
    above = f"; {' and '.join(beyond)}: above all {impostors} test impostors" if beyond else ""
    return f"{len(trial.train)} training pairs drawn with seed 0 choose the threshold{above}"


def central_vectors(one: Series, trial: Trial) -> dict[int, Rows]:
    """By photo, the vector of the face nearest the middle; none where no face was found."""
    found: dict[int, Rows] = {}
    for part, kept in zip(trial.rounds, one.kept, strict=True):
        for photo, boxes, vectors in zip(part, kept.boxes, kept.vectors, strict=True):
            if len(boxes):
                with PIL.Image.open(trial.test.photos[photo]) as image:
                    found[int(photo)] = vectors[nearest_middle(boxes, image.size)]
    return found


def nearest_middle(boxes: Rows, size: tuple[int, int]) -> int:
    """Index of the face that LFW's labels mean, by the rule of `faceprint evaluate`."""
    away = np.linalg.norm((boxes[:, :2] + boxes[:, 2:]) / 2 - np.array(size) / 2, axis=1)
    return int(np.argmin(away / np.sqrt(np.maximum(boxes[:, 2] - boxes[:, 0], 1))))


def accuracy(peer: Peer, vectors: dict[int, Rows], trial: Trial) -> dict[str, object]:
    """Accuracy at the threshold of the training pairs, and FNMR at thresholds of the test pairs."""
    test, train = (score_all(peer, vectors, pairs) for pairs in (trial.test, trial.train))
    same = trial.test.same
    fitted = fold_accuracy(
        np.concatenate([test, train]),
        np.concatenate([same, trial.train.same]),
        np.repeat([0, 1], [len(test), len(train)]),
    )
    right = rate(round(fitted.accuracies[0] * len(test)), len(test))
    figures: dict[str, object] = {
        "train_pairs": len(train),
        "test_pairs": len(test),
        "threshold": f"{fitted.thresholds[0]:.4f}",
        "test_accuracy": f"{right.value:.4f}",
        "test_accuracy_low": f"{right.low:.4f}",
        "test_accuracy_high": f"{right.high:.4f}",
    }
    for name, fmr in FMRS.items():
        accepted = true_accept_rate(test[same], test[~same], fmr)
        figures |= {
            f"fnmr_at_{name}": f"{1 - accepted.value:.4f}",
            f"fnmr_at_{name}_low": f"{1 - accepted.high:.4f}",
            f"fnmr_at_{name}_high": f"{1 - accepted.low:.4f}",
        }
    return figures


def score_all(peer: Peer, vectors: dict[int, Rows], pairs: PairList) -> Scores:
    """The library's own score of each pair; minus infinity, which matches nothing, without a face."""
    scores = np.full(len(pairs), -np.inf)
    for k, (a, b) in enumerate(zip(pairs.first, pairs.second, strict=True)):
        if a in vectors and b in vectors:
            one, other = (vectors[photo].astype(np.float64) for photo in (int(a), int(b)))
            scores[k] = (
                -np.linalg.norm(one - other)
                if peer.score == "distance"
                else one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
            )
    return scores


def show(rows: Sequence[dict[str, object]]) -> None:
    """Prints the table."""
    table = Table(
        title="LFW view 1, and photos per second from disk to embeddings",
        caption=f"{rows[0]['cpu']}, {rows[0]['cores']} cores, load before {rows[0]['load_before']}",
    )
    table.add_column("Library")
    for name in ("Version", "Accuracy", "FNMR at FMR 1e-2", "No face", "Photos/s"):
        table.add_column(name, justify="right")
    for line in rows:
        if line["photos"]:
            table.add_row(str(line["library"]), *(str(line[name]) for name in SHOWN))
        else:
            table.add_row(str(line["library"]), "not run", style="dim")
    console.print(table)
    for text in dict.fromkeys(str(line["note"]) for line in rows):
        owners = ", ".join(str(line["library"]) for line in rows if line["note"] == text)
        console.print(f"{owners}: {text}", style="dim", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
