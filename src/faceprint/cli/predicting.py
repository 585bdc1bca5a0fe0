"""The command that tries a model on one pair of photos."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from faceprint.cli.faces import no_calibration, show_verification
from faceprint.cli.options import (
    DetectorOption,
    FmrOption,
    JsonOption,
    LargestOption,
    open_faceprint,
)
from faceprint.cli.output import err, escape, out, print_json
from faceprint.errors import InputError, OutputError, UnknownModelError
from faceprint.media import COLOURS, Mark, draw_faces, write_image
from faceprint.pipeline.models import weight_store
from faceprint.pipeline.predicting import PairPrediction, predict_pair
from faceprint.settings import read_settings
from faceprint.types import Image

__all__ = ["register"]

_NO_DECISION = (150, 150, 150)
_PAPER = 255
_MARGIN_PX = 12
_HEAD_PX = 48


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("predict-pair")(predict)


def predict(
    a: Annotated[str, typer.Argument(metavar="A", help="A photo of one face, from anywhere.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME_OR_FOLDER", help="A model's name, its folder, or that of a training run."
        ),
    ],
    fmr: FmrOption = 1e-3,
    largest: LargestOption = False,
    detector: DetectorOption = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="PICTURE", help="Write both faces side by side, as labelled."
        ),
    ] = None,
    json: JsonOption = False,
) -> int:
    """Try a model on two photos, as it is after training: exit codes as for verify.

    Faces are found and cut out as the model was trained. A Siamese model gives its probability too.

    Example: faceprint predict-pair passport.jpg selfie.jpg --model runs/mine
    """
    if picture is not None and picture.resolve() in {Path(a).resolve(), Path(b).resolve()}:
        raise InputError(f"--out {picture} would write over that photo. Choose another name.")
    with open_faceprint(detector=detector, embedder=_embedder(model)) as faceprint:
        found = predict_pair(faceprint, a, b, largest=largest, fmr=fmr)
    verdict = found.verification
    if picture is not None:
        _write(picture, _side_by_side(found))
    if json:
        print_json(found)
    else:
        show_verification(verdict)
        if found.head_probability is not None:
            out.print(
                f"The model's own classifier of pairs: {found.head_probability:.1%} that it is one person"
            )
    if verdict.same is None:
        err.print(escape(no_calibration(verdict.model_id)))
        return 2
    return 0 if verdict.same else 1


def _embedder(model: str) -> str:
    """A name, or a folder written so that it cannot be taken for one."""
    if Path(model).name != model or not Path(model).is_dir():
        return model
    try:
        weight_store(read_settings()).card(model)
    except UnknownModelError:
        return f"./{model}"
    return model


def _side_by_side(found: PairPrediction) -> Image:
    """Both faces in one frame, (H, W, 3) uint8 RGB, with the verdict above."""
    verdict = found.verification
    height, width = found.pictures.shape[1:3]
    canvas: Image = np.full(
        (height + _HEAD_PX + _MARGIN_PX, 2 * width + 2 * _MARGIN_PX, 3), _PAPER, dtype=np.uint8
    )
    bottom, right = _HEAD_PX + height, _MARGIN_PX + 2 * width
    canvas[_HEAD_PX:bottom, _MARGIN_PX:right] = np.concatenate(list(found.pictures), axis=1)
    words = {True: "same", False: "not the same", None: "no decision"}
    label = f"{words[verdict.same]}, score {verdict.score:.2f}"
    if found.head_probability is not None:
        label += f", classifier {found.head_probability:.0%}"
    box = np.array([_MARGIN_PX, _HEAD_PX, right, bottom], dtype=np.float32)
    colour = _NO_DECISION if verdict.decision is None else COLOURS[verdict.decision]
    return draw_faces(canvas, [Mark(box, None, label, colour)])


def _write(target: Path, picture: Image) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{target.parent} cannot be made: {error.strerror}.") from error
    write_image(target, picture)
