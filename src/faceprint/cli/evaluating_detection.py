"""The command that measures a detector on photos with labelled faces: evaluate detection."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from faceprint.cli.figures import ending, print_figures
from faceprint.cli.options import DetectorOption, JsonOption, ThoroughOption, open_faceprint
from faceprint.cli.output import escape, out, print_json, progress, table

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command to `faceprint evaluate`."""
    app.command()(detection)


def detection(
    layout: Annotated[
        Literal["voc", "wider", "fddb"],
        typer.Argument(
            help="How the labels are written: Pascal VOC XML files, WIDER FACE, or FDDB ellipses."
        ),
    ],
    root: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the set.")],
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Labels, if not where the publisher of the set puts them."
        ),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--class",
            metavar="NAME",
            help="voc: only these objects are faces, others are ignored; repeatable.",
        ),
    ] = None,
    detector: DetectorOption = None,
    thorough: ThoroughOption = False,
    dataset: Annotated[str | None, typer.Option(help="What to call the set.")] = None,
    cache: Annotated[
        bool,
        typer.Option(help="Keep what is found for the next run, by the content of each photo."),
    ] = True,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write a report: curves, tables, the worst misses and finds.",
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Measure a detector on photos with labelled faces.

    Photos that cannot be read count, with their faces missed. A run that was interrupted continues.

    Example: faceprint evaluate detection voc --root photos/ --detector mtcnn --out report/
    """
    from faceprint.evaluate.detection import detection_report, evaluate_detection, read_set
    from faceprint.evaluate.detection.reporting import set_name
    from faceprint.evaluate.environment import describe_environment
    from faceprint.evaluate.report import check_report_folder, write_report

    if out_dir is not None:
        check_report_folder(out_dir)
    labelled = read_set(layout, root, annotations=annotations, classes=classes or ())
    with open_faceprint(detector=detector) as faceprint:
        folder = faceprint.settings.cache / "evaluation" if cache else None
        with (
            ending("looking for faces", cache=cache),
            progress("Photos", total=len(labelled.photos), show=not json) as step,
        ):
            result = evaluate_detection(
                faceprint, labelled, thorough=thorough, cache=folder, progress=step
            )
        environment = describe_environment(
            faceprint,
            command=["faceprint", *sys.argv[1:]],
            dataset=dataset or set_name(layout, root),
            digest=labelled.digest,
            root=root,
            photos=result.photos,
            failures=len(result.failures),
            models={"detector": result.detector},
            settings={"thorough": thorough},
        )
    report = detection_report(result, environment)
    written = None if out_dir is None else write_report(report, out_dir)
    if json:
        print_json(result)
        return 0
    print_figures(report, written)
    _print_parts(result.to_dict())
    return 0


def _print_parts(record: dict[str, Any]) -> None:
    rows = table("faces of", "#count", "#recall", "#precision", "#AP at IoU 0.5")
    for part in (*record["sizes"], *record["subsets"], *record["labels"]):
        measured = (part["recall"], part["precision"], part["average_precision"])
        cells = (
            "-" if one is None or one["value"] is None else f"{one['value']:.1%}"
            for one in measured
        )
        rows.add_row(escape(part["name"]), f"{part['faces']:,}", *cells)
    out.print(rows)
