"""CelebA: 202,599 photos of 10,177 people with 40 attributes, boxes and landmarks.

Liu, Luo, Wang, Tang, "Deep Learning Face Attributes in the Wild", ICCV 2015. There are two sets of photos,
and each has lists of its own:

- aligned, 178 by 218 pixels (img_align_celeba): `list_landmarks_align_celeba`;
- in the wild (img_celeba): `list_bbox_celeba` and `list_landmarks_celeba`.

Identities, attributes and parts hold for both. The lists are text, or CSV as Kaggle has them. What they
call the left eye and the left corner of the mouth is on the left of the picture: the subject's own right.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from faceprint.errors import InputError
from faceprint.evaluate.protocols.lists import read_list
from faceprint.media.signature import PHOTO_SUFFIXES
from faceprint.train.data.readers.folders import photos_below
from faceprint.train.data.records import PARTS, Part, Sample, Source
from faceprint.types import FloatArray
from faceprint.zoo.cards import Licence

__all__ = ["is_celeba", "read_celeba"]

_TERMS = Licence("CelebA: non-commercial research only", "forbidden")
_ALIGNED: Final = ("img_align_celeba", "img_align_celeba_png")
_WILD: Final = ("img_celeba",)
_LISTS: Final = (
    "identity_CelebA",
    "list_attr_celeba",
    "list_eval_partition",
    "list_landmarks_align_celeba",
    "list_bbox_celeba",
    "list_landmarks_celeba",
)
_LIST_FOLDERS: Final = (".", "Anno", "anno", "Eval", "eval")
_BOX: Final = 4
_POINTS: Final = 10
_SHOWN: Final = 3

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Table:
    """A list: the names of its columns, and the cells of each photo by the stem of its name."""

    path: Path
    columns: tuple[str, ...]
    cells: Mapping[str, list[str]]

    def read(self, make: Callable[[list[str]], Value], expected: str) -> dict[str, Value]:
        """A value for each photo.

        Raises:
            InputError: A row is not what it should be.
        """
        values = {}
        for stem, row in self.cells.items():
            try:
                values[stem] = make(row)
            except (ValueError, IndexError) as error:
                raise InputError(
                    f"{self.path} has {' '.join(row)[:60]!r} for {stem}; expected {expected}."
                ) from error
        return values


def is_celeba(root: Path) -> bool:
    """Whether lists of CelebA lie in a folder."""
    return any(_find(root, name) is not None for name in _LISTS)


def read_celeba(root: Path) -> Source:
    """The aligned photos, or else those in the wild, with what the lists say about them.

    Labels are the 40 attributes under the publisher's names, 0 or 1, and "female", from Male. A missing
    list means that its part is not known. Photos that lists name and that are not there are counted as one
    problem a list.

    Args:
        root: Holds the lists (or has them in Anno and Eval) and img_align_celeba or img_celeba.

    Raises:
        InputError: There are no photos or no lists, or a list is not what it should be.
    """
    folder, aligned = _photo_folder(root)
    photos, problems = photos_below(folder)
    here = {photo.stem: photo for photo in photos}
    if len(here) < len(photos):
        raise InputError(
            f"{folder} has {len(photos) - len(here):,} photos whose names differ in folder or suffix alone. "
            "Keep one form of the photos."
        )
    tables = {name: _table(root, name) for name in _LISTS}
    if all(table is None for table in tables.values()):
        raise InputError(
            f"{root} has none of the lists of CelebA: {', '.join(_LISTS)} (.txt or .csv). Put those that "
            "you have beside the photos."
        )
    for table in tables.values():
        if table is not None and (gone := [stem for stem in table.cells if stem not in here]):
            shown = ", ".join(gone[:_SHOWN])
            problems.append(
                f"{table.path.name} names photos that are not in {folder.name}: {len(gone):,}, as {shown}"
            )
    who = _values(tables["identity_CelebA"], _identity, "a number")
    labels = _labels(tables["list_attr_celeba"])
    part = _values(tables["list_eval_partition"], _part, "0, 1 or 2")
    points_list = tables["list_landmarks_align_celeba" if aligned else "list_landmarks_celeba"]
    points = _values(points_list, _landmarks, "ten numbers")
    boxes = {} if aligned else _values(tables["list_bbox_celeba"], _box, "x, y, width, height")
    samples = [
        Sample(
            photo.relative_to(folder).as_posix(),
            photo,
            identity=who.get(stem),
            labels=labels.get(stem, {}),
            box=boxes.get(stem),
            landmarks=points.get(stem),
            part=part.get(stem),
        )
        for stem, photo in here.items()
    ]
    return Source("celeba", tuple(samples), {}, tuple(problems), _TERMS)


def _photo_folder(root: Path) -> tuple[Path, bool]:
    """Where the photos lie, and whether they are aligned; archives nest the folder in itself once."""
    for names, aligned in ((_ALIGNED, True), (_WILD, False)):
        for name in names:
            for place in (root / name / name, root / name, root / "Img" / name):
                if place.is_dir():
                    return place, aligned
    raise InputError(
        f"{root} has no photos of CelebA. Expected a folder img_align_celeba (aligned) or img_celeba (in the "
        "wild) in it."
    )


def _find(root: Path, name: str) -> Path | None:
    places = (
        root / folder / f"{name}{end}" for folder in _LIST_FOLDERS for end in (".txt", ".csv")
    )
    return next((place for place in places if place.is_file()), None)


def _table(root: Path, name: str) -> _Table | None:
    """A list by its name; None where it is missing."""
    path = _find(root, name)
    if path is None:
        return None
    columns: tuple[str, ...] = ()
    cells: dict[str, list[str]] = {}
    for number, row in enumerate(_rows(path)):
        is_photo = Path(row[0]).suffix.lower() in PHOTO_SUFFIXES
        if not is_photo and not cells and number < 2:
            # A count, or the names of the columns, that of the photo first in the CSV alone.
            columns = tuple(row[1:] if row[0] == "image_id" else row)
            continue
        if not is_photo:
            raise InputError(
                f"{path} has a row that begins with {row[0][:40]!r}; expected a photo."
            )
        stem = Path(row[0]).stem
        if cells.setdefault(stem, row[1:]) != row[1:]:
            raise InputError(f"{path} names {row[0]} twice and says two things of it.")
    if not cells:
        raise InputError(f"{path} names no photos. Fetch it again.")
    return _Table(path, columns, cells)


def _rows(path: Path) -> Iterator[list[str]]:
    text = read_list(path)
    if path.suffix.lower() != ".csv":
        yield from (line.split() for line in text.splitlines() if line.strip())
        return
    try:
        for row in csv.reader(io.StringIO(text, newline="")):
            if row:
                yield [cell.strip() for cell in row]
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as a CSV: {error}.") from error


def _values(
    table: _Table | None, make: Callable[[list[str]], Value], expected: str
) -> dict[str, Value]:
    return {} if table is None else table.read(make, expected)


def _labels(table: _Table | None) -> dict[str, dict[str, float]]:
    if table is None:
        return {}
    columns = table.columns
    if "Male" not in columns:
        raise InputError(
            f"{table.path} does not name its attributes, or has no Male. Fetch it again, as published."
        )

    def make(row: list[str]) -> dict[str, float]:
        if len(row) != len(columns):
            raise ValueError
        values = {name: _attribute(cell) for name, cell in zip(columns, row, strict=True)}
        return values | {"female": 1 - values["Male"]}

    return table.read(make, f"{len(columns)} values of -1 or 1")


def _attribute(cell: str) -> float:
    """-1 or 1, in some copies 0 or 1, as 0 or 1."""
    value = int(cell)
    if value not in (-1, 0, 1):
        raise ValueError
    return float(value > 0)


def _identity(row: list[str]) -> str:
    return str(int(row[0]))


def _part(row: list[str]) -> Part:
    number = int(row[0])
    if number < 0:
        raise ValueError
    return PARTS[number]


def _landmarks(row: list[str]) -> FloatArray:
    return _numbers(row, _POINTS).reshape(-1, 2)


def _box(row: list[str]) -> FloatArray | None:
    """xyxy; None for the few boxes that are empty."""
    left, top, width, height = _numbers(row, _BOX)
    if min(width, height) <= 0:
        return None
    return np.array([left, top, left + width, top + height], dtype=np.float32)


def _numbers(row: list[str], count: int) -> FloatArray:
    if len(row) != count:
        raise ValueError
    return np.array([float(cell) for cell in row], dtype=np.float32)
