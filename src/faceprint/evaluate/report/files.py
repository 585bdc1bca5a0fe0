"""A report as files: `report.html`, `report.md` and `report.json` in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from faceprint.errors import InputError, OutputError
from faceprint.evaluate.report.blocks import Report
from faceprint.evaluate.report.html import report_page
from faceprint.evaluate.report.json_ import is_report, report_from_json, report_json
from faceprint.evaluate.report.markdown import report_markdown
from faceprint.files import write_whole

__all__ = [
    "OWNER_ALONE",
    "ReportFiles",
    "check_report_folder",
    "new_folder",
    "read_report",
    "write_report",
    "writing",
]

_HTML: Final = "report.html"
_MARKDOWN: Final = "report.md"
_JSON: Final = "report.json"

OWNER_ALONE: Final = 0o600
"""Permissions of what shows faces and names."""


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """Where a report was written.

    Attributes:
        html: The page: curves to read off, tables and pictures.
        markdown: The same to read as text.
        json: The same to compute with, and to compare runs.
    """

    html: Path
    markdown: Path
    json: Path


def check_report_folder(folder: Path) -> None:
    """Says whether a report may be written to a folder, before hours of work go into it.

    Raises:
        InputError: It is a file, or holds files of these names that are not of a report.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; a report needs a folder. Choose one with --out.")
    present = [name for name in (_HTML, _MARKDOWN, _JSON) if (folder / name).exists()]
    if present and not _holds_report(folder / _JSON):
        raise InputError(
            f"{folder} holds {', '.join(present)} of something else, which a report would replace. "
            "Choose another folder with --out."
        )


def write_report(report: Report, folder: Path) -> ReportFiles:
    """Writes a report into a folder, which is made if need be.

    A report of a former run is replaced; other files stay. Reports show faces and names: only their owner
    may read them.

    Raises:
        InputError: See `check_report_folder`.
        OutputError: The disk is full, or the folder may not be written.
    """
    check_report_folder(folder)
    files = ReportFiles(folder / _HTML, folder / _MARKDOWN, folder / _JSON)
    contents = {
        # The JSON comes first: it tells that the others are a report's, and may be replaced.
        files.json: report_json(report),
        files.markdown: report_markdown(report).encode("utf-8", "surrogateescape"),
        files.html: report_page(report).encode("utf-8", "replace"),
    }
    with writing(folder), new_folder(folder):
        for path, content in contents.items():
            write_whole(path, content, mode=OWNER_ALONE)
    return files


def read_report(path: Path) -> Report:
    """The report of a `report.json`, or of a folder that holds one.

    Raises:
        InputError: There is none, or it is damaged, or a newer faceprint wrote it.
    """
    file = path / _JSON if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise InputError(
            f"There is no report at {path} ({file.name}: {error.strerror}). Make one with the option "
            "--out of an evaluation."
        ) from error
    return report_from_json(data, name=str(file))


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turns trouble with the disk into an error that names the place.

    Raises:
        OutputError: The disk refused what was done within.
    """
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"The report cannot be written to {place}: {error.strerror or error}. Free some space, or "
            "choose another place with --out."
        ) from error


@contextmanager
def new_folder(folder: Path) -> Iterator[None]:
    """Makes a folder if need be; where what is done within fails, nothing that was made here stays.

    Raises:
        OSError: The disk refuses.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        with suppress(OSError):
            for path in folder.iterdir() if folder in made else ():
                path.unlink()
            for place in made:
                place.rmdir()
        raise


def _holds_report(path: Path) -> bool:
    try:
        return is_report(path.read_bytes())
    except OSError:
        return False
