"""Turns what SQLite and the file system report into the errors of the gallery."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from faceprint.errors import GalleryCorruptError, GalleryError, GalleryUnavailableError
from faceprint.files import is_full

__all__ = ["storage_error", "translated"]

_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raises errors of the database as errors of the gallery.

    Args:
        path: The database, named in the message.

    Raises:
        GalleryUnavailableError: It is locked, read-only, full or unreachable.
        GalleryCorruptError: It is damaged or no database.
    """
    try:
        yield
    except DBAPIError as error:
        raise _of_sqlite(error.orig, path) from error
    except sqlite3.Error as error:
        raise _of_sqlite(error, path) from error


def storage_error(error: OSError, path: Path) -> GalleryUnavailableError:
    """The gallery's error for a file that could not be read or written.

    Args:
        error: What the system said.
        path: The file or folder, named in the message.
    """
    if is_full(error):
        return GalleryUnavailableError(
            f"The disk that holds {path} is full; nothing was stored. Free some space and try "
            "again."
        )
    if error.errno in _FORBIDDEN:
        return GalleryUnavailableError(
            f"{path} may not be written or read here ({error.strerror}). "
            "Check the permissions of the file and its folder."
        )
    return GalleryUnavailableError(f"{path} cannot be used: {error.strerror or error}.")


def _of_sqlite(error: BaseException | None, path: Path) -> GalleryError:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")):
        return GalleryUnavailableError(
            f"The gallery {path} is locked: another process has been writing to it for too long. "
            "Nothing was changed; try again."
        )
    if name.startswith("SQLITE_READONLY"):
        return GalleryUnavailableError(
            f"The gallery {path} is read-only; nothing was changed. "
            "Make the file and its folder writable, or copy both elsewhere."
        )
    if name == "SQLITE_FULL":
        return GalleryUnavailableError(
            f"The disk that holds the gallery {path} is full; nothing was changed. "
            "Free some space and try again."
        )
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return GalleryCorruptError(
            f"{path} is damaged, or no SQLite database at all ({error}). "
            "Restore it from a backup, or import an export into a new gallery."
        )
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return GalleryUnavailableError(
            f"The storage of the gallery {path} failed ({error}); nothing was changed. "
            "Check the disk, and the permissions of the file and its folder."
        )
    return GalleryError(f"The gallery {path} refused: {error} ({name or type(error).__name__}).")
