"""The command that tells what can be told of faces besides who they are: analyze."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from faceprint.cli.options import (
    ByOption,
    DetectorOption,
    EmbedderOption,
    GalleryOption,
    JsonOption,
    LargestOption,
    OutOption,
    PurposeOption,
    ThoroughOption,
    call_of,
    open_faceprint,
)
from faceprint.cli.output import err, escape, out, table
from faceprint.cli.photos import PhotosArgument, each_photo, face_count
from faceprint.errors import InputError
from faceprint.liveness import LIVENESS_NOTE
from faceprint.pipeline import AnalysedFace, Analysis, Looks
from faceprint.pipeline.analysis_picture import analysis_pixels
from faceprint.pipeline.labels import (
    APPEARANCE_NOTE,
    analysis_marks,
    appearance_words,
    name_label,
    parts_words,
    pose_words,
    quality_words,
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
    parts: Annotated[
        bool,
        typer.Option("--parts", help="Tell skin, hair, eyes and the rest apart; takes longer."),
    ] = False,
    names: Annotated[
        bool, typer.Option("--names", help="Name the faces too, as identify does.")
    ] = False,
    no_liveness: Annotated[
        bool, typer.Option("--no-liveness", help="Leave the test of liveness out.")
    ] = False,
    no_appearance: Annotated[
        bool, typer.Option("--no-appearance", help="Leave age, gender and emotion out.")
    ] = False,
    out_dir: OutOption = None,
    largest: LargestOption = False,
    thorough: ThoroughOption = False,
    gallery: GalleryOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Tell where faces look, how good and how alive they are, and how old they look; never ethnicity.

    These are estimates from one photo, not facts about a person. Nobody is identified without --names.

    Example: faceprint analyze party.jpg --parts --out analysed
    """
    if no_appearance and models is not None:
        raise InputError("--models names what estimates age, gender and emotion: leave one out.")
    if not names and (by is not None or purpose is not None):
        raise InputError("--by and --purpose are kept with a search for names: add --names.")
    looks = Looks(liveness=not no_liveness, parts=parts, appearance=not no_appearance)
    call = call_of(by, purpose, default_purpose="analyse") if names else None
    told = _Told()
    with open_faceprint(
        gallery=gallery, detector=detector, embedder=embedder, attributes=models
    ) as faceprint:
        code = each_photo(
            photos,
            lambda found: faceprint.analyze_many(
                found, looks=looks, call=call, largest=largest, thorough=thorough
            ),
            show=told.show,
            picture=lambda r: (analysis_pixels(r), analysis_marks(r)),
            out_dir=out_dir,
            json=json,
        )
    told.finish()
    return code


class _Told:
    """Shows results, and at the end once what is to be said of all of them."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._models: dict[str, None] = {}
        self._alive = False

    def show(self, result: Analysis) -> None:
        """Prints one result for people."""
        out.print(f"[bold]{escape(result.detection.image)}[/]  {face_count(result.detection)}")
        self._notes |= dict.fromkeys(result.notes.values())
        self._models |= dict.fromkeys(model.partition(":")[0] for model in result.models)
        self._alive |= "liveness" in result.by
        if not result.faces:
            return
        rows = table("#face", "", "")
        for number, face in enumerate(result.faces):
            first = str(number)
            for what, words in _lines(face):
                rows.add_row(first, what, escape(words))
                first = ""
        out.print(rows)

    def finish(self) -> None:
        """Prints what could not be told, and how far what was told can be trusted."""
        if self._alive:
            err.print(escape(LIVENESS_NOTE))
        if self._models:
            err.print(escape(f"By {', '.join(self._models)}. {APPEARANCE_NOTE}"))
        for note in self._notes:
            err.print(f"[bold yellow]Left out[/]: {escape(note)}")


def _lines(item: AnalysedFace) -> Iterator[tuple[str, str]]:
    """What can be told of a face, each with what it is about."""
    left, top = item.face.box[:2]
    yield "place", f"{left:.0f}, {top:.0f}, {item.face.width:.0f} px wide"
    told = {
        "who": "" if item.who is None else name_label(item.who) or "no decision",
        "pose": pose_words(item.pose),
        "quality": quality_words(item.face.quality),
        "liveness": "" if item.liveness is None else f"{item.liveness:.2f}",
        "parts": parts_words(item.parts),
        "looks": appearance_words(item),
    }
    yield from ((what, words) for what, words in told.items() if words)
