"""From the path or URL of a gallery to its store."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from faceprint.errors import GalleryError
from faceprint.gallery.database import Database
from faceprint.gallery.index import SearchPlan
from faceprint.gallery.pictures import PictureFolder
from faceprint.gallery.scans import SearchMode, check_search_mode, has_codes
from faceprint.gallery.sql import SqlGallery

__all__ = ["open_location"]

_SUPPORTED = (
    "Supported are a path, as in people.db, and sqlite:///people.db with mode=ro and timeout."
)


def open_location(path_or_url: str | Path, *, create: bool, search: SearchMode) -> SqlGallery:
    """Opens the store of a path or URL; see `faceprint.gallery.open_gallery`."""
    check_search_mode(search)
    plan = SearchPlan(search, has_codes=has_codes())
    path, read_only, timeout_s = _parse(path_or_url)
    database = Database.open(path, create=create, read_only=read_only, timeout_s=timeout_s)
    try:
        pictures = PictureFolder(database.path.with_name(f"{database.path.name}.pictures"))
        return SqlGallery(database, pictures, plan)
    except BaseException:
        database.close()
        raise


def _parse(path_or_url: str | Path) -> tuple[Path, bool, float]:
    """Path, whether it is read-only, and the timeout in seconds."""
    if isinstance(path_or_url, Path) or "://" not in path_or_url:
        if not str(path_or_url).strip():
            raise GalleryError(f"A gallery needs a path or a URL; it is blank. {_SUPPORTED}")
        return Path(path_or_url), False, 10.0
    try:
        url = make_url(path_or_url)
        timeout_s = float(str(url.query.get("timeout", "10")))
    except (ArgumentError, ValueError) as error:
        raise GalleryError(
            f"The URL of the gallery cannot be read: {error}. {_SUPPORTED}"
        ) from error
    known = set(url.query) <= {"mode", "timeout"} and url.query.get("mode", "rw") in ("rw", "ro")
    if url.drivername != "sqlite" or not known or not timeout_s >= 0:
        raise GalleryError(
            f"This faceprint does not open galleries at {url.drivername}:// with such options. "
            f"{_SUPPORTED}"
        )
    if not url.database or url.database == ":memory:" or url.host:
        raise GalleryError(f"The URL of the gallery names no file. {_SUPPORTED}")
    return Path(url.database), url.query.get("mode") == "ro", timeout_s
