"""What each stage of a cascade took to train, and what it lets pass; the file of the cascade says so itself.

    python benchmarks/cascade_stages.py --out benchmarks/cascade_stages.csv

The shipped one was trained by `faceprint train viola-jones --data lfw/ --people lfw/peopleDevTrain.txt
--backgrounds negatives/ --out local/runs/viola-jones`; the machine of the CSV is the one that trained it.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from faceprint.detect.viola_jones.cascade import read_cascade
from machine import describe_machine, write_csv

_SHIPPED = resources.files("faceprint.detect") / "weights" / "viola-jones.json"


def main(
    out: Annotated[Path, typer.Option()],
    cascade: Annotated[Path, typer.Option()] = Path(str(_SHIPPED)),
) -> None:
    """Writes a row for each stage, and one for all."""
    machine = describe_machine()
    faces = backgrounds = 1.0
    rows = []
    stages = read_cascade(cascade).stages
    for number, stage in enumerate(stages, 1):
        faces *= stage.detection_rate
        backgrounds *= stage.false_positive_rate
        rows.append(
            {
                "stage": number,
                "features": len(stage.stumps),
                "faces_pass": round(stage.detection_rate, 5),
                "faces_pass_so_far": round(faces, 5),
                "backgrounds_pass": round(stage.false_positive_rate, 5),
                "backgrounds_pass_so_far": f"{backgrounds:.3g}",
                "windows_seen": stage.windows_seen,
                "seconds": stage.seconds,
                "cpu_seconds": stage.cpu_seconds,
            }
        )
    rows.append(
        {
            **rows[-1],
            "stage": "all",
            "features": sum(len(stage.stumps) for stage in stages),
            "faces_pass": "",
            "backgrounds_pass": "",
            "windows_seen": sum(stage.windows_seen for stage in stages),
            "seconds": round(sum(stage.seconds for stage in stages), 1),
            "cpu_seconds": round(sum(stage.cpu_seconds for stage in stages), 1),
        }
    )
    write_csv(out, [row | machine for row in rows])


if __name__ == "__main__":
    typer.run(main)
