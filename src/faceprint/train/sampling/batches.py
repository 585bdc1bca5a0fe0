"""One epoch in batches: so many people with so many photos each, or photos in any order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError
from faceprint.train.sampling.draws import IntArray
from faceprint.train.sampling.people import PhotosOfPeople, asked_count, photos_of_people

__all__ = ["identity_batches", "photo_batches"]


def identity_batches(
    identity: npt.NDArray[np.integer], *, people: int, photos: int, seed: int
) -> list[IntArray]:
    """The batches of one epoch: in each, `people` different people with `photos` photos each.

    The photos of a person are shuffled and dealt out in groups of `photos`; a last group that is short is
    filled from the others. Within a group a photo repeats only where a person has fewer than `photos`, and
    then each as often as any other: what mines a batch for pairs must not take a row with a copy of itself.
    So an epoch has each photo about once, with two exceptions: groups that fill no whole batch, fewer than
    `people` of them, are left out; and somebody with more groups than there are batches has the rest left
    out, since nobody comes twice in a batch. Which ones is drawn anew by each seed.

    Args:
        identity: (N,) integers, a number for each person; photos with -1 are never used.
        people: People in a batch, P.
        photos: Photos of each, K.
        seed: Of this epoch; equal seeds give equal batches.

    Returns:
        Arrays of (P * K,) int64; the photos of a person stand together.

    Raises:
        InputError: There are fewer people than a batch needs.
    """
    asked_count(people, "people")
    asked_count(photos, "photos of each person")
    known = photos_of_people(identity)
    if len(known) < people:
        raise InputError(
            f"A batch of {people:,} people cannot be filled: there are {known.describe()}. Ask for fewer "
            "people in a batch."
        )
    random = np.random.default_rng(seed)
    groups, owners = _groups(known, photos, random)
    dealt = _deal(owners, len(known), people, random)
    count = len(dealt) // people
    # Neighbours go to different batches: no person has more groups than there are batches.
    batches = groups[dealt].reshape(people, count, photos).transpose(1, 0, 2)
    return list(random.permutation(batches.reshape(count, people * photos)))


def photo_batches(count: int, *, size: int, seed: int) -> list[IntArray]:
    """The batches of one epoch over photos 0 to `count - 1`: each once, in random order.

    Batches are as equal as can be: 10 photos in batches of 4 make batches of 4, 3 and 3, not a last one of
    2, which would be a poor sample of the statistics that some layers keep.

    Args:
        count: How many photos there are.
        size: Photos in a batch at most.
        seed: Of this epoch; equal seeds give equal batches.

    Returns:
        Arrays of int64.

    Raises:
        InputError: There are no photos, or none are asked for in a batch.
    """
    asked_count(size, "photos in a batch")
    if count < 1:
        raise InputError("There are no photos to make batches of.")
    order = np.random.default_rng(seed).permutation(count)
    return np.array_split(order, -(-count // size))


def _groups(
    known: PhotosOfPeople, photos: int, random: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """(G, photos) photos in groups of one person each, and (G,) whose they are."""
    person = np.repeat(np.arange(len(known)), known.counts)
    shuffled = known.photos[np.lexsort((random.random(len(person)), person))]
    groups = -(-known.counts // photos)
    owners = np.repeat(np.arange(len(known)), groups)
    firsts = np.concatenate([[0], np.cumsum(groups)])[:-1]
    place = (np.arange(len(owners)) - firsts[owners])[:, None] * photos + np.arange(photos)
    place %= known.counts[owners][:, None]
    return shuffled[known.starts[owners][:, None] + place], owners


def _deal(
    owners: IntArray, people_count: int, people: int, random: np.random.Generator
) -> IntArray:
    """Which groups come in the epoch, those of a person side by side, people in random order.

    Args:
        owners: (G,) the person of each group.
        people_count: How many people there are.
        people: In a batch.
        random: What draws.

    Returns:
        Indices of groups: as many whole batches as can be, and no more of a person than batches.
    """
    order = random.permutation(len(owners))
    order = order[np.argsort(owners[order], kind="stable")]
    per_person = np.bincount(owners, minlength=people_count)
    firsts = np.concatenate([[0], np.cumsum(per_person)])[:-1]
    place = np.arange(len(order)) - firsts[owners[order]]
    batches = _batch_count(per_person, people)
    kept = order[place < batches]
    kept = np.sort(random.permutation(kept)[: batches * people])
    rank = random.permutation(people_count)
    dealt: IntArray = kept[np.argsort(rank[owners[kept]], kind="stable")]
    return dealt


def _batch_count(groups: IntArray, people: int) -> int:
    """The most batches that can be filled when nobody comes twice in one."""
    few, many = 1, int(groups.sum()) // people
    while few < many:
        middle = (few + many + 1) // 2
        if int(np.minimum(groups, middle).sum()) >= middle * people:
            few = middle
        else:
            many = middle - 1
    return few
