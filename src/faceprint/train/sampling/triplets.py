"""Random triplets: a photo, another of the same person, and one of somebody else."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.train.sampling.draws import IntArray, draw_distinct, fair_shares
from faceprint.train.sampling.people import PhotosOfPeople, asked_count, photos_of_people

__all__ = ["random_triplets"]


def random_triplets(identity: npt.NDArray[np.integer], count: int, *, seed: int) -> IntArray:
    """Draws triplets of anchor, positive and negative, in random order.

    No triplet comes twice (one with anchor and positive exchanged is another one), and the positive is
    never the anchor's own photo. Triplets are spread over the anchors' people: everyone gives as many as
    everyone else, those with few photos as many as they have. The negatives of a person are spread over all
    others in the same way.

    Args:
        identity: (N,) integers, a number for each person; photos with -1 are never drawn.
        count: How many.
        seed: Equal seeds give equal triplets.

    Returns:
        (count, 3) int64: anchor, positive, negative.

    Raises:
        InputError: There are not that many different triplets; the message says how many there are.
    """
    people = photos_of_people(identity)
    asked_count(count, "triplets")
    anchors = np.flatnonzero(people.counts > 1)
    _check(people, anchors, count)
    random = np.random.default_rng(seed)
    one, other, quota = _meetings(people, anchors, count, random)
    own, theirs = people.counts[one], people.counts[other]
    meeting, code = draw_distinct(own * (own - 1) * theirs, quota, random)
    code, negative = np.divmod(code, theirs[meeting])
    anchor, positive = np.divmod(code, own[meeting] - 1)
    positive += positive >= anchor
    person = one[meeting]
    found = [
        people.photo(person, anchor),
        people.photo(person, positive),
        people.photo(other[meeting], negative),
    ]
    return np.stack(found, axis=1)[random.permutation(count)]


def _check(people: PhotosOfPeople, anchors: IntArray, count: int) -> None:
    if len(people) < 2:
        raise InputError(
            f"Triplets need photos of two people, and all {people.describe()} show the same one. Add "
            "photos of others."
        )
    if not len(anchors):
        raise InputError(
            f"Triplets need two photos of somebody, and each of the {len(people):,} people has one photo. "
            "Add a second photo of some."
        )
    most = int(_capacity(people, anchors).sum())
    if count > most:
        raise InputError(
            f"Asked for {count:,} triplets, and {people.describe()} give {most:,} different ones. Ask for "
            "fewer, or add photos."
        )


def _capacity(people: PhotosOfPeople, anchors: IntArray) -> IntArray:
    """How many triplets there are with each person as the anchor."""
    own = people.counts[anchors]
    return own * (own - 1) * (len(people.photos) - own)


def _meetings(
    people: PhotosOfPeople, anchors: IntArray, count: int, random: np.random.Generator
) -> tuple[IntArray, IntArray, IntArray]:
    """Who is shown against whom and how often: the anchor's person, the negative's, the count."""
    shares = fair_shares(_capacity(people, anchors), count, random)
    others = len(people) - 1
    # While somebody meets fewer than all others, nobody is met twice.
    place, code = draw_distinct(np.full(len(anchors), others), np.minimum(shares, others), random)
    quota = np.ones(len(place), dtype=np.int64)
    for crowded in np.flatnonzero(shares > others):
        own = int(people.counts[anchors[crowded]])
        rows = place == crowded
        met = code[rows] + (code[rows] >= anchors[crowded])
        quota[rows] = fair_shares(
            own * (own - 1) * people.counts[met], int(shares[crowded]), random
        )
    one = anchors[place]
    return one, code + (code >= one), quota
