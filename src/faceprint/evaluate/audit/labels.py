"""Labels that somebody gave photos or people, from a table; nothing is ever predicted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.evaluate.protocols.lists import read_list

__all__ = ["AGE_BANDS", "Grouping", "LabelTable", "age_band", "group_by", "read_labels"]

AGE_BANDS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+")
"""Bands of age in years, as in UTKFace's own studies."""

_STARTS = (0, 3, 10, 20, 30, 40, 50, 60, 70)
_OLDEST = 122
_EMPTY = frozenset({"", "nan", "none", "null", "na", "n/a", "unknown", "?"})
_PHOTO = frozenset({"photo", "image", "file", "filename", "path"})
_PERSON = frozenset({"person", "name", "identity", "subject"})
_MOST_VALUES = 50
_MOST_LABELS = 6
_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class Grouping:
    """Which group each photo belongs to, by one label or several crossed.

    Attributes:
        name: As in "sex", or "sex + age_band".
        groups: Names of the groups, in order.
        members: (N,) int64, an index of `groups` for each photo; -1 where the photo has no label.
    """

    name: str
    groups: tuple[str, ...]
    members: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Line:
    """What a table says about a photo or a person, and in which line."""

    number: int
    labels: list[str]


@dataclass(frozen=True, slots=True)
class LabelTable:
    """Labels of photos.

    Attributes:
        columns: For each label a value for each photo; empty where there is none.
        notes: What a reader must know, as in how many photos have no labels.
    """

    columns: Mapping[str, tuple[str, ...]]
    notes: tuple[str, ...] = ()


def age_band(age: float) -> str:
    """The band of an age in years.

    >>> age_band(9), age_band(70)
    ('3-9', '70+')

    Raises:
        InputError: Nobody is of that age.
    """
    if not 0 <= age <= _OLDEST:
        raise InputError(f"An age is 0 to {_OLDEST} years, got {age:g}.")
    return AGE_BANDS[int(np.searchsorted(_STARTS, int(age), side="right")) - 1]


def read_labels(
    path: Path, photos: Sequence[Path], *, root: Path, people: Sequence[str] | None = None
) -> LabelTable:
    """The labels of photos from a table with a head.

    A column photo (a path from the root, or a bare file name) or person (the name of a folder) says whom
    a line is about; each other column is a label. A column age holds years and becomes age_band. Values
    that differ in case alone are one, in the commonest spelling.

    Args:
        path: CSV in UTF-8, separated by commas, semicolons or tabs.
        photos: N paths.
        root: What the paths of the table start from.
        people: (N,) who each photo shows.

    Raises:
        InputError: The table cannot be read, says nothing, contradicts itself, or matches no photo.
    """
    head, rows = _rows(path)
    key, columns = _columns(path, head, root)
    by_person = head[key] in _PERSON
    if by_person and people is None:
        raise InputError(
            f"{path} labels people, and these photos have no names of people: label photos."
        )
    spelt = _one_spelling(rows, columns)
    given = _by_key(path, rows, key, columns)
    here: list[tuple[str, ...]]
    if by_person and people is not None:
        here = [(person,) for person in people]
    else:
        here = _photo_keys(photos, root, given)
    chosen = [next((key for key in some if key in given), None) for some in here]
    matched = len(chosen) - chosen.count(None)
    if not matched:
        shown = ", ".join(sorted({some[0] for some in here[:200]})[:_SHOWN])
        hint = "" if by_person else f" Paths in the table start from {root}."
        raise InputError(
            f"No line of {path} is about one of the photos. It names {', '.join(list(given)[:_SHOWN])}, and "
            f"the {'people' if by_person else 'photos'} are {shown}.{hint}"
        )
    if "age" in columns:
        _put_into_bands(
            path, {key: given[key] for key in chosen if key}, list(columns).index("age")
        )
    found = {
        name: tuple("" if key is None else given[key].labels[place] for key in chosen)
        for place, name in enumerate(columns)
    }
    if "age" in found:
        found["age_band"] = found.pop("age")
    notes = []
    if matched < len(photos):
        notes.append(
            f"{len(photos) - matched:,} of {len(photos):,} photos have no line in {path.name}."
        )
    if unused := len(given.keys() - set(chosen)):
        notes.append(f"{unused:,} of {len(given):,} lines of {path.name} are about no photo here.")
    return LabelTable(found, (*notes, *spelt))


def group_by(labels: LabelTable, by: Sequence[str] = ()) -> tuple[Grouping, ...]:
    """The groups of the first few labels, or of each that is asked for; "sex+age_band" crosses two.

    Raises:
        InputError: There is no such label, or one has a single value, or too many.
    """
    chosen = by or [name for name in labels.columns if _few(labels.columns[name])][:_MOST_LABELS]
    if not chosen:
        raise InputError(
            f"None of the labels {', '.join(labels.columns)} has 2 to {_MOST_VALUES} values: choose with "
            "--by, or put values into bands."
        )
    return tuple(_grouping(labels, wanted) for wanted in chosen)


def _few(values: Sequence[str]) -> bool:
    return 2 <= len(set(values) - {""}) <= _MOST_VALUES


def _grouping(labels: LabelTable, wanted: str) -> Grouping:
    names = [name.strip().lower() for name in wanted.split("+")]
    if unknown := [name for name in names if name not in labels.columns]:
        raise InputError(
            f"There is no label {', '.join(unknown)}. The labels are {', '.join(labels.columns)}."
        )
    rows = list(zip(*(labels.columns[name] for name in names), strict=True))
    values = [" ".join(row) if all(row) else "" for row in rows]
    groups = sorted(set(values) - {""}, key=_order)
    if not 2 <= len(groups) <= _MOST_VALUES:
        raise InputError(
            f"The label {wanted} has {len(groups)} values; expected 2 to {_MOST_VALUES} groups to compare."
        )
    numbers = {name: number for number, name in enumerate(groups)} | {"": -1}
    return Grouping(" + ".join(names), tuple(groups), np.array([numbers[v] for v in values]))


def _order(value: str) -> tuple[tuple[int, str], ...]:
    """Bands of age in the order of age, everything else by name."""
    return tuple(
        (AGE_BANDS.index(word), "") if word in AGE_BANDS else (len(AGE_BANDS), word)
        for word in value.split(" ")
    )


def _rows(path: Path) -> tuple[list[str], dict[int, list[str]]]:
    """The head, and the other lines by their number."""
    text = read_list(path)
    separator = max(",;\t", key=text.partition("\n")[0].count)
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as a table: {error}.") from error
    rows = {
        number: [cell.strip() for cell in line]
        for number, line in enumerate(lines, 1)
        if any(map(str.strip, line))
    }
    if len(rows) < 2:
        raise InputError(
            f"{path} has no line below its head. Expected a head and a line for each photo."
        )
    head = [name.lower() for name in rows.pop(min(rows))]
    if twice := [name for name, count in Counter(head).items() if count > 1]:
        raise InputError(f"{path} has the column {twice[0]!r} twice. Name each column once.")
    for number, row in rows.items():
        if len(row) != len(head):
            raise InputError(
                f"Line {number} of {path} has {len(row)} columns, and the head has {len(head)}."
            )
    return head, rows


def _columns(path: Path, head: list[str], root: Path) -> tuple[int, dict[str, int]]:
    """Which column says whom a line is about, and those of the labels."""
    keys = [k for k, name in enumerate(head) if name in _PHOTO | _PERSON]
    # A table of photos may also say whose they are.
    key = next((k for k in keys if head[k] in _PHOTO), keys[0] if keys else None)
    if key is None:
        raise InputError(
            f"{path} has the columns {', '.join(head)}. Expected one named photo (a path from {root}) or "
            "person (the name of a folder), and one or more with labels."
        )
    columns = {name: k for k, name in enumerate(head) if k not in keys}
    if not columns:
        raise InputError(f"{path} has no label beside the column {head[key]}.")
    return key, columns


def _one_spelling(rows: Mapping[int, list[str]], columns: Mapping[str, int]) -> tuple[str, ...]:
    """Puts the commonest spelling in place of those that differ in case alone, and says of which."""
    notes = []
    for name, k in columns.items():
        spellings: dict[str, Counter[str]] = {}
        for row in rows.values():
            spellings.setdefault(row[k].casefold(), Counter())[row[k]] += 1
        common = {folded: counts.most_common(1)[0][0] for folded, counts in spellings.items()}
        for row in rows.values():
            row[k] = common[row[k].casefold()]
        merged = [
            (", ".join(counts), common[folded])
            for folded, counts in spellings.items()
            if len(counts) > 1 and folded not in _EMPTY
        ]
        if merged:
            (first, one), *others = merged
            shown = [f"{name}: {first} count as one value, {one}"]
            shown += [f"{some} as {one}" for some, one in others[: _SHOWN - 1]]
            if len(merged) > _SHOWN:
                shown.append(f"{len(merged) - _SHOWN} more likewise")
            notes.append("; ".join(shown) + ".")
    return tuple(notes)


def _by_key(
    path: Path, rows: Mapping[int, Sequence[str]], key: int, columns: Mapping[str, int]
) -> dict[str, _Line]:
    given: dict[str, _Line] = {}
    for number, row in rows.items():
        labels = ["" if row[k].lower() in _EMPTY else row[k] for k in columns.values()]
        before = given.setdefault(row[key].replace("\\", "/"), _Line(number, labels)).labels
        if before != labels:
            different = next(n for n, a, b in zip(columns, before, labels, strict=True) if a != b)
            raise InputError(
                f"{path} labels {row[key]} twice, with two values of {different}. Correct the table."
            )
    return given


def _photo_keys(photos: Sequence[Path], root: Path, given: Container[str]) -> list[tuple[str, ...]]:
    """What a table may call each photo: its path from the root, its full path, its name.

    Raises:
        InputError: A bare name that the table uses is that of several photos.
    """
    counts = Counter(photo.name for photo in photos)
    found: list[tuple[str, ...]] = []
    for photo in photos:
        inside = photo.relative_to(root) if photo.is_relative_to(root) else photo
        paths = (inside.as_posix(), photo.absolute().as_posix())
        if counts[photo.name] > 1 and photo.name in given and paths[0] != photo.name:
            raise InputError(
                f"{counts[photo.name]} photos are called {photo.name}: give their paths from {root} in the "
                f"table, as in {paths[0]}."
            )
        found.append((*paths, photo.name))
    return found


def _put_into_bands(path: Path, lines: Mapping[str, _Line], place: int) -> None:
    for key, line in lines.items():
        value = line.labels[place]
        try:
            line.labels[place] = age_band(float(value)) if value else ""
        except (ValueError, InputError) as error:
            raise InputError(
                f"Line {line.number} of {path} gives {key} the age {value!r}; expected 0 to {_OLDEST} years."
            ) from error
