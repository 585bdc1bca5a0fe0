"""From a source to shards: crops, failures, going on after an interruption, and refusals."""

from __future__ import annotations

import csv
import io
import json
import resource
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest
from filelock import FileLock

from faceprint.errors import DatasetError, InputError, OutputError
from faceprint.media import write_image
from faceprint.pipeline import Faceprint
from faceprint.settings import Settings
from faceprint.train.data.prepare import Prepared, prepare
from faceprint.train.data.records import Sample, Source
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import Face, FloatArray, Image
from faceprint.zoo.cards import Licence

TERMS = Licence("ours", "allowed")
POINTS = np.array([[30, 40], [60, 40], [45, 55], [33, 70], [57, 70]], dtype=np.float32)


def picture(seed: int, *, width: int = 90, height: int = 100) -> Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    large = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, dtype=np.uint8)


def source_of(root: Path, count: int, **fields: Any) -> Source:
    """Photos of two people, with ages and landmarks."""
    root.mkdir(parents=True, exist_ok=True)
    samples = []
    for number in range(count):
        path = root / f"{number}.png"
        write_image(path, picture(number))
        samples.append(
            Sample(
                path.name,
                path,
                identity=("ada", "grace")[number % 2],
                labels={"age": 20.0 + number},
                landmarks=POINTS + number % 3,
                part="train",
            )
        )
    made = Source("folders", tuple(samples), {}, (), TERMS)
    return replace(made, **fields)


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a dataset but hidden ones."""
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name[0] != "."}


def prepared(source: Source, folder: Path, **options: Any) -> Prepared:
    given = {"faceprint": None, "side_px": 48, "shard_photos": 4, "picture": "png", **options}
    return prepare(source, folder, **given)


def test_crops_go_to_shards_with_all_that_is_known(tmp_path: Path) -> None:
    made = prepared(source_of(tmp_path / "photos", 10), tmp_path / "data", command="do it")
    assert (made.photos, made.crops, made.made, made.people, made.failures) == (10, 10, 10, 2, ())
    data = PreparedDataset(tmp_path / "data")
    assert (len(data), data.digest, data.name, data.kind) == (10, made.digest, "data", "folders")
    assert (data.side_px, data.alignment, data.detector, data.steps) == (48, "arcface-112", "", "")
    assert data.names == tuple(f"{number}.png" for number in range(10))
    assert (data.people, data.identity.tolist()) == (("ada", "grace"), [0, 1] * 5)
    assert data.labels["age"].tolist() == [20.0 + number for number in range(10)]
    assert (set(data.parts), data.terms) == ({"train"}, TERMS)
    assert data.measures["width_px"].tolist() == [90] * 10
    assert data.measures["height_px"].tolist() == [100] * 10
    np.testing.assert_allclose(data.measures["eye_distance_px"], 30, rtol=1e-5)
    assert np.isnan(data.measures["score"]).all()


def test_aligned_crops_have_the_landmarks_where_the_alignment_puts_them(tmp_path: Path) -> None:
    # A dot on each eye must come out where ArcFace's template has the eyes.
    photo = np.zeros((100, 90, 3), dtype=np.uint8)
    for x, y in POINTS[:2].astype(int):
        photo[y - 1 : y + 2, x - 1 : x + 2] = 255
    sample = Sample("a", None, photo, landmarks=POINTS)
    source = Source("folders", (sample,), {}, (), TERMS)
    prepared(source, tmp_path / "data", side_px=112)
    crop = PreparedDataset(tmp_path / "data").read(np.array([0]))[0]
    halves = (crop[:, :56, 0].astype(float), crop[:, 56:, 0].astype(float))
    y, x = np.mgrid[:112, :56]
    left, right = ((one * x).sum() / one.sum() for one in halves)
    assert left == pytest.approx(38.3, abs=2.5)
    assert right + 56 == pytest.approx(73.5, abs=2.5)
    assert (halves[0] * y).sum() / halves[0].sum() == pytest.approx(51.7, abs=2.5)


def test_whole_photos_are_cut_to_their_middle_square(tmp_path: Path) -> None:
    grey = np.full((48, 48, 3), 90, dtype=np.uint8)
    wide = np.zeros((20, 60, 3), dtype=np.uint8)
    wide[:, 20:40] = 200
    samples = (Sample("grey", None, grey), Sample("wide", None, wide))
    source = Source("folders", samples, {}, (), TERMS)
    prepared(source, tmp_path / "data", crops="whole")
    data = PreparedDataset(tmp_path / "data")
    assert (data.alignment, data.detector) == ("none", "")
    first, second = data.read(np.array([0, 1]))
    np.testing.assert_array_equal(first, grey)
    assert (second == 200).all()
    assert np.isnan(data.measures["eye_distance_px"]).all()


def test_boxes_are_cut_square_with_a_margin(tmp_path: Path) -> None:
    photo = np.zeros((100, 100, 3), dtype=np.uint8)
    photo[30:70, 40:80] = 250
    sample = Sample("a", None, photo, box=np.array([40, 30, 80, 70], dtype=np.float32))
    prepared(Source("folders", (sample,), {}, (), TERMS), tmp_path / "data", crops="box")
    crop = PreparedDataset(tmp_path / "data").read(np.array([0]))[0]
    share = float((crop > 125).mean())
    assert share == pytest.approx(1 / 1.2**2, abs=0.03)


def test_shards_are_what_webdataset_readers_read(tmp_path: Path) -> None:
    prepared(source_of(tmp_path / "photos", 5), tmp_path / "data", picture="jpg")
    with tarfile.open(tmp_path / "data" / "shard-00001.tar") as tar:
        entries = tar.getmembers()
        assert [one.name for one in entries] == ["00000004.jpg", "00000004.json"]
        assert {(one.mtime, one.uid, one.gid) for one in entries} == {(0, 0, 0)}
        told, crop = tar.extractfile(entries[1]), tar.extractfile(entries[0])
        assert told is not None
        assert crop is not None
        record = json.load(told)
        data = np.frombuffer(crop.read(), dtype=np.uint8)
    assert (record["name"], record["identity"], record["labels"]) == ("4.png", "ada", {"age": 24.0})
    assert record["measures"]["score"] is None
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))[..., ::-1]
    read = PreparedDataset(tmp_path / "data").read(np.array([4]))[0]
    np.testing.assert_array_equal(pixels, read)


def test_photos_without_a_crop_are_listed_with_the_reason(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    source = source_of(root, 8, problems=("notes.txt: no photo",))
    (root / "1.png").write_bytes(b"")
    (root / "2.png").write_bytes(b"GIF89a damaged")
    (root / "5.png").unlink()
    (root / "6.png").unlink()
    (root / "6.png").mkdir()
    samples = list(source.samples)
    samples[7] = replace(samples[7], landmarks=None)
    made = prepared(replace(source, samples=tuple(samples)), tmp_path / "data")
    assert (made.photos, made.crops) == (8, 3)
    with (tmp_path / "data" / "failures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["photo"], row["code"]) for row in rows] == [
        ("1.png", "not_an_image"),
        ("2.png", "bad_image"),
        ("5.png", "not_found"),
        ("6.png", "not_an_image"),
        ("7.png", "no_box_or_landmarks"),
        ("", "not_of_the_source"),
    ]
    assert "is empty" in rows[0]["reason"]
    assert PreparedDataset(tmp_path / "data").names == ("0.png", "3.png", "4.png")


@pytest.mark.parametrize("at", [0, 1, 5, 11])
def test_an_interrupted_run_goes_on_to_the_same_dataset(tmp_path: Path, at: int) -> None:
    source = source_of(tmp_path / "photos", 11)
    (tmp_path / "photos" / "3.png").write_bytes(b"not a photo")
    whole = prepared(source, tmp_path / "a" / "data")

    def interrupt(done: int, total: int) -> None:
        assert total == 11
        if done == at:
            raise KeyboardInterrupt

    folder = tmp_path / "b" / "data"
    with pytest.raises(KeyboardInterrupt):
        prepared(source, folder, progress=interrupt)
    with pytest.raises(DatasetError, match="is not finished"):
        PreparedDataset(folder)
    again = prepared(source, folder)
    # What was in unfinished shards is done again, and no more.
    assert again.made == 11 - max(0, (at - 1) // 4 * 4)
    assert again.digest == whole.digest
    assert contents(folder) == contents(tmp_path / "a" / "data")


def test_a_finished_dataset_is_not_made_again(tmp_path: Path) -> None:
    source = source_of(tmp_path / "photos", 6)
    first = prepared(source, tmp_path / "data")
    before = contents(tmp_path / "data")
    again = prepared(source, tmp_path / "data")
    assert (again.made, again.crops, again.digest) == (0, 6, first.digest)
    assert contents(tmp_path / "data") == before


@pytest.mark.parametrize("damage", ["missing", "short", "no index", "index"])
def test_a_damaged_shard_is_refused_and_made_again(tmp_path: Path, damage: str) -> None:
    source = source_of(tmp_path / "photos", 10)
    prepared(source, tmp_path / "data")
    before = contents(tmp_path / "data")
    shard, index = (tmp_path / "data" / f"shard-00001.{end}" for end in ("tar", "json"))
    if damage == "missing":
        shard.unlink()
    elif damage == "short":
        shard.write_bytes(shard.read_bytes()[:700])
    elif damage == "no index":
        index.unlink()
    else:
        index.write_text("{}")
    with pytest.raises(DatasetError, match=r"shard-00001.* Delete shard-00001\.\* there and run"):
        PreparedDataset(tmp_path / "data")
    assert prepared(source, tmp_path / "data").made == 4
    assert contents(tmp_path / "data") == before


def test_other_options_or_another_source_are_refused(tmp_path: Path) -> None:
    source = source_of(tmp_path / "photos", 3)
    prepared(source, tmp_path / "data")
    with pytest.raises(DatasetError, match="begun otherwise: side_px 48, now 64"):
        prepared(source, tmp_path / "data", side_px=64)
    with pytest.raises(DatasetError, match="crops 'aligned', now 'whole'"):
        prepared(source, tmp_path / "data", crops="whole")
    fewer = replace(source, samples=source.samples[1:])
    with pytest.raises(DatasetError, match="begun otherwise: source "):
        prepared(fewer, tmp_path / "data")
    older = replace(source.samples[0], labels={"age": 99.0})
    with pytest.raises(DatasetError, match="begun otherwise: source "):
        prepared(replace(source, samples=(older, *source.samples[1:])), tmp_path / "data")


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(DatasetError, match=r"is not empty, .* letters\.txt"):
        prepared(source_of(tmp_path / "photos", 1), tmp_path)
    assert (tmp_path / "letters.txt").read_text() == "mine"


def test_two_cannot_prepare_one_folder_at_a_time(tmp_path: Path) -> None:
    source = source_of(tmp_path / "photos", 1)
    (tmp_path / "data").mkdir()
    with (
        FileLock(tmp_path / "data" / ".lock"),
        pytest.raises(DatasetError, match="Another process"),
    ):
        prepared(source, tmp_path / "data")
    assert prepared(source, tmp_path / "data").crops == 1


@contextmanager
def largest_file(count: int) -> Iterator[None]:
    """What a full disk does, for files over a size."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (count, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_keeps_the_finished_shards(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    source = source_of(root, 8)
    for number in range(4):
        write_image(root / f"{number}.png", np.full((100, 90, 3), number, dtype=np.uint8))
    folder = tmp_path / "data"
    # The first shard is small for its plain photos, the second is not.
    with (
        largest_file(14_000),
        pytest.raises(OutputError, match="Free some space, and run the same"),
    ):
        prepared(source, folder)
    names = set(contents(folder))
    assert names == {"dataset.json", "shard-00000.tar", "shard-00000.json"}
    assert prepared(source, folder).made == 4
    assert len(PreparedDataset(folder)) == 8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side_px": 8}, "16 to 1024 pixels"),
        ({"alignment": "none"}, "no alignment 'none'"),
        ({"shard_photos": 0}, "one photo or more"),
        ({"crops": "box"}, "gives no boxes"),
        ({}, "gives no landmarks"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    source = Source("folders", (Sample("a", None, picture(1)),), {}, (), TERMS)
    with pytest.raises(InputError, match=message):
        prepared(source, tmp_path / "data", **options)
    assert not (tmp_path / "data").exists()


def test_an_empty_source_and_one_without_any_crop_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no photos"):
        prepared(Source("folders", (), {}, (), TERMS), tmp_path / "data")
    source = source_of(tmp_path / "photos", 2)
    for one in source.samples:
        assert one.path is not None
        one.path.write_bytes(b"")
    with pytest.raises(InputError, match=r"None of the 2 photos gave a crop; the first: 0\.png"):
        prepared(source, tmp_path / "other")
    with pytest.raises(DatasetError, match="is not finished"):
        PreparedDataset(tmp_path / "other")


class FakeModels:
    """A detector that finds what it is told to, by the width of a photo."""

    workers = 2

    def __init__(self, faces: dict[int, tuple[Face, ...]]) -> None:
        self._faces = faces
        self.located: list[int] = []

    def detect(self, images: list[Image], *, thorough: bool) -> list[tuple[Face, ...]]:
        return [self._faces[image.shape[1]] for image in images]

    def all_with_landmarks(
        self, images: list[Image], faces: list[tuple[Face, ...]], *, alignment: str
    ) -> list[tuple[Face, ...]]:
        self.located += [len(some) for some in faces]
        return [tuple(replace(face, landmarks=POINTS) for face in some) for some in faces]

    def steps_for(self, alignment: str) -> str:
        return "+onet"


class FakeFaceprint:
    def __init__(self, faces: dict[int, tuple[Face, ...]]) -> None:
        self.settings = Settings()
        self.models = FakeModels(faces)


def face(x: float, y: float, score: float, *, side: float = 20) -> Face:
    half = side / 2
    box = np.array([x - half, y - half, x + half, y + half], dtype=np.float32)
    return Face(box, score, POINTS)


def box(x: float, y: float) -> FloatArray:
    return np.array([x - 10, y - 10, x + 10, y + 10], dtype=np.float32)


def test_of_several_faces_the_meant_one_is_taken(tmp_path: Path) -> None:
    faces = {
        100: (face(20, 50, 0.9), face(48, 52, 0.5)),
        101: (face(20, 50, 0.9), face(48, 52, 0.5)),
        102: (face(20, 50, 0.9),),
        103: (),
    }
    samples = tuple(
        Sample(name, None, picture(1, width=width), box=given)
        for name, width, given in (
            ("middle", 100, None),
            ("labelled", 101, box(22, 49)),
            ("somebody else", 102, box(80, 50)),
            ("nobody", 103, None),
        )
    )
    fake = FakeFaceprint(faces)
    source = Source("folders", samples, {}, (), TERMS)
    made = prepared(source, tmp_path / "data", faceprint=cast(Faceprint, fake))
    data = PreparedDataset(tmp_path / "data")
    assert dict(zip(data.names, data.measures["score"].tolist(), strict=True)) == {
        "middle": 0.5,
        "labelled": pytest.approx(0.9),
    }
    assert (data.detector, data.steps) == ("yunet", "+onet")
    assert [(one.name, one.reason) for one in made.failures] == [
        ("somebody else", "No face was found where the source has one."),
        ("nobody", "No face was found."),
    ]
    assert max(fake.models.located) == 1


def test_failures_can_be_read_as_csv_whatever_they_hold(tmp_path: Path) -> None:
    source = source_of(tmp_path / "photos", 2)
    odd = replace(source.samples[0], name='a "b", c\n.png', path=tmp_path / "nowhere.png")
    prepared(replace(source, samples=(odd, source.samples[1])), tmp_path / "data")
    text = (tmp_path / "data" / "failures.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["photo"] for row in rows] == ['a "b", c\n.png']
