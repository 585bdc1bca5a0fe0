"""Photos are dealt into parts so that neither a person nor a picture stands in two of them."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from faceprint.train.data.duplicates import COPY_BITS, look_alike, near_pairs, perceptual_hashes
from faceprint.train.data.records import IntArray, Part
from faceprint.train.scenes.records import GreyArray
from faceprint.types import Image

__all__ = ["THUMBNAIL_PX", "deal_parts", "thumbnail"]

THUMBNAIL_PX: Final = 64
"""Side of what copies are told by."""

_TRAIN: Final = 0.8
_VALIDATION: Final = 0.1
"""Shares of the people, or of the photos where nobody is named; the rest tests."""
_AT_ONCE: Final = 4096


def thumbnail(pixels: Image) -> GreyArray:
    """What copies of a photo are told by, however large it is.

    Args:
        pixels: (H, W, 3) uint8 RGB, upright.

    Returns:
        (64, 64) uint8 grey levels of the whole photo.
    """
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (THUMBNAIL_PX, THUMBNAIL_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def deal_parts(
    thumbnails: Sequence[GreyArray],
    photos: Sequence[str],
    people: Sequence[str | None],
    *,
    seed: int,
) -> list[Part]:
    """The part of each photo; it does not depend on their order.

    Photos of one person are in one part. A photo whose people nobody named goes where its copies go, which
    may be of other size or quality: to the person whom one of them shows, else by the smallest digest.

    Args:
        thumbnails: (64, 64) uint8 each, as `thumbnail` makes them.
        photos: SHA-256 of the files, hexadecimal.
        people: Who is shown; None where nobody is named.
        seed: Of the parts.
    """
    named = np.array([one is not None for one in people], dtype=bool)
    groups = _copies(_Thumbnails(thumbnails), named).tolist()
    leaders: dict[int, tuple[bool, str, str]] = {}
    for group, photo, person in zip(groups, photos, people, strict=True):
        one = (person is None, photo, person or photo)
        leaders[group] = min(one, leaders.get(group, one))
    return [
        _part(leaders[group][2] if person is None else person, seed)
        for group, person in zip(groups, people, strict=True)
    ]


class _Thumbnails:
    """Grey levels as the pictures that are compared."""

    def __init__(self, thumbnails: Sequence[GreyArray]) -> None:
        self._thumbnails = thumbnails

    def __len__(self) -> int:
        return len(self._thumbnails)

    def read(self, rows: IntArray) -> Image:
        """(len(rows), 64, 64, 3) uint8 RGB."""
        grey = np.stack([self._thumbnails[row] for row in rows.tolist()])
        return np.repeat(grey[..., None], 3, axis=3)


def _copies(pictures: _Thumbnails, named: npt.NDArray[np.bool_]) -> IntArray:
    """(N,) a number for each photo, equal for copies; two that are named are not compared."""
    count = len(pictures)
    if named.all():
        return np.arange(count, dtype=np.int64)
    blocks = [np.arange(k, min(k + _AT_ONCE, count)) for k in range(0, count, _AT_ONCE)]
    hashes = np.concatenate([perceptual_hashes(pictures.read(rows)) for rows in blocks])
    first, second = near_pairs(hashes, radius=COPY_BITS)
    asked = ~(named[first] & named[second])
    first, second = first[asked], second[asked]
    if len(first):
        same = look_alike(pictures, first, second)
        first, second = first[same], second[same]
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(count, count))
    groups: IntArray = connected_components(links, directed=False)[1].astype(np.int64)
    return groups


def _part(name: str, seed: int) -> Part:
    """The part of a person, or of a photo of which nobody is known."""
    drawn = int.from_bytes(sha256(f"{seed} {name}".encode()).digest()[:8]) / 2**64
    if drawn < _TRAIN:
        return "train"
    return "validation" if drawn < _TRAIN + _VALIDATION else "test"
