"""Verification accuracy on LFW view 1: thresholds from the training pairs, figures on the test pairs.

    python benchmarks/lfw_view1.py --data ../shared/data --out benchmarks/lfw_view1.csv

The same figures as `faceprint evaluate verification lfw --view 1`, for many models in one table. Two kinds
of thresholds: the one that is most accurate on pairsDevTrain, and those that the shipped calibration gives
for false match rates of 1e-3 and 1e-4. Where a photo shows several faces, the one nearest its middle counts,
as LFW's labels mean it. A photo without a face matches nothing. Models whose weights are not here are listed
as not run. What is timed: all photos of both lists from disk to embeddings, and the figures.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from faceprint import Faceprint, FaceprintError
from faceprint.evaluate.photos import embed_photos
from faceprint.evaluate.protocols import PairList, read_lfw
from faceprint.evaluate.verification import VerificationResult, evaluate_verification
from faceprint.match import Rate
from machine import describe_machine, write_csv

console = Console()


@dataclass(frozen=True)
class Variant:
    """Settings to measure; `refine` improves YuNet's landmarks, `flip` averages with mirror images."""

    detector: str
    embedder: str
    refine: bool = True
    flip: bool = False


VARIANTS = (
    Variant("yunet", "sface"),
    Variant("yunet", "fusion"),
    Variant("yunet", "sface", refine=False),
    Variant("yunet", "sface", flip=True),
    Variant("mtcnn", "sface"),
    Variant("yunet", "retail-0095"),
    Variant("yunet", "mobilefacenet"),
)
RATES = {1e-3: "1e-3", 1e-4: "1e-4"}


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures all variants whose weights are here."""
    machine = describe_machine()
    pairs = read_lfw(data / "lfw", view=1)
    columns = ("accuracy", "misses at 1e-3", "at 1e-4", "no face", "seconds")
    table = Table("detector", "embedder", "refine", "flip", *columns)
    rows = []
    for variant in VARIANTS:
        names = [str(value) for value in asdict(variant).values()]
        try:
            result, seconds = measure(variant, pairs)
        except FaceprintError as error:
            console.print(f"{' '.join(names)}: not run: {error}")
            continue
        row = asdict(variant) | figures(result) | {"seconds": round(seconds, 1)}
        shown = ("test_accuracy", "test_fnmr_at_1e-3", "test_fnmr_at_1e-4", "photos_without_face")
        table.add_row(*names, *(str(row[name]) for name in shown), str(row["seconds"]))
        rows.append(row | machine)
        if out is not None:
            write_csv(out, rows)  # each time, so that a run that is broken off leaves what it has
    console.print(table)


def measure(variant: Variant, pairs: PairList) -> tuple[VerificationResult, float]:
    """The figures of one variant, and the seconds that they took once the models were loaded."""
    with Faceprint(**asdict(variant)) as faceprint:
        faceprint.embed(pairs.photos[0])
        began = perf_counter()
        embeddings = embed_photos(faceprint, pairs.photos)
        calibration = faceprint.models.calibration
        result = evaluate_verification(pairs, embeddings, calibration=calibration)
        return result, perf_counter() - began


def figures(result: VerificationResult) -> dict[str, object]:
    """What the CSV says of a result; blank where a model has no calibration."""
    found, train = result.figures, result.pairs.train
    if found.accuracy is None or train is None:
        raise typer.BadParameter("The training pairs are missing.")
    scores = result.embeddings.scores(train.first, train.second)
    (threshold,) = found.accuracy.thresholds
    row: dict[str, object] = {
        "train_pairs": len(train.same),
        "test_pairs": found.genuine_count + found.impostor_count,
        "photos": len(result.pairs.photos),
        "photos_without_face": len(result.embeddings.failures),
        "best_threshold_on_train": round(threshold, 4),
        "train_accuracy": round(float(((scores >= threshold) == train.same).mean()), 4),
        "test_accuracy": round(found.accuracy.value, 4),
        "test_accuracy_low": round(found.accuracy.low, 4),
        "test_accuracy_high": round(found.accuracy.high, 4),
        "test_eer": round(found.eer.value, 4),
        "test_d_prime": round(found.d_prime.value, 2),
    }
    points = {point.threshold.asked_fmr: point for point in found.product}
    for rate, name in RATES.items():
        point = points.get(rate)
        row[f"threshold_at_{name}"] = round(point.threshold.score, 4) if point else ""
        row |= described(f"test_fnmr_at_{name}", point.fnmr if point else None)
        row |= described(f"test_fmr_at_{name}", point.fmr if point else None)
    return row


def described(name: str, rate: Rate | None) -> dict[str, object]:
    """A rate and its interval; blank where there is none."""
    if rate is None:
        return {name: "", f"{name}_low": "", f"{name}_high": ""}
    values = {name: rate.value, f"{name}_low": rate.low, f"{name}_high": rate.high}
    return {key: round(value, 4) for key, value in values.items()}


if __name__ == "__main__":
    typer.run(main)
