"""Photos that stand in a dataset several times: the same bytes, or nearly the same picture.

Candidates are crops whose 64-bit perceptual hashes are near each other (the signs of low frequencies, after
Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010), found by multi-index
hashing (Norouzi, Punjani, Fleet, PAMI 2014). Faces that are cut out alike have hashes that are alike, so
that of each candidate the fine detail is then compared, which no two photos share.

Aligned crops are often black about the face, and the edge of the black is alike in all of them: the hash
looks at the middle of the face alone, and detail near the edge does not count.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from faceprint.files import write_whole
from faceprint.train.data.records import IntArray
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import FloatArray, Image

__all__ = [
    "COPY_BITS",
    "Readable",
    "disagreeing_groups",
    "duplicate_groups",
    "look_alike",
    "near_pairs",
    "perceptual_hashes",
]

COPY_BITS: Final = 8
"""Bits that the hashes of copies differ in at most; many that are no copies differ in so few."""
_ALIKE: Final = 0.7
"""Looked at were the 40 least alike of such pairs: of UTKFace's 286 one shows two people, of FER2013's 113
and of LFW's 13 none does. Below it come ever more."""
_REVISION: Final = 1
"""Of all that decides what a copy is; kept groups of another revision are not used."""

_FREQUENCIES: Final = 8
_HASH_PX: Final = 32
_REGION: Final = (0.34, 0.95, 0.20, 0.81)
"""Top, bottom, left and right of the middle of the face, from the brows to the mouth, as shares of a crop."""

_DETAIL_PX: Final = 64
_COARSE_PX: Final = 1.5
_EDGE_PX: Final = 3
_SHIFT_PX: Final = 4
"""By so much of 64 pixels two copies may lie apart, for their faces were found each by itself."""
_BLACK: Final = 6
_LEVELS: Final = 4
_GREY: Final = 128
_AT_ONCE: Final = 4096
_BANDS: Final = 5
_BAND_BITS: Final = 13
_BAND_KEYS: Final = 1 << _BAND_BITS
_PAIRS_AT_ONCE: Final = 2**21


def perceptual_hashes(crops: Image) -> npt.NDArray[np.uint64]:
    """Hashes of pictures that differ in few bits for pictures that look alike.

    The 64 lowest frequencies of the cosine transform of 32 by 32 grey levels of the middle, less the mean; a
    bit says whether one is above the median of all.

    Args:
        crops: (N, S, S, 3) uint8 RGB.

    Returns:
        (N,) uint64.
    """
    if not len(crops):
        return np.zeros(0, dtype=np.uint64)
    grey = _middles(crops, _HASH_PX)
    side = _FREQUENCIES + 1
    spectrum = dctn(grey, axes=(1, 2), norm="ortho")[:, :side, :side]
    # Zigzag order, so that no direction is preferred; the first is the mean.
    down, across = np.mgrid[:side, :side]
    order = np.argsort((down + across).ravel() * side + down.ravel())[1:65]
    low = spectrum.reshape(len(crops), -1)[:, order]
    bits = low > np.median(low, axis=1, keepdims=True)
    packed = np.ascontiguousarray(np.packbits(bits, axis=1))
    return packed.view(">u8")[:, 0].astype(np.uint64)


def duplicate_groups(data: PreparedDataset) -> IntArray:
    """Which rows of a dataset are copies of one another.

    Two are if their source photos are equal byte for byte, or if their hashes differ in 8 bits at most and
    the fine detail of their crops correlates by 0.7 or more. What was found is kept beside the dataset.

    Args:
        data: The dataset.

    Returns:
        (N,) int64, a number for each row from 0, equal for copies of one another.

    Raises:
        DatasetError: The crops cannot be read.
    """
    path = data.folder / f".copies-r{_REVISION}-{data.digest[:16]}.npy"
    kept = _kept(path, len(data))
    if kept is not None:
        return kept
    groups = _find_groups(data)
    buffer = io.BytesIO()
    np.save(buffer, groups, allow_pickle=False)
    with suppress(OSError):
        write_whole(path, buffer.getvalue())
    return groups


def _kept(path: Path, count: int) -> IntArray | None:
    try:
        groups = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = groups.dtype == np.int64 and groups.shape == (count,)
    return groups if fits else None


def _find_groups(data: PreparedDataset) -> IntArray:
    _, codes = np.unique(np.array(data.photo_digests), return_inverse=True)
    first, second = near_pairs(data.hashes, radius=COPY_BITS)
    fresh = codes[first] != codes[second]
    first, second = first[fresh], second[fresh]
    same = look_alike(data, first, second)
    joined = np.concatenate([_chains(codes), np.stack([first[same], second[same]])], axis=1)
    links = coo_array((np.ones(joined.shape[1], dtype=np.int8), joined), shape=(len(data),) * 2)
    groups: IntArray = connected_components(links, directed=False)[1].astype(np.int64)
    return groups


def disagreeing_groups(data: PreparedDataset, groups: IntArray) -> IntArray:
    """The groups of copies that are labelled differently: another person, age, sex or class.

    What is not known contradicts nothing.

    Args:
        data: The dataset.
        groups: (N,) int64, as `duplicate_groups` gives it.

    Returns:
        (K,) int64, numbers of groups, sorted.
    """
    columns = [np.where(data.identity < 0, np.nan, data.identity), *data.labels.values()]
    count = int(groups.max(initial=-1)) + 1
    at_odds = np.zeros(count, dtype=bool)
    for column in columns:
        known = ~np.isnan(column)
        least, most = np.full(count, np.inf), np.full(count, -np.inf)
        np.minimum.at(least, groups[known], column[known])
        np.maximum.at(most, groups[known], column[known])
        at_odds |= least < most
    return np.flatnonzero(at_odds).astype(np.int64)


def near_pairs(hashes: npt.NDArray[np.uint64], *, radius: int) -> tuple[IntArray, IntArray]:
    """All pairs of hashes that differ in a few bits at most.

    The bits are dealt into five bands: two hashes that differ in at most 5 k + 4 bits differ in at most k in
    one of them, and are found by that band.

    Args:
        hashes: (N,) uint64.
        radius: 0 to 14 bits.

    Returns:
        (P,) int64 twice, the first index of each pair smaller than the second; each pair once.
    """
    found = [np.zeros((2, 0), dtype=np.int64)]
    for band in range(_BANDS):
        keys = _band(hashes, band)
        order = np.argsort(keys, kind="stable")
        starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=_BAND_KEYS))])
        for mask in _masks(radius // _BANDS):
            # Each pair is met from one side alone: from the key whose highest changed bit is 0.
            highest = 1 << (mask.bit_length() - 1) if mask else 0
            rows = np.flatnonzero((keys & highest) == 0)
            for first, second in _matches(rows, keys[rows] ^ mask, order, starts):
                near = np.bitwise_count(hashes[first] ^ hashes[second]) <= radius
                if not mask:
                    near &= first < second
                found.append(np.stack([first[near], second[near]]))
    joined = np.unique(np.sort(np.concatenate(found, axis=1), axis=0), axis=1)
    return joined[0], joined[1]


def _band(hashes: npt.NDArray[np.uint64], band: int) -> IntArray:
    """Every fifth bit from one on, as a number: neighbouring frequencies go to different bands."""
    octets = hashes.astype(">u8").view(np.uint8).reshape(-1, 8)
    bits = np.unpackbits(octets, axis=1)[:, band::_BANDS].astype(np.int64)
    keys: IntArray = bits @ (1 << np.arange(bits.shape[1]))
    return keys


def _masks(flips: int) -> list[int]:
    """All numbers of 13 bits with at most so many ones."""
    return [
        sum(1 << place for place in some)
        for count in range(flips + 1)
        for some in combinations(range(_BAND_BITS), count)
    ]


def _matches(
    rows: npt.NDArray[np.intp], keys: IntArray, order: npt.NDArray[np.intp], starts: IntArray
) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of some rows with all rows in the bucket of a key, a block at a time."""
    counts = starts[keys + 1] - starts[keys]
    ends = np.cumsum(counts)
    done = 0
    while done < len(keys):
        before = ends[done - 1] if done else 0
        stop = max(done + 1, int(np.searchsorted(ends, before + _PAIRS_AT_ONCE, side="right")))
        block = slice(done, stop)
        first = np.repeat(rows[block], counts[block])
        within = np.arange(len(first)) - np.repeat(
            ends[block] - counts[block] - before, counts[block]
        )
        yield first, order[np.repeat(starts[keys[block]], counts[block]) + within].astype(np.int64)
        done = stop


def _chains(codes: IntArray) -> IntArray:
    """(2, K) links between neighbours of equal code, which hold each group together."""
    order = np.argsort(codes, kind="stable")
    equal = codes[order][1:] == codes[order][:-1]
    return np.stack([order[:-1][equal], order[1:][equal]])


class Readable(Protocol):
    """Crops by number."""

    def read(self, rows: IntArray) -> Image:
        """(len(rows), S, S, 3) uint8 RGB."""
        ...


def look_alike(data: Readable, first: IntArray, second: IntArray) -> npt.NDArray[np.bool_]:
    """Whether the crops of pairs show the same fine detail, a little shifted perhaps.

    Args:
        data: The crops.
        first: (P,) int64, rows.
        second: (P,) int64, the rows that they are compared with.

    Returns:
        (P,) bool.
    """
    rows = np.unique(np.concatenate([first, second]))
    detail = np.empty((len(rows), _DETAIL_PX, _DETAIL_PX), dtype=np.uint8)
    for start in range(0, len(rows), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        detail[part] = [_detail(crop) for crop in data.read(rows[part])]
    places = zip(np.searchsorted(rows, first), np.searchsorted(rows, second), strict=True)
    return np.array([_likeness(detail[a], detail[b]) >= _ALIKE for a, b in places], dtype=bool)


def _likeness(a: Image, b: Image) -> float:
    """The best correlation of the inner part of one with the other, -1 to 1."""
    inner = slice(_SHIFT_PX, -_SHIFT_PX)
    both = ((a, b[inner, inner]), (b, a[inner, inner]))
    return max(float(cv2.matchTemplate(x, y, cv2.TM_CCOEFF_NORMED).max()) for x, y in both)


def _detail(crop: Image) -> Image:
    """(64, 64) uint8: grey levels less their blur, 128 for none and where the crop is black."""
    size = (_DETAIL_PX, _DETAIL_PX)
    shown = (crop.max(axis=2) > _BLACK).astype(np.uint8)
    shown = cv2.morphologyEx(shown, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)).astype(np.uint8)
    inside = cv2.erode(
        cv2.resize(shown, size, interpolation=cv2.INTER_AREA),
        np.ones((2 * _EDGE_PX + 1,) * 2, np.uint8),
        borderType=cv2.BORDER_REPLICATE,
    )
    grey = cv2.resize(_grey(crop), size, interpolation=cv2.INTER_AREA).astype(np.float32)
    fine = (grey - cv2.GaussianBlur(grey, (0, 0), _COARSE_PX)) * inside
    levels: Image = np.clip(np.round(fine * _LEVELS) + _GREY, 1, 255).astype(np.uint8)
    return levels


def _middles(crops: Image, side: int) -> FloatArray:
    """(N, side, side) grey levels of the middle of the face."""
    top, bottom, left, right = (round(share * crops.shape[1]) for share in _REGION)
    greys = (_grey(crop[top:bottom, left:right]) for crop in crops)
    small = [cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA) for grey in greys]
    return np.stack(small).astype(np.float32)


def _grey(picture: Image) -> Image:
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, dtype=np.uint8)
