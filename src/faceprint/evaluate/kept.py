"""Results of photos that were evaluated before, by the content of the photo: files that may be deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from faceprint.evaluate.storage import AT_ONCE, Storage

__all__ = ["KeptResults", "digest_of"]

_SCHEMA = "CREATE TABLE IF NOT EXISTS photos (digest TEXT PRIMARY KEY, result BLOB NOT NULL) WITHOUT ROWID"
_COMMIT = 64


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
        self._storage = (
            None if path is None else Storage(path, _SCHEMA, what="cache of evaluated photos")
        )

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
        return self._storage is not None and self._storage.usable

    def find(self, digests: Sequence[str]) -> dict[str, bytes]:
        """What is kept of the photos of these digests."""
        found: dict[str, bytes] = {}
        if self._storage is None:
            return found
        for start in range(0, len(digests), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            holes = ",".join("?" * len(some))
            query = f"SELECT digest, result FROM photos WHERE digest IN ({holes})"
            found |= dict(self._storage.run(query, [tuple(some)]))
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
        if self._storage is not None and rows:
            self._storage.run("INSERT OR REPLACE INTO photos VALUES (?, ?)", rows)

    def close(self) -> None:
        """Closes the file."""
        if self._storage is not None:
            self._storage.close()
