"""faceprint in place of face_recognition 1.3.0: the same program, timed side by side.

    pip install --no-deps face_recognition==1.3.0; pip install 'setuptools<82'
    python benchmarks/compat.py --data ../shared/data --out benchmarks/compat.csv

Both run in processes of their own, one after the other, in rounds, over the same LFW photos of 250 x 250
pixels; the slow detector gets the first few. What is timed starts after the models are loaded: seconds on
the clock, and of all cores together, which say more where other programs run beside. The ratios are those
within each round. Places must be equal, and no encoding may lie 1e-3 or more from its counterpart.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from machine import describe_machine, write_csv
from photos import lfw_photos

LIBRARIES = ("face_recognition", "faceprint")
SCRIPT = Path(__file__).with_name("compat_run.py")
SAME_DISTANCE = 1e-3


def main(
    data: Annotated[
        Path, typer.Option(help="Folder that holds lfw/.", envvar="FACEPRINT_DATA")
    ] = Path("../shared/data"),
    out: Annotated[Path | None, typer.Option(help="CSV to write.")] = None,
    photos: Annotated[int, typer.Option(help="LFW photos.")] = 100,
    slow_photos: Annotated[int, typer.Option(help="The first of them, for the CNN.")] = 5,
    rounds: Annotated[int, typer.Option(help="Rounds.")] = 3,
) -> None:
    """Times both, and compares what they give."""
    machine = describe_machine()
    paths = [str(path) for path in lfw_photos(data, photos)]
    results = [run_round(paths, paths[:slow_photos]) for _ in range(rounds)]
    rows = [describe(what, results) for what in results[0]["faceprint"]["seconds"]]
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console(width=250).print(table)
    if out is not None:
        write_csv(out, [row | machine for row in rows])


def run_round(photos: list[str], slow_photos: list[str]) -> dict[str, Any]:
    """What each library took and gave."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        asked, results = Path(folder) / "asked.json", Path(folder) / "results.json"
        asked.write_text(json.dumps({"photos": photos, "slow_photos": slow_photos}))
        for library in LIBRARIES:
            arguments = [sys.executable, str(SCRIPT), library, str(asked), str(results)]
            subprocess.run(arguments, check=True)
            found[library] = json.loads(results.read_text())
    return found


def describe(what: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    """One row: seconds of both, and how they differ."""
    clock, cores = (compare(what, results, which) for which in range(2))
    first = results[0]
    detector = "cnn" if what.endswith("cnn") else "hog"
    return {
        "what": what,
        "photos": len(first["faceprint"]["places"][detector == "cnn"]),
        "faces": first["faceprint"]["faces"][detector],
        "rounds": len(results),
        **{f"clock_{name}": value for name, value in clock.items()},
        **{f"cpu_{name}": value for name, value in cores.items()},
        "largest_distance": f"{largest_distance(first):.1e}",
        "face_recognition": metadata.version("face_recognition"),
        "dlib": metadata.version("dlib-bin"),
        "openvino": metadata.version("openvino").split("-")[0],
    }


def compare(what: str, results: list[dict[str, Any]], which: int) -> dict[str, float]:
    """Seconds of both, and how many times as fast faceprint was, round by round."""
    theirs, ours = (
        [result[library]["seconds"][what][which] for result in results] for library in LIBRARIES
    )
    ratios = [their / our for their, our in zip(theirs, ours, strict=True)]
    return {
        "face_recognition_s": round(median(theirs), 3),
        "faceprint_s": round(median(ours), 3),
        "times": round(median(ratios), 2),
        "times_least": round(min(ratios), 2),
        "times_most": round(max(ratios), 2),
    }


def largest_distance(result: dict[str, Any]) -> float:
    """Between the encodings of one face.

    Raises:
        ValueError: The libraries found different faces, or encoded one otherwise.
    """
    theirs, ours = (
        np.concatenate([np.reshape(some, (-1, 128)) for some in result[library]["encodings"]])
        for library in LIBRARIES
    )
    distances = np.linalg.norm(theirs - ours, axis=1).tolist()
    if max(distances) >= SAME_DISTANCE:
        raise ValueError(f"An encoding lies {max(distances):g} from that of face_recognition.")
    if result["face_recognition"]["places"] != result["faceprint"]["places"]:
        raise ValueError("The places of faces are not those of face_recognition.")
    return float(max(distances))


if __name__ == "__main__":
    typer.run(main)
