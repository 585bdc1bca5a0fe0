"""FER2013: seven emotions, as folders of photos or as one CSV of grey levels.

Goodfellow et al., "Challenges in Representation Learning: A Report on Three Machine Learning Contests",
ICONIP 2013.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import numpy as np

from faceprint.errors import InputError
from faceprint.train.data.readers.folders import levels, photos_below
from faceprint.train.data.records import Part, Sample, Source, one_part
from faceprint.types import Image
from faceprint.zoo.cards import Licence

__all__ = ["EMOTIONS", "find_fer_table", "is_fer2013", "read_fer2013"]

EMOTIONS: Final = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")
"""The classes, in the order of their numbers here."""

_PUBLISHED: Final = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""In the order of the numbers of the CSV."""

_TERMS = Licence("FER2013: photos from the web without a licence, research only", "forbidden")
_SIDE_PX: Final = 48
_COLUMNS: Final = {"emotion", "pixels"}
_TABLES: Final = ("fer2013.csv", "icml_face_data.csv", "fer2013/fer2013.csv")
_USAGE: Final = re.compile(r"(Training|PublicTest|PrivateTest)_\d+")
_FEW: Final = 4


def is_fer2013(root: Path, photos: list[Path]) -> bool:
    """Whether the photos lie in folders of emotions."""
    classes = set()
    for photo in photos:
        _, folders = levels(root, photo)
        classes.add(folders[0].lower() if folders else "")
    return len(classes & set(EMOTIONS)) >= _FEW and classes - {""} <= set(EMOTIONS)


def find_fer_table(root: Path) -> Path | None:
    """The CSV of grey levels, where `root` is or holds one."""
    places = [root] if root.suffix.lower() == ".csv" else [root / name for name in _TABLES]
    return next((place for place in places if place.is_file()), None)


def read_fer2013(root: Path) -> Source:
    """The photos of the seven folders, or of the CSV, which goes before.

    Parts come from the names of photos (Training_3.jpg, PublicTest_…, PrivateTest_…), else from a level of
    folders called train and test, and in the CSV from its column Usage.

    Raises:
        InputError: There is neither, or the CSV has other columns.
    """
    table = find_fer_table(root)
    samples, problems = _from_folders(root) if table is None else _from_table(table)
    if not samples:
        shown = f" The first problem: {problems[0]}." if problems else ""
        raise InputError(
            f"No photo of FER2013 was found in {root}. Expected fer2013.csv, or photos in folders called "
            f"{', '.join(EMOTIONS)}.{shown}"
        )
    return Source("fer2013", tuple(samples), {"emotion": EMOTIONS}, tuple(problems), _TERMS)


def _from_folders(root: Path) -> tuple[list[Sample], list[str]]:
    photos, problems = photos_below(root)
    samples = []
    for photo in photos:
        name = photo.relative_to(root).as_posix()
        part, folders = levels(root, photo)
        emotion = folders[0].lower() if folders else ""
        if emotion not in EMOTIONS:
            problems.append(f"{name}: it lies in no folder of an emotion")
            continue
        said = _USAGE.match(photo.name)
        labels = {"emotion": float(EMOTIONS.index(emotion))}
        samples.append(Sample(name, photo, labels=labels, part=one_part(said[1]) if said else part))
    return samples, problems


def _from_table(path: Path) -> tuple[list[Sample], list[str]]:
    samples: list[Sample] = []
    problems: list[str] = []
    with _rows(path) as (head, rows):
        for number, row in enumerate(rows):
            cells = dict(zip(head, row, strict=False))
            name = f"{number:05d}"
            try:
                samples.append(_sample(name, cells))
            except ValueError as error:
                problems.append(f"row {number + 1} of {path.name}: {error}")
    return samples, problems


@contextmanager
def _rows(path: Path) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The head of a CSV, in lower case, and its other rows."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = _calm(file, path)
            head = [cell.strip().lower() for cell in next(rows, [])]
            if not set(head) >= _COLUMNS:
                raise InputError(
                    f"{path} has the columns {', '.join(head) or 'none'}; expected emotion, pixels and "
                    "Usage, as published."
                )
            yield head, rows
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise InputError(f"{path} cannot be read: {reason}.") from error


def _calm(file: IO[str], path: Path) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(file) if row)
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as a CSV: {error}.") from error


def _sample(name: str, cells: dict[str, str]) -> Sample:
    """One row.

    Raises:
        ValueError: It is not what it should be.
    """
    emotion = cells.get("emotion", "").strip()
    if not emotion.isdecimal() or int(emotion) >= len(_PUBLISHED):
        raise ValueError(f"its emotion is {emotion[:20]!r}; expected 0 to 6")
    usage = cells.get("usage", "").strip()
    part: Part | None = one_part(usage)
    if usage and part is None:
        raise ValueError(
            f"its usage is {usage[:20]!r}; expected Training, PublicTest or PrivateTest"
        )
    number = EMOTIONS.index(_PUBLISHED[int(emotion)])
    pixels = _pixels(cells.get("pixels", ""))
    return Sample(name, None, pixels, labels={"emotion": float(number)}, part=part)


def _pixels(text: str) -> Image:
    """(48, 48, 3) uint8: one plane of grey, shown three times."""
    try:
        levels_ = bytes(map(int, text.split()))
    except ValueError as error:
        raise ValueError("its pixels are not all whole numbers from 0 to 255") from error
    if len(levels_) != _SIDE_PX**2:
        raise ValueError(f"it has {len(levels_):,} pixels; expected {_SIDE_PX**2:,}")
    grey = np.frombuffer(levels_, dtype=np.uint8).reshape(_SIDE_PX, _SIDE_PX, 1)
    return np.broadcast_to(grey, (_SIDE_PX, _SIDE_PX, 3))
