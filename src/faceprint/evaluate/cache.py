"""A cache of the embeddings of evaluated photos: SQLite files that may be deleted at any time.

What it holds is biometric data of the people on the photos: its files are readable by their owner alone,
and `EmbeddingCache.clear` deletes them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprint.errors import OutputError
from faceprint.evaluate.storage import AT_ONCE, Storage
from faceprint.types import Face, FloatArray, Quality

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint

__all__ = ["CachedPhoto", "EmbeddingCache", "Shelf"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS photos (
    digest TEXT NOT NULL, change TEXT NOT NULL, face_count INTEGER NOT NULL,
    face TEXT, vector BLOB, PRIMARY KEY (digest, change)
)
"""


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
            OutputError: Something there cannot be deleted; all else is.
        """
        freed = 0
        left: list[str] = []
        for path in sorted(self.folder.glob("*")) if self.folder.is_dir() else ():
            try:
                size = path.stat().st_size
                path.unlink()
            except OSError as error:
                left.append(f"{path} ({error.strerror})")
                continue
            freed += size
        if left:
            raise OutputError(
                f"{freed / 2**20:.1f} MiB were deleted, but not {', '.join(left)}. Delete that yourself: "
                "it may hold embeddings of faces."
            )
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
        self._dimension = dimension
        self._waiting: dict[tuple[str, str], CachedPhoto] = {}
        self._storage = Storage(path, _SCHEMA, what="cache of embeddings")

    def find(self, digests: Sequence[str], change: str = "") -> dict[str, CachedPhoto]:
        """What is kept of the photos of these digests.

        Args:
            digests: SHA-256 of the files, hexadecimal.
            change: What was done to the photos after they were read.
        """
        found: dict[str, CachedPhoto] = {}
        for start in range(0, len(digests), AT_ONCE):
            some = digests[start : start + AT_ONCE]
            holes = ",".join("?" * len(some))
            rows = self._storage.run(
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
            self._storage.run("INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Writes what was noted, and closes the file."""
        self.commit()
        self._storage.close()

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
