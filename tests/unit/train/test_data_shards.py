"""Reading crops back: any order, several threads, other processes, damage."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import DatasetError
from faceprint.train.data.prepare import prepare
from faceprint.train.data.records import IntArray, Sample, Source
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import Image
from faceprint.zoo.cards import Licence

COUNT = 23


def level(row: int) -> int:
    return 5 + 10 * row


@pytest.fixture
def data(tmp_path: Path) -> PreparedDataset:
    """Crops of one colour each, in shards of five."""
    samples = tuple(
        Sample(f"{row}.jpg", None, np.full((32, 32, 3), level(row), dtype=np.uint8), identity=who)
        for row, who in zip(range(COUNT), ["b", "a", None] * COUNT, strict=False)
    )
    source = Source(
        "folders", samples, {"emotion": ("sad", "happy")}, (), Licence("x", "forbidden")
    )
    folder = tmp_path / "data"
    prepare(source, folder, faceprint=None, crops="whole", side_px=32, shard_photos=5)
    return PreparedDataset(folder)


def check(crops: Image, rows: IntArray) -> None:
    assert crops.shape == (len(rows), 32, 32, 3)
    assert crops.dtype == np.uint8
    wanted = [level(row) for row in rows]
    np.testing.assert_allclose(crops.mean(axis=(1, 2, 3)), wanted, atol=1)


def test_rows_come_in_the_order_asked_for(data: PreparedDataset) -> None:
    rng = np.random.default_rng(0)
    for rows in (rng.permutation(COUNT), rng.integers(0, COUNT, 60), np.array([22, 0, 22])):
        check(data.read(rows), rows)
    assert data.read(np.zeros(0, dtype=np.int64)).shape == (0, 32, 32, 3)
    with pytest.raises(IndexError):
        data.read(np.array([COUNT]))


def test_people_are_sorted_and_unknown_ones_are_minus_one(data: PreparedDataset) -> None:
    assert data.people == ("a", "b")
    assert data.identity[:4].tolist() == [1, 0, -1, 1]
    assert data.identity.dtype == np.int64
    assert data.classes == {"emotion": ("sad", "happy")}
    assert len(data.photo_digests[0]) == 64
    assert data.hashes.shape == (COUNT,)


def test_threads_read_side_by_side(data: PreparedDataset) -> None:
    rng = np.random.default_rng(1)
    asked = [rng.integers(0, COUNT, 40) for _ in range(24)]
    with ThreadPoolExecutor(8) as pool:
        for rows, crops in zip(asked, pool.map(data.read, asked), strict=True):
            check(crops, rows)


def test_a_dataset_can_be_sent_to_other_processes(data: PreparedDataset) -> None:
    again = pickle.loads(pickle.dumps(data))
    rows = np.arange(COUNT)
    check(again.read(rows), rows)


def test_a_shard_that_goes_or_is_cut_while_it_is_used_is_told(data: PreparedDataset) -> None:
    shard = data.folder / "shard-00002.tar"
    whole = shard.read_bytes()
    rows = np.arange(COUNT)
    hint = r"Delete shard-00002\.tar and shard-00002\.json, and run"
    shard.write_bytes(whole[:2000])
    with pytest.raises(
        DatasetError, match=rf"cut short or damaged: .*\.jpg cannot be read\. {hint}"
    ):
        data.read(rows)
    shard.write_bytes(bytes(len(whole)))
    with pytest.raises(DatasetError, match="cut short or damaged"):
        data.read(rows)
    shard.unlink()
    with pytest.raises(DatasetError, match=f"cannot be read: No such file.* {hint}"):
        data.read(rows)
    check(data.read(rows[:10]), rows[:10])


def test_folders_that_are_no_datasets_are_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DatasetError, match=r"no prepared dataset: it has no dataset\.json"):
            PreparedDataset(folder)
    (tmp_path / "dataset.json").write_text("[]")
    with pytest.raises(DatasetError, match=r"dataset\.json is damaged .*anew, in another folder"):
        PreparedDataset(tmp_path)


def test_an_index_that_was_edited_is_refused(data: PreparedDataset) -> None:
    index = data.folder / "shard-00001.json"
    told = json.loads(index.read_text())
    index.write_text(json.dumps({**told, "identity": ["a"] * 5}))
    with pytest.raises(DatasetError, match="was changed after it was made"):
        PreparedDataset(data.folder)
    index.write_text(json.dumps({**told, "identity": ["a"]}))
    with pytest.raises(DatasetError, match="does not add up"):
        PreparedDataset(data.folder)


def test_the_digest_tells_datasets_apart(tmp_path: Path, data: PreparedDataset) -> None:
    again = PreparedDataset(data.folder)
    assert again.digest == data.digest
    sample = Sample("0.jpg", None, np.full((32, 32, 3), 9, dtype=np.uint8))
    source = Source("folders", (sample,), {}, (), Licence("x", "forbidden"))
    digests = set()
    for side in (32, 48):
        folder = tmp_path / str(side)
        made = prepare(source, folder, faceprint=None, crops="whole", side_px=side)
        digests.add(made.digest)
    assert len(digests | {data.digest}) == 3
