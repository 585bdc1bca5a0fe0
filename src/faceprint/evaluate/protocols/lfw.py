"""Labeled Faces in the Wild: view 1 for development, view 2 in ten folds for the figure.

Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild", University of Massachusetts, Technical
Report 07-49, 2007; Huang, Learned-Miller, "Labeled Faces in the Wild: Updates and New Reporting
Procedures", UM-CS-2014-003, for the restricted and the unrestricted setting.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from faceprint.errors import InputError
from faceprint.evaluate.protocols.lists import first_existing, numbered_lines
from faceprint.evaluate.protocols.pairs import (
    FitPhotos,
    PairBuilder,
    PairList,
    check_photos,
    numbered,
)

__all__ = ["read_lfw"]

_FOLDERS = ("lfw", "lfw-deepfunneled", "lfw_funneled", "lfw-funneled")
_SUFFIXES = (".jpg", ".png", ".jpeg", ".bmp")

_Lines = list[tuple[int, str]]
_Shot = tuple[str, int]


def read_lfw(
    root: Path, *, view: Literal[1, 2], pairs: Path | None = None, unrestricted: bool = False
) -> PairList:
    """The pairs of a view.

    Args:
        root: Folder with a folder per person, or what such a folder lies in as lfw, lfw-deepfunneled or
            lfw_funneled.
        view: 1 has `pairsDevTrain.txt` as `train` of `pairsDevTest.txt`; 2 has `pairs.txt` in folds.
        pairs: Folder of these lists, or that of view 2 itself, where they are not in `root`.
        unrestricted: In view 2, thresholds are fitted on all people of the other folds (`people.txt`).

    Raises:
        InputError: A list is missing or not what it should be, more than half of the photos are not
            there, or the unrestricted setting is asked for in view 1.
    """
    if view == 1 and unrestricted:
        raise InputError("The unrestricted setting belongs to view 2 of LFW: ask for that view.")
    lists = root if pairs is None else pairs if pairs.is_dir() else pairs.parent
    photos: dict[Path, int] = {}
    if view == 1:
        train_path = _list(lists, root, "pairsDevTrain.txt")
        test_path = _list(lists, root, "pairsDevTest.txt")
        train = _read_pairs(train_path, root, photos, "LFW view 1, training pairs")
        test = _read_pairs(test_path, root, photos, "LFW view 1")
        everything = tuple(photos)
        people = numbered(photo.parent.name for photo in everything)
        return replace(
            test,
            train=replace(train, photos=everything, people=people),
            photos=everything,
            people=people,
            notes=test.notes + check_photos(test_path, everything),
        )
    path = pairs if pairs is not None and pairs.is_file() else _list(lists, root, "pairs.txt")
    found = _read_pairs(path, root, photos, "LFW view 2")
    if unrestricted:
        fit = _read_people(_list(lists, root, "people.txt"), root, photos, found)
        found = replace(found, name="LFW view 2, unrestricted", fit=fit, photos=tuple(photos))
    return replace(
        found,
        people=numbered(photo.parent.name for photo in found.photos),
        notes=found.notes + check_photos(path, found.photos),
    )


def _list(lists: Path, root: Path, name: str) -> Path:
    places = (lists, root, *(root / folder for folder in _FOLDERS))
    return first_existing(f"The list {name} of LFW", *dict.fromkeys(p / name for p in places))


def _read_pairs(path: Path, root: Path, photos: dict[Path, int], name: str) -> PairList:
    lines = numbered_lines(path)
    folds, size = _head(path, lines[0])
    expected = 2 * folds * size
    if len(lines) - 1 != expected:
        raise InputError(
            f"The head of {path} announces {folds} x {size} genuine and as many impostor pairs, so "
            f"{expected:,} lines; it has {len(lines) - 1:,}. Fetch the list again."
        )
    builder = PairBuilder(path, photos, published=True)
    finder = _Finder(root)
    genuine = np.zeros(folds, dtype=int)
    for place, (number, line) in enumerate(lines[1:]):
        a, b = _shots(path, number, line)
        fold, same = place // (2 * size), a[0] == b[0]
        genuine[fold] += same
        builder.add(f"line {number}", finder.path(a), finder.path(b), same=same, fold=fold)
    if (genuine != size).any():
        fold = int(np.argmax(genuine != size))
        raise InputError(
            f"The head of {path} announces {size} genuine pairs a fold, and fold {fold + 1} has "
            f"{genuine[fold]}. Fetch the list again."
        )
    return builder.build(name)


def _head(path: Path, head: tuple[int, str]) -> tuple[int, int]:
    """How many folds, and pairs of each kind in each."""
    words = head[1].split()
    if len(words) not in (1, 2) or not all(word.isdecimal() and int(word) for word in words):
        raise InputError(
            f"{path} begins with {head[1][:60]!r}; expected the head of a list of LFW, as in '500' or "
            "'10 300'. Other lists are read with: faceprint evaluate verification pairs"
        )
    return (1, int(words[0])) if len(words) == 1 else (int(words[0]), int(words[1]))


def _shots(path: Path, number: int, line: str) -> tuple[_Shot, _Shot]:
    """The two photos of a line: name n n, or name n name n."""
    words = [word.strip() for word in line.split("\t")] if "\t" in line else line.split()
    if len(words) in (3, 4) and words[1].isdecimal() and words[-1].isdecimal():
        other = words[0] if len(words) == 3 else words[2]
        if len(words) == 3 or other != words[0]:
            return (words[0], int(words[1])), (other, int(words[-1]))
        raise InputError(
            f"Line {number} of {path} stands for two people and names {other} twice. Correct the list."
        )
    raise InputError(
        f"Line {number} of {path} is {line[:80]!r}; expected 'name 1 2' for one person, or "
        "'name 1 other-name 2' for two."
    )


class _Finder:
    """From a name and a number to a path."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._settled = False

    def path(self, shot: _Shot) -> Path:
        name, number = shot
        if not self._settled:
            places = [self._root, *(self._root / folder for folder in _FOLDERS)]
            found = [place for place in places if (place / name).is_dir()]
            self._root = found[0] if found else self._root
            self._settled = bool(found)
        stem = self._root / name / f"{name}_{number:04d}"
        usual = stem.with_name(stem.name + _SUFFIXES[0])
        if usual.is_file():
            return usual
        others = (stem.with_name(stem.name + suffix) for suffix in _SUFFIXES[1:])
        return next((other for other in others if other.is_file()), usual)


def _read_people(path: Path, root: Path, photos: dict[Path, int], pairs: PairList) -> FitPhotos:
    """All photos of all people of each fold."""
    folds = 0 if pairs.folds is None else int(pairs.folds.max()) + 1
    finder = _Finder(root)
    rows: list[tuple[int, int, int]] = []
    people: dict[str, int] = {}
    for fold, name, count in _people(path, folds):
        if name in people:
            raise InputError(f"{path} names {name} twice. Fetch the list again.")
        person = people.setdefault(name, len(people))
        for number in range(1, count + 1):
            photo = finder.path((name, number))
            rows.append((photos.setdefault(photo, len(photos)), person, fold))
    numbers, owners, places = np.array(rows, dtype=np.int64).T
    return FitPhotos(numbers, owners, places)


def _people(path: Path, folds: int) -> Iterator[tuple[int, str, int]]:
    """Fold, name and number of photos of each person."""
    lines = iter(numbered_lines(path))
    head = next(lines)[1]
    if head != str(folds):
        raise InputError(
            f"{path} begins with {head[:60]!r}; expected {folds}, the number of folds of the pairs."
        )
    fold, left = -1, 0
    for number, line in lines:
        words = [word.strip() for word in line.split("\t")] if "\t" in line else line.split()
        if left and len(words) == 2 and words[1].isdecimal():
            yield fold, words[0], int(words[1])
            left -= 1
        elif not left and len(words) == 1 and words[0].isdecimal():
            fold, left = fold + 1, int(words[0])
        else:
            raise InputError(
                f"Line {number} of {path} is {line[:80]!r}; expected "
                f"{'a name and a number' if left else 'how many people the next fold has'}."
            )
    if fold + 1 != folds or left:
        raise InputError(f"{path} ends in fold {fold + 1} of {folds}. Fetch the list again.")
