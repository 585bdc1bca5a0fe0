"""Photos by person: where each known person's photos stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.train.sampling.draws import IntArray

__all__ = ["PhotosOfPeople", "asked_count", "photos_of_people"]


@dataclass(frozen=True, slots=True, eq=False)
class PhotosOfPeople:
    """The photos whose person is known, person after person.

    Attributes:
        photos: (M,) int64, indices into the array that was given; those of one person stand together.
        starts: (P,) int64, where the photos of each person begin in `photos`.
        counts: (P,) int64, how many each person has, at least 1.
    """

    photos: IntArray
    starts: IntArray
    counts: IntArray

    def __len__(self) -> int:
        return len(self.counts)

    def photo(self, person: IntArray, place: IntArray) -> IntArray:
        """The photos at some places of people; a place counts from 0 within a person."""
        found: IntArray = self.photos[self.starts[person] + place]
        return found

    def describe(self) -> str:
        """How many there are, as in "12 photos of 3 people"."""
        photos, people = len(self.photos), len(self)
        return (
            f"{photos:,} photo{'' if photos == 1 else 's'} of {people:,} "
            f"{'person' if people == 1 else 'people'}"
        )


def photos_of_people(identity: npt.NDArray[np.integer]) -> PhotosOfPeople:
    """Sorts photos by person; those of nobody known are left out.

    Args:
        identity: (N,) integers, -1 where unknown.

    Raises:
        InputError: It is not one list, or nobody is known.
    """
    given = np.asarray(identity)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise InputError(
            f"Identities are one list of integers, got shape {given.shape} and dtype {given.dtype}."
        )
    known = np.flatnonzero(given >= 0)
    if not len(known):
        raise InputError(
            f"It is not known whom any of the {len(given):,} photos shows: every identity is -1. Use data "
            "with names, as one folder per person."
        )
    order = np.argsort(given[known], kind="stable")
    _, starts, counts = np.unique(given[known][order], return_index=True, return_counts=True)
    return PhotosOfPeople(
        known[order].astype(np.int64), starts.astype(np.int64), counts.astype(np.int64)
    )


def asked_count(count: int, what: str) -> int:
    """The count, once it is known to be one or more.

    Raises:
        InputError: It is less.
    """
    if count < 1:
        raise InputError(f"Ask for at least one of {what}, got {count}.")
    return count
