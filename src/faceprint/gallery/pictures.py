"""Kept pictures: files named by their SHA-256, in a folder beside the database.

A picture is written before the rows that name it are committed, and removed after the rows are
gone. A process that is killed in between leaves a marker file; the next opening then sweeps what no
row names. All of this happens while the database's write lock is held, so nobody sweeps what
another process has just written.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faceprint.errors import GalleryCorruptError
from faceprint.files import write_whole
from faceprint.gallery.faults import storage_error

__all__ = ["PendingPictures", "PictureFolder"]

_DIGEST = re.compile(r"[0-9a-f]{64}")
_MARKER = "unsettled-"


class PictureFolder:
    """A folder of pictures, each under the first two digits of its digest.

    Attributes:
        folder: The folder; made with the first picture.
    """

    def __init__(self, folder: Path) -> None:
        """Takes the folder, which need not exist yet."""
        self.folder = folder

    def read(self, digest: str) -> bytes:
        """The picture of a digest.

        Raises:
            GalleryCorruptError: The file is missing or has another digest.
        """
        try:
            content = self._path(digest).read_bytes()
        except FileNotFoundError:
            raise GalleryCorruptError(f"The gallery has no picture {digest}.") from None
        except OSError as error:
            raise storage_error(error, self._path(digest)) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise GalleryCorruptError(
                f"The picture {digest} of the gallery has been altered or is damaged. "
                "Restore its folder from a backup."
            )
        return content

    @contextmanager
    def pending(self) -> Iterator[PendingPictures]:
        """Lets a transaction write or remove pictures; wraps the transaction from outside.

        Where it leaves with an exception, the marker stays and says that a sweep is due.
        """
        pending = PendingPictures(self)
        yield pending
        pending.settle()

    def is_unsettled(self) -> bool:
        """Whether a transaction was broken off between its files and its rows."""
        return any(self.folder.glob(f"{_MARKER}*"))

    def remove(self, digests: Collection[str]) -> None:
        """Removes the files of digests; call it only while the write lock is held."""
        try:
            for digest in digests:
                self._path(digest).unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, self.folder) from error

    def sweep(self, named: Collection[str]) -> int:
        """Removes every file that no row names, then the markers; returns how many files went.

        Call it only while the write lock is held.
        """
        orphans = [path for path in self.folder.glob("??/*") if path.name not in named]
        try:
            for path in orphans:
                path.unlink(missing_ok=True)
            for marker in self.folder.glob(f"{_MARKER}*"):
                marker.unlink(missing_ok=True)
        except OSError as error:
            raise storage_error(error, self.folder) from error
        return len(orphans)

    def mark(self) -> Path:
        """Makes a marker that outlives the process."""
        marker = self.folder / f"{_MARKER}{uuid.uuid4().hex}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            marker.touch(mode=0o600)
            _sync_folder(self.folder)
        except OSError as error:
            raise storage_error(error, self.folder) from error
        return marker

    def write(self, content: bytes) -> str:
        """Stores a picture atomically and returns its digest; one that is there already stays."""
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if path.exists() and path.read_bytes() == content:
                return digest
            write_whole(path, content, mode=0o600)
            _sync_folder(path.parent)
        except OSError as error:
            raise storage_error(error, path) from error
        return digest

    def _path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise GalleryCorruptError(
                "A picture is named by the 64 lower-case hexadecimal digits of its SHA-256; "
                f"this name has {len(digest)} characters."
            )
        return self.folder / digest[:2] / digest


class PendingPictures:
    """The pictures of one transaction."""

    def __init__(self, folder: PictureFolder) -> None:
        """Takes the folder to write to."""
        self._folder = folder
        self._marker: Path | None = None

    def expect(self) -> None:
        """Leaves the marker; before anything happens to files, and within the transaction."""
        if self._marker is None:
            self._marker = self._folder.mark()

    def write(self, content: bytes) -> str:
        """Stores a picture and returns its digest."""
        self.expect()
        return self._folder.write(content)

    def leave(self) -> None:
        """Keeps the marker, so that the next opening sweeps."""
        self._marker = None

    def settle(self) -> None:
        """Removes the marker, once files and rows agree."""
        if self._marker is not None:
            # The rows are committed: a marker that stays only means one sweep too many.
            with suppress(OSError):
                self._marker.unlink(missing_ok=True)
            self._marker = None


def _sync_folder(folder: Path) -> None:
    """Makes renames in a folder survive a power cut; Windows neither needs nor allows it."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
