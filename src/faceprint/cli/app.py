"""The command tree, and what happens to errors."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from faceprint import __version__
from faceprint.cli import (
    analysing,
    anonymise,
    auditing,
    calibrating,
    comparing,
    data,
    data_looking,
    doctor,
    enrolling,
    evaluating,
    evaluating_attributes,
    evaluating_detection,
    explaining,
    faces,
    identifying_video,
    models,
    people,
    predicting,
    segmenting,
    serving,
    training,
    video,
    watch,
)
from faceprint.cli.output import err, print_error, print_json
from faceprint.errors import FaceprintError

__all__ = ["app", "run"]

_INTERRUPTED = 130
_KEPT = "Interrupted. What was finished is kept."

app = typer.Typer(
    name="faceprint",
    help="Find the faces in photos and videos, say who they are, and measure how far to trust it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
faces.register(app)
analysing.register(app)
segmenting.register(app)
enrolling.register(app)
identifying_video.register(video.app)
app.add_typer(
    video.app,
    name="video",
    help="Videos: who is in them, and their frames. Example: faceprint video identify talk.mp4",
)
watch.register(app)
anonymise.register(app)
app.add_typer(
    people.app, name="people", help="The people in the gallery. Example: faceprint people list"
)
app.add_typer(
    models.app,
    name="models",
    help="Models and their terms. Example: faceprint models list",
)
calibrating.register(app)
auditing.register(app)
evaluating_detection.register(evaluating.app)
evaluating_attributes.register(evaluating.app)
comparing.register(evaluating.app)
app.add_typer(
    evaluating.app,
    name="evaluate",
    help="Measure accuracy. Example: faceprint evaluate verification lfw --root lfw/ --out report",
)
data_looking.register(data.app)
app.add_typer(
    data.app,
    name="data",
    help="Data to train on. Example: faceprint data prepare lfw/ --out prepared/lfw",
)
training.register(app)
predicting.register(app)
explaining.register(app)
serving.register(app)
doctor.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"faceprint {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Takes the options that stand before a command."""


def run() -> None:
    """Runs the command line and exits; errors become one line and exit code 2."""
    as_json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
        if code == _INTERRUPTED:
            err.print(_KEPT)
    except FaceprintError as error:
        print_error(error, as_json=as_json)
        code = 2
    except typer.TyperException as error:
        if as_json:
            message = getattr(error, "format_message", error.__str__)()
            print_json({"error": {"code": "usage", "message": message}})
        else:
            getattr(error, "show", error.__repr__)()
        code = 2
    except (typer.Abort, KeyboardInterrupt):
        err.print(_KEPT)
        code = _INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    except Exception as error:
        logging.getLogger("faceprint").debug("unexpected", exc_info=True)
        what = f"{type(error).__name__}: {error}"
        print_error(
            FaceprintError(
                f"Something went wrong that was not foreseen: {what}. Please report it."
            ),
            as_json=as_json,
        )
        code = 2
    sys.exit(code if isinstance(code, int) else 0)
