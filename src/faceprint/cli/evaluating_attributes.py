"""The command that measures estimated age and gender on labelled photos: evaluate attributes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from faceprint.cli.figures import ending, print_figures
from faceprint.cli.options import DetectorOption, JsonOption, open_faceprint
from faceprint.cli.output import err, print_json, progress

__all__ = ["register"]

_MODELS = ("dlib-age", "dlib-gender")


def register(app: typer.Typer) -> None:
    """Adds the command to `faceprint evaluate`."""
    app.command()(attributes)


def attributes(
    root: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Photos with names like UTKFace's: AGE_SEX_x_DATE.jpg; x is not read.",
        ),
    ],
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="Attribute model; repeatable. Default: dlib-age, dlib-gender.",
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Draw at most so many photos by chance.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Equal seeds draw the same photos.")] = 0,
    detector: DetectorOption = None,
    dataset: Annotated[str | None, typer.Option(help="What to call the photos.")] = None,
    cache: Annotated[
        bool, typer.Option(help="Keep estimates for the next run, by the content of each photo.")
    ] = True,
    out_dir: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Write a report: figures by age and sex, curves."
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Measure estimated age, and gender from appearance against sex as labelled.

    Copies of a photo are left out, photos without a face are counted, and ethnicity is neither read nor told.

    Example: faceprint evaluate attributes --root utkface/ --limit 1500 --out report/
    """
    from faceprint.evaluate.attributes import attributes_report, evaluate_attributes, read_utkface
    from faceprint.evaluate.environment import describe_environment
    from faceprint.evaluate.report import check_report_folder, write_report

    if out_dir is not None:
        check_report_folder(out_dir)
    names = tuple(models or _MODELS)
    with open_faceprint(detector=detector) as faceprint:
        folder = faceprint.settings.cache / "evaluation" if cache else None
        with ending("looking at photos", cache=cache):
            aged = read_utkface(root, limit=limit, seed=seed)
            with progress("Photos", total=len(aged.photos), show=not json) as step:
                result = evaluate_attributes(faceprint, aged, names, cache=folder, progress=step)
        environment = describe_environment(
            faceprint,
            command=["faceprint", *sys.argv[1:]],
            dataset=dataset or f"{root.resolve().name} (UTKFace)",
            digest=aged.digest,
            root=root,
            photos=result.drawn,
            failures=len(result.failures),
            models={"detector": result.detector}
            | {f"attributes {place}": name for place, name in enumerate(names, 1)},
            settings={"limit": limit, "seed": seed},
        )
    report = attributes_report(result, environment)
    written = None if out_dir is None else write_report(report, out_dir)
    if json:
        print_json(result)
        return 0
    print_figures(report, written)
    left_out = sum(map(len, result.conflicts))
    err.print(
        f"{result.duplicates} copies and {left_out} photos whose copies are labelled otherwise were left out."
    )
    return 0
