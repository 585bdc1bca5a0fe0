"""The command that shows what an embedder sees: explain."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceprint.cli.options import DetectorOption, JsonOption, LargestOption, open_faceprint
from faceprint.cli.output import err, escape, out, print_json

if TYPE_CHECKING:
    from faceprint.train.explain.photo import Explanation

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(explain)


def explain(
    photo: Annotated[str, typer.Argument(metavar="PHOTO", help="A photo of one face.")],
    out_dir: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pictures go.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME_OR_FOLDER",
            help="Which embedder: a card, or the folder of one of your own.",
        ),
    ] = None,
    other: Annotated[
        str | None,
        typer.Option(
            "--other",
            metavar="PHOTO",
            help="Another photo: show what a match of both rests on, not one face alone.",
        ),
    ] = None,
    largest: LargestOption = False,
    detector: DetectorOption = None,
    json: JsonOption = False,
) -> int:
    """Show what an embedder sees in a face: the parts it goes by, its first filters, its feature maps.

    Example: faceprint explain passport.jpg --other selfie.jpg --model sface --out seen
    """
    from faceprint.train.explain.photo import explain_photo

    with open_faceprint(detector=detector, embedder=model) as faceprint:
        found = explain_photo(faceprint, photo, out_dir, other=other, largest=largest)
    if json:
        print_json(found)
    else:
        _show(found)
    return 0


def _show(found: Explanation) -> None:
    if found.other is None:
        out.print(
            f"With a part of the face hidden, its embedding still has a similarity of {found.lowest:.2f} to "
            f"{found.highest:.2f} to the whole one."
        )
    else:
        out.print(
            f"Similarity [bold]{found.score:.3f}[/]; {found.lowest:.3f} to {found.highest:.3f} with a part "
            f"of {escape(found.image)} hidden. Red: hiding it lowers the similarity; blue: raises it."
        )
    for name, path in found.files.items():
        out.print(f"{escape(name)}: {escape(str(path))}")
    for note in found.notes:
        err.print(f"[bold yellow]Mind[/]: {escape(note)}")
