"""People, their consent and their templates, and the search over them."""

from __future__ import annotations

from pathlib import Path

from faceprint.gallery.records import (
    Access,
    AccessKind,
    Call,
    Change,
    ChangeKind,
    Consent,
    EnrolReceipt,
    EraseReceipt,
    NewTemplate,
    Person,
    PictureKind,
    Template,
)
from faceprint.gallery.scans import SearchMode
from faceprint.gallery.store import GalleryStore

__all__ = [
    "Access",
    "AccessKind",
    "Call",
    "Change",
    "ChangeKind",
    "Consent",
    "EnrolReceipt",
    "EraseReceipt",
    "GalleryStore",
    "NewTemplate",
    "Person",
    "PictureKind",
    "SearchMode",
    "Template",
    "open_gallery",
]


def open_gallery(
    path_or_url: str | Path, *, create: bool = True, search: SearchMode = "auto"
) -> GalleryStore:
    """Opens a gallery, makes it where it is missing, and brings its tables up to date.

    Args:
        path_or_url: The path of an SQLite file, or a URL: `sqlite:///people.db` (relative),
            `sqlite:////srv/people.db` (absolute). A URL takes `?mode=ro` to refuse writes and
            `?timeout=2.5`, the seconds to wait for another process that is writing (10 by default).
            Kept pictures lie beside the file, in the folder `<file>.pictures`.
        create: Whether a missing gallery is made.
        search: How it is searched; see `SearchMode`.

    Raises:
        InputError: There is no such way of searching.
        MissingExtraError: Approximate search without the extra `faiss`.
        GalleryError: The URL is of no supported kind.
        GalleryUnavailableError: There is no gallery and none is to be made, or the storage is
            locked, unreadable, or no plain file.
        GalleryCorruptError: The file is no gallery.
        GalleryVersionError: A newer faceprint wrote it; it is left as it is.
    """
    # SQLAlchemy takes a good part of a second to import, which `import faceprint` must not.
    from faceprint.gallery.location import open_location

    return open_location(path_or_url, create=create, search=search)
