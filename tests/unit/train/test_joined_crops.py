"""Datasets trained on together: rows in order, people of the first alone, no copies of what is measured."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.media import write_image
from faceprint.train.data import PreparedDataset
from faceprint.train.data.prepare import prepare
from faceprint.train.data.readers import read_source
from faceprint.train.joined import JoinedCrops
from faceprint.types import Image


def _picture(number: int) -> Image:
    rng = np.random.default_rng(number)
    small = rng.integers(0, 256, (14, 14, 3), dtype=np.uint8)
    out: Image = np.asarray(cv2.resize(small, (112, 112), interpolation=cv2.INTER_CUBIC))
    return out


def _dataset(folder: Path, pictures: list[Image], *, side: int = 64) -> PreparedDataset:
    for number, picture in enumerate(pictures):
        place = folder / "photos" / f"person {number // 2}"
        place.mkdir(parents=True, exist_ok=True)
        write_image(place / f"{number}.png", picture)
    source = read_source(folder / "photos", kind="folders")
    prepare(source, folder / "made", faceprint=None, crops="whole", side_px=side)
    return PreparedDataset(folder / "made")


def test_rows_of_further_datasets_come_after_and_show_nobody_known(tmp_path: Path) -> None:
    first = _dataset(tmp_path / "a", [_picture(n) for n in range(4)])
    more = _dataset(tmp_path / "b", [_picture(n) for n in range(10, 16)])
    joined = JoinedCrops(first, [more])
    assert len(joined) == 10
    assert joined.identity.tolist() == [*first.identity.tolist(), *[-1] * 6]
    rows = np.array([9, 0, 4, 3])
    expected = [more.read(np.array([5])), first.read(np.array([0]))]
    expected += [more.read(np.array([0])), first.read(np.array([3]))]
    np.testing.assert_array_equal(joined.read(rows), np.concatenate(expected))


def test_copies_of_what_is_measured_are_found_among_the_further_photos(tmp_path: Path) -> None:
    measured = [_picture(n) for n in range(4)]
    paler = np.clip(measured[2].astype(int) * 0.9 + 12, 0, 255).astype(np.uint8)
    others = [_picture(n) for n in range(10, 13)]
    first = _dataset(tmp_path / "a", measured)
    more = _dataset(tmp_path / "b", [others[0], measured[1], others[1], paler, others[2]])
    joined = JoinedCrops(first, [more])
    assert np.flatnonzero(joined.copies_of(np.arange(4))).tolist() == [5, 7]
    assert np.flatnonzero(joined.copies_of(np.array([0, 3]))).tolist() == []


def test_crops_cut_otherwise_are_refused(tmp_path: Path) -> None:
    first = _dataset(tmp_path / "a", [_picture(n) for n in range(4)])
    more = _dataset(tmp_path / "b", [_picture(n) for n in range(4)], side=48)
    with pytest.raises(InputError, match="Prepare both alike"):
        JoinedCrops(first, [more])
