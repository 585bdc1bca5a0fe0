"""The command that enrols people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from faceprint.cli.options import (
    ByOption,
    DetectorOption,
    EmbedderOption,
    GalleryOption,
    JsonOption,
    LargestOption,
    PurposeOption,
    ThoroughOption,
    call_of,
    open_faceprint,
    read_consent,
)
from faceprint.cli.output import err, escape, failure_line, out, print_json, progress
from faceprint.errors import FaceprintError, ImageNotFoundError, InputError
from faceprint.media import find_photos
from faceprint.pipeline import Enrolment, Failure
from faceprint.pipeline.enrolling import KeepPicture

__all__ = ["register", "show_enrolment"]


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(enrol)


def enrol(
    name: Annotated[str | None, typer.Argument(help="The person's name.")] = None,
    photos: Annotated[
        list[str] | None, typer.Argument(metavar="PHOTO...", help="Photos of that person.")
    ] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Enrol everybody in DIR: one subfolder per person.")
    ] = None,
    consent: Annotated[
        str | None,
        typer.Option(metavar="TEXT|@FILE", help="The consent: its wording, or a document."),
    ] = None,
    purpose: PurposeOption = None,
    expires: Annotated[
        str | None, typer.Option(help="When the consent ends: 2027-01-31, or 90d, 12m, 2y.")
    ] = None,
    by: ByOption = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make another person, even if the name exists.")
    ] = False,
    person: Annotated[
        str | None, typer.Option(help="Add to the person of this id, whatever the name.")
    ] = None,
    largest: LargestOption = False,
    face: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Take this face, as numbered by detect with the same options.",
        ),
    ] = None,
    thorough: ThoroughOption = False,
    keep: Annotated[
        str, typer.Option(help="What picture to keep: crop, photo or nothing.")
    ] = "crop",
    notes: Annotated[str, typer.Option(help="Free text about a new person.")] = "",
    gallery: GalleryOption = None,
    detector: DetectorOption = None,
    embedder: EmbedderOption = None,
    json: JsonOption = False,
) -> int:
    """Add people to the gallery, from photos of one person or from a folder of folders.

    Example: faceprint enrol "Ada Lovelace" ada1.jpg ada2.jpg --consent @form.pdf --expires 2y

    Example: faceprint enrol --folder staff/ --consent "Signed form, in the personnel file"
    """
    kept = _keep(keep)
    jobs = list(_jobs(name, photos or [], folder, person))
    call = call_of(by, purpose, default_purpose="enrol")
    agreed = read_consent(consent, purpose=purpose, expires=expires, by=by)
    trouble = False
    with (
        open_faceprint(gallery=gallery, detector=detector, embedder=embedder) as faceprint,
        progress("People", total=len(jobs), show=folder is not None) as step,
    ):
        for done, (who, pictures) in enumerate(jobs, 1):
            try:
                result: Enrolment | Failure = faceprint.enrol(
                    who,
                    pictures,
                    call=call,
                    consent=agreed,
                    person_id=person,
                    new=new,
                    largest=largest,
                    face=face,
                    thorough=thorough,
                    keep=kept,
                    notes=notes,
                )
            except FaceprintError as error:
                if folder is None:
                    raise
                result = Failure.of(who, error)
            trouble |= _show(result, as_json=json, line=folder is not None)
            step(done)
    return 2 if trouble else 0


def _keep(word: str) -> KeepPicture:
    match word:
        case "crop" | "photo" | "nothing":
            return word
    raise InputError(f"--keep takes crop, photo or nothing, got {word!r}.")


def _jobs(
    name: str | None, photos: list[str], folder: Path | None, person: str | None
) -> Iterator[tuple[str, list[Path]]]:
    """Names with their photos, as the arguments give them."""
    if folder is None:
        if name is None or not photos:
            raise InputError(
                "Give a name and photos, as in: faceprint enrol NAME PHOTO… --consent TEXT"
            )
        yield name, list(find_photos(photos))
        return
    if name is not None or photos or person is not None:
        raise InputError(
            "--folder takes the names from its subfolders: give no name or photos beside it."
        )
    if not folder.is_dir():
        raise ImageNotFoundError(f"{folder} is not a folder. Expected one subfolder per person.")
    subfolders = [path for path in sorted(folder.iterdir()) if path.is_dir()]
    if not subfolders:
        raise ImageNotFoundError(f"{folder} has no subfolders. Expected one per person.")
    for path in subfolders:
        try:
            yield path.name, list(find_photos([path]))
        except ImageNotFoundError:
            yield path.name, []


def _show(result: Enrolment | Failure, *, as_json: bool, line: bool) -> bool:
    """Prints a result; whether there was trouble."""
    if as_json:
        print_json(result, line=line)
    if isinstance(result, Failure):
        if not as_json:
            failure_line(result.image, result.message)
        return True
    if not as_json:
        show_enrolment(result)
    return bool(result.failures)


def show_enrolment(result: Enrolment) -> None:
    """Prints what was enrolled, with the warnings."""
    receipt = result.receipt
    added = len(receipt.template_ids)
    what = "New person" if receipt.created else "Added to"
    out.print(
        f"{what} [bold green]{escape(receipt.person.name)}[/] ({receipt.person.person_id}): {added} "
        f"{'photo' if added == 1 else 'photos'} added, {receipt.person.template_count} in all."
    )
    if receipt.already_enrolled:
        out.print(f"  {receipt.already_enrolled} had been enrolled before.")
    for warning in result.warnings:
        err.print(f"  [yellow]Note[/]: {escape(warning)}")
    for failure in result.failures:
        failure_line(failure.image, failure.message)
