"""Commands that train: train, recipes."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from faceprint.cli.options import JsonOption
from faceprint.cli.output import err, escape, out, print_json, progress, table
from faceprint.cli.training_detectors import DetectorRun, train_detector

__all__ = ["register"]

_STOPPED = 130


def register(app: typer.Typer) -> None:
    """Adds the commands to `faceprint`."""
    app.command()(train)
    app.command()(recipes)


def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A recipe's name (faceprint recipes), or a file."),
    ],
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR",
            help="What `faceprint data prepare` wrote; for detectors a folder of photos, repeatable.",
        ),
    ],
    out_dir: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder of the run; a new one.")
    ],
    split: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="What `faceprint data split` wrote; else 60/20/20, by person where known.",
        ),
    ] = None,
    more: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="More photos to train on, with their labels, without their people; repeatable.",
        ),
    ] = None,
    backgrounds: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="Detectors: a folder of photos without faces; repeatable."
        ),
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Detectors: only photos of the people listed here."),
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change the recipe, as in epochs=5; repeatable."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out after its last epoch.")
    ] = False,
    devices: Annotated[
        str, typer.Option(metavar="auto|cpu|N", help="Where to train: a GPU if any, or N of them.")
    ] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="Threads that load photos.")] = 2,
    json: JsonOption = False,
) -> int:
    """Train what a recipe says: a network on prepared photos, or a detector on photos as they are.

    Writes curves, a report with the figures of people not seen, and the model, ready for `models add`.

    Example: faceprint train arcface --data prepared/lfw --split split.json --out runs/mine

    Example: faceprint train viola-jones --data lfw/ --backgrounds no-faces/ --out runs/cascade
    """
    from faceprint.errors import MissingExtraError
    from faceprint.train.recipes import Recipe, read_any_recipe

    chosen = read_any_recipe(recipe, changes=changes or ())
    if not isinstance(chosen, Recipe):
        _refuse(recipe, {"--split": split, "--more": more})
        return train_detector(
            chosen,
            DetectorRun(
                data=tuple(data),
                backgrounds=tuple(backgrounds or ()),
                people=people,
                out=out_dir,
                resume=resume,
                devices=_devices(devices),
                threads=threads,
            ),
            json=json,
        )
    _refuse(recipe, {"--backgrounds": backgrounds, "--people": people})
    if len(data) > 1:
        raise typer.BadParameter(f"the recipe {recipe} takes one --data; give others with --more")
    try:
        from faceprint.train.launch import RunRequest, launch
    except ImportError as error:
        raise MissingExtraError("Training", extra="train") from error
    from faceprint.cli.options import open_faceprint

    request = RunRequest(
        data=data[0],
        out=out_dir,
        split=split,
        more=tuple(more or ()),
        resume=resume,
        devices=_devices(devices),
        threads=threads,
        bar=not json and err.is_terminal,
        command=shlex.join(["faceprint", *sys.argv[1:]]),
    )
    if not json:
        err.print(f"{escape(chosen.name)}: {escape(chosen.summary)}")
    try:
        with (
            open_faceprint(create_gallery=False) as faceprint,
            progress("Photos embedded", total=None, show=not json) as step,
        ):
            run = launch(chosen, request, faceprint, progress=step)
    except KeyboardInterrupt as stopped:
        err.print(
            "Stopped. What was trained up to the last whole epoch is kept: the same command with --resume "
            "goes on from there."
        )
        raise SystemExit(_STOPPED) from stopped
    if json:
        from faceprint.evaluate.report.json_ import plain

        print_json(
            {
                "run": str(out_dir),
                "model": str(run.folder.model),
                "start": run.start,
                "epochs": run.epochs,
                "best_epoch": run.best_epoch,
                "figures": plain(run.report.figures),
            }
        )
        return 0
    from faceprint.cli.figures import print_figures

    print_figures(run.report, hint=False)
    out.print(f"Report: {escape(str(run.folder.report / 'report.html'))}")
    out.print(f"Model: {escape(str(run.folder.model))}")
    out.print(f"To use it: faceprint models add {escape(str(run.folder.model))}")
    return 0


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them, to see in full.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """The recipes that come with faceprint; one in full, to change and train with.

    Example: faceprint recipes arcface > mine.toml
    """
    from faceprint.train.recipes import read_any_recipe, recipe_names, recipe_text

    if name is not None:
        found = read_any_recipe(name)
        if json:
            print_json(found.model_dump(mode="json"))
        else:
            typer.echo(recipe_text(name), nl=False)
        return 0
    known = [read_any_recipe(one) for one in recipe_names()]
    if json:
        print_json([one.model_dump(mode="json") for one in known])
        return 0
    rows = table("name", "task", "what it does")
    for one in known:
        rows.add_row(one.name, one.task, escape(one.summary))
    out.print(rows)
    return 0


def _refuse(recipe: str, given: dict[str, object]) -> None:
    for option, value in given.items():
        if value:
            raise typer.BadParameter(f"the recipe {recipe} takes no {option}")


def _devices(text: str) -> str:
    if text not in ("auto", "cpu") and not (text.isdecimal() and int(text) > 0):
        raise typer.BadParameter(f"expected auto, cpu or a number of GPUs, got {text!r}")
    return text
