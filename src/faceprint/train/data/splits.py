"""Which photos a network is trained on, chosen with, and tested on: seeded, saved, and checked for leaks."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from faceprint.errors import DatasetError, InputError, LeakingSplitError, OutputError
from faceprint.files import write_whole
from faceprint.train.data.dealing import Dealer, SplitBy
from faceprint.train.data.duplicates import duplicate_groups
from faceprint.train.data.records import PARTS, IntArray
from faceprint.train.data.shards import PreparedDataset

__all__ = ["Split", "SplitBy", "make_split", "read_split", "write_split"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Split:
    """Which photos are in which part.

    Attributes:
        seed: Of the draw.
        by: "identity": each person is in one part; "photo": each photo is; "publisher": as the source has it.
        shares: Of the parts, as they were asked for.
        dataset_digest: Of the dataset that it was made for.
        parts: Names of photos for "train", "validation" and "test".
        left_out: How many photos are in no part, by the reason.
    """

    seed: int
    by: SplitBy
    shares: tuple[float, float, float]
    dataset_digest: str
    parts: Mapping[str, tuple[str, ...]]
    left_out: Mapping[str, int] = field(default_factory=dict)

    def rows(self, data: PreparedDataset, part: str) -> IntArray:
        """The rows of a part in a dataset: (M,) int64, sorted.

        Raises:
            InputError: There is no such part, or the dataset has not all of its photos.
        """
        if part not in self.parts:
            raise InputError(
                f"A split has no part {part!r}; its parts are {', '.join(self.parts)}."
            )
        numbers = {name: row for row, name in enumerate(data.names)}
        names = self.parts[part]
        gone = [name for name in names if name not in numbers]
        if gone:
            raise InputError(
                f"{len(gone):,} of the {len(names):,} photos of {part} are not in {data.folder}, as "
                f"{gone[0]}. The split belongs to the dataset {self.dataset_digest[:12]}, and this is "
                f"{data.digest[:12]}: make a split for it with `faceprint data split`."
            )
        return np.array(sorted(numbers[name] for name in names), dtype=np.int64)

    def within(self, data: PreparedDataset) -> Split:
        """The same split of another preparation of the same source, as with other crops.

        Photos that it does not have, because no face was found on them, are left out and counted.

        Raises:
            InputError: A part is left without photos.
        """
        here = set(data.names)
        parts = {
            part: tuple(name for name in names if name in here)
            for part, names in self.parts.items()
        }
        for part, names in parts.items():
            if self.parts[part] and not names:
                raise InputError(f"{data.folder} has no photo of {part}: is it of the same source?")
        gone = sum(map(len, self.parts.values())) - sum(map(len, parts.values()))
        left_out = dict(self.left_out) | ({"not in this dataset": gone} if gone else {})
        return replace(self, parts=parts, left_out=left_out, dataset_digest=data.digest)

    def check(self, data: PreparedDataset, *, people: bool | None = None) -> None:
        """Refuses a split that leaks.

        Args:
            data: The dataset.
            people: Whether one person may be in one part only; else as the split was made: not by photo.

        Raises:
            LeakingSplitError: A photo, a copy of one, or a person stands in two parts; the message names
                some.
            InputError: The dataset has not all of the photos.
        """
        places = self._places(data)
        _refuse(places, duplicate_groups(data), data.names, "copies of the photo")
        if people if people is not None else self.by != "photo":
            self._check_people(data, places)

    def _places(self, data: PreparedDataset) -> IntArray:
        """(N,) int64: the part of each row, -1 for none."""
        places = np.full(len(data), -1, dtype=np.int64)
        for number, part in enumerate(self.parts):
            rows = self.rows(data, part)
            if len(twice := rows[places[rows] >= 0]) or len(rows) > len(np.unique(rows)):
                name = data.names[twice[0]] if len(twice) else "a photo"
                raise LeakingSplitError(
                    f"{name} stands in the split twice. Make it anew with `faceprint data split`."
                )
            places[rows] = number
        return places

    def _check_people(self, data: PreparedDataset, places: IntArray) -> None:
        _refuse(np.where(data.identity < 0, -1, places), data.identity, data.people, "photos of")


def make_split(
    data: PreparedDataset,
    *,
    by: SplitBy,
    shares: tuple[float, float, float] = (0.6, 0.2, 0.2),
    seed: int = 0,
    stratify: str | None = None,
    train_people: Collection[str] | None = None,
) -> Split:
    """Draws the parts of a dataset.

    Of copies of one photo, one is kept; where they are labelled differently, none is. By publisher, a
    missing validation part is drawn from the publisher's training part, by people where they are known.

    Args:
        data: The dataset.
        by: "identity": each person is in one part; "photo"; or "publisher": as the source has it.
        shares: Of training, validation and test; their sum is 1. By publisher only the first two count.
        seed: Of the draw.
        stratify: By photo: a label whose values come as often in each part: years by bands of age; or
            several, as in "age+female".
        train_people: Use the photos of these people alone.

    Raises:
        InputError: Shares, labels or people mean nothing, or the dataset does not give such parts.
        LeakingSplitError: The publisher's parts share people.
    """
    dealer = Dealer(data, shares=shares, seed=seed)
    if train_people is not None:
        dealer.keep_people(frozenset(train_people))
    dealer.drop_copies(duplicate_groups(data), published=by == "publisher")
    places = dealer.deal(by, stratify)
    split = Split(
        seed=seed,
        by=by,
        shares=shares,
        dataset_digest=data.digest,
        parts={
            part: tuple(data.names[row] for row in np.flatnonzero(places == number))
            for number, part in enumerate(PARTS)
        },
        left_out=dealer.left_out,
    )
    if by != "photo":
        split._check_people(data, places)
    return split


def write_split(split: Split, path: Path) -> None:
    """Saves a split as JSON.

    Raises:
        OutputError: The disk refuses.
    """
    try:
        write_whole(path, (json.dumps(asdict(split), ensure_ascii=False, indent=1) + "\n").encode())
    except OSError as error:
        raise OutputError(
            f"The split {path} cannot be written: {error.strerror or error}."
        ) from error


def read_split(path: Path) -> Split:
    """A split that was saved.

    Raises:
        InputError: It cannot be read, or is no split.
    """
    try:
        split = TypeAdapter(Split).validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"The split {path} cannot be read: {error.strerror or error}. Make one: faceprint data split"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "JSON"
        raise InputError(
            f"{path} is no split of faceprint ({place}: {first['msg']}). Make one: faceprint data split"
        ) from error
    if set(split.parts) != set(PARTS):
        raise DatasetError(
            f"The split {path} has parts {list(split.parts)}; expected {list(PARTS)}."
        )
    return split


def _refuse(places: IntArray, groups: IntArray, names: tuple[str, ...], what: str) -> None:
    """Raises if a group stands in two parts; `names` is of rows or of groups."""
    used = places >= 0
    count = int(groups.max(initial=-1)) + 1
    least, most = np.full(count, len(PARTS)), np.full(count, -1)
    np.minimum.at(least, groups[used], places[used])
    np.maximum.at(most, groups[used], places[used])
    leaks = np.flatnonzero(least < most)
    if not len(leaks):
        return
    firsts = (
        leaks if what == "photos of" else [np.flatnonzero(groups == g)[0] for g in leaks[:_SHOWN]]
    )
    some = ", ".join(names[number] for number in firsts[:_SHOWN])
    more = ", …" if len(leaks) > _SHOWN else ""
    raise LeakingSplitError(
        f"The split leaks: {what} {some}{more} stand in two parts ({len(leaks):,} in all), so that it "
        "would be tested on what it was trained on. Make it anew with `faceprint data split`."
    )
