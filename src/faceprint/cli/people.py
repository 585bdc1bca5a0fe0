"""Commands on the gallery: list, show, rename, note, merge, consent, erase, export, import."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from faceprint.cli.options import (
    ByOption,
    GalleryOption,
    JsonOption,
    PurposeOption,
    call_of,
    open_faceprint,
    read_consent,
)
from faceprint.cli.output import err, escape, out, print_json, table
from faceprint.errors import InputError
from faceprint.gallery.records import Consent, Person, Template

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True)

WhoArgument = Annotated[str, typer.Argument(metavar="NAME_OR_ID", help="The person.")]


@app.command("list")
def list_people(gallery: GalleryOption = None, json: JsonOption = False) -> int:
    """Everybody in the gallery.

    Example: faceprint people list
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        everybody = faceprint.gallery.people()
    if json:
        print_json([_person(person) for person in everybody])
        return 0
    if not everybody:
        err.print("Nobody is enrolled yet: faceprint enrol NAME PHOTO --consent TEXT")
        return 0
    rows = table("name", "id", "#photos", "consent", "since")
    for person in everybody:
        rows.add_row(
            escape(person.name),
            person.person_id,
            str(person.template_count),
            _consent_word(person),
            f"{person.created_at:%Y-%m-%d}",
        )
    out.print(rows)
    return 0


@app.command()
def show(who: WhoArgument, gallery: GalleryOption = None, json: JsonOption = False) -> int:
    """One person: consent records and enrolled photos.

    Example: faceprint people show "Ada Lovelace"
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        person = faceprint.gallery.person(who)
        templates = faceprint.gallery.templates(person.person_id)
    if json:
        print_json(_person(person) | {"templates": [_template(t) for t in templates]})
        return 0
    out.print(
        f"[bold]{escape(person.name)}[/]  {person.person_id}  since {person.created_at:%Y-%m-%d}"
    )
    if person.notes:
        out.print(escape(person.notes))
    for consent in person.consents:
        out.print(f"consent: {escape(_consent_line(consent))}")
    rows = table("photo", "#quality", "model", "added")
    for template in templates:
        rows.add_row(
            escape(template.source),
            f"{template.quality:.2f}",
            template.model_id,
            f"{template.created_at:%Y-%m-%d %H:%M}",
        )
    out.print(rows)
    return 0


@app.command()
def rename(
    who: WhoArgument,
    name: Annotated[str, typer.Argument(help="The new name.")],
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Give a person another name.

    Example: faceprint people rename ada "Ada Lovelace"
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        person = faceprint.gallery.person(who)
        call = call_of(by, purpose, default_purpose="rename")
        renamed = faceprint.gallery.rename(person.person_id, name, call=call)
    return _done(_person(renamed), f"{person.name} is now {renamed.name}.", json=json)


@app.command()
def note(
    who: WhoArgument,
    notes: Annotated[str, typer.Argument(help="Replaces the notes.")],
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Replace a person's notes.

    Example: faceprint people note ada "Second floor"
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        person = faceprint.gallery.person(who)
        call = call_of(by, purpose, default_purpose="note")
        noted = faceprint.gallery.note(person.person_id, notes, call=call)
    return _done(_person(noted), f"Notes of {noted.name} replaced.", json=json)


@app.command()
def consent(
    who: WhoArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT|@FILE", help="The wording, or a document.")],
    expires: Annotated[
        str | None, typer.Option(help="When it ends: 2027-01-31, or 90d, 12m, 2y.")
    ] = None,
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Add a consent record to a person.

    Example: faceprint people consent ada @form.pdf --purpose door --expires 2y
    """
    record = read_consent(text, purpose=purpose, expires=expires, by=by)
    assert record is not None
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        person = faceprint.gallery.person(who)
        call = call_of(by, purpose, default_purpose="consent")
        changed = faceprint.gallery.add_consent(person.person_id, record, call=call)
    return _done(_person(changed), f"Consent of {changed.name} recorded.", json=json)


@app.command()
def merge(
    into: Annotated[str, typer.Argument(metavar="INTO", help="Who stays (name or id).")],
    other: Annotated[str, typer.Argument(metavar="FROM", help="Who is merged (name or id).")],
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Make two people one.

    Example: faceprint people merge "Ada Lovelace" ada
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        stays, goes = faceprint.gallery.person(into), faceprint.gallery.person(other)
        call = call_of(by, purpose, default_purpose="merge")
        merged = faceprint.gallery.merge(stays.person_id, goes.person_id, call=call)
    text = f"{goes.name} is now part of {merged.name}, with {merged.template_count} photos."
    return _done(_person(merged), text, json=json)


@app.command()
def erase(
    who: WhoArgument,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Erase a person: templates, pictures, consent records and the name.

    Example: faceprint people erase "Ada Lovelace" --yes
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        person = faceprint.gallery.person(who)
        question = (
            f"Erase {person.name} with {person.template_count} photos? This cannot be undone."
        )
        if not yes and not typer.confirm(question, err=True):
            raise InputError("Nothing was erased. To erase without being asked, give --yes.")
        call = call_of(by, purpose, default_purpose="erase")
        receipt = faceprint.erase(person.person_id, call=call)
    record = {
        "person_id": receipt.person_id,
        "templates": receipt.templates,
        "pictures": receipt.pictures,
        "results": receipt.results,
        "erased_at": receipt.erased_at.isoformat(),
    }
    text = f"Erased: templates {receipt.templates}, pictures {receipt.pictures}."
    if receipt.results:
        text += f" Results of background jobs that named the person, deleted: {receipt.results}."
    return _done(record, text, json=json)


@app.command()
def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The archive to write.")],
    who: Annotated[str | None, typer.Option("--person", help="Only this person.")] = None,
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Write everybody, or one person, to an archive.

    Example: faceprint people export people.zip
    """
    with open_faceprint(gallery=gallery, create_gallery=False) as faceprint:
        call = call_of(by, purpose, default_purpose="export")
        chosen = None if who is None else faceprint.gallery.person(who).person_id
        count = faceprint.gallery.export(path, call=call, person_id=chosen)
    text = f"{_people(count)} written to {path}. It holds biometric data: keep it safe."
    return _done({"path": str(path), "people": count}, text, json=json)


@app.command("import")
def import_people(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that export wrote.")],
    gallery: GalleryOption = None,
    by: ByOption = None,
    purpose: PurposeOption = None,
    json: JsonOption = False,
) -> int:
    """Add the people of an archive.

    Example: faceprint people import people.zip
    """
    if not path.is_file():
        raise InputError(
            f"There is no file {path}. Expected an archive that `people export` wrote."
        )
    with open_faceprint(gallery=gallery) as faceprint:
        call = call_of(by, purpose, default_purpose="import")
        count = faceprint.gallery.import_(path, call=call)
    return _done({"path": str(path), "people": count}, f"{_people(count)} imported.", json=json)


def _done(record: dict[str, Any], text: str, *, json: bool) -> int:
    if json:
        print_json(record)
    else:
        out.print(escape(text))
    return 0


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


def _consent_word(person: Person) -> str:
    valid = person.consent_at(datetime.now(UTC))
    if valid is None:
        return "expired" if person.consents else "none"
    return "valid" if valid.expires_at is None else f"until {valid.expires_at:%Y-%m-%d}"


def _consent_line(consent: Consent) -> str:
    until = "" if consent.expires_at is None else f", until {consent.expires_at:%Y-%m-%d}"
    when = f"{consent.given_at:%Y-%m-%d}"
    return f"{consent.text} (for {consent.purpose}, recorded by {consent.recorded_by} on {when}{until})"


def _person(person: Person) -> dict[str, Any]:
    return {
        "person_id": person.person_id,
        "name": person.name,
        "notes": person.notes,
        "created_at": person.created_at.isoformat(),
        "templates_count": person.template_count,
        "consents": [
            {
                "text": consent.text,
                "purpose": consent.purpose,
                "given_at": consent.given_at.isoformat(),
                "recorded_by": consent.recorded_by,
                "expires_at": consent.expires_at.isoformat() if consent.expires_at else None,
                "document_name": consent.document_name,
            }
            for consent in person.consents
        ],
    }


def _template(template: Template) -> dict[str, Any]:
    return {
        "template_id": template.template_id,
        "model_id": template.model_id,
        "detector": template.detector,
        "source": template.source,
        "source_digest": template.source_digest,
        "box": [round(float(x), 2) for x in template.box],
        "quality": round(template.quality, 3),
        "created_at": template.created_at.isoformat(),
        "picture": template.picture_digest,
        "picture_kind": template.picture_kind,
    }
