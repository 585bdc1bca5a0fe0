"""Real photos to datasets, through the detector: what is cut out, what is left, and what copies are found."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprint.pipeline import Faceprint
from faceprint.train.data.duplicates import duplicate_groups
from faceprint.train.data.prepare import prepare
from faceprint.train.data.readers import read_source
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.data.splits import make_split


@pytest.fixture(scope="module")
def faceprint(cache_root: Path) -> Iterator[Faceprint]:
    with Faceprint(create_gallery=False, cache=cache_root) as one:
        yield one


def test_lfw_crops_are_those_that_identify_embeds(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    source = read_source(data_root / "lfw")
    assert source.kind == "lfw"
    some = replace(source, samples=source.samples[100:140])
    made = prepare(some, tmp_path / "data", faceprint=faceprint, shard_photos=16, picture="png")
    assert (made.crops, len(made.failures)) == (40, 0)
    data = PreparedDataset(tmp_path / "data")
    assert (data.detector, data.steps, data.alignment) == ("yunet", "+onet", "arcface-112")
    assert set(data.parts) <= {"train", "test"}
    # A face alone in its photo is cut out here as it is for the gallery.
    crops = data.read(np.arange(40))
    compared = 0
    for row, sample in enumerate(some.samples[:12]):
        assert sample.path is not None
        embedded = faceprint.embed(sample.path)
        if len(embedded.crops) == 1:
            compared += 1
            apart = cv2.absdiff(crops[row], embedded.crops[0]).astype(float).mean()
            assert apart < 1, sample.name
    assert compared > 5


def test_interrupted_work_with_the_detector_ends_in_the_same_dataset(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    source = read_source(data_root / "utkface")
    some = replace(source, samples=source.samples[:60])

    def interrupt(done: int, _total: int) -> None:
        if done == 41:
            raise KeyboardInterrupt

    folders = [tmp_path / one / "data" for one in ("whole", "interrupted")]
    whole = prepare(some, folders[0], faceprint=faceprint, shard_photos=20)
    with pytest.raises(KeyboardInterrupt):
        prepare(some, folders[1], faceprint=faceprint, shard_photos=20, progress=interrupt)
    again = prepare(some, folders[1], faceprint=faceprint, shard_photos=20)
    assert again.made == 20
    assert again.digest == whole.digest


def test_utkface_labels_come_along_and_known_copies_are_found(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    source = read_source(data_root / "utkface")
    first: dict[bytes, int] = {}
    rows: list[int] = []
    for row, sample in enumerate(source.samples):
        assert sample.path is not None
        before = first.setdefault(sample.path.read_bytes(), row)
        if before != row and len(rows) < 20:
            rows += [before, row]
    rows += [row for row in range(0, len(source.samples), 500) if row not in rows]
    some = replace(source, samples=tuple(source.samples[row] for row in rows))
    prepare(some, tmp_path / "data", faceprint=faceprint)
    data = PreparedDataset(tmp_path / "data")
    ages = {sample.name: sample.labels["age"] for sample in some.samples}
    assert [ages[name] for name in data.names] == data.labels["age"].tolist()
    groups = duplicate_groups(data)
    pairs = groups[:20].reshape(-1, 2)
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])
    split = make_split(data, by="photo", stratify="age")
    split.check(data)


def test_photos_saved_anew_are_copies_and_other_photos_of_a_person_are_not(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    root = tmp_path / "photos"
    folder = data_root / "lfw" / "George_W_Bush"
    if not folder.is_dir():
        folder = max((data_root / "lfw").iterdir(), key=lambda one: len(list(one.glob("*"))))
    photos = sorted(folder.glob("*.jpg"))[:12]
    assert len(photos) > 5
    (root / "one").mkdir(parents=True)
    for photo in photos:
        shutil.copy(photo, root / "one" / photo.name)
        image = cv2.imread(str(photo))
        assert image is not None
        smaller = cv2.resize(image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
        path = root / "one" / f"again-{photo.stem}.jpg"
        cv2.imwrite(str(path), smaller, [cv2.IMWRITE_JPEG_QUALITY, 70])
    prepare(read_source(root, kind="folders"), tmp_path / "data", faceprint=faceprint)
    data = PreparedDataset(tmp_path / "data")
    groups = dict(zip(data.names, duplicate_groups(data).tolist(), strict=True))
    assert len(set(groups.values())) == len(photos)
    for photo in photos:
        assert groups[f"one/{photo.name}"] == groups[f"one/again-{photo.stem}.jpg"]


def test_small_grey_faces_are_found_in_most_photos(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    source = read_source(data_root / "fer2013")
    assert source.kind == "fer2013"
    some = replace(source, samples=source.samples[::100])
    made = prepare(some, tmp_path / "data", faceprint=faceprint)
    assert made.crops >= 0.85 * made.photos
    assert {one.code for one in made.failures} <= {"face_count"}
    assert made.crops + len(made.failures) == made.photos
    crop = PreparedDataset(tmp_path / "data").read(np.array([0]))[0].astype(int)
    assert np.abs(crop[..., 0] - crop[..., 2]).max() <= 4
