"""Tables of labels, as people write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError
from faceprint.evaluate.audit.labels import LabelTable, age_band, group_by, read_labels

ROOT = Path("photos")
PHOTOS = tuple(ROOT / name for name in ("ada/1.jpg", "ada/2.jpg", "bob/1.jpg", "cy/9.jpg"))
PEOPLE = ("ada", "ada", "bob", "cy")


def table(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "labels.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(tmp_path: Path, text: str | bytes) -> LabelTable:
    return read_labels(table(tmp_path, text), PHOTOS, root=ROOT, people=PEOPLE)


@pytest.mark.parametrize(
    "text",
    [
        "person,sex\nada,f\nbob,m\ncy,m\n",
        "\ufeffPerson;Sex\r\nada; f\r\n\r\nbob;m\r\ncy;m\r\n",
        'person\tsex\n"ada"\tf\nbob\tm\ncy\tm',
        "photo,sex\nada/1.jpg,f\nada/2.jpg,f\nbob/1.jpg,m\n9.jpg,m\n",
        "sex,photo\nf,ada\\1.jpg\nf,ada\\2.jpg\nm,bob\\1.jpg\nm,cy\\9.jpg\n",
        "photo,person,sex\nada/1.jpg,ada,f\nada/2.jpg,ada,f\nbob/1.jpg,bob,m\ncy/9.jpg,cy,m\n",
    ],
)
def test_tables_as_people_write_them(tmp_path: Path, text: str) -> None:
    found = read(tmp_path, text)
    assert found.columns == {"sex": ("f", "f", "m", "m")}
    assert found.notes == ()


def test_utf_16_with_its_mark(tmp_path: Path) -> None:
    found = read(tmp_path, "person,sex\nada,f\nbob,m\n".encode("utf-16"))
    assert found.columns["sex"] == ("f", "f", "m", "")


def test_absolute_paths(tmp_path: Path) -> None:
    line = f"photo,sex\n{PHOTOS[0].absolute()},f\n"
    assert read(tmp_path, line).columns["sex"] == ("f", "", "", "")


def test_what_does_not_match_is_counted_on_both_sides(tmp_path: Path) -> None:
    found = read(tmp_path, "person,sex\nada,f\ndora,f\nemil,m\n")
    assert found.columns["sex"] == ("f", "f", "", "")
    assert found.notes == (
        "2 of 4 photos have no line in labels.csv.",
        "2 of 3 lines of labels.csv are about no photo here.",
    )


def test_nothing_matches_names_both_sides(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"names dora, emil, and the people are ada, bob, cy\.$"):
        read(tmp_path, "person,sex\ndora,f\nemil,m\n")
    with pytest.raises(
        InputError,
        match=r"photos are ada/1\.jpg, ada/2\.jpg, bob/1\.jpg\. Paths .* start from photos",
    ):
        read(tmp_path, "photo,sex\nx.jpg,f\n")


def test_spellings_that_differ_in_case_are_one_value(tmp_path: Path) -> None:
    found = read(tmp_path, "person,sex\nada,MALE\nbob,male\ncy,Male\ndora,male\nada,Male\n")
    assert found.columns["sex"] == ("male",) * 4
    assert found.notes == (
        "1 of 4 lines of labels.csv are about no photo here.",
        "sex: MALE, male, Male count as one value, male.",
    )
    grouping = group_by(read(tmp_path, "person,sex\nada,F\nbob,m\ncy,M\n"))[0]
    assert (grouping.groups, grouping.members.tolist()) == (("F", "m"), [0, 0, 1, 1])


def test_one_note_for_all_spellings_of_a_column(tmp_path: Path) -> None:
    lines = [f"p{k},{word}{k}" for k in range(5) for word in ("x", "X")]
    text = "person,code\nada,y\n" + "\n".join(lines) + "\n"
    notes = read(tmp_path, text).notes
    assert notes[-1] == (
        "code: x0, X0 count as one value, x0; x1, X1 as x1; x2, X2 as x2; 2 more likewise."
    )


def test_ages_become_bands_and_empty_ones_none(tmp_path: Path) -> None:
    found = read(tmp_path, "photo,age\nada/1.jpg,9\nada/2.jpg,70.5\nbob/1.jpg,\ncy/9.jpg,unknown\n")
    assert found.columns == {"age_band": ("3-9", "70+", "", "")}
    bands = [age_band(age) for age in (0, 2, 3, 9, 10, 19.9, 20, 69, 70, 122)]
    assert bands == ["0-2", "0-2", "3-9", "3-9", "10-19", "10-19", "20-29", "60-69", "70+", "70+"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no line below its head"),
        ("person,sex\n", "no line below its head"),
        ("who,sex\nada,f\n", "has the columns who, sex. Expected one named photo"),
        ("person\nada\n", "no label beside the column person"),
        ("person,sex,sex\nada,f,f\n", "the column 'sex' twice"),
        ("person,sex\nada,f\n\nbob\n", "Line 4 of .* has 1 columns, and the head has 2"),
        ("person,sex\nada,f\nada,m\n", "labels ada twice, with two values of sex"),
        ("person,age\nada,old\n", "Line 2 of .* gives ada the age 'old'; expected 0 to 122 years"),
        ("person,age\nbob,9\n\nada,-1\n", "Line 4 of .* gives ada the age '-1'.* 0 to 122 years"),
        ("person,age\nada,inf\n", "Line 2 of .* 0 to 122 years"),
        ("photo,age\nada/1.jpg,-3\n", r"Line 2 of .* gives ada/1\.jpg the age '-3'"),
        ("photo,sex\n1.jpg,f\n", r"2 photos are called 1\.jpg: give their paths"),
        (b"person,sex\nad\xe1,f\n", "not text in UTF-8"),
        (b"person,sex\nada,\0\n", "not a text file"),
        ('person,sex\nada,"' + "x" * 200_000 + '"\n', "cannot be read as a table"),
    ],
)
def test_tables_that_say_nothing(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(tmp_path, text)


def test_no_such_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "gone.csv", PHOTOS, root=ROOT, people=PEOPLE)


def test_people_cannot_be_labelled_where_nobody_knows_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label photos"):
        read_labels(table(tmp_path, "person,sex\nada,f\n"), PHOTOS, root=ROOT)


def test_the_same_line_twice_is_one(tmp_path: Path) -> None:
    found = read(tmp_path, "person,sex\nada,f\nada,f\nbob,m\ncy,m\n")
    assert found.columns["sex"] == ("f", "f", "m", "m")


def test_a_long_table_is_quick(tmp_path: Path) -> None:
    lines = "".join(f"p{k}/1.jpg,{k % 3}\n" for k in range(5_000))
    photos = [ROOT / f"p{k}/1.jpg" for k in range(5_000)]
    found = read_labels(table(tmp_path, "photo,dice\n" + lines), photos, root=ROOT)
    assert found.columns["dice"][:4] == ("0", "1", "2", "0")


LABELS = LabelTable(
    {
        "sex": ("f", "m", "m", ""),
        "age_band": ("70+", "3-9", "10-19", "3-9"),
        "all": ("x", "x", "x", "x"),
    }
)


def test_groups_stand_in_their_order_and_crossed_ones_too() -> None:
    sex, age, crossed = group_by(LABELS, ["sex", "age_band", "Sex + age_band"])
    assert (sex.groups, sex.members.tolist()) == (("f", "m"), [0, 1, 1, -1])
    assert (age.groups, age.members.tolist()) == (("3-9", "10-19", "70+"), [2, 0, 1, 0])
    assert crossed.name == "sex + age_band"
    assert crossed.groups == ("f 70+", "m 3-9", "m 10-19")
    assert crossed.members.dtype == np.int64


def test_labels_of_one_value_are_left_out_unless_asked_for() -> None:
    assert [grouping.name for grouping in group_by(LABELS)] == ["sex", "age_band"]
    with pytest.raises(InputError, match="The label all has 1 values; expected 2 to 50"):
        group_by(LABELS, ["all"])
    with pytest.raises(InputError, match="There is no label height"):
        group_by(LABELS, ["height"])
    with pytest.raises(InputError, match="None of the labels all has 2 to 50 values"):
        group_by(LabelTable({"all": ("x", "x")}))


def test_too_many_values_are_no_groups() -> None:
    many = LabelTable({"code": tuple(map(str, range(60)))})
    with pytest.raises(InputError, match="has 60 values"):
        group_by(many, ["code"])
