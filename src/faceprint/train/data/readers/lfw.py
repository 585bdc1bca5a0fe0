"""Labeled Faces in the Wild: a folder per person, and the publisher's lists of people beside.

Huang, Ramesh, Berg, Learned-Miller, "Labeled Faces in the Wild", University of Massachusetts, Technical
Report 07-49, 2007.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from faceprint.train.data.readers.folders import read_folders
from faceprint.train.data.readers.lists import read_people_list
from faceprint.train.data.records import Part, Source
from faceprint.zoo.cards import Licence

__all__ = ["is_lfw", "read_lfw"]

_TERMS = Licence("LFW: news photos without a licence, research only", "forbidden")
_LISTS: Final[Mapping[str, Part]] = {"peopleDevTrain.txt": "train", "peopleDevTest.txt": "test"}
_FOLDERS: Final = ("lfw", "lfw-deepfunneled", "lfw_funneled", "lfw-funneled")
_NUMBERED: Final = re.compile(r"(.+)_\d{4}\.\w+")
_ENOUGH: Final = 0.9


def is_lfw(photos: list[Path]) -> bool:
    """Whether nearly all photos are called as their folder with a number: NAME/NAME_0001.jpg."""
    named = 0
    for photo in photos:
        match = _NUMBERED.fullmatch(photo.name)
        named += match is not None and match[1] == photo.parent.name
    return named > _ENOUGH * len(photos)


def read_lfw(root: Path) -> Source:
    """The photos of each person; parts are those of view 1, where its lists lie beside.

    A name that stands in both lists is in neither part, and listed as a problem.

    Args:
        root: Folder with a folder per person, or what such a folder lies in as lfw, lfw-deepfunneled or
            lfw_funneled.

    Raises:
        InputError: There is no such folder, or no photo lies in a person's folder.
    """
    places = [root]
    while inner := [places[-1] / name for name in _FOLDERS if (places[-1] / name).is_dir()]:
        places.append(inner[0])
    found = read_folders(places[-1])
    parts, contested = _parts([*places, root.parent])
    samples = tuple(
        replace(one, part=None if one.identity is None else parts.get(one.identity))
        for one in found.samples
    )
    problems = [f"{name}: it stands in both lists of view 1" for name in contested]
    return Source("lfw", samples, {}, (*found.problems, *problems), _TERMS)


def _parts(places: list[Path]) -> tuple[dict[str, Part], list[str]]:
    """The part of each person, and who stands in both."""
    parts: dict[str, Part] = {}
    contested = set()
    for name, part in _LISTS.items():
        path = next((place / name for place in places if (place / name).is_file()), None)
        for person in () if path is None else read_people_list(path):
            if parts.setdefault(person, part) != part:
                contested.add(person)
    kept = {person: part for person, part in parts.items() if person not in contested}
    return kept, sorted(contested)
