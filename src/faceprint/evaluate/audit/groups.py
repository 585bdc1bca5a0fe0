"""Error rates of groups at one threshold, with intervals over people, and who is served worst."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.audit.intervals import (
    PeopleRate,
    across,
    design_effect,
    pair_design,
    pair_rate,
    person_rate,
    within,
)
from faceprint.evaluate.audit.labels import Grouping
from faceprint.evaluate.estimates import json_number
from faceprint.evaluate.photos import PhotoEmbeddings
from faceprint.types import FloatArray

__all__ = ["Contrast", "GroupAudit", "GroupRates", "Matches", "audit_groups", "find_matches"]

_F64 = npt.NDArray[np.float64]
_I64 = npt.NDArray[np.int64]

_BLOCK_SCORES = 1 << 23
_LEAST_PEOPLE = 10
"""With fewer people a group gets figures, and is not ranked."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The pairs of photos that match at a threshold, and all genuine scores.

    Attributes:
        threshold: Scores at or above it match.
        people: (N,) whose photo each is, integers from 0.
        false: (F, 2) rows of photos of two people that match.
        false_scores: (F,) float32.
        genuine: (G, 2) rows of two photos of one person.
        genuine_scores: (G,) float32; -inf where a photo has no face, which is a miss.
    """

    threshold: float
    people: _I64
    false: _I64
    false_scores: FloatArray
    genuine: _I64
    genuine_scores: FloatArray

    @property
    def missed(self) -> npt.NDArray[np.bool_]:
        """(G,) which genuine pairs do not match."""
        return ~(self.genuine_scores >= np.float64(self.threshold))


@dataclass(frozen=True, slots=True)
class GroupRates:
    """One group.

    Attributes:
        name: The label's value.
        people: How many people.
        photos: How many photos.
        fte: Share of the photos that gave no face.
        fnmr: Misses of genuine pairs within the group, photos without a face among them; None without
            such pairs.
        fmr: False matches between people of the group, of photos with a face; None with fewer than two
            people.
    """

    name: str
    people: int
    photos: int
    fte: PeopleRate
    fnmr: PeopleRate | None
    fmr: PeopleRate | None

    def enough(self, kind: Literal["fnmr", "fmr", "fte"]) -> bool:
        """Whether there are people enough to be compared with other groups."""
        found = getattr(self, kind)
        return found is not None and found.people >= _LEAST_PEOPLE

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        rates = {"fte": self.fte, "fnmr": self.fnmr, "fmr": self.fmr}
        return {"group": self.name, "people": self.people, "photos": self.photos} | {
            kind: None if found is None else found.to_dict() for kind, found in rates.items()
        }


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two groups of an error rate: those that differ the surest, or those at the ends if none differ.

    Attributes:
        kind: "FMR", "FNMR" or "FTE".
        worst: Name of the group with the higher rate.
        best: Name of the other.
        worst_rate: The higher rate.
        best_rate: That of the other.
        ratio: Worst over best; infinite where the best has no error, 1 where neither has.
        low: Lower end of the 95 % interval of the ratio, widened for the choice of these two among all
            pairs of groups (Bonferroni).
        high: Upper end; infinite where nothing bounds it.
    """

    kind: str
    worst: str
    best: str
    worst_rate: float
    best_rate: float
    ratio: float
    low: float
    high: float

    @property
    def beyond_chance(self) -> bool:
        """Whether chance alone does not explain the difference."""
        return self.low > 1

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "worst": self.worst,
            "best": self.best,
            "ratio": json_number(self.ratio),
            "low": json_number(self.low),
            "high": json_number(self.high),
            "beyond_chance": self.beyond_chance,
        }


@dataclass(frozen=True, slots=True, eq=False)
class GroupAudit:
    """The groups of one label.

    Attributes:
        label: As in "sex".
        groups: In the order of the label.
        fmr_across: (G, G) False match rates between people of two groups; None without pairs.
        contrasts: Two groups for each rate that two or more can be ranked by.
        unlabelled: How many photos have no label.
        across_groups: How many genuine pairs are of two groups, and count for neither.
    """

    label: str
    groups: tuple[GroupRates, ...]
    fmr_across: tuple[tuple[PeopleRate | None, ...], ...]
    contrasts: tuple[Contrast, ...]
    unlabelled: int
    across_groups: int

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "label": self.label,
            "groups": [group.to_dict() for group in self.groups],
            "fmr_across": [
                [None if one is None else one.to_dict() for one in row] for row in self.fmr_across
            ],
            "contrasts": {one.kind.lower(): one.to_dict() for one in self.contrasts},
            "photos_without_label": self.unlabelled,
            "genuine_pairs_of_two_groups": self.across_groups,
        }


def find_matches(embeddings: PhotoEmbeddings, people: _I64, *, threshold: float) -> Matches:
    """Compares every photo with every other.

    Args:
        embeddings: N photos.
        people: (N,) whose photo each is, integers from 0.
        threshold: Scores at or above it match.
    """
    rows = np.flatnonzero(embeddings.present)
    vectors, owners = embeddings.vectors[rows], people[rows]
    found = [(np.zeros((0, 2), dtype=np.int64), np.zeros(0, dtype=np.float32))]
    for first, second, scores in _above(vectors, threshold):
        other = owners[first] != owners[second]
        found.append((np.stack([rows[first], rows[second]], axis=1)[other], scores[other]))
    pairs, scores = (np.concatenate([one[k] for one in found]) for k in range(2))
    genuine = _genuine(people)
    return Matches(
        threshold=threshold,
        people=people,
        false=pairs.astype(np.int64),
        false_scores=scores.astype(np.float32),
        genuine=genuine,
        genuine_scores=embeddings.scores(*genuine.T),
    )


def _above(vectors: FloatArray, threshold: float) -> Iterator[tuple[_I64, _I64, FloatArray]]:
    """Rows and scores of all pairs that match, block by block."""
    start = 0
    while start < len(vectors):
        stop = start + max(1, _BLOCK_SCORES // (len(vectors) - start))
        scores = vectors[start:stop] @ vectors[start:].T
        # A Python float would be rounded to the float32 of the scores.
        first, second = np.nonzero(np.triu(scores >= np.float64(threshold), k=1))
        yield first + start, second + start, scores[first, second]
        start = stop


def _genuine(people: _I64) -> _I64:
    """(G, 2) rows of all pairs of photos of one person."""
    order = np.argsort(people, kind="stable")
    _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
    found = [np.zeros((0, 2), dtype=np.int64)]
    for start, count in zip(starts, counts, strict=True):
        first, second = np.triu_indices(count, k=1)
        found.append(np.stack([order[start + first], order[start + second]], axis=1))
    return np.concatenate(found)


def audit_groups(embeddings: PhotoEmbeddings, matches: Matches, grouping: Grouping) -> GroupAudit:
    """Error rates of each group.

    Args:
        embeddings: N photos.
        matches: Which of them match.
        grouping: The group of each photo.
    """
    count = len(grouping.groups)
    tally = _Tally(embeddings, matches, grouping)
    upper = {(k, other): tally.fmr(k, other) for k in range(count) for other in range(k, count)}
    fmr = [[upper[min(k, o), max(k, o)] for o in range(count)] for k in range(count)]
    groups = tuple(
        GroupRates(
            name=grouping.groups[k],
            people=int(np.count_nonzero(tally.photos[k])),
            photos=int(tally.photos[k].sum()),
            fte=tally.fte(k),
            fnmr=tally.fnmr(k),
            fmr=fmr[k][k],
        )
        for k in range(count)
    )
    kinds: tuple[Literal["fmr", "fnmr", "fte"], ...] = ("fmr", "fnmr", "fte")
    contrasts = (_contrast(groups, kind) for kind in kinds)
    return GroupAudit(
        label=grouping.name,
        groups=groups,
        fmr_across=tuple(tuple(row) for row in fmr),
        contrasts=tuple(one for one in contrasts if one is not None),
        unlabelled=int(np.count_nonzero(grouping.members < 0)),
        across_groups=tally.across_groups,
    )


class _Tally:
    """Photos and errors by person and group."""

    def __init__(self, embeddings: PhotoEmbeddings, matches: Matches, grouping: Grouping) -> None:
        self._people, self._members = matches.people, grouping.members
        self._groups = len(grouping.groups)
        self._size = int(matches.people.max()) + 1
        self.photos = self._counted(np.ones(len(self._people), dtype=bool))
        self._seen = self._counted(embeddings.present)
        first, second = self._members[matches.false].T
        labelled = (first >= 0) & (second >= 0)
        self._false = matches.people[matches.false]
        # Each false match under the code of its two groups, the smaller first.
        codes = np.minimum(first, second) * self._groups + np.maximum(first, second)
        self._codes = np.where(labelled, codes, -1)
        one, other = self._members[matches.genuine].T
        inside = (one == other) & (one >= 0)
        self.across_groups = int(np.count_nonzero((one != other) & (one >= 0) & (other >= 0)))
        owners = matches.people[matches.genuine[:, 0]]
        self._genuine = self._cells(owners[inside], one[inside])
        wrong = inside & matches.missed
        self._missed = self._cells(owners[wrong], one[wrong])
        self._design = pair_design(self._false[labelled], within(self._seen.sum(axis=0)))
        self._missed_design = design_effect(self._missed.sum(axis=0), self._genuine.sum(axis=0))
        self._lost_design = design_effect(
            (self.photos - self._seen).sum(axis=0), self.photos.sum(axis=0)
        )

    def _counted(self, which: npt.NDArray[np.bool_]) -> _F64:
        """(G, P) how many of some photos each person has in each group."""
        some = which & (self._members >= 0)
        return self._cells(self._people[some], self._members[some])

    def _cells(self, people: _I64, groups: _I64) -> _F64:
        places = groups * self._size + people
        found = np.bincount(places, minlength=self._groups * self._size)
        return found.reshape(self._groups, self._size).astype(np.float64)

    def fmr(self, first: int, second: int) -> PeopleRate | None:
        """FMR between two groups, or within one; the smaller number first."""
        errors = self._false[self._codes == first * self._groups + second]
        one, other = self._seen[first], self._seen[second]
        # Only those who are part of it: groups are many, and people more.
        here = np.flatnonzero(one + other)
        numbers = np.zeros(self._size, dtype=np.int64)
        numbers[here] = np.arange(len(here))
        trials = within(one[here]) if first == second else across(one[here], other[here])
        return pair_rate(numbers[errors], trials, design=self._design)

    def fnmr(self, group: int) -> PeopleRate | None:
        """FNMR of a group."""
        return person_rate(self._missed[group], self._genuine[group], alike=self._missed_design)

    def fte(self, group: int) -> PeopleRate:
        """FTE of a group."""
        photos = self.photos[group]
        found = person_rate(photos - self._seen[group], photos, alike=self._lost_design)
        assert found is not None, "a group has photos"
        return found


def _contrast(
    groups: tuple[GroupRates, ...], kind: Literal["fmr", "fnmr", "fte"]
) -> Contrast | None:
    able: list[tuple[str, PeopleRate]] = [
        (group.name, getattr(group, kind)) for group in groups if group.enough(kind)
    ]
    if len(able) < 2:
        return None
    confidence = 1 - 0.05 / math.comb(len(able), 2)

    def set_against(above: tuple[str, PeopleRate], below: tuple[str, PeopleRate]) -> Contrast:
        p, q = above[1].value, below[1].value
        ratio = p / q if q else math.inf if p else 1.0
        low, high = _ratio_interval(above[1], below[1], confidence)
        return Contrast(kind.upper(), above[0], below[0], p, q, ratio, low, high)

    # The ends alone would not do: a small group at one of them hides what large ones differ in.
    pairs = [
        set_against(*pair) for pair in permutations(able, 2) if pair[0][1].value > pair[1][1].value
    ]
    surest = max(pairs, key=lambda pair: pair.low, default=None)
    if surest is not None and surest.beyond_chance:
        return surest
    ordered = sorted(able, key=lambda one: one[1].value)
    return set_against(ordered[-1], ordered[0])


def _ratio_interval(above: PeopleRate, below: PeopleRate, confidence: float) -> tuple[float, float]:
    """Of a ratio of two rates, from the interval of each (Donner, Zou, Stat. Methods Med. Res. 2012).

    It leaves 1 out exactly where the interval of their difference (Newcombe, Stat. Med. 1998) leaves 0
    out. Rates of people who are in both groups go up and down together, which only narrows it.
    """
    p, q = above.value, below.value
    (p_low, p_high), (q_low, q_high) = above.interval(confidence), below.interval(confidence)
    bottom, top = q_high * (2 * q - q_high), p_low * (2 * p - p_low)
    low = top / (p * q + math.sqrt((p * q) ** 2 - bottom * top)) if top > 0 else 0.0
    bottom, top = q_low * (2 * q - q_low), p_high * (2 * p - p_high)
    if bottom <= 0:
        return low, math.inf
    return low, (p * q + math.sqrt((p * q) ** 2 - bottom * top)) / bottom
