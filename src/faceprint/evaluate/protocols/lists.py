"""Text files of lists, whoever wrote them: byte order marks, line ends, other encodings."""

from __future__ import annotations

from pathlib import Path

from faceprint.errors import InputError

__all__ = ["first_existing", "numbered_lines", "read_list"]


def read_list(path: Path) -> str:
    """The text of a list, without a byte order mark.

    Raises:
        InputError: There is no such file, it cannot be read, or it is not text in UTF-8 (or UTF-16 with
            its mark).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"The list {path} cannot be read: {error.strerror}. Check the path."
        ) from error
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"The list {path} is not text in UTF-8 (byte {error.start} does not fit). Save it as UTF-8."
        ) from error
    if "\0" in text:
        raise InputError(f"{path} is not a text file. Expected a list of pairs.")
    return text


def numbered_lines(path: Path) -> list[tuple[int, str]]:
    """The lines of a list that hold something, with their numbers from 1.

    Raises:
        InputError: The file cannot be read, or holds nothing.
    """
    lines = read_list(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = [(number, line.strip()) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise InputError(f"The list {path} is empty.")
    return found


def first_existing(what: str, *places: Path) -> Path:
    """The first of some places where there is something.

    Raises:
        InputError: There is nothing at any; the message names them.
    """
    for place in places:
        if place.exists():
            return place
    raise InputError(f"{what} was not found. Looked for {', '.join(map(str, places))}.")
