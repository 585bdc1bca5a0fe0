"""Random pairs of photos: half of one person, half of two."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.train.sampling.draws import IntArray, draw_distinct, fair_shares, pair_of
from faceprint.train.sampling.people import PhotosOfPeople, asked_count, photos_of_people

__all__ = ["Pairs", "random_pairs"]


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs of photos, by their indices.

    Attributes:
        first: (P,) int64.
        second: (P,) int64, never the same photo as `first`.
        genuine: (P,) bool, whether both photos show one person.
    """

    first: IntArray
    second: IntArray
    genuine: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.first)


def random_pairs(identity: npt.NDArray[np.integer], count: int, *, seed: int) -> Pairs:
    """Draws pairs, half genuine and half impostor, in random order.

    No pair comes twice, also not the other way round, and no photo is paired with itself. Genuine pairs are
    spread over people: everyone gives as many as everyone else, those with few photos as many as they have,
    so that somebody with a hundred photos does not outweigh the rest. Within a person all pairs are equally
    likely. Impostor pairs are spread over pairs of people in the same way: while there are more of these
    than are asked for, no two people meet twice; which of their photos meet is drawn at random. People with
    one photo come in impostor pairs alone.

    Args:
        identity: (N,) integers, a number for each person; photos with -1 are never drawn.
        count: How many pairs. Of an odd number the odd one is an impostor pair.
        seed: Equal seeds give equal pairs.

    Raises:
        InputError: There are not that many different pairs; the message says how many there are.
    """
    people = photos_of_people(identity)
    genuine_count = asked_count(count, "pairs") // 2
    impostor_count = count - genuine_count
    _check(people, genuine_count, impostor_count)
    random = np.random.default_rng(seed)
    parts = [_genuine(people, genuine_count, random), _impostor(people, impostor_count, random)]
    both = np.concatenate(parts)
    order = random.permutation(count)
    turned = random.random(count) < 0.5
    both = np.where(turned[:, None], both[:, ::-1], both)[order]
    return Pairs(both[:, 0], both[:, 1], (np.arange(count) < genuine_count)[order])


def _check(people: PhotosOfPeople, genuine: int, impostor: int) -> None:
    counts = people.counts
    has_genuine = int((counts * (counts - 1) // 2).sum())
    has_impostor = (int(counts.sum()) ** 2 - int((counts**2).sum())) // 2
    if not has_impostor:
        raise InputError(
            f"Pairs of two people need photos of two, and all {people.describe()} show the same one. Add "
            "photos of others."
        )
    if not has_genuine and genuine:
        raise InputError(
            f"Pairs of one person need two photos of somebody, and each of the {len(people):,} people has "
            "one photo. Add a second photo of some."
        )
    if genuine > has_genuine or impostor > has_impostor:
        most = 2 * min(has_genuine, has_impostor)
        raise InputError(
            f"Asked for {genuine:,} pairs of one person and {impostor:,} of two, and {people.describe()} "
            f"give {has_genuine:,} and {has_impostor:,} different ones. Ask for {most:,} pairs at most, or "
            "add photos."
        )


def _genuine(people: PhotosOfPeople, count: int, random: np.random.Generator) -> IntArray:
    """(count, 2) different pairs of one person."""
    capacity = people.counts * (people.counts - 1) // 2
    person, code = draw_distinct(capacity, fair_shares(capacity, count, random), random)
    return np.stack([people.photo(person, place) for place in pair_of(code)], axis=1)


def _impostor(people: PhotosOfPeople, count: int, random: np.random.Generator) -> IntArray:
    """(count, 2) different pairs of two people."""
    meetings = len(people) * (len(people) - 1) // 2
    # Of many pairs of people only those that meet are written down.
    met = (
        draw_distinct(np.array([meetings]), np.array([count]), random)[1]
        if meetings > count
        else np.arange(meetings)
    )
    one, other = pair_of(met)
    capacity = people.counts[one] * people.counts[other]
    quota = fair_shares(capacity, count, random)
    meeting, code = draw_distinct(capacity, quota, random)
    first, second = np.divmod(code, people.counts[other[meeting]])
    return np.stack(
        [people.photo(one[meeting], first), people.photo(other[meeting], second)], axis=1
    )
