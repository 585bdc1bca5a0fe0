"""Any list of pairs: two photos and the truth a line, in whatever separators and words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from faceprint.errors import InputError
from faceprint.evaluate.protocols.lists import read_list
from faceprint.evaluate.protocols.pairs import (
    PairBuilder,
    PairList,
    check_photos,
    numbered,
)
from faceprint.media.signature import PHOTO_SUFFIXES

__all__ = ["read_pair_table"]

_SEPARATORS: Final = {"\t": "tabs", ";": "semicolons", ",": "commas", "|": "bars", " ": "spaces"}
_SAMPLE: Final = 50

_SIDES: Final = ("photo", "image", "img", "file", "filename", "path")
_A: Final = {"a", "first", "left", "probe"} | {f"{side}{end}" for side in _SIDES for end in "a1"}
_B: Final = {"b", "second", "right", "reference"} | {
    f"{side}{end}" for side in _SIDES for end in "b2"
}
_LABEL: Final = {
    *("same", "issame", "sameperson", "label", "genuine", "mated", "match", "target", "truth", "y")
}
_FOLD: Final = {"fold", "split", "subset"}
_PERSON_A: Final = {f"{who}{end}" for who in ("person", "identity", "subject") for end in "a1"}
_PERSON_B: Final = {f"{who}{end}" for who in ("person", "identity", "subject") for end in "b2"}

_GENUINE: Final = {"1", "1.0", "true", "yes", "y", "same", "genuine", "mated", "match", "positive"}
_IMPOSTOR: Final = {
    *("0", "0.0", "-1", "-1.0", "false", "no", "n", "different", "diff", "impostor", "imposter"),
    *("nonmated", "non-mated", "nonmatch", "non-match", "negative"),
}
_EMPTY: Final = {"", "nan", "none", "null", "na", "n/a"}

_Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where in a row things stand; None for what the list does not have."""

    a: int
    b: int
    label: int | None
    fold: int | None = None
    persons: tuple[int, int] | None = None


def read_pair_table(path: Path, *, root: Path | None = None) -> PairList:
    """The pairs of a list in CSV or the like.

    Columns are separated by tabs, semicolons, commas, bars or spaces. A head names them (photo_a, photo_b,
    same, fold, person_a, person_b, and words like these); without a head they are two photos and the
    truth, or the truth and two photos, and then the fold if there is one. The truth is 1 or 0, true or
    false, genuine or impostor, same or different; with columns of persons it can be left out. Pairs that
    stand there twice, also the other way round, count once.

    Args:
        path: The list.
        root: What paths in it start from; else the folder of the list.

    Raises:
        InputError: The list cannot be read, a line does not fit, two lines contradict each other, it has
            pairs of one kind alone, or more than half of the photos are not there.
    """
    place = _placer(path, root)
    columns, rows, head = _columns(path, _rows(path), place)
    folds = None if columns.fold is None else _folds(path, rows, columns.fold)
    photos: dict[Path, int] = {}
    builder = PairBuilder(path, photos)
    shown: dict[Path, tuple[str, int]] = {}
    for line, row in rows:
        a, b = (place(_photo(path, line, row[k])) for k in (columns.a, columns.b))
        fold = 0 if folds is None or columns.fold is None else folds[row[columns.fold]]
        same = _truth(path, line, row, columns)
        builder.add(f"line {line}", a, b, same=same, fold=fold)
        for photo, column in zip((a, b), columns.persons or (), strict=False):
            _name(path, line, photo, row[column], shown)
    found = builder.build(path.name)
    return replace(
        found,
        people=numbered(shown[photo][0] for photo in found.photos) if shown else None,
        notes=head + found.notes + check_photos(path, found.photos),
    )


def _rows(path: Path) -> list[_Row]:
    text = read_list(path)
    best: list[_Row] = []
    for separator in _SEPARATORS:
        rows = _split(path, text, separator)
        if not rows:
            raise InputError(f"The list {path} is empty.")
        widths = {len(row) for _, row in rows[:_SAMPLE]}
        if len(widths) == 1 and min(widths) >= 3:
            best = rows
            break
        if widths != {1} and not best:
            best = rows
    width = len(best[0][1]) if best else 1
    for line, row in best:
        if len(row) != width:
            raise InputError(
                f"Line {line} of {path} has {len(row)} columns, and line {best[0][0]} has {width}. Put "
                "names that hold the separator in quotes, or separate columns by tabs."
            )
    if width < 3:
        raise InputError(
            f"{path} has {width} column{'' if width == 1 else 's'}; expected two photos and whether they "
            f"show one person, separated by {', '.join(_SEPARATORS.values())}, as in: a.jpg,b.jpg,1"
        )
    return best


def _split(path: Path, text: str, separator: str) -> list[_Row]:
    """The rows that hold something, with their line numbers."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if separator == " ":
                cells = [cell for cell in cells if cell]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise InputError(f"Line {reader.line_num} of {path} cannot be read: {error}.") from error
    return rows


def _columns(
    path: Path, rows: list[_Row], place: Callable[[str], Path]
) -> tuple[_Columns, list[_Row], tuple[str, ...]]:
    """Where things stand, the rows without the head, and a note on a head of unknown words."""
    names = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in rows[0][1]]

    def named(known: Iterable[str]) -> int | None:
        return next((k for k, name in enumerate(names) if name in set(known)), None)

    a, b, label = named(_A), named(_B), named(_LABEL)
    person_a, person_b = named(_PERSON_A), named(_PERSON_B)
    persons = None if person_a is None or person_b is None else (person_a, person_b)
    if a is not None and b is not None and (label is not None or persons is not None):
        if len(rows) == 1:
            raise InputError(f"{path} ends after its head: it has no pairs. Add some.")
        return _Columns(a, b, label, named(_FOLD), persons), rows[1:], ()
    note: tuple[str, ...] = ()
    if not any(_is_label(cell) or _is_photo(cell, place) for cell in rows[0][1]):
        line, head = rows[0]
        note = (f"Line {line} of {path.name} was read as a head: {', '.join(head)[:80]}.",)
        rows = rows[1:]
    if not rows:
        raise InputError(
            f"{path} ends after its first line, which was read as a head: it has no pairs. Add some."
        )
    sample = [row for _, row in rows[:_SAMPLE]]
    label = max((2, 0), key=lambda k: sum(_is_label(row[k]) for row in sample))
    a, b = (0, 1) if label == 2 else (1, 2)
    fold = 3 if len(sample[0]) > 3 and all(row[3].isdecimal() for row in sample) else None
    return _Columns(a, b, label, fold), rows, note


def _is_photo(cell: str, place: Callable[[str], Path]) -> bool:
    return Path(cell).suffix.lower() in PHOTO_SUFFIXES or place(cell).is_file()


def _is_label(cell: str) -> bool:
    return cell.lower() in _GENUINE | _IMPOSTOR


def _truth(path: Path, line: int, row: list[str], columns: _Columns) -> bool:
    persons = None
    if columns.persons is not None:
        pair = [row[k] for k in columns.persons]
        if any(name.lower() in _EMPTY for name in pair):
            raise InputError(f"Line {line} of {path} does not say who the two photos show.")
        persons = pair[0] == pair[1]
    if columns.label is None:
        assert persons is not None
        return persons
    word = row[columns.label].lower()
    if word not in _GENUINE | _IMPOSTOR:
        what = "no label" if word in _EMPTY else f"the label {row[columns.label][:40]!r}"
        raise InputError(
            f"Line {line} of {path} has {what}; expected 1 or 0, true or false, genuine or impostor, "
            "same or different."
        )
    same = word in _GENUINE
    if persons is not None and persons is not same:
        raise InputError(
            f"Line {line} of {path} contradicts itself: the label says "
            f"{'one person' if same else 'two people'}, the names do not. Correct the list."
        )
    return same


def _photo(path: Path, line: int, cell: str) -> str:
    if cell.lower() in _EMPTY:
        raise InputError(f"Line {line} of {path} lacks the path of a photo.")
    return cell


def _name(
    path: Path, line: int, photo: Path, name: str, shown: dict[Path, tuple[str, int]]
) -> None:
    """Notes whom a photo shows.

    Raises:
        InputError: Another line says that it shows somebody else.
    """
    before, where = shown.setdefault(photo, (name, line))
    if before != name:
        raise InputError(
            f"Line {where} of {path} says that {photo} shows {before}, and line {line} that it shows "
            f"{name}. Correct the list."
        )


def _folds(path: Path, rows: list[_Row], column: int) -> dict[str, int]:
    """Number of each fold, in the order of their names or numbers."""
    names = {row[column] for _, row in rows}
    if names & _EMPTY:
        line = next(line for line, row in rows if row[column] in _EMPTY)
        raise InputError(f"Line {line} of {path} lacks its fold, which other lines have.")
    ordered = sorted(names, key=lambda name: (int(name) if name.isdecimal() else 0, name))
    return {name: number for number, name in enumerate(ordered)}


def _placer(path: Path, root: Path | None) -> Callable[[str], Path]:
    """From a path of the list to a file: from the root, else from the list's folder."""
    places = (path.parent,) if root is None else (root, path.parent)
    known: dict[str, Path] = {}

    def place(name: str) -> Path:
        if name not in known:
            options = [folder / name for folder in places]
            known[name] = next((o for o in options if o.is_file()), options[0])
        return known[name]

    return place
