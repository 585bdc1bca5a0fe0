"""Any folder with a folder per person, as VGGFace2, CASIA-WebFace and own photos are laid out."""

from __future__ import annotations

from pathlib import Path

from faceprint.errors import ImageNotFoundError, InputError
from faceprint.media import find_photos
from faceprint.train.data.records import Part, Sample, Source, one_part
from faceprint.zoo.cards import Licence

__all__ = ["levels", "photos_below", "read_folders"]

_TERMS = Licence("unknown: as the photos of the folder", "undocumented")


def photos_below(root: Path) -> tuple[list[Path], list[str]]:
    """The photos at any depth of a folder, in sorted order, and the folders that may not be listed.

    Raises:
        InputError: There is no such folder, or it holds no photos.
    """
    if not root.is_dir():
        raise InputError(f"{root} is not a folder. Expected the folder of the photos.")
    found = list(find_photos([root]))
    if found == [root]:
        raise ImageNotFoundError(f"{root} may not be listed. Ask its owner for permission.")
    photos = [one for one in found if not one.is_dir()]
    closed = [
        f"{one.relative_to(root).as_posix()}: a folder that may not be listed"
        for one in found
        if one.is_dir()
    ]
    return photos, closed


def levels(root: Path, photo: Path) -> tuple[Part | None, tuple[str, ...]]:
    """The publisher's part of a photo, where the first of several folders is called so, and those below."""
    folders = photo.relative_to(root).parts[:-1]
    part = one_part(folders[0]) if len(folders) > 1 else None
    return part, folders[1:] if part is not None else folders


def read_folders(root: Path) -> Source:
    """Photos in a folder per person; a level above it may be called train, validation (val) or test.

    Photos in folders of a person's folder are of that person too. Photos in no person's folder are listed
    as problems.

    Raises:
        InputError: There is no such folder, or no photo lies in a person's folder.
    """
    photos, problems = photos_below(root)
    samples = []
    for photo in photos:
        name = photo.relative_to(root).as_posix()
        part, folders = levels(root, photo)
        if folders:
            samples.append(Sample(name, photo, identity=folders[0], part=part))
        else:
            problems.append(f"{name}: it lies in no person's folder")
    if not samples:
        raise InputError(
            f"The {len(photos):,} photos of {root} lie in no folders. Expected a folder per person, as in "
            f"{root.name}/ada/1.jpg."
        )
    return Source("folders", tuple(samples), {}, tuple(problems), _TERMS)
