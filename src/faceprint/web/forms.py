"""Request bodies: photos, fields and JSON, within limits, with names that are only text."""

from __future__ import annotations

import asyncio
import io
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from faceprint.errors import ConsentError, ImageTooLargeError, InputError
from faceprint.gallery.records import Consent
from faceprint.web.guard import limit_body
from faceprint.web.state import state_of

__all__ = [
    "Form",
    "Upload",
    "clean_text",
    "display_name",
    "parse_expiry",
    "read_form",
    "read_json",
    "read_photo",
]

_MAX_NAME_LENGTH = 80
_MAX_FIELDS = 40
_MAX_FIELD_BYTES = 64 * 2**10
_ENVELOPE_BYTES = 256 * 2**10
_JOINERS = "\u200c\u200d"

ModelT = TypeVar("ModelT", bound=BaseModel)


class _NamedBytes(io.BytesIO):
    """Encoded bytes that know what they are called."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name = name


@dataclass(frozen=True, slots=True)
class Upload:
    """One uploaded file.

    Attributes:
        name: What the sender calls it, made safe to show; never used as a path.
        data: The bytes.
    """

    name: str
    data: bytes

    def open(self) -> io.BytesIO:
        """The bytes as a file object that carries the name."""
        return _NamedBytes(self.data, self.name)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields and files of one request."""

    fields: Mapping[str, str]
    files: Mapping[str, tuple[Upload, ...]]

    def text(self, name: str, *, limit: int = 200) -> str:
        """A field as clean text of one line; empty if it is absent.

        Raises:
            InputError: It is longer than `limit` characters.
        """
        return clean_text(self.fields.get(name, ""), what=name, limit=limit)

    def paragraph(self, name: str, *, limit: int = 10_000) -> str:
        """A field as clean text that may have several lines."""
        return clean_text(self.fields.get(name, ""), what=name, limit=limit, lines=True)

    def flag(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.fields.get(name, "").lower() in ("1", "true", "on", "yes")

    def index(self, name: str) -> int | None:
        """A field as a count from 0; None if it is absent.

        Raises:
            InputError: It is not a whole number of at most six digits.
        """
        value = self.fields.get(name, "").strip()
        if not value:
            return None
        if not re.fullmatch(r"[0-9]{1,6}", value):
            raise InputError(f"The field {name} must be a number from 0, got {value[:20]!r}.")
        return int(value)

    def photo(self, name: str = "photo") -> Upload:
        """The one photo of a field.

        Raises:
            InputError: None or several were sent.
        """
        photos = self.files.get(name, ())
        if len(photos) != 1:
            raise InputError(f"Expected one photo in the field {name}, got {len(photos)}.")
        return photos[0]

    def consent(self, *, recorded_by: str) -> Consent | None:
        """The consent record that the fields amount to; None if neither text nor file came.

        Raises:
            ConsentError: The expiry is not a date to come.
        """
        text = self.paragraph("consent")
        document = next(iter(self.files.get("document", ())), None)
        if not text and document is None:
            return None
        return Consent(
            text=text or "See the document.",
            purpose=self.text("purpose") or "Recognise this person in photos",
            given_at=datetime.now(UTC),
            recorded_by=self.text("recorded_by") or recorded_by,
            expires_at=parse_expiry(self.text("expires")),
            document=document.data if document else None,
            document_name=document.name if document else None,
        )


async def read_form(request: Request, *, photos: int = 1, documents: int = 0) -> Form:
    """Reads a form, refusing it as soon as it is too large.

    Args:
        request: Its body has not been read.
        photos: Most photos allowed.
        documents: Most other files allowed.

    Raises:
        HTTPException: 413 for too many bytes, 400 for too many fields or files, 408 if it takes
            too long.
        ImageTooLargeError: One file is over the limit.
    """
    options = state_of(request).options
    count = photos + documents
    limit = min(count * options.max_upload_bytes, options.max_enrol_bytes) + _ENVELOPE_BYTES
    counted = Request(request.scope, limit_body(request.headers, request.receive, limit))
    try:
        async with (
            asyncio.timeout(options.body_timeout_s),
            counted.form(
                max_files=count, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES
            ) as data,
        ):
            fields: dict[str, str] = {}
            files: dict[str, tuple[Upload, ...]] = {}
            for name, value in data.multi_items():
                if isinstance(value, UploadFile):
                    upload = await _read_upload(value, options.max_upload_bytes)
                    files[name] = files.get(name, ()) + ((upload,) if upload else ())
                else:
                    fields[name] = value
            return Form(fields, files)
    except TimeoutError as error:
        raise HTTPException(408, "The upload took too long.") from error


async def read_photo(request: Request) -> tuple[Form, Upload]:
    """Reads a form that carries one photo, in the field `photo`.

    Raises:
        InputError: None or several were sent; see `read_form` for the others.
    """
    form = await read_form(request, photos=1)
    return form, form.photo()


async def _read_upload(file: UploadFile, max_bytes: int) -> Upload | None:
    if not file.filename and not file.size:
        return None
    name = display_name(file.filename or "")
    if (file.size or 0) > max_bytes:
        raise ImageTooLargeError(
            f"{name} has {(file.size or 0) / 2**20:.1f} MB; at most {max_bytes / 2**20:.3g} MB "
            "are taken. Send a smaller copy."
        )
    return Upload(name, await file.read())


async def read_json(request: Request, model: type[ModelT]) -> ModelT:
    """Reads a JSON body into a model.

    Raises:
        InputError: It is not JSON of that shape.
    """
    try:
        async with asyncio.timeout(state_of(request).options.body_timeout_s):
            return model.model_validate_json(await request.body())
    except TimeoutError as error:
        raise HTTPException(408, "The request took too long.") from error
    except ValidationError as error:
        raise InputError(describe_validation(error)) from error


def describe_validation(error: ValidationError) -> str:
    """What is wrong with a body, in one sentence, without repeating its values."""
    reasons = []
    for item in error.errors(include_input=False, include_url=False, include_context=False)[:3]:
        place = ".".join(str(part) for part in item["loc"]) or "the body"
        reasons.append(f"{place}: {item['msg']}")
    return "The request does not have the expected shape. " + "; ".join(reasons) + "."


def display_name(raw: str) -> str:
    """A file name as text to show: its last part, without control characters, cut.

    >>> (
    ...     display_name("../../etc/passwd"),
    ...     display_name("C:\\\\photos\\\\ada.jpg"),
    ...     display_name(".."),
    ... )
    ('passwd', 'ada.jpg', 'photo')
    """
    name = _visible(re.split(r"[/\\]", raw)[-1], keep="").strip(" .")
    return (
        name if len(name) <= _MAX_NAME_LENGTH else name[: _MAX_NAME_LENGTH - 1] + "…"
    ) or "photo"


def clean_text(raw: str, *, what: str, limit: int, lines: bool = False) -> str:
    """Text without control characters and outer space.

    Raises:
        InputError: It is longer than `limit` characters.
    """
    text = _visible(raw.replace("\r\n", "\n"), keep="\n" if lines else "").strip()
    if len(text) > limit:
        raise InputError(f"The field {what} may have {limit} characters and has {len(text)}.")
    return text


def _visible(text: str, *, keep: str) -> str:
    # Category C holds control and direction characters that can disguise a name; the two joiners
    # belong to words of several scripts and to emoji.
    return "".join(
        c
        for c in unicodedata.normalize("NFC", text)
        if c in keep or c in _JOINERS or unicodedata.category(c)[0] != "C"
    )


def parse_expiry(value: str) -> datetime | None:
    """The end of a day, or a moment, in ISO 8601; UTC where no zone is given.

    Raises:
        ConsentError: It cannot be read or has passed.
    """
    if not value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ConsentError(f"The expiry must be a date like 2030-12-31, got {value!r}.") from error
    if len(value) <= len("2030-12-31"):
        moment = datetime.combine(moment, time.max)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    if moment <= datetime.now(UTC):
        raise ConsentError(f"The expiry {value} has passed. Give a date to come, or none.")
    return moment
