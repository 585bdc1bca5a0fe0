"""Error rates by the measured quality of photos as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.audit.groups import Matches
from faceprint.evaluate.audit.intervals import (
    PeopleRate,
    design_effect,
    pair_design,
    pair_rate,
    person_rate,
    within,
)
from faceprint.evaluate.estimates import json_number
from faceprint.evaluate.photos import PhotoEmbeddings

__all__ = ["QualityBin", "QualitySlice", "slice_by_quality"]

_F64 = npt.NDArray[np.float64]
_I64 = npt.NDArray[np.int64]

_PARTS: Final = {
    "score": "quality as a whole",
    "sharpness": "sharpness",
    "size": "size",
    "frontality": "pose: how frontal",
    "uprightness": "pose: how upright",
    "exposure": "exposure",
    "confidence": "detector score",
    "embedding": "length of the embedding",
}
_BINS = 5


@dataclass(frozen=True, slots=True)
class QualityBin:
    """The pairs whose worse photo is of such quality.

    Attributes:
        low: The least value of the part among the photos, 0 to 1.
        high: The greatest.
        photos: How many photos.
        fnmr: Misses, among the pairs that could be compared; None without genuine pairs.
        fmr: False matches; None without impostor pairs.
    """

    low: float
    high: float
    photos: int
    fnmr: PeopleRate | None
    fmr: PeopleRate | None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "low": json_number(self.low),
            "high": json_number(self.high),
            "photos": self.photos,
            "fnmr": None if self.fnmr is None else self.fnmr.to_dict(),
            "fmr": None if self.fmr is None else self.fmr.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class QualitySlice:
    """One part of quality, in five bins of about as many photos each, the poorest first.

    Attributes:
        part: A field of `Quality`.
        name: For people.
        bins: Fewer than five where many photos have one value.
    """

    part: str
    name: str
    bins: tuple[QualityBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {"part": self.part, "bins": [one.to_dict() for one in self.bins]}


def slice_by_quality(embeddings: PhotoEmbeddings, matches: Matches) -> tuple[QualitySlice, ...]:
    """Error rates by each part of quality; parts that are the same for nearly all photos are left out.

    Args:
        embeddings: N photos.
        matches: Which of them match.
    """
    found = []
    for part, name in _PARTS.items():
        values = np.array(
            [
                np.nan
                if face is None or face.quality is None
                else np.nan
                if (value := getattr(face.quality, part)) is None
                else value
                for face in embeddings.faces
            ],
            dtype=np.float64,
        )
        if np.isfinite(values).sum() > 1:
            bins = _bins(values, matches)
            if len(bins) > 1:
                found.append(QualitySlice(part, name, bins))
    return tuple(found)


def _bins(values: _F64, matches: Matches) -> tuple[QualityBin, ...]:
    known = np.isfinite(values)
    edges = np.unique(np.quantile(values[known], np.arange(1, _BINS) / _BINS))
    places = np.where(known, np.searchsorted(edges, values, side="right"), -1)
    _, places[known] = np.unique(places[known], return_inverse=True)
    people = matches.people
    size = int(people.max()) + 1
    # Photos of each person that are of this quality or better.
    better = [
        np.bincount(people[places >= k], minlength=size).astype(np.float64)
        for k in range(int(places.max()) + 2)
    ]
    false, false_worse = _worse(matches.false, places)
    genuine, genuine_worse = _worse(matches.genuine, places)
    missed = matches.missed[(places[matches.genuine] >= 0).all(axis=1)]
    owners = people[genuine[:, 0]]
    everyone = np.bincount(owners, minlength=size).astype(np.float64)
    design = design_effect(np.bincount(owners[missed], minlength=size).astype(float), everyone)
    pairs = pair_design(people[false], within(better[0]))
    found = []
    for k in range(int(places.max()) + 1):
        here = genuine_worse == k
        fnmr = person_rate(
            np.bincount(owners[here & missed], minlength=size).astype(np.float64),
            np.bincount(owners[here], minlength=size).astype(np.float64),
            alike=design,
        )
        trials = (*within(better[k]), *((-s, u, v) for s, u, v in within(better[k + 1])))
        fmr = pair_rate(people[false[false_worse == k]], trials, design=pairs)
        some = values[places == k]
        found.append(QualityBin(float(some.min()), float(some.max()), len(some), fnmr, fmr))
    return tuple(found)


def _worse(pairs: _I64, places: _I64) -> tuple[_I64, _I64]:
    """The pairs of which both photos are known, and the bin of the worse one."""
    found = places[pairs]
    known = (found >= 0).all(axis=1)
    return pairs[known], found[known].min(axis=1)
