"""What a score threshold costs a detector: faces found, precision, and finds in photos without faces.

    python benchmarks/detection.py --data ../shared/data --out benchmarks/detection.csv

Labelled faces come from the Pascal VOC boxes of `detection/` (crowds, many masked, small background
faces partly unlabelled, so precision is a lower bound); `negatives/` are 58 photos without frontal
faces, a few of which hold distant or turned people.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from faceprint import Detection, Faceprint
from faceprint.geometry import iou_matrix
from faceprint.types import FloatArray
from machine import describe_machine, write_csv

console = Console()
LEVELS = (0.7, 0.75, 0.8, 0.85, 0.9)
OVERLAP = 0.4


def main(
    data: Annotated[
        Path, typer.Option(help="Folder of detection/ and negatives/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
) -> None:
    """Measures YuNet and MTCNN."""
    machine = describe_machine()
    photos = sorted((data / "detection").glob("*.jpg"))
    truths = [read_boxes(photo.with_suffix(".xml")) for photo in photos]
    negatives = sorted((data / "negatives").iterdir())
    rows = []
    table = Table("detector", "score", "recall", "precision", "finds in negatives")
    for detector in ("yunet", "mtcnn"):
        with Faceprint(detector=detector) as faceprint:
            found = list(faceprint.detect_many(photos))
            read = [r for r in faceprint.detect_many(negatives) if isinstance(r, Detection)]
        strays = np.array([face.score for result in read for face in result.faces])
        marks = np.concatenate([judge(r, t) for r, t in zip(found, truths, strict=True)])
        total = sum(map(len, truths))
        for level in LEVELS:
            kept = marks[marks[:, 0] >= level]
            figures: dict[str, object] = {
                "detector": detector,
                "score": level,
                "faces": total,
                "recall": round(float(kept[:, 1].sum()) / total, 4),
                "precision": round(float(kept[:, 1].mean()), 4) if len(kept) else "",
                "finds_in_negatives": int((strays >= level).sum()),
                "negatives": len(read),
            }
            rows.append(figures | machine)
            keys = ("detector", "score", "recall", "precision", "finds_in_negatives")
            table.add_row(*(str(figures[key]) for key in keys))
    console.print(table)
    if out is not None:
        write_csv(out, rows)


def read_boxes(path: Path) -> FloatArray:
    """Boxes of a Pascal VOC file: (N, 4) float32."""
    corners = ("xmin", "ymin", "xmax", "ymax")
    found = ElementTree.parse(path).getroot().iter("bndbox")
    rows = [[float(box.findtext(name) or 0) for name in corners] for box in found]
    return np.array(rows, dtype=np.float32).reshape(-1, 4)


def judge(result: object, truth: FloatArray, *, overlap: float = OVERLAP) -> FloatArray:
    """Score of each find and whether it is a labelled face that no better find took: (N, 2)."""
    if not isinstance(result, Detection):
        raise typer.BadParameter(f"unreadable photo: {result}")
    taken: set[int] = set()
    marks = []
    for face in result.faces:
        overlaps = iou_matrix(face.box[None], truth)[0] if len(truth) else np.zeros(1)
        best = int(overlaps.argmax())
        right = bool(overlaps[best] >= overlap) and best not in taken
        taken |= {best} if right else set()
        marks.append((face.score, float(right)))
    return np.array(marks, dtype=np.float32).reshape(-1, 2)


if __name__ == "__main__":
    typer.run(main)
