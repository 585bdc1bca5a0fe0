"""SQLite files of what evaluations keep: readable by their owner alone, free to be deleted at any time."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock

__all__ = ["AT_ONCE", "Storage"]

_log = logging.getLogger(__name__)

AT_ONCE = 500
"""How many values a query may ask for: all versions of SQLite take that many."""

_WAIT_S = 60.0


class Storage:
    """One file. Where the disk refuses, nothing more is kept, and that is said once.

    A damaged file is put aside and begun anew. Several processes may use it at a time.

    Args:
        path: The file, made if need be.
        schema: The statement that makes its table where there is none.
        what: What it is called in messages, as in "cache of embeddings".
    """

    def __init__(self, path: Path, schema: str, *, what: str) -> None:
        self._path = path
        self._schema = schema
        self._what = what
        self._connection = self._open()

    @property
    def usable(self) -> bool:
        """Whether anything can be kept."""
        return self._connection is not None

    def run(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The answer of a query with one row, or none after writing rows; none without a file."""
        if self._connection is None:
            return []
        try:
            with self._connection:
                if statement.startswith("SELECT"):
                    return self._connection.execute(statement, rows[0]).fetchall()
                self._connection.executemany(statement, rows)
        except sqlite3.DatabaseError as error:
            self._connection.close()
            self._connection = self._after(error)
        return []

    def close(self) -> None:
        """Closes the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _after(self, error: sqlite3.DatabaseError) -> sqlite3.Connection | None:
        """A new connection where the file was damaged, else none for the rest of the run."""
        if not _damaged(error):
            _log.warning(
                "the %s %s cannot be used (%s): nothing more is kept", self._what, self._path, error
            )
            return None
        self._put_aside(error)
        return self._open()

    def _open(self) -> sqlite3.Connection | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._path.with_suffix(".lock"), timeout=_WAIT_S, mode=0o600):
                try:
                    return _connect(self._path, self._schema)
                except sqlite3.DatabaseError as error:
                    if not _damaged(error):
                        raise
                    self._put_aside(error)
                    return _connect(self._path, self._schema)
        except (OSError, sqlite3.DatabaseError) as error:
            _log.warning(
                "the %s %s cannot be used (%s): nothing is kept", self._what, self._path, error
            )
            return None

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._path.with_suffix(".damaged")
        _log.warning(
            "the %s %s is damaged (%s): put aside as %s and begun anew",
            self._what,
            self._path,
            error,
            aside.name,
        )
        with suppress(FileNotFoundError):
            self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)


def _connect(path: Path, schema: str) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(schema)
        connection.commit()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is at fault, and not the disk, a lock or a permission."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes
