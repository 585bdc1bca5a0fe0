"""What somebody means by a source of live pictures, checked before anything is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from faceprint.errors import InputError, VideoNotFoundError

__all__ = ["SourceAddress", "SourceKind", "read_source"]

_SCHEMES = ("rtsp", "rtsps", "http", "https")
_EXPECTED = (
    "Expected the number of a camera (0 to 9), the address of a stream (rtsp://… or http://…), "
    "or a video file"
)
_MIN_SECRET_LENGTH = 3
"""Characters; replacing a shorter one would tear words apart, and it protects nothing."""


class SourceKind(StrEnum):
    """Where pictures come from."""

    CAMERA = "camera"
    STREAM = "stream"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """A source of pictures.

    Attributes:
        kind: Camera, stream or file.
        target: What is opened. May hold a password: never shown.
        name: What the source is called in messages, pages and events; holds no password.
    """

    kind: SourceKind
    target: str = field(repr=False)
    name: str

    def without_secrets(self, text: str) -> str:
        """A message about this source without the address, the password and the query in it."""
        if self.kind is not SourceKind.STREAM:
            return text
        parts = urlsplit(self.target)
        text = text.replace(self.target, self.name)
        for secret in (parts.netloc.rpartition("@")[0], parts.password, parts.query):
            for form in {secret or "", unquote(secret or "")}:
                if len(form) >= _MIN_SECRET_LENGTH:
                    text = text.replace(form, "***")
        return text


def read_source(text: str) -> SourceAddress:
    """What a source given as text means.

    >>> read_source("0").name
    'camera 0'
    >>> read_source("rtsp://ana:secret@door.example:554/main?token=7").name
    'rtsp://door.example:554/main'

    Raises:
        InputError: It is neither a camera, nor the address of a stream, nor an existing file.
    """
    given = text.strip()
    if len(given) == 1 and given in "0123456789":
        return SourceAddress(SourceKind.CAMERA, given, f"camera {given}")
    if "://" in given:
        return _read_stream(given)
    path = Path(given)
    try:
        found = bool(given) and path.is_file()
    except (OSError, ValueError):
        found = False
    if not found:
        raise VideoNotFoundError(f"{_EXPECTED}, got {given!r}, and there is no such file.")
    return SourceAddress(SourceKind.FILE, given, path.name)


def _read_stream(given: str) -> SourceAddress:
    shown = f"an address that begins with {given.partition('://')[0][:20]!r}"
    try:
        parts = urlsplit(given)
        place = _place(parts)
    except ValueError as error:
        raise InputError(f"{_EXPECTED}, got {shown} that is not well formed.") from error
    if parts.scheme.lower() not in _SCHEMES or not parts.hostname:
        raise InputError(f"{_EXPECTED}, got {shown}.")
    if any(not c.isprintable() or c.isspace() for c in given):
        raise InputError(f"{_EXPECTED}, got {shown} with spaces or control characters in it.")
    return SourceAddress(SourceKind.STREAM, given, f"{parts.scheme.lower()}://{place}{parts.path}")


def _place(parts: SplitResult) -> str:
    host = parts.hostname or ""
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed if parts.port is None else f"{bracketed}:{parts.port}"
