"""The command that estimates how faces look: analyze."""

from __future__ import annotations

from typing import Annotated

import typer

from faceprint.cli.options import (
    DetectorOption,
    JsonOption,
    LargestOption,
    OutOption,
    ThoroughOption,
    open_faceprint,
)
from faceprint.cli.output import err, escape, out, table
from faceprint.cli.photos import PhotosArgument, each_photo, face_count
from faceprint.pipeline import Analysis
from faceprint.pipeline.labels import (
    APPEARANCE_NOTE,
    analysis_marks,
    appearance_words,
)

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(analyze)


def analyze(
    photos: PhotosArgument,
    models: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            help="Attribute models with commas between them; of two that estimate the same the first counts.",
        ),
    ] = None,
    out_dir: OutOption = None,
    largest: LargestOption = False,
    thorough: ThoroughOption = False,
    detector: DetectorOption = None,
    json: JsonOption = False,
) -> int:
    """Estimate how old faces look, and which gender and emotion they look like; never ethnicity.

    These are estimates of appearance in one photo, not facts about a person. Nobody is identified.

    Example: faceprint analyze party.jpg --out analysed
    """
    with open_faceprint(detector=detector, attributes=models) as faceprint:
        code = each_photo(
            photos,
            lambda found: faceprint.analyze_many(found, largest=largest, thorough=thorough),
            show=_show,
            picture=lambda r: (r.detection.pixels, analysis_marks(r)),
            out_dir=out_dir,
            json=json,
        )
        if not json:
            names = ", ".join(faceprint.models.attribute_names)
            err.print(escape(f"By {names}. {APPEARANCE_NOTE}"))
    return code


def _show(result: Analysis) -> None:
    out.print(f"[bold]{escape(result.detection.image)}[/]  {face_count(result.detection)}")
    if not result.faces:
        return
    rows = table("#face", "estimate", "#left", "#top", "#width")
    for number, item in enumerate(result.faces):
        left, top = item.face.box[:2]
        place = (f"{value:.0f}" for value in (left, top, item.face.width))
        rows.add_row(str(number), escape(appearance_words(item)), *place)
    out.print(rows)
