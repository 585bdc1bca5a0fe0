"""Photos and videos in folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from faceprint.errors import ImageNotFoundError
from faceprint.media.signature import PHOTO_SUFFIXES, VIDEO_SUFFIXES

__all__ = ["FolderFiles", "find_photos", "sort_folder"]


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a folder, at any depth, in sorted order.

    Attributes:
        photos: By their suffix, and folders that may not be listed.
        videos: By their suffix.
        others: All the rest.
    """

    photos: tuple[Path, ...]
    videos: tuple[Path, ...]
    others: tuple[Path, ...]


def sort_folder(folder: Path, *, leave_out: Path | None = None) -> FolderFiles:
    """The files of a folder by their kind; hidden files and folders are left out.

    Args:
        folder: Searched through as by `find_photos`.
        leave_out: A folder whose files are left out.
    """
    files = list(_walk(folder, set()))
    if leave_out is not None:
        place = leave_out.resolve()
        files = [file for file in files if not file.resolve().is_relative_to(place)]
    photos = tuple(file for file in files if _may_hold_photos(file))
    videos = tuple(file for file in files if file.suffix.lower() in VIDEO_SUFFIXES)
    known = {*photos, *videos}
    return FolderFiles(photos, videos, tuple(file for file in files if file not in known))


def find_photos(paths: Iterable[str | Path]) -> Iterator[Path]:
    """The photos among paths, in the order given; folders are searched through, in sorted order.

    A path that is not a folder comes back as it is, whatever its suffix and even where there is no
    such file; so does a folder that may not be listed. Reading them then gives the error, as one
    failed item of a batch. In folders, files count by their suffix, upper or lower case; hidden
    files and folders are left out, and a folder that links lead to several times is searched once.

    Args:
        paths: Files and folders.

    Raises:
        ImageNotFoundError: A given folder holds no photo at any depth. Raised when its turn comes.
    """
    for path in map(Path, paths):
        if not _is_folder(path):
            yield path
            continue
        found = False
        for photo in filter(_may_hold_photos, _walk(path, set())):
            found = True
            yield photo
        if not found:
            raise ImageNotFoundError(
                f"The folder {path} holds no photos. Expected files that end in "
                f"{', '.join(sorted(PHOTO_SUFFIXES))}."
            )


def _is_folder(path: str | Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises on names that are too long


def _may_hold_photos(path: Path) -> bool:
    """Whether it is named like a photo, or a folder that may not be listed."""
    return path.suffix.lower() in PHOTO_SUFFIXES or _is_folder(path)


def _walk(folder: Path, seen: set[str]) -> Iterator[Path]:
    """All files, and the folders that may not be listed."""
    place = os.path.realpath(folder)
    if place in seen:
        return
    seen.add(place)
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError:
        yield folder
        return
    for name in names:
        path = folder / name
        if _is_folder(path):
            yield from _walk(path, seen)
        else:
            yield path
