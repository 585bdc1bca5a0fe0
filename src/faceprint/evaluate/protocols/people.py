"""A folder per person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint.errors import ImageNotFoundError
from faceprint.media import find_photos

__all__ = ["PeopleFolder", "read_people"]


@dataclass(frozen=True, slots=True, eq=False)
class PeopleFolder:
    """Photos with names.

    Attributes:
        name: What it is called in reports.
        photos: N paths.
        people: (N,) int64, whose photo each is: an index of `names`.
        names: The folders, in order.
    """

    name: str
    photos: tuple[Path, ...]
    people: npt.NDArray[np.int64]
    names: tuple[str, ...]


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
    for folder in sorted(root.iterdir()):
        if not folder.is_dir() or folder.name.startswith("."):
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
    return PeopleFolder(root.resolve().name, tuple(photos), np.array(owners), tuple(names))
