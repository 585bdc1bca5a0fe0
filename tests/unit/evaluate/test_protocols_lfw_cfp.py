"""The lists of LFW and CFP, as published and as they go wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.protocols import read_cfp, read_lfw


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def lfw_photos(root: Path, names: dict[str, int], suffix: str = ".jpg") -> None:
    for name, count in names.items():
        for number in range(1, count + 1):
            touch(root / name / f"{name}_{number:04d}{suffix}")


VIEW2 = """2\t2
Ada\t1\t2
Ada\t1\t3
Ada\t1\tBob\t1
Ada\t2\tBob\t2
Cleo\t1\t2
Dan\t1\t2
Cleo\t1\tDan\t1
Cleo\t2\tDan\t2
"""
PEOPLE = "2\n2\nAda\t3\nBob\t2\n2\nCleo\t2\nDan\t2\n"
NAMES = {"Ada": 3, "Bob": 2, "Cleo": 2, "Dan": 2}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lfw_photos(tmp_path, NAMES)
    (tmp_path / "pairs.txt").write_text(VIEW2)
    (tmp_path / "people.txt").write_text(PEOPLE)
    train = "1\nAda\t1\t2\nAda\t1\tBob\t1\n"
    (tmp_path / "pairsDevTrain.txt").write_text(train)
    (tmp_path / "pairsDevTest.txt").write_text("1\nCleo\t1\t2\nCleo\t1\tDan\t2\n")
    return tmp_path


def test_view_2_has_its_folds(root: Path) -> None:
    found = read_lfw(root, view=2)
    assert found.name == "LFW view 2"
    assert found.folds is not None
    assert found.folds.tolist() == [0] * 4 + [1] * 4
    assert found.same.tolist() == [True, True, False, False] * 2
    pair = [found.photos[found.first[3]].name, found.photos[found.second[3]].name]
    assert pair == ["Ada_0002.jpg", "Bob_0002.jpg"]
    assert found.fit is None
    assert found.train is None
    assert not found.notes


def test_unrestricted_has_all_photos_of_all_people(root: Path) -> None:
    found = read_lfw(root, view=2, unrestricted=True)
    assert found.fit is not None
    assert found.fit.people.tolist() == [0, 0, 0, 1, 1, 2, 2, 3, 3]
    assert found.fit.folds.tolist() == [0] * 5 + [1] * 4
    assert len(found.photos) == 9
    names = [found.photos[k].stem for k in found.fit.photos[:4]]
    assert names == ["Ada_0001", "Ada_0002", "Ada_0003", "Bob_0001"]


def test_view_1_keeps_training_pairs_apart(root: Path) -> None:
    found = read_lfw(root, view=1)
    assert found.train is not None
    assert found.train.photos == found.photos
    assert [len(found), len(found.train)] == [2, 2]
    assert found.folds is None
    assert {found.photos[k].stem for k in found.first} == {"Cleo_0001"}
    assert {found.photos[k].stem for k in found.train.first} == {"Ada_0001"}


def test_photos_are_those_of_their_folders_people(root: Path) -> None:
    plain = read_lfw(root, view=1)
    for found in (plain, read_lfw(root, view=2), read_lfw(root, view=2, unrestricted=True)):
        assert found.people is not None
        names = [photo.parent.name for photo in found.photos]
        assert len(set(zip(names, found.people.tolist(), strict=True))) == len(set(names))
    assert plain.train is not None
    assert plain.train.people is plain.people
    assert len({plain.digest, replace(plain, train=None).digest}) == 2


def test_unrestricted_is_refused_in_view_1(root: Path) -> None:
    with pytest.raises(InputError, match="view 2"):
        read_lfw(root, view=1, unrestricted=True)


@pytest.mark.parametrize("folder", ["lfw", "lfw-deepfunneled", "lfw_funneled"])
def test_photos_may_lie_a_folder_deeper(tmp_path: Path, folder: str) -> None:
    lfw_photos(tmp_path / folder, NAMES)
    (tmp_path / "pairs.txt").write_text(VIEW2)
    assert read_lfw(tmp_path, view=2).photos[0] == tmp_path / folder / "Ada" / "Ada_0001.jpg"


def test_photos_may_have_another_suffix(tmp_path: Path) -> None:
    lfw_photos(tmp_path, NAMES, ".png")
    (tmp_path / "pairs.txt").write_text(VIEW2)
    assert read_lfw(tmp_path, view=2).photos[0].suffix == ".png"


def test_the_list_may_lie_elsewhere(root: Path, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    for name in ("pairs.txt", "people.txt", "pairsDevTrain.txt", "pairsDevTest.txt"):
        (root / name).rename(lists / name)
    assert len(read_lfw(root, view=2, pairs=lists / "pairs.txt", unrestricted=True)) == 8
    assert len(read_lfw(root, view=1, pairs=lists)) == 2
    with pytest.raises(InputError, match=r"pairs\.txt of LFW was not found"):
        read_lfw(root, view=2)


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + VIEW2,
        VIEW2.replace("\n", "\r\n"),
        VIEW2.replace("\t", " "),
        VIEW2 + "\n\n",
        VIEW2.rstrip("\n"),
    ],
    ids=["mark", "crlf", "spaces", "blank lines", "no last end"],
)
def test_other_ways_of_writing_are_read_alike(root: Path, text: str) -> None:
    plain = read_lfw(root, view=2)
    (root / "pairs.txt").write_bytes(text.encode())
    found = read_lfw(root, view=2)
    assert found.photos == plain.photos
    np.testing.assert_array_equal(found.same, plain.same)
    np.testing.assert_array_equal(found.second, plain.second)


def test_utf_16_is_read(root: Path) -> None:
    (root / "pairs.txt").write_text(VIEW2, encoding="utf-16")
    assert len(read_lfw(root, view=2)) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("a.jpg,b.jpg,1\n", "head of a list of LFW"),
        (VIEW2.replace("2\t2\n", "10\t300\n"), "6,000 lines; it has 8"),
        (VIEW2.replace("Dan\t1\t2\n", ""), "8 lines; it has 7"),
        (VIEW2.replace("Ada\t1\t3", "Ada\t1\tBob\t2"), "fold 1 has 1"),
        (VIEW2.replace("Ada\t1\t3", "Ada\tone\ttwo"), "Line 3 .* 'name 1 2'"),
        (VIEW2.replace("Ada\t1\t3", "Ada\t1\t3\t4\t5"), "Line 3"),
        (VIEW2.replace("Ada\t1\tBob\t1", "Ada\t1\tAda\t2"), "Line 4 .* names Ada twice"),
        (VIEW2.replace("Ada", "A\0da"), "not a text file"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(root: Path, text: str, message: str) -> None:
    (root / "pairs.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_lfw(root, view=2)


def test_a_list_in_another_encoding_is_refused(root: Path) -> None:
    (root / "pairs.txt").write_bytes(VIEW2.replace("Ada", "Zoë").encode("latin-1"))
    with pytest.raises(InputError, match="not text in UTF-8"):
        read_lfw(root, view=2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PEOPLE.replace("2\n2\nAda", "3\n2\nAda"), "begins with '3'; expected 2"),
        (PEOPLE.replace("Dan\t2\n", ""), "ends in fold 2 of 2"),
        (PEOPLE.replace("Bob\t2", "Bob"), "Line 4 .* a name and a number"),
        (PEOPLE.replace("Dan", "Ada"), "names Ada twice"),
        (PEOPLE + "Eve\t2\n", "how many people the next fold has"),
    ],
)
def test_a_list_of_people_that_does_not_fit_is_refused(root: Path, text: str, message: str) -> None:
    (root / "people.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        read_lfw(root, view=2, unrestricted=True)


def test_a_few_missing_photos_are_said_and_most_of_them_refused(root: Path) -> None:
    (root / "Ada" / "Ada_0001.jpg").unlink()
    (note,) = read_lfw(root, view=2).notes
    assert "1 photo" in note
    assert "Ada_0001.jpg" in note
    for photo in [*(root / "Cleo").iterdir(), *(root / "Dan").iterdir()]:
        photo.unlink()
    with pytest.raises(InputError, match=r"5 of the 9 photos .*Ada_0001\.jpg.*and 2 more.*--root"):
        read_lfw(root, view=2)


def test_a_pair_that_is_published_twice_counts_twice(root: Path) -> None:
    (root / "pairs.txt").write_text(VIEW2.replace("Ada\t1\t3", "Ada\t2\t1"))
    found = read_lfw(root, view=2)
    assert len(found) == 8
    assert re.search("1 pair .* counted again, as published: line 3", found.notes[0])


@pytest.fixture
def cfp(tmp_path: Path) -> Path:
    """Two folds; photos 1 to 4 frontal and 1 to 4 profile, two people a fold."""
    root = tmp_path / "cfp-dataset"
    kinds = {"F": "frontal", "P": "profile"}
    for letter, kind in kinds.items():
        lines = []
        for number in range(1, 9):
            path = f"Data/Images/{(number + 1) // 2:03d}/{kind}/{2 - number % 2:02d}.jpg"
            touch(root / path)
            lines.append(f"{number} ../{path}")
        touch(root / "Protocol" / f"Pair_list_{letter}.txt").write_text("\n".join(lines) + "\n")
    for part in ("FF", "FP"):
        for fold, first in (("01", 1), ("02", 5)):
            folder = root / "Protocol" / "Split" / part / fold
            same = f"{first},{first + 1}\n{first + 2},{first + 3}\n"
            different = f"{first},{first + 2}\n{first + 1},{first + 3}\n"
            touch(folder / "same.txt").write_text(same)
            touch(folder / "diff.txt").write_text(different)
    return tmp_path


def test_cfp_compares_frontal_photos_with_profiles(cfp: Path) -> None:
    found = read_cfp(cfp, part="FP")
    assert found.name == "CFP FP"
    assert found.same.tolist() == [True, True, False, False] * 2
    assert found.folds is not None
    assert found.folds.tolist() == [0] * 4 + [1] * 4
    pairs = list(zip(found.first, found.second, strict=True))
    told = [[found.photos[k].parts[-3:] for k in pair] for pair in pairs[:3]]
    assert told == [
        [("001", "frontal", "01.jpg"), ("001", "profile", "02.jpg")],
        [("002", "frontal", "01.jpg"), ("002", "profile", "02.jpg")],
        [("001", "frontal", "01.jpg"), ("002", "profile", "01.jpg")],
    ]
    assert all(photo.is_file() for photo in found.photos)
    assert not found.notes


def test_cfp_compares_frontal_photos(cfp: Path) -> None:
    found = read_cfp(cfp / "cfp-dataset", part="FF")
    assert {photo.parent.name for photo in found.photos} == {"frontal"}
    assert len(found) == 8
    assert found.people is not None
    people = found.people[found.first] == found.people[found.second]
    assert people.tolist() == found.same.tolist()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("Split/FP/01/same.txt", "1,99\n", "Line 1 .* names photo 99"),
        ("Split/FP/01/same.txt", "one,two\n", "Line 1 .* two numbers"),
        ("Split/FP/02/diff.txt", "", "is empty"),
        ("Pair_list_P.txt", "../Data/Images/001/profile/01.jpg\n", "a number and a path"),
    ],
)
def test_a_list_of_cfp_that_does_not_fit_is_refused(
    cfp: Path, name: str, text: str, message: str
) -> None:
    (cfp / "cfp-dataset" / "Protocol" / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_cfp(cfp, part="FP")


def test_labels_of_cfp_that_contradict_its_folders_are_said(cfp: Path) -> None:
    folder = cfp / "cfp-dataset" / "Protocol" / "Split" / "FF" / "01"
    (folder / "same.txt").write_text("1,4\n3,4\n")
    assert "label of 1 pairs" in read_cfp(cfp, part="FF").notes[0]


def test_without_a_protocol_folder_it_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"Protocol of CFP was not found.*cfp-dataset"):
        read_cfp(tmp_path, part="FF")


def test_lfw_view_1_as_published(data_root: Path) -> None:
    found = read_lfw(data_root, view=1)
    assert found.train is not None
    assert [len(found), int(found.same.sum())] == [1000, 500]
    assert [len(found.train), int(found.train.same.sum())] == [2200, 1100]
    assert len(found.photos) == 4992
    assert not found.notes
