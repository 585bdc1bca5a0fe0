"""Celebrities in Frontal-Profile: ten folds of frontal-frontal and frontal-profile pairs.

Sengupta, Chen, Castillo, Patel, Chellappa, Jacobs, "Frontal to Profile Face Verification in the Wild",
WACV 2016.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from faceprint.errors import InputError
from faceprint.evaluate.protocols.lists import first_existing, numbered_lines
from faceprint.evaluate.protocols.pairs import (
    PairBuilder,
    PairList,
    check_photos,
    numbered,
)

__all__ = ["read_cfp"]

_FOLDERS = ("cfp-dataset", "cfp", "CFP")


def read_cfp(root: Path, *, part: Literal["FF", "FP"]) -> PairList:
    """The pairs of a part.

    Args:
        root: Folder with `Protocol/` and `Data/`, or what such a folder lies in as cfp-dataset.
        part: FF compares frontal photos with each other, FP with profiles.

    Raises:
        InputError: A list is missing or not what it should be, or more than half of the photos are not
            there.
    """
    place = first_existing(
        "The folder Protocol of CFP",
        root / "Protocol",
        *(root / folder / "Protocol" for folder in _FOLDERS),
    )
    first = _read_photos(place / "Pair_list_F.txt")
    second = first if part == "FF" else _read_photos(place / "Pair_list_P.txt")
    split = first_existing(f"The folds of part {part}", place / "Split" / part)
    folders = sorted(folder for folder in split.iterdir() if folder.is_dir())
    if len(folders) < 2:
        raise InputError(f"{split} has {len(folders)} folds; expected folders 01 to 10.")
    numbers: dict[Path, int] = {}
    builder = PairBuilder(split, numbers, published=True)
    mixed = 0
    for fold, folder in enumerate(folders):
        for same, name in ((True, "same.txt"), (False, "diff.txt")):
            path = folder / name
            for line, a, b in _read_split(path, first, second):
                where = f"{folder.name}/{name} line {line}"
                builder.add(where, a, b, same=same, fold=fold)
                mixed += same is not (_person(a) == _person(b))
    found = builder.build(f"CFP {part}")
    notes = found.notes + check_photos(split, found.photos)
    if mixed:
        notes += (f"The label of {mixed:,} pairs is not that of the folders of their photos.",)
    return replace(found, people=numbered(map(_person, found.photos)), notes=notes)


def _read_photos(path: Path) -> dict[int, Path]:
    """The photos by number: lines of a number and a path, which starts from the list's folder."""
    photos = {}
    for number, line in numbered_lines(path):
        key, _, name = line.partition(" ")
        name = name.strip()
        if not key.isdecimal() or not name:
            raise InputError(
                f"Line {number} of {path} is {line[:80]!r}; expected a number and a path, as in "
                "'1 ../Data/Images/001/frontal/01.jpg'."
            )
        photo = path.parent / name.replace("\\", "/")
        # The lists count from their own folder; without the part that leads out of it, from its parent.
        photos[int(key)] = (photo if ".." in photo.parts else path.parent.parent / name).resolve()
    return photos


def _read_split(
    path: Path, first: dict[int, Path], second: dict[int, Path]
) -> list[tuple[int, Path, Path]]:
    """Line number and photos of each pair."""
    pairs = []
    for number, line in numbered_lines(path):
        words = line.replace(",", " ").split()
        if len(words) != 2 or not all(word.isdecimal() for word in words):
            raise InputError(
                f"Line {number} of {path} is {line[:80]!r}; expected two numbers, as in '12,345'."
            )
        a, b = int(words[0]), int(words[1])
        if a not in first or b not in second:
            raise InputError(
                f"Line {number} of {path} names photo {b if a in first else a}, which the list of "
                "photos does not have. Fetch the protocol again."
            )
        pairs.append((number, first[a], second[b]))
    return pairs


def _person(photo: Path) -> str:
    """The folder of a person, which holds the folders frontal and profile."""
    return photo.parent.parent.name
