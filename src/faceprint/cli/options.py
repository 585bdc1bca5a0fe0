"""Options that several commands share."""

from __future__ import annotations

import getpass
import mimetypes
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from faceprint.errors import InputError
from faceprint.gallery.records import Call, Consent
from faceprint.pipeline import Faceprint

__all__ = [
    "ByOption",
    "DetectorOption",
    "EmbedderOption",
    "FmrOption",
    "FpirOption",
    "GalleryOption",
    "JsonOption",
    "LargestOption",
    "OutOption",
    "PurposeOption",
    "ThoroughOption",
    "call_of",
    "open_faceprint",
    "read_consent",
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON: one document, or one a line for many photos.")
]
GalleryOption = Annotated[
    str | None,
    typer.Option(
        "--gallery", metavar="PATH_OR_URL", help="The database of people; else FACEPRINT_GALLERY."
    ),
]
DetectorOption = Annotated[
    str | None,
    typer.Option("--detector", help="Model that finds faces; see `faceprint models list`."),
]
EmbedderOption = Annotated[
    str | None,
    typer.Option("--embedder", help="Model that compares faces, or the path of its folder."),
]
FmrOption = Annotated[
    float, typer.Option("--fmr", help="Accept at most this share of false matches, as in 1e-3.")
]
FpirOption = Annotated[
    float,
    typer.Option("--fpir", help="Let at most this share of searches for a stranger name somebody."),
]
LargestOption = Annotated[
    bool, typer.Option("--largest", help="Where a photo shows several faces, take the largest.")
]
ThoroughOption = Annotated[
    bool,
    typer.Option(
        "--thorough", help="Look for faces down to 10 pixels, and at quarter turns; slow."
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write labelled pictures to this folder."),
]
ByOption = Annotated[
    str | None, typer.Option("--by", help="Who asks; kept with the call. Default: your user name.")
]
PurposeOption = Annotated[
    str | None, typer.Option("--purpose", help="What for; kept with the call.")
]

_MAX_CONSENT_BYTES = 16 * 2**20
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


def open_faceprint(
    *,
    gallery: str | None = None,
    detector: str | None = None,
    embedder: str | None = None,
    attributes: str | None = None,
    create_gallery: bool = True,
) -> Faceprint:
    """The façade with what the options override."""
    given = {
        "gallery": gallery,
        "detector": detector,
        "embedder": embedder,
        "attributes": attributes,
    }
    overrides: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return Faceprint(create_gallery=create_gallery, **overrides)


def call_of(by: str | None, purpose: str | None, *, default_purpose: str) -> Call:
    """Who asks, and what for."""
    return Call(actor=f"cli:{by or _user_name()}", purpose=purpose or default_purpose)


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    content: bytes | None = None
    name: str | None = None


def read_consent(
    consent: str | None, *, purpose: str | None, expires: str | None, by: str | None
) -> Consent | None:
    """The consent that options give, or None if none was given.

    Args:
        consent: The wording, or @FILE for a text or a scanned document.
        purpose: What the templates may be used for.
        expires: A date as 2027-01-31, to its end, or a span as 90d, 12m, 2y.
        by: Who records it.

    Raises:
        InputError: The file cannot be read, or the date means nothing.
    """
    if consent is None:
        if expires is not None:
            raise InputError(
                "--expires says when a consent ends: give the consent with --consent too."
            )
        return None
    document = _read_document(Path(consent[1:])) if consent.startswith("@") else _Document(consent)
    if not document.text.strip():
        raise InputError("The consent is empty. Give its wording, or @FILE for a document.")
    return Consent(
        text=document.text,
        purpose=purpose or "identification",
        given_at=datetime.now(UTC),
        recorded_by=by or _user_name(),
        expires_at=None if expires is None else _read_expiry(expires),
        document=document.content,
        document_name=document.name,
    )


def _read_document(path: Path) -> _Document:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The consent {path} cannot be read: {error.strerror}.") from error
    if len(content) > _MAX_CONSENT_BYTES:
        raise InputError(f"The consent {path} is larger than {_MAX_CONSENT_BYTES >> 20} MiB.")
    kind = mimetypes.guess_type(path.name)[0] or ""
    if kind.startswith("text/") or not kind:
        try:
            return _Document(content.decode("utf-8"))
        except UnicodeDecodeError:
            pass
    return _Document(f"Document {path.name}", content, path.name)


def _read_expiry(text: str) -> datetime:
    if span := re.fullmatch(r"(\d{1,3})([dwmy])", text):
        return datetime.now(UTC) + timedelta(days=int(span[1]) * _DAYS[span[2]])
    try:
        day = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError(
            f"--expires takes a date as 2027-01-31, or a span as 90d, 12m or 2y, got {text!r}."
        ) from error
    if len(text) == len("2027-01-31"):
        day += timedelta(days=1, microseconds=-1)
    return day if day.tzinfo else day.replace(tzinfo=UTC)
