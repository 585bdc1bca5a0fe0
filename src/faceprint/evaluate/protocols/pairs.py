"""Pairs of photos with the truth about them, checked for what cannot be meant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError

__all__ = [
    "FitPhotos",
    "PairBuilder",
    "PairList",
    "check_photos",
    "numbered",
    "photo_names",
]

_NAMED = 3
"""How many of the faults of a list a message names."""

_Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class FitPhotos:
    """Photos with names whose pairs thresholds may be fitted on, apart from the pairs of the list.

    Attributes:
        photos: (N,) int64, indices of photos.
        people: (N,) int64, whose photo each is.
        folds: (N,) int64, the fold that the person belongs to.
    """

    photos: _Indices
    people: _Indices
    folds: _Indices


@dataclass(frozen=True, slots=True, eq=False)
class PairList:
    """Pairs of photos, and whether they show one person.

    Attributes:
        name: What it is called in reports, as in "LFW view 1".
        photos: N paths.
        first: (P,) int64, indices of photos.
        second: (P,) int64, indices of the photos that they are compared with.
        same: (P,) bool, whether they show one person; some do and some do not.
        folds: (P,) int64 from 0, at least two of them; None where the list has none.
        train: Pairs of the same `photos` that thresholds are fitted on, none of them reported.
        fit: Photos whose pairs thresholds are fitted on in place of those of the other folds.
        people: (N,) int64, whom each photo shows; None where the list does not say.
        notes: What was found on reading that a reader of figures must know.
    """

    name: str
    photos: tuple[Path, ...]
    first: _Indices
    second: _Indices
    same: npt.NDArray[np.bool_]
    folds: _Indices | None = None
    train: PairList | None = None
    fit: FitPhotos | None = None
    people: _Indices | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.same)

    @property
    def digest(self) -> str:
        """SHA-256 of what is compared, and of the truth; hexadecimal.

        Neither where the photos lie nor the order of the pairs changes it.
        """
        names = photo_names(self.photos)
        return sha256("\n".join(self._lines(names)).encode()).hexdigest()

    def _lines(self, names: tuple[str, ...]) -> list[str]:
        folds = np.zeros(len(self), dtype=np.int64) if self.folds is None else self.folds
        rows = zip(self.first, self.second, self.same, folds, strict=True)
        found = sorted(
            "\t".join([*sorted((names[a], names[b])), str(int(same)), str(fold)])
            for a, b, same, fold in rows
        )
        return found if self.train is None else [*found, "train", *self.train._lines(names)]


def photo_names(photos: tuple[Path, ...]) -> tuple[str, ...]:
    """The photos without the folder that they all lie in.

    >>> photo_names((Path("/data/ada/1.jpg"), Path("/data/bob/1.jpg")))
    ('ada/1.jpg', 'bob/1.jpg')
    """
    places = [photo.absolute() for photo in photos]
    try:
        shared = os.path.commonpath([place.parent for place in places])
    except ValueError:  # Windows: they lie on several drives.
        return tuple(place.as_posix() for place in places)
    return tuple(place.relative_to(shared).as_posix() for place in places)


def numbered(names: Iterable[str]) -> _Indices:
    """A number for each name; equal ones have one number."""
    return np.unique(list(names), return_inverse=True)[1].astype(np.int64)


class PairBuilder:
    """Collects the pairs of one list.

    Args:
        source: The list, for messages.
        photos: Number of each photo; grows, and is shared by lists that share photos.
        published: Pairs that stand in the list twice count twice, as in other people's figures.
    """

    def __init__(self, source: Path, photos: dict[Path, int], *, published: bool = False) -> None:
        self._source = source
        self._photos = photos
        self._published = published
        self._rows: list[tuple[int, int, bool, int]] = []
        self._seen: dict[tuple[int, int], tuple[bool, str]] = {}
        self._conflicts: list[str] = []
        self._copies: list[str] = []
        self._selves: list[str] = []

    def add(self, where: str, a: Path, b: Path, *, same: bool, fold: int = 0) -> None:
        """Adds a pair.

        Args:
            where: Where it stands in the list, as in "line 7".
            a: A photo.
            b: Another.
            same: Whether they show one person.
            fold: Its fold, from 0.
        """
        if a == b:
            self._selves.append(where)
            return
        numbers = [self._photos.setdefault(photo, len(self._photos)) for photo in (a, b)]
        key = (min(numbers), max(numbers))
        label, before = self._seen.setdefault(key, (same, where))
        if label is not same:
            self._conflicts.append(f"{a} and {b} ({before} and {where})")
        elif before != where:
            self._copies.append(where)
            if not self._published:
                return
        self._rows.append((numbers[0], numbers[1], same, fold))

    def build(self, name: str) -> PairList:
        """The pairs; `photos` of the result are those numbered so far.

        Raises:
            InputError: There are no pairs, all are of one kind, or one has two labels.
        """
        if self._conflicts:
            raise InputError(
                f"{self._source} calls {_some(len(self._conflicts), 'pair')} both the same person and "
                f"two people: {_listed(self._conflicts)}. Correct the list."
            )
        if not self._rows:
            raise InputError(f"{self._source} has no pairs of two photos.")
        first, second, same, folds = np.array(self._rows, dtype=np.int64).T
        truth = same.astype(bool)
        if truth.all() or not truth.any():
            there, missing = ("genuine", "impostor") if truth.all() else ("impostor", "genuine")
            raise InputError(
                f"{self._source} has {_some(len(truth), f'{there} pair')} and no {missing} ones: error "
                "rates need both. Check which column holds the truth, and add pairs of the other kind."
            )
        return PairList(
            name=name,
            photos=tuple(self._photos),
            first=first,
            second=second,
            same=truth,
            folds=folds if len(np.unique(folds)) > 1 else None,
            notes=self._notes(),
        )

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self._selves:
            notes.append(
                f"{_some(len(self._selves), 'pair')} of a photo with itself left out: "
                f"{_listed(self._selves)}."
            )
        if self._copies:
            what = "counted again, as published" if self._published else "left out"
            notes.append(
                f"{_some(len(self._copies), 'pair')} that stood in the list before {what}: "
                f"{_listed(self._copies)}."
            )
        return tuple(notes)


def check_photos(source: Path, photos: tuple[Path, ...]) -> tuple[str, ...]:
    """A note on the photos of a list that are not there.

    Raises:
        InputError: That is more than half of them.
    """
    missing = [str(photo) for photo in photos if not photo.is_file()]
    if 2 * len(missing) > len(photos):
        raise InputError(
            f"{len(missing):,} of the {len(photos):,} photos of {source} are not there: "
            f"{_listed(missing)}. Say where the photos are with --root."
        )
    if not missing:
        return ()
    verb = "is" if len(missing) == 1 else "are"
    return (f"{_some(len(missing), 'photo')} of the list {verb} not there: {_listed(missing)}.",)


def _some(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _listed(faults: list[str]) -> str:
    more = len(faults) - _NAMED
    return ", ".join(faults[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
