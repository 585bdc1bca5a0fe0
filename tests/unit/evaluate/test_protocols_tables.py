"""Lists of pairs of anyone's making."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceprint.errors import ImageNotFoundError, InputError
from faceprint.evaluate.protocols import PairList, read_pair_table, read_people

NAMES = ("noending", "a.jpg", "b.jpg", "c.jpg", "Ada Lovelace 1.jpg", "Ada Lovelace 2.jpg")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_bytes(b"")
    return folder


def read(root: Path, text: str | bytes) -> PairList:
    path = root / "pairs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_pair_table(path)


def told(found: PairList) -> list[tuple[str, str, bool]]:
    return [
        (found.photos[a].name, found.photos[b].name, bool(same))
        for a, b, same in zip(found.first, found.second, found.same, strict=True)
    ]


EXPECTED = [("a.jpg", "b.jpg", True), ("a.jpg", "c.jpg", False)]


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,b.jpg,1\na.jpg,c.jpg,0\n",
        "a.jpg;b.jpg;1\na.jpg;c.jpg;0\n",
        "a.jpg\tb.jpg\t1\na.jpg\tc.jpg\t0\n",
        "a.jpg b.jpg 1\na.jpg  c.jpg  0\n",
        "a.jpg|b.jpg|1\na.jpg | c.jpg | 0\n",
        "1 a.jpg b.jpg\n0 a.jpg c.jpg\n",
        " a.jpg , b.jpg , 1 \n\n a.jpg , c.jpg , 0 \n",
        '"a.jpg","b.jpg","1"\n"a.jpg","c.jpg","0"\n',
        "photo_a,photo_b,same\na.jpg,b.jpg,true\na.jpg,c.jpg,False\n",
        "label;Image 1;Image 2\ngenuine;a.jpg;b.jpg\nimpostor;a.jpg;c.jpg\n",
        "person_a,file1,person_b,file2\nAda,a.jpg,Ada,b.jpg\nAda,a.jpg,Bob,c.jpg\n",
        "one,other,truth value\na.jpg,b.jpg,same\na.jpg,c.jpg,different\n",
        "a.jpg,b.jpg,1.0\na.jpg,c.jpg,-1\n",
        b"\xef\xbb\xbfa.jpg,b.jpg,1\r\na.jpg,c.jpg,0\r\n",
        "a.jpg,b.jpg,1\na.jpg,c.jpg,0\n".encode("utf-16"),
    ],
)
def test_separators_heads_and_words_are_understood(root: Path, text: str | bytes) -> None:
    assert told(read(root, text)) == EXPECTED


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace 1.jpg,Ada Lovelace 2.jpg,1\na.jpg,c.jpg,0\n",
        "Ada Lovelace 1.jpg\tAda Lovelace 2.jpg\t1\na.jpg\tc.jpg\t0\n",
        '"Ada Lovelace 1.jpg" "Ada Lovelace 2.jpg" 1\na.jpg c.jpg 0\n',
    ],
)
def test_names_may_hold_spaces(root: Path, text: str) -> None:
    found = told(read(root, text))
    assert found[0] == ("Ada Lovelace 1.jpg", "Ada Lovelace 2.jpg", True)


def test_names_with_spaces_between_spaces_are_refused(root: Path) -> None:
    with pytest.raises(InputError, match=r"Line 2 .* 5 columns, and line 1 has 3.*quotes"):
        read(root, "a.jpg c.jpg 0\nAda Lovelace.jpg b.jpg c.jpg 1\n")


def test_paths_start_from_the_root_or_from_the_list(root: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("a.jpg,b.jpg,1\nphotos/a.jpg,c.jpg,0\n")
    found = read_pair_table(path, root=root)
    assert [str(photo.relative_to(tmp_path)) for photo in found.photos] == [
        "photos/a.jpg",
        "photos/b.jpg",
        "photos/c.jpg",
    ]
    path.write_text(f"{root / 'a.jpg'},photos/b.jpg,1\nphotos/a.jpg,photos/c.jpg,0\n")
    assert told(read_pair_table(path)) == EXPECTED


def test_folds_are_read_in_the_order_of_their_numbers(root: Path) -> None:
    text = "a,b,same,fold\na.jpg,b.jpg,1,10\na.jpg,c.jpg,0,10\nb.jpg,c.jpg,0,9\n"
    found = read(root, text)
    assert found.folds is not None
    assert found.folds.tolist() == [1, 1, 0]
    bare = read(root, "a.jpg,b.jpg,1,1\na.jpg,c.jpg,0,2\n")
    assert bare.folds is not None
    assert bare.folds.tolist() == [0, 1]


def test_a_head_of_unknown_words_is_told(root: Path) -> None:
    found = read(root, "one,other,truth value\na.jpg,b.jpg,same\na.jpg,c.jpg,different\n")
    assert found.notes == ("Line 1 of pairs.csv was read as a head: one, other, truth value.",)


def test_people_are_those_that_the_list_names(root: Path) -> None:
    text = "a,b,person_a,person_b\na.jpg,b.jpg,Ada,Ada\na.jpg,c.jpg,Ada,Bob\n"
    found = read(root, text)
    assert found.people is not None
    assert found.people.tolist() == [0, 0, 1]
    assert read(root, "a.jpg,b.jpg,1\na.jpg,c.jpg,0\n").people is None


def test_the_digest_is_that_of_the_pairs_and_their_truth(root: Path, tmp_path: Path) -> None:
    found = read(root, "a.jpg,b.jpg,1\na.jpg,c.jpg,0\nb.jpg,c.jpg,0\n").digest
    assert read(root, "b.jpg;a.jpg;1\nb.jpg;c.jpg;0\na.jpg;c.jpg;0\n").digest == found
    assert read(root, "a.jpg,b.jpg,0\na.jpg,c.jpg,1\nb.jpg,c.jpg,0\n").digest != found
    assert read(root, "a.jpg,b.jpg,1\na.jpg,c.jpg,0\n").digest != found
    text = "a,b,same,fold\na.jpg,b.jpg,1,1\na.jpg,c.jpg,0,1\nb.jpg,c.jpg,0,2\n"
    assert read(root, text).digest != found
    moved = root.rename(tmp_path / "elsewhere")
    assert read(moved, "a.jpg,b.jpg,1\na.jpg,c.jpg,0\nb.jpg,c.jpg,0\n").digest == found


def test_one_fold_is_none(root: Path) -> None:
    assert read(root, "a,b,same,fold\na.jpg,b.jpg,1,1\na.jpg,c.jpg,0,1\n").folds is None


@pytest.mark.parametrize("copy", ["a.jpg,b.jpg,1", "b.jpg,a.jpg,1"])
def test_a_pair_counts_once_also_the_other_way_round(root: Path, copy: str) -> None:
    found = read(root, f"a.jpg,b.jpg,1\na.jpg,c.jpg,0\n{copy}\n")
    assert told(found) == EXPECTED
    assert found.notes == ("1 pair that stood in the list before left out: line 3.",)


def test_a_photo_with_itself_is_left_out(root: Path) -> None:
    found = read(root, "a.jpg,b.jpg,1\na.jpg,c.jpg,0\nc.jpg,c.jpg,1\n")
    assert told(found) == EXPECTED
    assert found.notes == ("1 pair of a photo with itself left out: line 3.",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a.jpg,b.jpg\nc.jpg,a.jpg\n", "has 2 columns"),
        ("a.jpg\nb.jpg\n", "has 1 column;"),
        ("a.jpg,b.jpg,1\na.jpg,c.jpg\n", "Line 2 .* 2 columns, and line 1 has 3"),
        ("a.jpg,b.jpg,1\na.jpg,c.jpg,maybe\n", "Line 2 .* the label 'maybe'"),
        ("a.jpg,b.jpg,1\na.jpg,c.jpg,NaN\n", "Line 2 .* no label"),
        ("a.jpg,b.jpg,1\na.jpg,c.jpg,\n", "Line 2 .* no label"),
        ("a.jpg,b.jpg,1\nnan,c.jpg,0\n", "Line 2 .* lacks the path"),
        ("a.jpg,b.jpg,1\na.jpg,c.jpg,1\n", "2 genuine pairs and no impostor ones"),
        ("a.jpg,b.jpg,0\na.jpg,c.jpg,0\n", "2 impostor pairs and no genuine ones"),
        ("a.jpg,b.jpg,1\na.jpg,c.jpg,0\nb.jpg,a.jpg,0\n", "line 1 and line 3"),
        ("photo_a,photo_b,same\n", "ends after its head"),
        ("one,two,three\n", "ends after its first line, which was read as a head"),
        ("a.jpg,b.jpg,maybe\na.jpg,b.jpg,1\na.jpg,c.jpg,0\n", "Line 1 .* the label 'maybe'"),
        ("x/gone.JPG,b,maybe\na.jpg,b.jpg,1\na.jpg,c.jpg,0\n", "Line 1 .* the label 'maybe'"),
        ("noending,b,maybe\na.jpg,b.jpg,1\na.jpg,c.jpg,0\n", "Line 1 .* the label 'maybe'"),
        (
            "a,b,person_a,person_b\na.jpg,b.jpg,Ada,Ada\na.jpg,c.jpg,Bob,Cleo\n",
            "Line 2 .* shows Ada, and line 3 that it shows Bob",
        ),
        ("a.jpg,a.jpg,1\n", "no pairs of two photos"),
        ("a,b,same,fold\na.jpg,b.jpg,1,1\na.jpg,c.jpg,0,\n", "Line 3 .* lacks its fold"),
        (
            "a,b,same,person_a,person_b\na.jpg,b.jpg,1,Ada,Bob\na.jpg,c.jpg,0,Ada,Cleo\n",
            "Line 2 .* contradicts itself",
        ),
        (
            "a,b,person_a,person_b\na.jpg,b.jpg,Ada,Ada\na.jpg,c.jpg,Ada,nan\n",
            "Line 3 .* does not say who",
        ),
        (b"a.jpg,b.jpg,1\n\xe9.jpg,c.jpg,0\n", "not text in UTF-8"),
        (b"\x89PNG\x00\x00", "not text in UTF-8"),
        (b"PK\x03\x04\x00\x00", "not a text file"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(
    root: Path, text: str | bytes, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        read(root, text)


def test_a_list_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_pair_table(tmp_path / "none.csv")


def test_missing_photos_are_said_and_most_of_them_refused(root: Path) -> None:
    found = read(root, "a.jpg,b.jpg,1\na.jpg,c.jpg,0\na.jpg,gone.jpg,0\n")
    assert "1 photo of the list is not there" in found.notes[0]
    assert "gone.jpg" in found.notes[0]
    text = "a.jpg,x1.jpg,1\na.jpg,x2.jpg,0\na.jpg,x3.jpg,0\na.jpg,x4.jpg,0\n"
    with pytest.raises(InputError, match=r"4 of the 5 photos .*x1\.jpg.*and 1 more.*--root"):
        read(root, text)


def test_one_impostor_pair_is_enough_to_be_read(root: Path) -> None:
    text = "a.jpg,b.jpg,1\nb.jpg,c.jpg,1\na.jpg,Ada Lovelace 1.jpg,0\n"
    assert read(root, text).same.tolist() == [True, True, False]


def test_a_folder_per_person_is_read_in_order(tmp_path: Path) -> None:
    for name in ("Bob/2.jpg", "Ada/1.jpg", "Bob/1.png", ".hidden/1.jpg", "Empty/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "loose.jpg").write_bytes(b"")
    found = read_people(tmp_path)
    assert found.names == ("Ada", "Bob")
    assert found.people.tolist() == [0, 1, 1]
    assert [photo.name for photo in found.photos] == ["1.jpg", "1.png", "2.jpg"]
    assert len(found.notes) == 1
    assert "left out: 1." in found.notes[0]
    (tmp_path / "loose.jpg").unlink()
    assert read_people(tmp_path).notes == ()
    assert read_people(tmp_path).digest == found.digest
    (tmp_path / "Bob" / "1.png").rename(tmp_path / "Ada" / "2.png")
    assert read_people(tmp_path).digest != found.digest


def test_a_folder_without_people_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match="no folder with photos"):
        read_people(tmp_path)
    with pytest.raises(ImageNotFoundError, match="not a folder"):
        read_people(tmp_path / "none")
