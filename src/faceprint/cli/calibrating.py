"""The command that calibrates a detector and an embedder on photos with names."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from faceprint.cli.options import DetectorOption, EmbedderOption, JsonOption, open_faceprint
from faceprint.cli.output import err, escape, out, print_json, progress, table
from faceprint.match import save_calibration
from faceprint.pipeline.calibrating import calibrate as calibrate_faces
from faceprint.pipeline.calibrating import embed_folders, read_people_list

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(calibrate)


def calibrate(
    folder: Annotated[Path, typer.Argument(help="Photos with names: one subfolder per person.")],
    people: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only the people named in this list.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="What to call the photos. Default: the folder's name.")
    ] = None,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write the table there. Default: for your own use."
        ),
    ] = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    json: JsonOption = False,
) -> int:
    """Measure thresholds: every photo is compared with every other.

    The table goes where faceprint finds it, and is used from then on in place of the shipped one.

    Example: faceprint calibrate photos/ --embedder mobilefacenet
    """
    names = None if people is None else read_people_list(people)
    with (
        open_faceprint(detector=detector, embedder=embedder) as faceprint,
        progress("Photos", total=None, show=not json) as step,
    ):
        faces = embed_folders(faceprint, folder, people=names, progress=step)
        result = calibrate_faces(
            faceprint,
            faces,
            dataset=dataset or folder.resolve().name,
            command=["faceprint", *sys.argv[1:]],
        )
        target = out_dir or faceprint.settings.weights.parent / "calibrations"
        path = save_calibration(result, target)
    if json:
        print_json(asdict(result) | {"path": str(path)})
        return 0
    rows = table("#FMR", "#threshold", "95 % interval", "#FNMR")
    for point in result.points:
        interval = f"{point.low:.3f} to {point.high:.3f}"
        rows.add_row(f"{point.fmr:g}", f"{point.score:.3f}", interval, f"{point.fnmr:.2%}")
    out.print(rows)
    out.print(
        f"{result.people} people, {result.photos} photos, {result.impostor_count} impostor pairs, "
        f"{result.genuine_count} genuine; written to {escape(str(path))}"
    )
    if result.failures:
        err.print(f"{result.failures} photos gave no face and are left out.")
    return 0
