"""Copies of photos: near hashes found in full, pictures compared, labels of copies compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.train.data.duplicates import (
    disagreeing_groups,
    duplicate_groups,
    near_pairs,
    perceptual_hashes,
)
from faceprint.train.data.prepare import prepare
from faceprint.train.data.records import Sample, Source
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import Image
from faceprint.zoo.cards import Licence


def picture(seed: int, side: int = 112) -> Image:
    """Soft shapes and fine grain, as a photo has them."""
    rng = np.random.default_rng(seed)
    coarse = cv2.resize(
        rng.uniform(40, 210, (7, 7, 3)), (side, side), interpolation=cv2.INTER_CUBIC
    )
    grain = cv2.resize(rng.normal(0, 25, (28, 28, 1)), (side, side), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(coarse + grain[..., None], 0, 255), np.uint8)


def dataset(folder: Path, pictures: Sequence[Image], **fields: Sequence[object]) -> PreparedDataset:
    samples = tuple(
        Sample(f"{row}", None, one, **{name: some[row] for name, some in fields.items()})  # type: ignore[arg-type]
        for row, one in enumerate(pictures)
    )
    source = Source("folders", samples, {}, (), Licence("ours", "allowed"))
    prepare(source, folder, faceprint=None, crops="whole", picture="png")
    return PreparedDataset(folder)


def jpeg(image: Image, quality: int) -> Image:
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def smaller(image: Image) -> Image:
    small = cv2.resize(image, (70, 70), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (112, 112), interpolation=cv2.INTER_CUBIC), np.uint8)


def shifted(image: Image) -> Image:
    return np.asarray(np.roll(image, (1, -1), axis=(0, 1)), np.uint8)


def brighter(image: Image) -> Image:
    return np.clip(image.astype(float) * 1.15 + 8, 0, 255).astype(np.uint8)


def test_copies_are_grouped_however_they_were_saved(tmp_path: Path) -> None:
    one, two = picture(1), picture(2)
    copies = [one, jpeg(one, 50), smaller(one), shifted(one), brighter(one), one]
    data = dataset(tmp_path / "data", [*copies, two, jpeg(two, 70), *map(picture, range(3, 30))])
    groups = duplicate_groups(data)
    assert len(set(groups[:6])) == 1
    assert len(set(groups[6:8])) == 1
    assert len(set(groups)) == 2 + 27


def test_faces_cut_out_alike_are_no_copies(tmp_path: Path) -> None:
    # One face of soft shapes for all, black about it, and grain of its own on each.
    face = cv2.GaussianBlur(picture(1), (0, 0), 5).astype(float)
    face[:30] = face[:, :12] = face[:, -12:] = 0
    faces = []
    for seed in range(20):
        grain = cv2.resize(np.random.default_rng(seed).normal(0, 16, (56, 56)), (112, 112))
        fine = (grain - cv2.GaussianBlur(grain, (0, 0), 4))[..., None]
        faces.append(np.where(face > 0, np.clip(face + fine, 1, 255), 0).astype(np.uint8))
    data = dataset(tmp_path / "data", [*faces, jpeg(faces[0], 60)])
    first, _ = near_pairs(data.hashes, radius=8)
    assert len(first) > 10, "the hashes alone would group them"
    groups = duplicate_groups(data)
    assert len(set(groups)) == 20
    assert groups[0] == groups[20]


def test_plain_pictures_are_copies_by_their_bytes_alone(tmp_path: Path) -> None:
    plain = [np.full((112, 112, 3), level, dtype=np.uint8) for level in (0, 0, 90, 200)]
    groups = duplicate_groups(dataset(tmp_path / "data", plain))
    assert groups[0] == groups[1]
    assert len(set(groups)) == 3


def test_what_was_found_is_kept_and_found_anew_where_that_is_damaged(tmp_path: Path) -> None:
    one = picture(1)
    data = dataset(tmp_path / "data", [one, picture(2), jpeg(one, 60)])
    groups = duplicate_groups(data)
    (kept,) = data.folder.glob(".copies-*.npy")
    np.save(kept, np.array([5, 6, 7]), allow_pickle=False)
    assert duplicate_groups(data).tolist() == [5, 6, 7]
    for damaged in (b"", b"no array", kept.read_bytes()[:-4]):
        kept.write_bytes(damaged)
        np.testing.assert_array_equal(duplicate_groups(data), groups)
    np.save(kept, np.zeros(2, dtype=np.int64))
    np.testing.assert_array_equal(duplicate_groups(data), groups)


def test_groups_whose_labels_differ_are_told(tmp_path: Path) -> None:
    identity = ["a", "b", "c", "c", None, "d", "e", "e"]
    labels = [{}, {}, {"age": 3.0}, {"age": 4.0}, {}, {}, {"age": 9.0}, {}]
    pictures = [picture(seed) for seed in (1, 1, 2, 2, 3, 3, 4, 4)]
    data = dataset(tmp_path / "data", pictures, identity=identity, labels=labels)
    groups = duplicate_groups(data)
    assert len(set(groups)) == 4
    odd = disagreeing_groups(data, groups)
    assert set(odd) == {groups[0], groups[2]}


def test_hashes_change_little_with_the_picture_and_much_between_pictures() -> None:
    pictures = np.stack([picture(seed) for seed in range(40)])
    hashes = perceptual_hashes(pictures)
    again = perceptual_hashes(np.stack([jpeg(one, 40) for one in pictures]))
    assert hashes.dtype == np.uint64
    assert np.bitwise_count(hashes ^ again).max() <= 6
    apart = np.bitwise_count(hashes[:, None] ^ hashes[None])[~np.eye(40, dtype=bool)]
    assert apart.min() > 8
    assert len(perceptual_hashes(np.zeros((0, 112, 112, 3), dtype=np.uint8))) == 0


def brute(hashes: npt.NDArray[np.uint64], radius: int) -> set[tuple[int, int]]:
    near = np.bitwise_count(hashes[:, None] ^ hashes[None]) <= radius
    first, second = np.nonzero(np.triu(near, 1))
    return set(zip(first.tolist(), second.tolist(), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    bases=st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4),
    flips=st.lists(st.lists(st.integers(0, 63), max_size=8), min_size=1, max_size=30),
    radius=st.sampled_from([0, 3, 4, 8, 9]),
)
def test_all_near_hashes_are_found_and_no_others(
    bases: list[int], flips: list[list[int]], radius: int
) -> None:
    values = []
    for number, some in enumerate(flips):
        value = bases[number % len(bases)]
        for bit in some:
            value ^= 1 << bit
        values.append(value)
    hashes = np.array(values, dtype=np.uint64)
    first, second = near_pairs(hashes, radius=radius)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == brute(hashes, radius)


@pytest.mark.parametrize("count", [0, 1])
def test_few_hashes_give_no_pairs(count: int) -> None:
    first, second = near_pairs(np.zeros(count, dtype=np.uint64), radius=8)
    assert len(first) == len(second) == 0
