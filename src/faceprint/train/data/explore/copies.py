"""Photos that stand in a dataset several times, to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from faceprint.evaluate.report import Block, Picture, Pictures, Section, Text, crops_picture
from faceprint.train.data.duplicates import disagreeing_groups, duplicate_groups
from faceprint.train.data.explore.labels import words
from faceprint.train.data.records import IntArray
from faceprint.train.data.shards import PreparedDataset

__all__ = ["Copies", "copies_section", "find_copies"]

_SHOWN: Final = 24
_OF_A_GROUP: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Photos that stand several times in a dataset.

    Attributes:
        exact: Photos that are there before, byte for byte.
        near: Further ones that look the same as one before.
        groups: Rows of each group of copies, the largest first.
        disagreeing: Those among them whose labels contradict each other.
    """

    exact: int
    near: int
    groups: tuple[IntArray, ...]
    disagreeing: tuple[IntArray, ...]


def find_copies(data: PreparedDataset) -> Copies:
    """Looks for copies.

    Raises:
        DatasetError: The crops cannot be read.
    """
    numbers = duplicate_groups(data)
    order = np.argsort(numbers, kind="stable")
    edges = np.flatnonzero(np.diff(numbers[order])) + 1
    groups = {int(numbers[rows[0]]): rows for rows in np.split(order, edges) if len(rows) > 1}
    at_odds = set(disagreeing_groups(data, numbers).tolist())
    exact = len(data) - len(set(data.photo_digests))
    largest = sorted(groups, key=lambda number: -len(groups[number]))
    return Copies(
        exact=exact,
        near=len(data) - len(np.unique(numbers)) - exact,
        groups=tuple(groups[number] for number in largest),
        disagreeing=tuple(groups[number] for number in largest if number in at_odds),
    )


def copies_section(data: PreparedDataset, copies: Copies) -> Section:
    """How many there are, those labelled differently, and some of the others."""
    if not copies.groups:
        return Section("Copies", (Text("No photo stands in the data twice."),))
    text = (
        f"Photos that stand in the data before: {copies.exact:,} byte for byte, and {copies.near:,} more "
        f"that look the same. Groups of copies: {len(copies.groups):,}, of which labelled differently: "
        f"{len(copies.disagreeing):,}. A split (faceprint data split) keeps one of each group, and none "
        "where labels differ."
    )
    return Section("Copies", (Text(text), *_pictures(data, copies)))


def _pictures(data: PreparedDataset, copies: Copies) -> Iterator[Block]:
    if copies.disagreeing:
        yield Pictures(
            "Copies labelled differently",
            tuple(_picture(data, rows) for rows in copies.disagreeing[:_SHOWN]),
            _shown(len(copies.disagreeing)) + "One of the labels is wrong, or both.",
        )
    at_odds = {int(rows[0]) for rows in copies.disagreeing}
    others = [rows for rows in copies.groups if int(rows[0]) not in at_odds]
    if others:
        # Evenly from the largest to the smallest: files under two names, and photos changed a little.
        places = np.unique(np.linspace(0, len(others) - 1, min(_SHOWN, len(others))).astype(int))
        yield Pictures(
            "Other copies", tuple(_picture(data, others[k]) for k in places), _shown(len(others))
        )


def _shown(count: int) -> str:
    return f"{_SHOWN} of {count:,}. " if count > _SHOWN else ""


def _picture(data: PreparedDataset, rows: IntArray) -> Picture:
    shown = rows[:_OF_A_GROUP]
    digests = {data.photo_digests[row] for row in rows.tolist()}
    kind = "one file" if len(digests) == 1 else f"{len(digests)} files that look the same"
    caption = kind if len(rows) == len(shown) else f"{kind}, {len(shown)} of {len(rows)} shown"
    photos = [data.names[row] for row in shown.tolist()]
    return crops_picture(data.read(shown), photos, caption, "; ".join(_contradictions(data, rows)))


def _contradictions(data: PreparedDataset, rows: IntArray) -> Iterator[str]:
    """What the labels of copies say differently, as in "age: 20, 35"."""
    whose = data.identity[rows]
    people = list(dict.fromkeys(data.people[who] for who in whose.tolist() if who >= 0))
    if len(people) > 1:
        yield f"labelled {', '.join(people)}"
    for name, values in data.labels.items():
        found = values[rows]
        different = np.unique(found[~np.isnan(found)])
        if len(different) > 1:
            classes = data.classes.get(name)
            told = [classes[int(v)] if classes else f"{v:g}" for v in different.tolist()]
            yield f"{words(name)}: {', '.join(told)}"
