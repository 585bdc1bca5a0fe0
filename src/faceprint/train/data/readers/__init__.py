"""Published sets of photos and own folders, read into one form."""

from __future__ import annotations

from pathlib import Path

from faceprint.errors import InputError
from faceprint.train.data.readers.celeba import is_celeba, read_celeba
from faceprint.train.data.readers.fer2013 import find_fer_table, is_fer2013, read_fer2013
from faceprint.train.data.readers.folders import photos_below, read_folders
from faceprint.train.data.readers.lfw import is_lfw, read_lfw
from faceprint.train.data.readers.lists import read_people_list
from faceprint.train.data.readers.utkface import is_utkface, read_utkface
from faceprint.train.data.records import Source

__all__ = ["KINDS", "read_people_list", "read_source"]

_READERS = {
    "celeba": read_celeba,
    "fer2013": read_fer2013,
    "utkface": read_utkface,
    "lfw": read_lfw,
    "folders": read_folders,
}

KINDS = tuple(_READERS)
"""What `read_source` can be told to read."""


def read_source(root: Path, *, kind: str = "auto") -> Source:
    """The photos of a source, with all that it says about them.

    Args:
        root: Folder of the photos, as published or as a folder per person; of FER2013 also its CSV.
        kind: One of `KINDS`; "auto" goes by the lists, folders and names that are there.

    Raises:
        InputError: There is no such folder, it is of no kind that is known here, or a list in it is not
            what it should be.
    """
    if kind != "auto" and kind not in _READERS:
        raise InputError(
            f"There is no kind of source {kind!r}; choose auto, {', '.join(_READERS)}."
        )
    return _READERS[_recognise(root) if kind == "auto" else kind](root)


def _recognise(root: Path) -> str:
    if find_fer_table(root) is not None:
        return "fer2013"
    if is_celeba(root):
        return "celeba"
    photos, _ = photos_below(root)
    if is_fer2013(root, photos):
        return "fer2013"
    if is_utkface(photos):
        return "utkface"
    if is_lfw(photos):
        return "lfw"
    if any(photo.parent != root for photo in photos):
        return "folders"
    raise InputError(
        f"{root} is of no kind that is known here. Looked for the lists of CelebA (list_attr_celeba.txt or "
        ".csv and the like), fer2013.csv or folders of its seven emotions, names as in UTKFace "
        "(26_1_2_20170116.jpg), names as in LFW (Ada_Lovelace/Ada_Lovelace_0001.jpg), and a folder per "
        "person. Lay the photos out in one of these ways, or say which it is with --kind."
    )
