"""Sources as published, tiny and by hand, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.media import write_image
from faceprint.train.data.readers import KINDS, read_people_list, read_source
from faceprint.train.data.readers.fer2013 import EMOTIONS
from faceprint.train.data.records import Sample, Source

ATTRIBUTES = ("Male", "Smiling", "Young")
PHOTOS = ("000001.jpg", "000002.jpg", "000003.jpg")
PEOPLE = (2880, 7, 2880)
VALUES = ((-1, 1, 1), (1, -1, 1), (-1, -1, -1))
BOXES = ((95, 71, 226, 313), (72, 94, 221, 306), (0, 0, 0, 0))
ALIGNED = ((69, 109, 106, 113, 77, 142, 73, 152, 108, 154),) * 3
WILD = ((165, 184, 244, 176, 196, 249, 194, 271, 266, 260),) * 3


def put(path: Path, *, size: tuple[int, int] = (8, 8), level: int = 90) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full((*size, 3), level, dtype=np.uint8))


def by_name(source: Source) -> dict[str, Sample]:
    return {sample.name: sample for sample in source.samples}


def celeba(root: Path, *, csv: bool, aligned: bool = True) -> Path:
    """The lists and photos of CelebA, as text or as Kaggle has them."""
    folder = root / "img_align_celeba" / "img_align_celeba" if csv else root / "img_align_celeba"
    for name in PHOTOS:
        put((folder if aligned else root / "img_celeba") / name)
    tables: dict[str, tuple[Sequence[str], Sequence[Sequence[int]]]] = {
        "identity_CelebA": ((), [(person,) for person in PEOPLE]),
        "list_attr_celeba": (ATTRIBUTES, VALUES),
        "list_bbox_celeba": (("x_1", "y_1", "width", "height"), BOXES),
        "list_eval_partition": (("partition",) if csv else (), [(0,), (1,), (2,)]),
        "list_landmarks_align_celeba": (("lefteye_x",), ALIGNED),
        "list_landmarks_celeba": (("lefteye_x",), WILD),
    }
    for name, (columns, rows) in tables.items():
        if csv and name != "identity_CelebA":
            lines = [",".join(("image_id", *columns))]
            lines += [
                ",".join((photo, *map(str, row))) for photo, row in zip(PHOTOS, rows, strict=True)
            ]
        else:
            lines = [str(len(PHOTOS)), " ".join(columns)] if columns else []
            lines += [
                " ".join((photo, *(f"{value:2d}" for value in row)))
                for photo, row in zip(PHOTOS, rows, strict=True)
            ]
        # Kaggle's csv are what is published there; identities come as text wherever.
        end = ".csv" if csv and name != "identity_CelebA" else ".txt"
        (root / f"{name}{end}").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("csv", [False, True])
def test_celeba_aligned_photos_have_the_lists_that_belong_to_them(
    tmp_path: Path, csv: bool
) -> None:
    source = read_source(celeba(tmp_path, csv=csv))
    assert (source.kind, source.terms.commercial) == ("celeba", "forbidden")
    first, second, third = (by_name(source)[name] for name in PHOTOS)
    assert [one.identity for one in (first, second, third)] == ["2880", "7", "2880"]
    assert [one.part for one in (first, second, third)] == ["train", "validation", "test"]
    assert first.labels == {"Male": 0, "Smiling": 1, "Young": 1, "female": 1}
    assert second.labels["female"] == 0
    # Boxes and the other landmarks are those of the photos in the wild.
    assert first.box is None
    assert first.landmarks is not None
    np.testing.assert_array_equal(first.landmarks[:2], [[69, 109], [106, 113]])


def test_celeba_in_the_wild_has_boxes_and_landmarks_of_its_own(tmp_path: Path) -> None:
    source = read_source(celeba(tmp_path, csv=False, aligned=False))
    first, _, third = (by_name(source)[name] for name in PHOTOS)
    assert first.box is not None
    assert first.box.tolist() == [95, 71, 95 + 226, 71 + 313]
    assert third.box is None
    assert first.landmarks is not None
    assert first.landmarks[0].tolist() == [165, 184]


def test_celeba_landmarks_begin_with_the_subjects_own_right_eye(tmp_path: Path) -> None:
    # What CelebA calls the left eye is on the left of the picture.
    for sample in read_source(celeba(tmp_path, csv=False)).samples:
        assert sample.landmarks is not None
        right_eye, left_eye, _, right_mouth, left_mouth = sample.landmarks
        assert right_eye[0] < left_eye[0]
        assert right_mouth[0] < left_mouth[0]


def test_celeba_without_some_lists_knows_less(tmp_path: Path) -> None:
    root = celeba(tmp_path, csv=True)
    (root / "identity_CelebA.txt").unlink()
    (root / "list_attr_celeba.csv").unlink()
    sample = by_name(read_source(root))[PHOTOS[0]]
    assert (sample.identity, dict(sample.labels), sample.part) == (None, {}, "train")


def test_celeba_says_which_photos_are_missing(tmp_path: Path) -> None:
    root = celeba(tmp_path, csv=False)
    (root / "img_align_celeba" / PHOTOS[2]).unlink()
    source = read_source(root)
    assert len(source.samples) == 2
    assert len(source.problems) == 6
    assert (
        "identity_CelebA.txt names photos that are not in img_align_celeba: 1, as 000003"
    ) in source.problems


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("identity_CelebA.txt", "000001.jpg 1\n000001.jpg 2\n", "twice and says two things"),
        ("identity_CelebA.txt", "000001.jpg somebody\n", "expected a number"),
        ("list_attr_celeba.txt", "000001.jpg 1 1 1\n", "does not name its attributes"),
        ("list_attr_celeba.txt", "1\nMale Young\n000001.jpg 1\n", "2 values of -1 or 1"),
        ("list_attr_celeba.txt", "1\nMale Young\n000001.jpg 1 5\n", "2 values of -1 or 1"),
        ("list_eval_partition.txt", "000001.jpg 3\n", "0, 1 or 2"),
        ("list_eval_partition.txt", "000001.jpg -1\n", "0, 1 or 2"),
        ("list_landmarks_align_celeba.txt", "000001.jpg 1 2 3\n", "ten numbers"),
        ("list_landmarks_align_celeba.txt", "1\nlefteye_x\nwhat 1 2\n", "expected a photo"),
        ("list_eval_partition.txt", "0\n", "names no photos"),
    ],
)
def test_celeba_refuses_lists_that_are_wrong(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    root = celeba(tmp_path, csv=False)
    (root / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_source(root)


def test_celeba_refuses_lists_without_photos_and_photos_without_lists(tmp_path: Path) -> None:
    root = celeba(tmp_path / "lists", csv=False)
    (root / "img_align_celeba").rename(root / "elsewhere")
    with pytest.raises(InputError, match="has no photos of CelebA"):
        read_source(root, kind="celeba")
    put(tmp_path / "photos" / "img_align_celeba" / PHOTOS[0])
    with pytest.raises(InputError, match="none of the lists of CelebA"):
        read_source(tmp_path / "photos", kind="celeba")


def test_celeba_refuses_two_forms_of_its_photos(tmp_path: Path) -> None:
    root = celeba(tmp_path, csv=False)
    put(root / "img_align_celeba" / "000001.png")
    with pytest.raises(InputError, match="suffix alone"):
        read_source(root)


def lfw(root: Path) -> Path:
    for name, count in (("Ada_Lovelace", 2), ("Alan_Turing", 1), ("Grace_Hopper", 1)):
        for number in range(1, count + 1):
            put(root / name / f"{name}_{number:04d}.jpg")
    return root


def test_lfw_knows_people_and_the_parts_of_view_1(tmp_path: Path) -> None:
    root = lfw(tmp_path)
    (root / "peopleDevTrain.txt").write_text("2\nAda_Lovelace\t2\nKurt_Goedel\t1\n")
    (root / "peopleDevTest.txt").write_text("1\nAlan_Turing\t1\n")
    source = read_source(root)
    assert (source.kind, source.problems) == ("lfw", ())
    ada = by_name(source)["Ada_Lovelace/Ada_Lovelace_0002.jpg"]
    assert (ada.identity, ada.part) == ("Ada_Lovelace", "train")
    assert [one.part for one in source.samples] == ["train", "train", "test", None]


def test_lfw_may_lie_a_level_below_its_lists(tmp_path: Path) -> None:
    lfw(tmp_path / "lfw-deepfunneled" / "lfw-deepfunneled")
    (tmp_path / "peopleDevTrain.txt").write_text("1\nAda_Lovelace\t2\n")
    source = read_source(tmp_path, kind="lfw")
    assert [one.part for one in source.samples] == ["train", "train", None, None]
    assert source.samples[0].name == "Ada_Lovelace/Ada_Lovelace_0001.jpg"


def test_lfw_puts_who_is_in_both_lists_in_neither_part(tmp_path: Path) -> None:
    root = lfw(tmp_path)
    for name in ("peopleDevTrain.txt", "peopleDevTest.txt"):
        (root / name).write_text("1\nAlan_Turing\t1\n")
    source = read_source(root)
    assert source.problems == ("Alan_Turing: it stands in both lists of view 1",)
    assert {one.part for one in source.samples} == {None}


def test_utkface_reads_age_and_sex_and_lists_other_names(tmp_path: Path) -> None:
    for name in ("26_1_2_2017.jpg.chip.jpg", "1_0_0_2017.jpg", "part2/80_1_4_2018.jpg"):
        put(tmp_path / name)
    for name in ("26_2017.jpg", "300_1_2_2017.jpg"):
        put(tmp_path / name)
    source = read_source(tmp_path)
    assert source.kind == "utkface"
    labels = {name: dict(one.labels) for name, one in by_name(source).items()}
    assert labels["26_1_2_2017.jpg.chip.jpg"] == {"age": 26, "female": 1}
    assert labels["part2/80_1_4_2018.jpg"] == {"age": 80, "female": 1}
    assert [problem.split(":")[0] for problem in source.problems] == [
        "26_2017.jpg",
        "300_1_2_2017.jpg",
    ]


def test_utkface_does_not_read_the_third_field(tmp_path: Path) -> None:
    put(tmp_path / "26_1_2_2017.jpg")
    put(tmp_path / "26_1_anything_2017.jpg")
    first, second = read_source(tmp_path, kind="utkface").samples
    assert dict(first.labels) == dict(second.labels)


def test_fer2013_folders_know_classes_and_parts(tmp_path: Path) -> None:
    for place in (
        "train/angry/Training_1.jpg",
        "train/Happy/0.jpg",
        "test/fear/PublicTest_3.jpg",
        "test/sad/PrivateTest_3.jpg",
        "test/neutral/9.jpg",
    ):
        put(tmp_path / place, size=(48, 48))
    source = read_source(tmp_path)
    assert (source.kind, source.classes) == ("fer2013", {"emotion": EMOTIONS})
    told = {name: (one.labels["emotion"], one.part) for name, one in by_name(source).items()}
    assert told == {
        "train/angry/Training_1.jpg": (0, "train"),
        "train/Happy/0.jpg": (3, "train"),
        "test/fear/PublicTest_3.jpg": (2, "validation"),
        "test/sad/PrivateTest_3.jpg": (5, "test"),
        "test/neutral/9.jpg": (4, "test"),
    }


def fer_row(emotion: object, usage: str, *, pixels: int = 48 * 48, level: object = 7) -> str:
    return f"{emotion},{' '.join([str(level)] * pixels)},{usage}"


def test_fer2013_table_gives_pixels_and_lists_rows_that_are_wrong(tmp_path: Path) -> None:
    rows = [
        "emotion,pixels,Usage",
        fer_row(6, "Training"),
        fer_row(3, "PublicTest", level=255),
        fer_row(4, "PrivateTest"),
        fer_row(3, "Training", pixels=48 * 47),
        fer_row(3, "Training", level=256),
        fer_row(3, "Training", level="x"),
        fer_row(9, "Training"),
        fer_row("", "Training"),
        fer_row(3, "Sometimes"),
        "3",
    ]
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(rows))
    for source in (read_source(tmp_path), read_source(path)):
        told = [(one.name, one.labels["emotion"], one.part) for one in source.samples]
        assert told == [("00000", 4, "train"), ("00001", 3, "validation"), ("00002", 5, "test")]
        pixels = source.samples[1].pixels
        assert pixels is not None
        assert pixels.shape == (48, 48, 3)
        assert pixels.dtype == np.uint8
        assert set(pixels.ravel().tolist()) == {255}
        reasons = [problem.partition(": ")[2] for problem in source.problems]
        assert reasons == [
            "it has 2,256 pixels; expected 2,304",
            "its pixels are not all whole numbers from 0 to 255",
            "its pixels are not all whole numbers from 0 to 255",
            "its emotion is '9'; expected 0 to 6",
            "its emotion is ''; expected 0 to 6",
            "its usage is 'Sometimes'; expected Training, PublicTest or PrivateTest",
            "it has 0 pixels; expected 2,304",
        ]


def test_fer2013_table_may_have_spaces_in_its_head_and_another_order(tmp_path: Path) -> None:
    row = fer_row(0, "Training").split(",")
    lines = ["emotion, Usage, pixels", ",".join((row[0], row[2], row[1]))]
    (tmp_path / "icml_face_data.csv").write_text("\n".join(lines))
    (sample,) = read_source(tmp_path).samples
    assert (sample.labels["emotion"], sample.part) == (0, "train")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the columns none"),
        ("a,b,c\n", "the columns a, b, c"),
        ("emotion,pixels,Usage\n3,1 2,Training\n", "No photo of FER2013"),
        ('emotion,pixels,Usage\n3,"1 2' + "1 " * 200_000, "cannot be read as a CSV"),
    ],
)
def test_fer2013_refuses_other_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "fer2013.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_source(tmp_path)


def test_fer2013_refuses_a_table_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "fer2013.csv").write_bytes(b"\xff\xfe\x00\x01" * 30)
    with pytest.raises(InputError, match="not text in UTF-8"):
        read_source(tmp_path)


def test_folders_of_people_may_have_parts_and_folders_of_their_own(tmp_path: Path) -> None:
    for place in (
        "train/n000001/0001_01.jpg",
        "train/n000001/more/1.jpg",
        "val/n000002/1.jpg",
        "test/n000001/2.jpg",
        "loose.jpg",
    ):
        put(tmp_path / place)
    source = read_source(tmp_path)
    assert (source.kind, source.terms.commercial) == ("folders", "undocumented")
    told = {name: (one.identity, one.part) for name, one in by_name(source).items()}
    assert told == {
        "train/n000001/0001_01.jpg": ("n000001", "train"),
        "train/n000001/more/1.jpg": ("n000001", "train"),
        "val/n000002/1.jpg": ("n000002", "validation"),
        "test/n000001/2.jpg": ("n000001", "test"),
    }
    assert source.problems == ("loose.jpg: it lies in no person's folder",)


def test_somebody_may_be_called_like_a_part(tmp_path: Path) -> None:
    put(tmp_path / "Val" / "1.jpg")
    put(tmp_path / "Ada" / "1.jpg")
    people = [(one.identity, one.part) for one in read_source(tmp_path).samples]
    assert people == [("Ada", None), ("Val", None)]


def test_folders_that_links_lead_back_to_are_read_once(tmp_path: Path) -> None:
    put(tmp_path / "ada" / "1.jpg")
    (tmp_path / "ada" / "again").symlink_to(tmp_path / "ada", target_is_directory=True)
    (tmp_path / "ada" / "top").symlink_to(tmp_path, target_is_directory=True)
    assert [one.name for one in read_source(tmp_path).samples] == ["ada/1.jpg"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list any folder")
def test_a_folder_that_may_not_be_listed_is_a_problem(tmp_path: Path) -> None:
    put(tmp_path / "ada" / "1.jpg")
    closed = tmp_path / "grace"
    closed.mkdir(mode=0)
    try:
        source = read_source(tmp_path)
    finally:
        closed.chmod(0o700)
    assert source.problems == ("grace: a folder that may not be listed",)


def test_a_source_of_no_known_kind_is_told_what_was_looked_for(tmp_path: Path) -> None:
    put(tmp_path / "a.jpg")
    with pytest.raises(
        InputError, match=r"Looked for the lists of CelebA .* fer2013\.csv .* UTKFace"
    ):
        read_source(tmp_path)
    with pytest.raises(InputError, match="lie in no folders"):
        read_source(tmp_path, kind="folders")
    with pytest.raises(InputError, match="has a name like"):
        read_source(tmp_path, kind="utkface")
    with pytest.raises(InputError, match="No photo of FER2013"):
        read_source(tmp_path, kind="fer2013")
    with pytest.raises(InputError, match="no kind of source 'movies'"):
        read_source(tmp_path, kind="movies")


@pytest.mark.parametrize("kind", ["auto", *KINDS])
def test_missing_and_empty_folders_are_refused(tmp_path: Path, kind: str) -> None:
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError):
            read_source(root, kind=kind)


def test_lists_of_people_hold_a_name_a_line(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("﻿3\r\nAda_Lovelace\t4\r\nAlan Turing\r\n\r\nAda_Lovelace\t1\r\n")
    assert read_people_list(path) == ("Ada_Lovelace", "Alan Turing")
    path.write_text("\n")
    with pytest.raises(InputError, match="is empty"):
        read_people_list(path)
