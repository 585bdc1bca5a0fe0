"""Commands on photos: detect, embed, verify, identify."""

from __future__ import annotations

import math
from typing import Annotated

import typer

from faceprint.cli.options import (
    ByOption,
    DetectorOption,
    EmbedderOption,
    FmrOption,
    FpirOption,
    GalleryOption,
    JsonOption,
    LargestOption,
    OutOption,
    PurposeOption,
    ThoroughOption,
    call_of,
    open_faceprint,
)
from faceprint.cli.output import err, escape, out, print_json, table
from faceprint.cli.photos import PhotosArgument, each_photo, face_count
from faceprint.pipeline import (
    Detection,
    EmbeddedPhoto,
    Identification,
    IdentifiedFace,
    Verification,
)
from faceprint.pipeline.labels import chance, detection_marks, identification_marks, limit_words
from faceprint.types import Decision

__all__ = ["no_calibration", "register", "show_verification"]

_NOT_UNLIKELY = 0.1
_MANY_STRANGERS = 0.1


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (detect, embed, verify, identify):
        app.command()(command)


def detect(
    photos: PhotosArgument,
    out_dir: OutOption = None,
    thorough: ThoroughOption = False,
    detector: DetectorOption = None,
    json: JsonOption = False,
) -> int:
    """Find the faces: boxes, scores and five landmarks.

    Example: faceprint detect party.jpg --out marked
    """
    with open_faceprint(detector=detector) as faceprint:
        return each_photo(
            photos,
            lambda found: faceprint.detect_many(found, thorough=thorough),
            show=_show_detection,
            picture=lambda r: (r.pixels, detection_marks(r)),
            out_dir=out_dir,
            json=json,
        )


def embed(
    photos: PhotosArgument,
    thorough: ThoroughOption = False,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    json: JsonOption = False,
) -> int:
    """Turn faces into embeddings that can be compared.

    Example: faceprint embed ada.jpg --json > ada.json
    """
    with open_faceprint(detector=detector, embedder=embedder) as faceprint:
        return each_photo(
            photos,
            lambda found: faceprint.embed_many(found, thorough=thorough),
            show=_show_embeddings,
            json=json,
        )


def verify(
    a: Annotated[str, typer.Argument(metavar="A", help="A photo of one face.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
    fmr: FmrOption = 1e-3,
    largest: LargestOption = False,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    json: JsonOption = False,
) -> int:
    """Say whether two photos show one person: exit code 0 for the same, 1 for different, 2 for trouble.

    Example: faceprint verify passport.jpg selfie.jpg --fmr 1e-4
    """
    with open_faceprint(detector=detector, embedder=embedder) as faceprint:
        verdict = faceprint.verify(a, b, largest=largest, fmr=fmr)
    if json:
        print_json(verdict)
    else:
        show_verification(verdict)
    if verdict.same is None:
        err.print(no_calibration(verdict.model_id))
        return 2
    return 0 if verdict.same else 1


def identify(
    photos: PhotosArgument,
    out_dir: OutOption = None,
    fpir: FpirOption = 0.01,
    fmr: Annotated[
        float | None,
        typer.Option(
            help="Decide each comparison at this rate instead, whatever the gallery's size."
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many candidates to give.")] = 5,
    thorough: ThoroughOption = False,
    gallery: GalleryOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Name the people in photos; who is not enrolled is Unknown.

    Example: faceprint identify holiday/ --out named
    """
    call = call_of(by, purpose, default_purpose="identify")
    with open_faceprint(gallery=gallery, detector=detector, embedder=embedder) as faceprint:
        if not json and faceprint.gallery.template_count(faceprint.model_id) == 0:
            err.print(
                "Nobody is enrolled for this model yet: faceprint enrol NAME PHOTO --consent TEXT"
            )
        code = each_photo(
            photos,
            lambda found: faceprint.identify_many(
                found, call=call, fpir=fpir, fmr=fmr, top_k=top, thorough=thorough
            ),
            show=_show_identification,
            picture=lambda r: (r.detection.pixels, identification_marks(r)),
            out_dir=out_dir,
            json=json,
        )
        if faceprint.models.calibration is None:
            err.print(no_calibration(faceprint.model_id))
        elif fmr is not None:
            _warn_of_search(fmr, faceprint.gallery.template_count(faceprint.model_id))
        return code


def _warn_of_search(fmr: float, templates: int) -> None:
    """Says what a rate of one comparison means for a search."""
    named = -math.expm1(templates * math.log1p(-fmr))
    if named > _MANY_STRANGERS:
        err.print(
            f"[bold yellow]Mind[/]: at {fmr:g} for each of {templates:,} templates, up to {named:.0%} of "
            "strangers are named. --fpir decides for the whole search."
        )


def _show_detection(result: Detection) -> None:
    out.print(
        f"[bold]{escape(result.image)}[/]  {result.width} x {result.height}, {face_count(result)}"
    )
    if not result.faces:
        return
    rows = table("#face", "#score", "#left", "#top", "#width", "#height")
    for number, face in enumerate(result.faces):
        left, top = face.box[:2]
        sides = (f"{value:.0f}" for value in (left, top, face.width, face.height))
        rows.add_row(str(number), f"{face.score:.3f}", *sides)
    out.print(rows)


def _show_embeddings(result: EmbeddedPhoto) -> None:
    size = result.embeddings.vectors.shape[1]
    out.print(
        f"[bold]{escape(result.detection.image)}[/]  {face_count(result.detection)}, {size} numbers each "
        f"({result.embeddings.model_id}); --json prints them"
    )


def show_verification(verdict: Verification) -> None:
    """Prints the verdict on a pair for people."""
    words = {
        Decision.MATCH: "[bold green]The same person[/]",
        Decision.UNSURE: "[bold yellow]Not sure[/]: alike, but not enough for the asked rate",
        Decision.UNKNOWN: "[bold red]Different people[/]",
        None: "[bold]No decision[/]",
    }
    if verdict.decision is Decision.UNKNOWN and (verdict.probability or 0) > _NOT_UNLIKELY:
        out.print("[bold red]Not shown to be the same person[/] at the asked rate")
    else:
        out.print(words[verdict.decision])
    line = f"score {verdict.score:.3f}"
    limit = verdict.threshold
    if limit is not None:
        stands_for = limit.fmr if limit.estimated_fmr is None else limit.estimated_fmr
        line += f", threshold {limit.score:.3f} at a false match rate of {stands_for:.2g}"
        if said := limit_words(limit):
            line += f" ({said})"
    if verdict.probability is not None:
        line += (
            f"; probability {chance(verdict.probability)} where half of such pairs are one person"
        )
    out.print(escape(f"{line}  ({verdict.model_id})"))


def _show_identification(result: Identification) -> None:
    out.print(f"[bold]{escape(result.detection.image)}[/]  {face_count(result.detection)}")
    if not result.faces:
        return
    weighed = any(item.probability is not None for item in result.faces)
    rows = table(
        "who",
        "#score",
        *(["#probability of nearest"] if weighed else []),
        "nearest",
        "#left",
        "#top",
        "#width",
    )
    for item in result.faces:
        left, top = item.face.box[:2]
        place = (f"{value:.0f}" for value in (left, top, item.face.width))
        score = "-" if item.score is None else f"{item.score:.3f}"
        likely = [chance(item.probability) or "-"] if weighed else []
        rows.add_row(_who(item), score, *likely, _nearest(item), *place)
    out.print(rows)
    if result.threshold is not None and (said := limit_words(result.threshold)):
        err.print(f"Threshold {result.threshold.score:.3f}: {said}.")


def _who(item: IdentifiedFace) -> str:
    if item.name is not None:
        return f"[bold green]{escape(item.name)}[/]"
    if item.decision is Decision.UNSURE:
        return f"[yellow]{escape(item.candidates[0].name)}?[/]"
    return "[dim]Unknown[/]" if item.decision is Decision.UNKNOWN else "[dim]no decision[/]"


def _nearest(item: IdentifiedFace) -> str:
    return ", ".join(f"{escape(c.name)} {c.score:.2f}" for c in item.candidates[:3])


def no_calibration(model_id: str) -> str:
    """What to say of a model without a calibration."""
    return (
        f"{model_id} has no calibration with this detector, so there are scores and no decision. "
        "Calibrate it on photos with names, one folder a person: faceprint calibrate FOLDER"
    )
