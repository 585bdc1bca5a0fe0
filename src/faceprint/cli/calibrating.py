"""The command that calibrates a detector and an embedder on photos with names."""

from __future__ import annotations

import sys
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from faceprint.cli.options import DetectorOption, EmbedderOption, JsonOption
from faceprint.cli.output import err, escape, out, print_json, progress, table
from faceprint.evaluate.cache import EmbeddingCache
from faceprint.evaluate.calibrating import CalibrationRun, Suspect, embed_folders, read_people_list
from faceprint.evaluate.calibrating import calibrate as calibrate_faces
from faceprint.match import Calibration, OperatingPoint, load_calibration, save_calibration
from faceprint.pipeline import Faceprint
from faceprint.pipeline.models import weight_store

__all__ = ["register"]

_NAMES_SHOWN = 5


class Method(StrEnum):
    """How likelihood ratios are fitted."""

    AUTO = "auto"
    ISOTONIC = "isotonic"
    LOGISTIC = "logistic"


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
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip",
            help="Average each embedding with that of the mirror image. Default: as in the settings.",
        ),
    ] = None,
    method: Annotated[
        Method,
        typer.Option(
            help="How scores become probabilities. auto: what does better on people left out."
        ),
    ] = Method.AUTO,
    suspects: Annotated[
        int, typer.Option(min=0, help="List so many pairs of each kind that may be mislabelled.")
    ] = 5,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Neither use nor keep embeddings of earlier runs.")
    ] = False,
    json: JsonOption = False,
) -> int:
    """Measure thresholds and probabilities: every photo is compared with every other.

    The table goes where faceprint finds it, and is used from then on in place of the shipped one.

    Example: faceprint calibrate photos/ --embedder mobilefacenet
    """
    names = None if people is None else read_people_list(people)
    given = {"detector": detector, "embedder": embedder, "flip": flip}
    overrides: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    with Faceprint(**overrides) as faceprint:
        with progress("Photos", total=None, show=not json) as step:
            cache = None if no_cache else EmbeddingCache.of(faceprint)
            faces = embed_folders(faceprint, folder, people=names, cache=cache, progress=step)
        run = calibrate_faces(
            faceprint,
            faces,
            dataset=dataset or folder.resolve().name,
            command=["faceprint", *sys.argv[1:]],
            method=method.value,
        )
        target = out_dir or faceprint.settings.weights.parent / "calibrations"
        shipped = load_calibration(
            run.calibration.detector,
            run.calibration.model_id,
            beside=weight_store(faceprint.settings).calibration_beside(faceprint.models.card()),
        )
    path = save_calibration(run.calibration, target)
    if json:
        print_json(_record(run, shipped, suspects) | {"path": str(path)})
        return 0
    _print_points(run.calibration, shipped)
    _print_limits(run.calibration, shipped, path)
    _print_searches(run.calibration)
    _print_suspects(run.suspects(suspects))
    result = run.calibration
    out.print(
        f"{result.people:,} people, {result.photos:,} photos, {result.impostor_count:,} impostor pairs, "
        f"{result.genuine_count:,} genuine; written to {escape(str(path))}"
    )
    _print_left_out(run)
    return 0


def _record(run: CalibrationRun, shipped: Calibration | None, suspects: int) -> dict[str, Any]:
    faces = run.faces
    return asdict(run.calibration) | {
        "supported_fmr": run.calibration.supported_fmr,
        "shipped": None if shipped is None else [asdict(point) for point in shipped.points],
        "suspects": [one.to_dict() for one in run.suspects(suspects)],
        "failed_photos": [failure.to_dict() for failure in faces.failures],
        "duplicate_photos": [failure.to_dict() for failure in faces.duplicates],
        "people_without_photos": list(faces.empty),
    }


def _print_points(result: Calibration, shipped: Calibration | None) -> None:
    columns = ["#FMR", "#threshold", "95 % interval", "#FNMR"]
    rows = table(*columns, *([] if shipped is None else ["#shipped"]))
    for point in result.points + (result.tail.points if result.tail else ()):
        supported = point.fmr >= result.supported_fmr
        cells = [
            f"{point.fmr:g}" if supported else f"(fitted) {point.fmr:g}",
            f"{point.score:.3f}",
            f"{point.low:.3f} to {point.high:.3f}",
            _misses(point),
        ]
        if shipped is not None:
            theirs = shipped.threshold(point.fmr)
            known = theirs.supported or theirs.extrapolated
            cells.append(f"{theirs.score:.3f}" if known else "")
        rows.add_row(*cells, style="" if supported else "dim")
    out.print(rows)


def _misses(point: OperatingPoint) -> str:
    if point.fnmr_low is None or point.fnmr_high is None:
        return f"{point.fnmr:.2%}"
    return f"{point.fnmr:.2%} ({100 * point.fnmr_low:.2f} to {100 * point.fnmr_high:.2f})"


def _print_limits(result: Calibration, shipped: Calibration | None, path: Path) -> None:
    line = f"The photos support false match rates down to {result.supported_fmr:g}."
    if result.tail is not None:
        line += " The fitted ones are a forecast, and not promised."
        if check := result.tail.check:
            line += (
                f" Its check: with the strictest decade hidden, it puts {check.fmr:g} at "
                f"{check.predicted:.3f}; measured is {check.measured:.3f}."
            )
    out.print(line)
    if shipped is not None and shipped.supported_fmr < result.supported_fmr:
        err.print(
            f"Mind: the table that comes with the model supports {shipped.supported_fmr:g}, and this one "
            f"takes its place. To go back, delete {escape(str(path))}"
        )
    if result.evidence is None:
        out.print("No probabilities: they need ten people with two photos or more.")
        return
    low, high = (
        10**end for end in (result.evidence.log10_ratios[0], result.evidence.log10_ratios[-1])
    )
    out.print(
        f"Likelihood ratios ({result.evidence.method}): from 1 to {1 / low:,.0f} against, to {high:,.0f} "
        f"to 1 for one person; on people left out, Cllr {result.evidence.cost:.3f} bits and calibration "
        f"error {result.evidence.calibration_error:.2%}."
    )


def _print_searches(result: Calibration) -> None:
    if not result.searches:
        out.print("Too few people to measure whole searches.")
        return
    title = "Searches for people who are not enrolled"
    columns = ["#people", "#templates", "#asked FPIR", "#measured", "95 % interval", "#FNIR"]
    rows = table(*columns, title=title)
    for point in result.searches:
        rows.add_row(
            f"{point.people:,}",
            f"{point.templates:,}",
            f"{point.fpir:.1%}",
            f"{point.measured_fpir:.2%}",
            f"{point.low:.2%} to {point.high:.2%}",
            "" if point.fnir is None else f"{point.fnir:.2%}",
        )
    out.print(rows)


def _print_suspects(suspects: tuple[Suspect, ...]) -> None:
    titles = {
        "impostor": "Two people, and very alike: one person in two folders?",
        "genuine": "One person, and very unlike: two people in one folder?",
    }
    for kind, title in titles.items():
        rows = table("#score", "photo", "photo", title=title)
        for one in suspects:
            if one.kind == kind:
                rows.add_row(f"{one.score:.3f}", *map(escape, one.photos))
        if rows.row_count:
            out.print(rows)


def _print_left_out(run: CalibrationRun) -> None:
    faces = run.faces
    if faces.failures:
        count = _counted(len(faces.failures), "photo", "photos")
        err.print(f"{count} gave no face, or could not be read: left out.")
    for failure in faces.duplicates[:_NAMES_SHOWN]:
        err.print(escape(failure.message))
    if (more := len(faces.duplicates) - _NAMES_SHOWN) > 0:
        err.print(f"And {_counted(more, 'more copy', 'more copies')}.")
    if faces.empty:
        shown = ", ".join(faces.empty[:_NAMES_SHOWN])
        rest = ", …" if len(faces.empty) > _NAMES_SHOWN else ""
        count = _counted(len(faces.empty), "person has", "people have")
        err.print(f"{count} no photos: {escape(shown)}{rest}")


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
