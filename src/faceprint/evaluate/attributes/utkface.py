"""UTKFace: ages and sexes in the names of photos, and the photos that stand there twice.

Zhang, Song, Qi, "Age Progression/Regression by Conditional Adversarial Autoencoder", CVPR 2017. Names are
AGE_SEX_x_DATE.jpg or …jpg.chip.jpg. The third field is not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from faceprint.errors import FaceprintError, InputError
from faceprint.media import find_photos, read_image
from faceprint.pipeline.results import Failure
from faceprint.types import FloatArray, Image

__all__ = ["AgedPhoto", "AgedSet", "find_twins", "read_name", "read_utkface"]

_NAME = re.compile(r"(\d{1,3})_([01])_[^_]*_[^_]+\.(?:jpe?g|png)", re.IGNORECASE)
_OLDEST = 122
"""The greatest age that is on record, in years."""

_HASH_BITS = 4
_ALIKE = 0.97
_THUMBNAIL_PX = 16
_BLOCK = 512


@dataclass(frozen=True, slots=True)
class AgedPhoto:
    """A photo whose name says how old somebody is.

    Attributes:
        path: The photo.
        age: In years.
        female: Whether the sex is labelled as female, else as male.
    """

    path: Path
    age: int
    female: bool


@dataclass(frozen=True, slots=True, eq=False)
class AgedSet:
    """Photos with ages and sexes, each once.

    Attributes:
        root: Their folder.
        photos: Those that count, in the order of their names.
        drawn: How many were looked at.
        failures: Names that say nothing, and photos that cannot be read.
        duplicates: How many copies were left out: the same bytes, or nearly the same picture.
        conflicts: Groups of copies whose labels differ; all of each group are left out.
    """

    root: Path
    photos: tuple[AgedPhoto, ...]
    drawn: int
    failures: tuple[Failure, ...]
    duplicates: int
    conflicts: tuple[tuple[Path, ...], ...]

    @property
    def digest(self) -> str:
        """SHA-256 of the photos' names with their labels, hexadecimal: equal where runs see the same."""
        told = [[one.path.name, one.age, one.female] for one in self.photos]
        return sha256(json.dumps(sorted(told)).encode()).hexdigest()


def read_name(path: Path) -> AgedPhoto:
    """What a name says.

    Raises:
        InputError: It does not have the published form.

    >>> read_name(Path("26_1_2_20170116.jpg.chip.jpg")).age
    26
    """
    found = _NAME.fullmatch(path.name)
    if found is None or int(found[1]) > _OLDEST:
        raise InputError(
            f"{path.name} does not say an age (0 to {_OLDEST}) and a sex: expected "
            "AGE_SEX_x_DATE.jpg with 0 for male and 1 for female. The photo is left out."
        )
    return AgedPhoto(path, int(found[1]), found[2] == "1")


def read_utkface(root: Path, *, limit: int | None = None, seed: int = 0) -> AgedSet:
    """The photos of a folder, without duplicates.

    Args:
        root: Searched at any depth.
        limit: Draw at most so many photos by chance.
        seed: Equal seeds draw the same photos.

    Raises:
        InputError: No photo has a name that says an age and a sex, or the limit is less than 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"--limit takes at least 1 photo, got {limit}.")
    if not root.is_dir():
        raise InputError(f"There is no folder {root}. Give the folder of the photos with --root.")
    named: list[AgedPhoto] = []
    failures: list[Failure] = []
    for path in find_photos([root]):
        try:
            named.append(read_name(path))
        except InputError as error:
            failures.append(Failure.of(path.name, error))
    if not named:
        raise InputError(
            f"None of the {len(failures)} photos in {root} has a name like 26_1_2_20170116.jpg: age, "
            "sex (0 male, 1 female), a field that is not read, date."
        )
    if limit is not None and limit < len(named):
        chosen = np.random.default_rng(seed).choice(len(named), limit, replace=False)
        named = [named[index] for index in np.sort(chosen)]
    photos, unread, duplicates, conflicts = _without_twins(named)
    return AgedSet(
        root, tuple(photos), len(named), (*failures, *unread), duplicates, tuple(conflicts)
    )


def _without_twins(
    named: Sequence[AgedPhoto],
) -> tuple[list[AgedPhoto], list[Failure], int, list[tuple[Path, ...]]]:
    """The photos of their own, those that cannot be read, the copies, and groups at odds."""
    images: list[FloatArray] = []
    digests: list[str] = []
    read: list[AgedPhoto] = []
    failures: list[Failure] = []
    for photo in named:
        try:
            image = read_image(photo.path)
        except FaceprintError as error:
            failures.append(Failure.of(photo.path.name, error))
            continue
        images.append(_thumbnails(image.pixels))
        digests.append(image.digest)
        read.append(photo)
    kept: list[AgedPhoto] = []
    conflicts: list[tuple[Path, ...]] = []
    groups: dict[int, list[AgedPhoto]] = {}
    for photo, group in zip(read, find_twins(images, digests), strict=True):
        groups.setdefault(int(group), []).append(photo)
    for some in groups.values():
        if len({(photo.age, photo.female) for photo in some}) > 1:
            conflicts.append(tuple(photo.path for photo in some))
        else:
            kept.append(some[0])
    in_conflict = sum(map(len, conflicts))
    return kept, failures, len(read) - len(kept) - in_conflict, conflicts


def _thumbnails(image: Image) -> FloatArray:
    """What twins are told by: 9 x 8 grey levels, and 16 x 16 of mean 0 and length 1, in one row."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    coarse = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA).astype(np.float32)
    sides = (_THUMBNAIL_PX, _THUMBNAIL_PX)
    fine = cv2.resize(grey, sides, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine -= fine.mean()
    fine /= max(float(np.linalg.norm(fine)), 1e-6)
    return np.concatenate([coarse.ravel(), fine.ravel()])


def find_twins(thumbnails: Sequence[FloatArray], digests: Sequence[str]) -> npt.NDArray[np.int32]:
    """Which photos show the same picture.

    Two do if their files are equal, or if their difference hashes (dHash, 64 bits) differ in 4 bits at most
    and their thumbnails correlate by 0.97 or more. Faces that are cut out alike have hashes that are
    alike, so that the hash alone would not do.

    Args:
        thumbnails: (72 + 256,) float32 each: 8 rows of 9 grey levels, then 16 x 16 of mean 0 and length 1.
        digests: Of the files.

    Returns:
        (N,) a number for each photo, equal for those that are the same.
    """
    count = len(thumbnails)
    if not count:
        return np.zeros(0, dtype=np.int32)
    stacked = np.stack(thumbnails)
    coarse, fine = stacked[:, :72].reshape(-1, 8, 9), stacked[:, 72:]
    bits = (coarse[:, :, 1:] > coarse[:, :, :-1]).reshape(count, 64)
    hashes = np.packbits(bits, axis=1).view(np.uint64)[:, 0]
    _, codes = np.unique(np.array(digests), return_inverse=True)
    pairs = [np.zeros((0, 2), dtype=np.intp)]
    for start in range(0, count, _BLOCK):
        rows = slice(start, start + _BLOCK)
        near = np.bitwise_count(hashes[rows, None] ^ hashes[None]) <= _HASH_BITS
        first, second = np.nonzero(near)
        first += start
        alike = np.einsum("pd,pd->p", fine[first], fine[second]) >= _ALIKE
        alike |= codes[first] == codes[second]
        pairs.append(np.stack([first[alike], second[alike]], axis=1))
    joined = np.concatenate(pairs)
    links = coo_matrix((np.ones(len(joined)), joined.T), shape=(count, count))
    groups: npt.NDArray[np.int32] = connected_components(links, directed=False)[1]
    return groups
