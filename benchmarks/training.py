"""What was trained on LFW's people, measured on pairs of other people: view 1, pairsDevTest.

    python benchmarks/training.py RUN ... --prepared FOLDER --data ../shared/data \\
        --out benchmarks/training.csv

The runs are folders of `faceprint train`, all on one prepared LFW with one split: people of peopleDevTrain
to train on and to choose the epoch and the threshold by. Beside them stand the crops themselves (PCA and
whitening on their pixels, fitted on the photos trained on), the embedders that students learnt from, and the
time that a crop takes, all in one run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sklearn.decomposition import PCA

from faceprint import Faceprint
from faceprint.evaluate.protocols import read_lfw
from faceprint.match import area_under_roc, clopper_pearson, error_curve
from faceprint.train.data import PreparedDataset, Split, read_split
from faceprint.train.folders import RunFolder
from faceprint.train.sampling import Pairs
from faceprint.train.tasks.base import IntArray
from faceprint.train.tasks.pairs import part_pairs, score_pairs
from faceprint.train.teachers import recut
from faceprint.types import Embedder, FloatArray
from machine import describe_machine, write_csv

console = Console()
Vectors = Callable[[IntArray], FloatArray]
_COMPONENTS = 150
_THUMB = 4
_CROPS = 200


@dataclass(frozen=True)
class Pairing:
    """Pairs to choose the threshold by, and those to report, as rows of the dataset."""

    validation: Pairs
    test: Pairs


def main(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    prepared: Annotated[Path, typer.Option(help="The prepared LFW that the runs were made on.")],
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    embedders: Annotated[
        list[str] | None, typer.Option("--embedder", help="Models to set beside the runs.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures runs on pairsDevTest."""
    machine = describe_machine()
    dataset = PreparedDataset(prepared)
    split = read_split(RunFolder(runs[0]).path / "split.json")
    pairing = Pairing(_validation(dataset, split), _reported(dataset, data / "lfw"))
    rows = [
        row | machine
        for row in (
            *_pixels(dataset, split, pairing),
            *_ready_made(embedders or ["sface"], dataset, pairing),
            *(row for run in runs for row in _run(run, dataset, pairing)),
        )
    ]
    table = Table("what", "by", "accuracy", "95 %", "AUC", "misses at 1 %", "ms a crop", "minutes")
    names = (
        "what",
        "by",
        "accuracy",
        "accuracy_low",
        "auc",
        "fnmr_at_1e-2",
        "ms_per_crop",
        "minutes",
    )
    for row in rows:
        table.add_row(*(str(row[name]) for name in names))
    console.print(table)
    if out is not None:
        write_csv(out, rows)


def _validation(dataset: PreparedDataset, split: Split) -> Pairs:
    rows = split.rows(dataset, "validation")
    found = part_pairs(dataset, rows, count=2000, seed=0)
    return Pairs(rows[found.first], rows[found.second], found.genuine)


def _reported(dataset: PreparedDataset, root: Path) -> Pairs:
    """The pairs of pairsDevTest."""
    listed = read_lfw(root, view=1)
    place = {name: row for row, name in enumerate(dataset.names)}
    rows = np.array([place[f"{photo.parent.name}/{photo.name}"] for photo in listed.photos])
    return Pairs(rows[listed.first], rows[listed.second], listed.same)


def _pixels(
    dataset: PreparedDataset, split: Split, pairing: Pairing
) -> Iterator[dict[str, object]]:
    """The baseline that learns nothing of faces: principal components of the pixels, whitened."""

    def thumbs(rows: IntArray) -> FloatArray:
        grey = dataset.read(rows).mean(axis=3, dtype=np.float32)[:, ::_THUMB, ::_THUMB]
        flat: FloatArray = grey.reshape(len(rows), -1)
        even: FloatArray = (flat - flat.mean(axis=1, keepdims=True)) / flat.std(
            axis=1, keepdims=True
        )
        return even

    model = PCA(_COMPONENTS, whiten=True, random_state=0).fit(thumbs(split.rows(dataset, "train")))

    def vectors(rows: IntArray) -> FloatArray:
        found: FloatArray = model.transform(thumbs(rows)).astype(np.float32)
        return found

    scores = [
        score_pairs(*_compact(pairs, vectors)) for pairs in (pairing.validation, pairing.test)
    ]
    yield _row("PCA and whitening of pixels", "cosine", scores, pairing)


def _ready_made(
    names: Sequence[str], dataset: PreparedDataset, pairing: Pairing
) -> Iterator[dict[str, object]]:
    for name in names:
        with Faceprint(embedder=name, create_gallery=False) as faces:
            yield from _embedder(name, faces.models.embedder, dataset, pairing)


def _run(run: Path, dataset: PreparedDataset, pairing: Pairing) -> Iterator[dict[str, object]]:
    folder = RunFolder(run)
    epochs = folder.rows()
    facts: dict[str, object] = {
        "recipe": folder.recipe().name,
        "epochs": len(epochs),
        "minutes": f"{sum(float(epoch['seconds']) for epoch in epochs) / 60:.1f}",
    }
    path = f"{run}/" if "/" in str(run) else f"./{run}"
    with Faceprint(embedder=path, create_gallery=False) as faces:
        for row in _embedder(run.name, faces.models.embedder, dataset, pairing):
            yield row | facts
        if not (folder.model / "head.onnx").exists():
            return
        head = faces.models.pair_head
        assert head is not None
        embed = _embed_with(faces.models.embedder, dataset)
        scores = []
        for pairs in (pairing.validation, pairing.test):
            vectors, local = _compact(pairs, embed)
            scores.append(head.probabilities(vectors[local.first], vectors[local.second]))
        yield _row(run.name, "classifier of pairs", scores, pairing) | facts


def _embedder(
    name: str, embedder: Embedder, dataset: PreparedDataset, pairing: Pairing
) -> Iterator[dict[str, object]]:
    embed = _embed_with(embedder, dataset)
    scores = [score_pairs(*_compact(pairs, embed)) for pairs in (pairing.validation, pairing.test)]
    crops = recut(dataset.read(np.arange(_CROPS)), alignment=dataset.alignment, embedder=embedder)
    took = []
    for _ in range(3):
        start = time.perf_counter()
        embedder.embed(crops)
        took.append((time.perf_counter() - start) / _CROPS * 1e3)
    yield _row(name, "cosine", scores, pairing) | {"ms_per_crop": f"{min(took):.2f}"}


def _embed_with(embedder: Embedder, dataset: PreparedDataset) -> Vectors:
    def embed(rows: IntArray) -> FloatArray:
        parts = [
            embedder.embed(
                recut(dataset.read(some), alignment=dataset.alignment, embedder=embedder)
            ).vectors
            for some in np.array_split(rows, max(1, len(rows) // 64))
        ]
        return np.concatenate(parts)

    return embed


def _compact(pairs: Pairs, vectors: Vectors) -> tuple[FloatArray, Pairs]:
    """The vectors of the photos of pairs, each once, and the pairs as rows of these."""
    rows, places = np.unique(np.stack([pairs.first, pairs.second]), return_inverse=True)
    first, second = places.reshape(2, -1)
    return vectors(rows), Pairs(first, second, pairs.genuine)


def _row(what: str, by: str, scores: Sequence[FloatArray], pairing: Pairing) -> dict[str, object]:
    validation, test = scores
    same, other = validation[pairing.validation.genuine], validation[~pairing.validation.genuine]
    curve = error_curve(same, other)
    threshold = curve.thresholds[int(np.argmin(curve.fmr + curve.fnmr))]
    truth = pairing.test.genuine
    wrong = int(((test >= threshold) != truth).sum())
    low, high = clopper_pearson(wrong, len(test))
    measured = error_curve(test[truth], test[~truth])
    return {
        "what": what,
        "by": by,
        "recipe": "",
        "pairs": len(test),
        "accuracy": f"{1 - wrong / len(test):.4f}",
        "accuracy_low": f"{1 - high:.4f}",
        "accuracy_high": f"{1 - low:.4f}",
        "auc": f"{area_under_roc(test[truth], test[~truth]):.4f}",
        "fnmr_at_1e-2": f"{measured.fnmr_at(1e-2):.4f}",
        "ms_per_crop": "",
        "epochs": "",
        "minutes": "",
    }


if __name__ == "__main__":
    typer.run(main)
