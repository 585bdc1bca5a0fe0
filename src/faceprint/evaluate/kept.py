"""Results of photos that were evaluated before, by the content of the photo: files that may be deleted."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

__all__ = ["KeptResults", "digest_of"]

_log = logging.getLogger(__name__)

_SCHEMA = "CREATE TABLE IF NOT EXISTS photos (digest TEXT PRIMARY KEY, result BLOB NOT NULL) WITHOUT ROWID"
_COMMIT = 64
_AT_ONCE = 500
_WAIT_S = 60.0


def digest_of(path: Path) -> str | None:
    """SHA-256 of a file, hexadecimal; None where it cannot be read, which working on it then reports."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


class KeptResults:
    """An SQLite file from digests to bytes. Where the disk refuses, nothing is kept, and that is said.

    Several processes may use it at a time.

    Args:
        path: The file, made if need be; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._waiting: dict[str, bytes] = {}
        self._connection = None if path is None else _connect(path)

    @classmethod
    @contextmanager
    def open(
        cls, folder: Path | None, what: str, recipe: Mapping[str, Any]
    ) -> Iterator[KeptResults]:
        """The file in a folder for one way of working; what was noted is written at the end, too.

        Args:
            folder: Where the files lie; None to keep nothing.
            what: Begins the name of the file.
            recipe: All that changes a result, as JSON values.
        """
        name = sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:24]
        kept = cls(None if folder is None else folder / f"{what}-{name}.db")
        try:
            yield kept
        finally:
            kept.commit()
            kept.close()

    @property
    def usable(self) -> bool:
        """Whether anything can be kept."""
        return self._connection is not None

    def find(self, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept of the photos of these digests."""
        found: dict[str, bytes] = {}
        for start in range(0, len(digests), _AT_ONCE):
            if self._connection is None:
                return {}
            some = digests[start : start + _AT_ONCE]
            holes = ",".join("?" * len(some))
            query = f"SELECT digest, result FROM photos WHERE digest IN ({holes})"
            try:
                found |= dict(self._connection.execute(query, list(some)).fetchall())
            except sqlite3.DatabaseError as error:
                self._give_up(error)
        return found

    def keep(self, digest: str, result: bytes) -> None:
        """Notes a result, and writes what was noted from time to time."""
        self._waiting[digest] = result
        if len(self._waiting) >= _COMMIT:
            self.commit()

    def commit(self) -> None:
        """Writes what was noted."""
        rows = list(self._waiting.items())
        self._waiting.clear()
        if self._connection is None or not rows:
            return
        try:
            with self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO photos VALUES (?, ?)", rows)
        except sqlite3.DatabaseError as error:
            self._give_up(error)

    def close(self) -> None:
        """Closes the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _give_up(self, error: sqlite3.DatabaseError) -> None:
        _log.warning(
            "the cache of evaluated photos cannot be used (%s): nothing more is kept", error
        )
        self.close()


def _connect(path: Path) -> sqlite3.Connection | None:
    """An open file; begun anew where it is no database, None where the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        try:
            return _opened(path)
        except sqlite3.DatabaseError as error:
            if (getattr(error, "sqlite_errorcode", 0) & 0xFF) != sqlite3.SQLITE_NOTADB:
                raise
            _log.warning("the cache %s is damaged (%s): begun anew", path, error)
            path.unlink()
            return _opened(path)
    except (OSError, sqlite3.DatabaseError) as error:
        _log.warning("the cache %s cannot be used (%s): nothing is kept", path, error)
        return None


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        connection.execute(_SCHEMA)
        connection.commit()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection
