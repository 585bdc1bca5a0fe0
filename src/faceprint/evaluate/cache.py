"""A cache of the embeddings of evaluated photos: SQLite files that may be deleted at any time.

What it holds is biometric data of the people on the photos: its files are readable by their owner alone,
and `EmbeddingCache.clear` deletes them.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from faceprint.errors import OutputError
from faceprint.types import Face, FloatArray, Quality

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["CachedPhoto", "EmbeddingCache", "Shelf"]

_log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS photos (
    digest TEXT NOT NULL, change TEXT NOT NULL, face_count INTEGER NOT NULL,
    face TEXT, vector BLOB, PRIMARY KEY (digest, change)
)
"""
_WAIT_S = 60.0
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, eq=False)
class CachedPhoto:
    """What is kept of one photo.

    Attributes:
        face_count: How many faces it shows.
        face: The one that was embedded; None where there is none.
        vector: (D,) float32, L2 norm 1; None where there is no face.
    """

    face_count: int
    face: Face | None
    vector: FloatArray | None


class EmbeddingCache:
    """Embeddings of photos that were evaluated before, by the content of the files.

    There is one file for each way of making embeddings. Several processes may use it at a time.

    Args:
        folder: Where the files lie; made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of(cls, faceprint: Faceprint) -> EmbeddingCache:
        """The cache in the folder that the settings name."""
        return cls(faceprint.settings.cache / "evaluation")

    def clear(self) -> int:
        """Deletes all that is kept, also what was put aside as damaged.

        Returns:
            How many bytes were freed.

        Raises:
            OutputError: A file cannot be deleted.
        """
        freed = 0
        for path in sorted(self.folder.glob("*")) if self.folder.is_dir() else ():
            try:
                size = path.stat().st_size
                path.unlink()
            except OSError as error:
                raise OutputError(
                    f"{path} cannot be deleted: {error.strerror}. Delete the folder yourself: it "
                    "holds embeddings of faces."
                ) from error
            freed += size
        return freed

    @contextmanager
    def shelf(self, recipe: Mapping[str, Any], *, dimension: int) -> Iterator[Shelf]:
        """What is kept for one way of making embeddings, to read and to add to.

        Args:
            recipe: All that changes an embedding or a face, as JSON values.
            dimension: Length of the embeddings.
        """
        text = json.dumps([recipe, [one.name for one in fields(Quality)]], sort_keys=True)
        shelf = Shelf(self.folder / f"{sha256(text.encode()).hexdigest()[:24]}.db", dimension)
        try:
            yield shelf
        finally:
            shelf.close()


class Shelf:
    """One file of the cache. Where the disk refuses, nothing more is kept, and that is said once."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        self._waiting: dict[tuple[str, str], CachedPhoto] = {}
        self._connection = self._open()

    def find(self, digests: Sequence[str], change: str = "") -> dict[str, CachedPhoto]:
        """What is kept of the photos of these digests.

        Args:
            digests: SHA-256 of the files, hexadecimal.
            change: What was done to the photos after they were read.
        """
        found: dict[str, CachedPhoto] = {}
        for start in range(0, len(digests), _AT_ONCE):
            some = digests[start : start + _AT_ONCE]
            holes = ",".join("?" * len(some))
            rows = self._run(
                "SELECT digest, face_count, face, vector FROM photos"
                f" WHERE change = ? AND digest IN ({holes})",
                [(change, *some)],
            )
            for digest, *row in rows:
                if (photo := self._read(*row)) is not None:
                    found[digest] = photo
        return found

    def keep(self, digest: str, photo: CachedPhoto, change: str = "") -> None:
        """Notes a photo; `commit` writes it."""
        self._waiting[digest, change] = photo

    @property
    def waiting(self) -> int:
        """How many photos are noted and not yet written."""
        return len(self._waiting)

    def commit(self) -> None:
        """Writes what was noted."""
        rows = [
            (digest, change, photo.face_count, _face_text(photo.face), _bytes(photo.vector))
            for (digest, change), photo in self._waiting.items()
        ]
        self._waiting.clear()
        if rows:
            self._run("INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Writes what was noted, and closes the file."""
        self.commit()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
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

    def _after(self, error: sqlite3.DatabaseError) -> sqlite3.Connection | None:
        """A new connection where the file was damaged, else none for the rest of the run."""
        if not _damaged(error):
            _log.warning(
                "the cache of embeddings %s cannot be used (%s): nothing more is kept",
                self._path,
                error,
            )
            return None
        self._put_aside(error)
        return self._open()

    def _open(self) -> sqlite3.Connection | None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self._path.with_suffix(".lock"), timeout=_WAIT_S, mode=0o600):
                try:
                    return _connect(self._path)
                except sqlite3.DatabaseError as error:
                    if not _damaged(error):
                        raise
                    self._put_aside(error)
                    return _connect(self._path)
        except (OSError, sqlite3.DatabaseError) as error:
            _log.warning(
                "the cache of embeddings %s cannot be used (%s): nothing is kept", self._path, error
            )
            return None

    def _put_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self._path.with_suffix(".damaged")
        _log.warning(
            "the cache of embeddings %s is damaged (%s): put aside as %s and begun anew",
            self._path,
            error,
            aside.name,
        )
        with suppress(FileNotFoundError):
            self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)

    def _read(self, count: int, face: str | None, vector: bytes | None) -> CachedPhoto | None:
        """A row, or None where it does not check out: the photo is embedded again then."""
        if face is None or vector is None:
            return CachedPhoto(int(count), None, None) if count == 0 else None
        row = np.frombuffer(vector, dtype=np.float32) if len(vector) % 4 == 0 else np.empty(0)
        if len(row) != self._dimension or not abs(float(np.linalg.norm(row)) - 1) < 0.01:
            return None
        try:
            return CachedPhoto(int(count), _read_face(face), row.astype(np.float32))
        except (ValueError, TypeError, KeyError):
            return None


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=_WAIT_S)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(_SCHEMA)
        connection.commit()
    except sqlite3.DatabaseError:
        connection.close()
        raise
    return connection


def _damaged(error: sqlite3.DatabaseError) -> bool:
    """Whether the file is at fault, and not the disk, a lock or a permission."""
    codes = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def _bytes(vector: FloatArray | None) -> bytes | None:
    return None if vector is None else np.ascontiguousarray(vector, dtype=np.float32).tobytes()


def _face_text(face: Face | None) -> str | None:
    if face is None:
        return None
    return json.dumps(
        {
            "box": face.box.tolist(),
            "score": face.score,
            "landmarks": None if face.landmarks is None else face.landmarks.tolist(),
            "quality": None if face.quality is None else asdict(face.quality),
        }
    )


def _read_face(text: str) -> Face:
    kept = json.loads(text)
    points = kept["landmarks"]
    return Face(
        box=np.array(kept["box"], dtype=np.float32),
        score=float(kept["score"]),
        landmarks=None if points is None else np.array(points, dtype=np.float32),
        quality=None if kept["quality"] is None else Quality(**kept["quality"]),
    )
