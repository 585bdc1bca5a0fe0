"""Photos in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from faceprint.errors import ImageError, ImageNotFoundError
from faceprint.media.signature import PHOTO_SUFFIXES

__all__ = ["find_photos"]


def find_photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The photos among paths, in the order given; folders are searched through, in sorted order.

    A path that is not a folder comes back as it is, whatever its suffix and even where there is no
    such
    file: reading it then gives the error, as one failed item of a batch. In folders, files count
        by their
    suffix, upper or lower case; hidden files and folders are left out, and links to folders are
    followed once.

    Args:
        paths: Files and folders.

    Raises:
        ImageNotFoundError: A given folder holds no photo at any depth. Raised when its turn comes.
        ImageError: A given folder cannot be listed.
    """
    for path in map(Path, paths):
        if not path.is_dir():
            yield path
            continue
        found = False
        for photo in _walk(path, set()):
            found = True
            yield photo
        if not found:
            raise ImageNotFoundError(
                f"The folder {path} holds no photos. Expected files that end in "
                f"{', '.join(sorted(PHOTO_SUFFIXES))}."
            )


def _walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[Path]:
    status = folder.stat()
    if (status.st_dev, status.st_ino) in seen:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in _entries(folder):
        path = folder / entry.name
        if entry.is_dir():
            yield from _walk(path, seen)
        elif path.suffix.lower() in PHOTO_SUFFIXES:
            yield path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        raise ImageError(f"The folder {folder} cannot be listed: {error.strerror}.") from error
    return sorted(visible, key=lambda entry: entry.name)
