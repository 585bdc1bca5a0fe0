"""A folder per person."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint.errors import ImageNotFoundError
from faceprint.evaluate.protocols.pairs import photo_names
from faceprint.media import find_photos
from faceprint.media.signature import PHOTO_SUFFIXES

__all__ = ["PeopleFolder", "read_people"]


@dataclass(frozen=True, slots=True, eq=False)
class PeopleFolder:
    """Photos with names.

    Attributes:
        name: What it is called in reports.
        photos: N paths.
        people: (N,) int64, whose photo each is: an index of `names`.
        names: The folders, in order.
        notes: What was found on reading that a reader of figures must know.
    """

    name: str
    photos: tuple[Path, ...]
    people: npt.NDArray[np.int64]
    names: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 of the photos and of whom they show, wherever they lie; hexadecimal."""
        rows = zip(photo_names(self.photos), self.people, strict=True)
        lines = sorted(f"{photo}\t{self.names[who]}" for photo, who in rows)
        return sha256("\n".join(lines).encode()).hexdigest()


def read_people(root: Path) -> PeopleFolder:
    """The photos of each folder of a folder; folders without photos are left out.

    Raises:
        ImageNotFoundError: There is no such folder, or it holds no folder with photos.
    """
    if not root.is_dir():
        raise ImageNotFoundError(
            f"{root} is not a folder. Expected a folder with one folder a person."
        )
    photos: list[Path] = []
    owners: list[int] = []
    names: list[str] = []
    loose = 0
    for folder in sorted(root.iterdir()):
        if folder.name.startswith("."):
            continue
        if not folder.is_dir():
            loose += folder.suffix.lower() in PHOTO_SUFFIXES
            continue
        try:
            found = list(find_photos([folder]))
        except ImageNotFoundError:
            continue
        owners += [len(names)] * len(found)
        photos += found
        names.append(folder.name)
    if not photos:
        raise ImageNotFoundError(f"{root} has no folder with photos. Expected one folder a person.")
    notes = (
        f"Photos that lie in {root} itself, and in no person's folder, are left out: {loose:,}.",
    )
    return PeopleFolder(
        root.resolve().name,
        tuple(photos),
        np.array(owners),
        tuple(names),
        notes if loose else (),
    )
