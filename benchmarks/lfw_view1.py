"""Verification accuracy on LFW view 1: thresholds from the training pairs, figures on the test pairs.

    python benchmarks/lfw_view1.py --data ../shared/data --out benchmarks/lfw_view1.csv

Two kinds of thresholds: the one that is most accurate on pairsDevTrain, and those that the shipped
calibration gives for false match rates of 1e-3 and 1e-4. Where a photo shows several faces, the one
nearest its middle counts, as LFW's labels mean it. A photo without a face counts as an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from faceprint import Faceprint, FaceprintError, Failure
from faceprint.match import clopper_pearson
from faceprint.pipeline.choose import central_face
from faceprint.types import FloatArray
from machine import describe_machine, write_csv

console = Console()
VARIANTS = (
    ("yunet", "sface", False),
    ("yunet", "sface", True),
    ("mtcnn", "sface", False),
    ("mtcnn", "sface", True),
    ("yunet", "mobilefacenet", False),
    ("yunet", "retail-0095", False),
    ("dlib-hog", "sface", False),
)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of photos, as indices into a list of photos, and whether they show one person."""

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures all variants whose weights are here."""
    machine = describe_machine()
    root = data / "lfw"
    photos: dict[Path, int] = {}
    train = read_pairs(root, "pairsDevTrain.txt", photos)
    test = read_pairs(root, "pairsDevTest.txt", photos)
    table = Table(
        "detector", "embedder", "flip", "test accuracy", "FNMR at 1e-3", "at 1e-4", "no face"
    )
    rows = []
    for detector, embedder, flip in VARIANTS:
        try:
            figures = measure(detector, embedder, flip, list(photos), train, test)
        except FaceprintError as error:
            console.print(f"{detector} {embedder}: not run: {error}")
            continue
        rows.append({"detector": detector, "embedder": embedder, "flip": flip} | figures | machine)
        names = ("test_accuracy", "test_fnmr_at_1e-3", "test_fnmr_at_1e-4", "photos_without_face")
        table.add_row(detector, embedder, str(flip), *(str(figures[name]) for name in names))
    console.print(table)
    if out is not None:
        write_csv(out, rows)


def read_pairs(root: Path, name: str, photos: dict[Path, int]) -> Pairs:
    """The pairs of a file of LFW view 1; photos are numbered as they come."""
    rows = []
    for words in (line.split() for line in (root / name).read_text("utf-8").splitlines()):
        if len(words) not in (3, 4):
            continue
        other = words[0] if len(words) == 3 else words[2]
        pair = [(words[0], words[1]), (other, words[-1])]
        paths = [root / who / f"{who}_{int(number):04d}.jpg" for who, number in pair]
        indices = [photos.setdefault(path, len(photos)) for path in paths]
        rows.append((*indices, len(words) == 3))
    first, second, same = np.array(rows).T
    return Pairs(first, second, same.astype(bool))


def measure(
    detector: str, embedder: str, flip: bool, photos: list[Path], train: Pairs, test: Pairs
) -> dict[str, object]:
    """The figures of one variant."""
    with Faceprint(detector=detector, embedder=embedder, flip=flip) as faceprint:
        vectors = embed(faceprint, photos)
        calibration = faceprint.models.calibration
    lost = int(np.isnan(vectors[:, 0]).sum())
    train_scores, test_scores = scores(vectors, train), scores(vectors, test)
    candidates = np.unique(train_scores[~np.isnan(train_scores)])
    train_accuracies = [accuracy(train_scores, train.same, t) for t in candidates]
    best = float(candidates[int(np.argmax(train_accuracies))])
    right = int(((test_scores >= best) == test.same).sum())
    low, high = clopper_pearson(right, len(test.same))
    figures: dict[str, object] = {
        "train_pairs": len(train.same),
        "test_pairs": len(test.same),
        "photos": len(photos),
        "photos_without_face": lost,
        "best_threshold_on_train": round(best, 4),
        "train_accuracy": round(max(train_accuracies), 4),
        "test_accuracy": round(right / len(test.same), 4),
        "test_accuracy_low": round(low, 4),
        "test_accuracy_high": round(high, 4),
    }
    for rate in (1e-3, 1e-4):
        figures |= at_rate(rate, calibration, test_scores, test.same)
    return figures


def at_rate(
    rate: float, calibration: object, found: FloatArray, same: np.ndarray
) -> dict[str, object]:
    """Errors on the test pairs at the threshold that the calibration gives for a false match rate."""
    name = f"{rate:.0e}".replace("e-0", "e-")
    if calibration is None:
        return {f"threshold_at_{name}": "", f"test_fnmr_at_{name}": "", f"test_fmr_at_{name}": ""}
    threshold = calibration.threshold(rate).score  # type: ignore[attr-defined]
    accepted = found >= threshold
    return {
        f"threshold_at_{name}": round(threshold, 4),
        f"test_fnmr_at_{name}": round(1 - float(accepted[same].mean()), 4),
        f"test_fmr_at_{name}": round(float(accepted[~same].mean()), 4),
    }


def embed(faceprint: Faceprint, photos: list[Path]) -> FloatArray:
    """One embedding a photo: (N, D) float32; NaN where no face was found."""
    vectors = np.full((len(photos), faceprint.models.dimension), np.nan, dtype=np.float32)
    for row, result in zip(vectors, faceprint.embed_many(photos), strict=True):
        if isinstance(result, Failure):
            raise typer.BadParameter(f"{result.image}: {result.message}")
        if (index := central_face(result.detection)) is not None:
            row[:] = result.embeddings.vectors[index]
    return vectors


def scores(vectors: FloatArray, pairs: Pairs) -> FloatArray:
    """Cosine similarity of each pair; NaN, which matches nothing, where a face is missing."""
    products: FloatArray = np.einsum("nd,nd->n", vectors[pairs.first], vectors[pairs.second])
    return products


def accuracy(found: FloatArray, same: np.ndarray, threshold: float) -> float:
    """Share of pairs on the right side of a threshold."""
    return float(((found >= threshold) == same).mean())


if __name__ == "__main__":
    typer.run(main)
