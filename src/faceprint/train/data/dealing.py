"""How photos are dealt to the parts of a split."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from faceprint.attributes.records import age_band
from faceprint.errors import InputError
from faceprint.train.data.duplicates import disagreeing_groups
from faceprint.train.data.records import PARTS, IntArray
from faceprint.train.data.shards import PreparedDataset

__all__ = ["Dealer", "SplitBy", "deal"]

SplitBy = Literal["identity", "photo", "publisher"]

_TRAIN, _VALIDATION, _TEST = range(len(PARTS))
_TINY: Final = 1e-9


def deal(
    strata: IntArray, shares: tuple[float, float, float], rng: np.random.Generator
) -> IntArray:
    """A part for each of some things, in random order, as near to the shares as can be.

    One after the other goes to the part that lacks most, stratum after stratum: each part is within one of
    its share of all, and within two of its share of each stratum.

    Args:
        strata: (N,) int64, dealt in falling order.
        shares: Of the parts; their sum is 1.
        rng: Of the order within a stratum.

    Returns:
        (N,) int64, 0 to 2.
    """
    order = np.lexsort((rng.random(len(strata)), -strata))
    given = [0, 0, 0]
    parts = np.empty(len(strata), dtype=np.int64)
    for done, place in enumerate(order, 1):
        lacks = [
            share * done - has if share else -np.inf
            for share, has in zip(shares, given, strict=True)
        ]
        part = max(range(len(PARTS)), key=lacks.__getitem__)
        given[part] += 1
        parts[place] = part
    return parts


class Dealer:
    """The photos of a dataset that may be dealt, and why others may not.

    Args:
        data: The dataset.
        shares: Of the parts.
        seed: Of the draw.

    Attributes:
        left_out: How many photos are dealt to no part, by the reason.

    Raises:
        InputError: The shares mean nothing.
    """

    def __init__(
        self, data: PreparedDataset, *, shares: tuple[float, float, float], seed: int
    ) -> None:
        if (
            len(shares) != len(PARTS)
            or min(shares) < 0
            or abs(sum(shares) - 1) > 1e-6
            or not shares[0]
        ):
            raise InputError(
                "The shares of training, validation and test are three numbers that add up to 1, as in "
                f"0.6, 0.2, 0.2, the first above 0; got {', '.join(f'{one:g}' for one in shares)}."
            )
        self._data = data
        self._shares = shares
        self._rng = np.random.default_rng(seed)
        self._free = np.ones(len(data), dtype=bool)
        self.left_out: dict[str, int] = {}

    def keep_people(self, people: frozenset[str]) -> None:
        """Leaves out the photos of all others.

        Raises:
            InputError: None of them is in the dataset.
        """
        kept = [number for number, who in enumerate(self._data.people) if who in people]
        if not kept:
            raise InputError(
                f"None of the {len(people):,} people of the list is in {self._data.folder}, which has "
                f"{len(self._data.people):,}. Names must be as in the dataset: faceprint data show"
            )
        self._leave_out(~np.isin(self._data.identity, kept), "not on the list of people")

    def drop_copies(self, groups: IntArray, *, published: bool) -> None:
        """Keeps one of the copies of a photo, and none of those that are labelled differently.

        Args:
            groups: (N,) int64, equal for copies.
            published: Keep the copy in the publisher's test part, so that this stays as it is.
        """
        at_odds = np.isin(groups, disagreeing_groups(self._data, groups))
        self._leave_out(at_odds, "copied under different labels")
        rank = np.zeros(len(groups), dtype=np.int64)
        if published:
            rank = -self._published()
        order = np.lexsort((rank, groups))
        order = order[self._free[order]]
        copies = np.zeros(len(groups), dtype=bool)
        copies[order[1:][groups[order][1:] == groups[order][:-1]]] = True
        self._leave_out(copies, "copied from another that is kept")

    def deal(self, by: SplitBy, stratify: str | None) -> IntArray:
        """The part of each photo: (N,) int64, 0 to 2, -1 for none.

        Raises:
            InputError: The dataset does not give such parts.
        """
        if by == "identity" and stratify is not None:
            raise InputError("Only a split by photo can be stratified: leave that out.")
        if by == "publisher":
            return self._deal_published(stratify)
        if by == "identity":
            self._need_people()
        shares = self._shares
        places = self._by_people(shares) if by == "identity" else self._by_photos(shares, stratify)
        self._check(places, "people" if by == "identity" else "photos")
        return places

    def _leave_out(self, rows: npt.NDArray[np.bool_], why: str) -> None:
        count = int((rows & self._free).sum())
        if count:
            self.left_out[why] = self.left_out.get(why, 0) + count
        self._free &= ~rows

    def _need_people(self) -> None:
        if not self._data.people:
            raise InputError(
                f"{self._data.folder} does not know who its photos show. Split it by photo."
            )
        self._leave_out(self._data.identity < 0, "nobody knows who it shows")
        count = len(np.unique(self._data.identity[self._free]))
        if count < 2:
            raise InputError(
                f"The photos show {count} {'person' if count == 1 else 'people'}; a split by identity "
                "needs one for each part at least. Add people, or split by photo."
            )

    def _by_people(self, shares: tuple[float, float, float]) -> IntArray:
        """Deals people, those with many photos first, so that parts have their share of photos too."""
        free = np.flatnonzero(self._free)
        _, whose, counts = np.unique(
            self._data.identity[free], return_inverse=True, return_counts=True
        )
        places = np.full(len(self._data), -1, dtype=np.int64)
        places[free] = deal(np.log2(counts).astype(np.int64), shares, self._rng)[whose]
        return places

    def _by_photos(self, shares: tuple[float, float, float], stratify: str | None) -> IntArray:
        free = np.flatnonzero(self._free)
        places = np.full(len(self._data), -1, dtype=np.int64)
        places[free] = deal(self._strata(stratify)[free], shares, self._rng)
        return places

    def _strata(self, stratify: str | None) -> IntArray:
        columns = [np.zeros(len(self._data))]
        for label in () if stratify is None else stratify.split("+"):
            values = self._data.labels.get(label.strip())
            if values is None:
                known = ", ".join(self._data.labels) or "none"
                raise InputError(
                    f"{self._data.folder} has no label {label.strip()!r}; it has {known}."
                )
            columns.append(
                _bands(values) if label.strip() == "age" else np.nan_to_num(values, nan=-1)
            )
        _, strata = np.unique(np.stack(columns), axis=1, return_inverse=True)
        return strata.astype(np.int64).ravel()

    def _published(self) -> IntArray:
        """The publisher's part of each photo, -1 for none."""
        numbers: dict[str, int] = {part: number for number, part in enumerate(PARTS)}
        return np.array([numbers.get(part, -1) for part in self._data.parts], dtype=np.int64)

    def _deal_published(self, stratify: str | None) -> IntArray:
        given = self._published()
        self._leave_out(given < 0, "in no part of the publisher")
        given[~self._free] = -1
        there = set(given[self._free].tolist())
        if not {_TRAIN, _TEST} <= there:
            found = ", ".join(PARTS[number] for number in sorted(there)) or "none"
            raise InputError(
                f"The publisher of {self._data.kind} gives {found} here; expected train and test. Split "
                "by identity or by photo."
            )
        if _VALIDATION in there or not self._shares[_VALIDATION]:
            return given
        self._free &= given == _TRAIN
        train, validation, _ = self._shares
        shares = (train / (train + validation), validation / (train + validation), 0.0)
        known = bool((self._data.identity[self._free] >= 0).any())
        if known:
            unknown = self._data.identity < 0
            self._leave_out(unknown, "nobody knows who it shows")
            given[unknown & (given == _TRAIN)] = -1
        drawn = self._by_people(shares) if known else self._by_photos(shares, stratify)
        places = np.where(self._free, drawn, given)
        self._check(places, "people" if known else "photos")
        return places

    def _check(self, places: IntArray, what: str) -> None:
        for number, part in enumerate(PARTS):
            if self._shares[number] > _TINY and not (places == number).any():
                raise InputError(
                    f"There are too few {what} for three parts: {part} gets none. Add {what}, or give "
                    "other shares."
                )


def _bands(ages: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """The band of each age in years as a number, -1 where it is not known."""
    known, places = np.unique(np.nan_to_num(ages, nan=-1), return_inverse=True)
    bands = ["" if age < 0 else age_band(float(age)) for age in known]
    codes = {band: number for number, band in enumerate(dict.fromkeys(bands))}
    return np.array([-1 if not band else codes[band] for band in bands], dtype=np.float64)[places]
