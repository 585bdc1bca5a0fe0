"""What worse photos do on LFW, and false matches by sex and age on UTKFace: at one threshold each.

    python benchmarks/audit.py --data ../shared/data --out benchmarks/audit.csv

The threshold is the shipped calibration's for an FMR of 1e-3. On LFW, people of pairsDevTest.txt with two
photos or more: one photo of each stays as it is, another is made worse. On UTKFace nobody knows who is
shown: each photo counts as a person of its own, and people who are shown twice make the FMR too high.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from faceprint import Faceprint
from faceprint.evaluate.audit import (
    AuditData,
    AuditResult,
    chosen_slices,
    draw_probes,
    evaluate_audit,
    read_faces,
    run_slices,
)
from faceprint.evaluate.audit.words import verdicts
from faceprint.evaluate.photos import EmbeddingCache, embed_photos
from machine import describe_machine, write_csv

console = Console()


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/ and utkface/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
    people: Annotated[int, typer.Option(help="Of LFW: how many at most are made worse.")] = 1000,
    faces: Annotated[int | None, typer.Option(help="Of UTKFace: how many photos.")] = None,
    fmr: Annotated[float, typer.Option(help="False match rate to ask for.")] = 1e-3,
) -> None:
    """Measures both with the default models."""
    machine = describe_machine()
    rows: list[dict[str, Any]] = []
    with Faceprint(create_gallery=False) as faceprint:
        models = {
            "detector": faceprint.settings.detector,
            "embedder": faceprint.settings.embedder,
            "asked_fmr": fmr,
        }
        rows += measure_slices(faceprint, read_lfw_people(data / "lfw"), people, fmr)
        rows += measure_groups(
            faceprint, read_faces(data / "utkface", by=["sex", "age_band"], limit=faces), fmr
        )
    if out is not None:
        write_csv(out, [models | row | machine for row in rows])


def read_lfw_people(root: Path) -> AuditData:
    """The photos of everybody in pairsDevTest.txt who has two here."""
    lines = (line.split() for line in (root / "pairsDevTest.txt").read_text("utf-8").splitlines())
    names = sorted({word for words in lines for word in words if not word.isdigit()})
    photos = {name: sorted((root / name).glob("*.jpg")) for name in names}
    kept = [name for name in names if len(photos[name]) > 1]
    return AuditData(
        name="LFW view 1, test",
        root=root,
        photos=tuple(photo for name in kept for photo in photos[name]),
        people=np.repeat(np.arange(len(kept)), [len(photos[name]) for name in kept]),
        names=tuple(kept),
        groupings=(),
        identified=True,
        notes=(),
    )


def measure_slices(
    faceprint: Faceprint, data: AuditData, people: int, fmr: float
) -> list[dict[str, Any]]:
    """A row for each level of each disturbance."""
    result, cache = evaluate(faceprint, data, fmr)
    probes = draw_probes(result.embeddings, data.people, count=people)
    slices = run_slices(
        faceprint,
        result.embeddings,
        probes,
        chosen_slices("all"),
        threshold=result.threshold.score,
        design=result.design,
        cache=cache,
    )
    rows = []
    for one in slices:
        shown = []
        for level in one.levels:
            rates = {"fnmr": level.fnmr, "fmr": level.fmr, "fte": level.fte}
            value = "" if level.level is None else level.level
            rows.append(row(data.name, one.name, value, len(probes.probes), rates))
            shown.append(f"{level.fnmr.value:.1%}")
        console.print(f"{one.name}: FNMR {', '.join(shown)}")
    return rows


def measure_groups(faceprint: Faceprint, data: AuditData, fmr: float) -> list[dict[str, Any]]:
    """A row for each group of each label."""
    result, _ = evaluate(faceprint, data, fmr)
    rows = []
    for audit in result.groups:
        for sentence in verdicts(audit):
            console.print(sentence)
        for group in audit.groups:
            rates = {"fnmr": group.fnmr, "fmr": group.fmr, "fte": group.fte}
            rows.append(row(data.name, audit.label, group.name, group.people, rates))
    return rows


def evaluate(
    faceprint: Faceprint, data: AuditData, fmr: float
) -> tuple[AuditResult, EmbeddingCache]:
    """The audit of the photos as they are."""
    cache = EmbeddingCache.of(faceprint)
    embeddings = embed_photos(faceprint, data.photos, cache=cache)
    calibration = faceprint.models.calibration
    return evaluate_audit(data, embeddings, calibration=calibration, fmr=fmr), cache


def row(
    dataset: str, what: str, value: object, people: int, rates: dict[str, Any]
) -> dict[str, Any]:
    """A line of the CSV; rates with their 95 % intervals."""
    found: dict[str, Any] = {"dataset": dataset, "by": what, "value": value, "people": people}
    for name, rate in rates.items():
        parts = ("value", "low", "high", "errors", "trials")
        found |= {
            name if part == "value" else f"{name}_{part}": ""
            if rate is None
            else round(getattr(rate, part), 6)
            for part in parts
        }
    return found


if __name__ == "__main__":
    typer.run(main)
