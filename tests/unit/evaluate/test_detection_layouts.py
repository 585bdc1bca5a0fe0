"""Sets in the published layouts, as tiny ones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy.io import savemat

from faceprint.errors import ImageNotFoundError, InputError
from faceprint.evaluate.detection import measure_detection, read_set
from faceprint.evaluate.detection.fddb import ellipse_boxes
from faceprint.evaluate.detection.finds import FoundFaces

OBJECT = (
    "<object><name>{name}</name><difficult>{difficult}</difficult>"
    "<bndbox><xmin>{0}</xmin><ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"
)


def photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Pillow.new("RGB", (100, 80)).save(path)
    return path


def xml(path: Path, *objects: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation><filename>x</filename>{''.join(objects)}</annotation>")


def one(*box: float, name: str = "face", difficult: int = 0) -> str:
    return OBJECT.format(*box, name=name, difficult=difficult)


def test_voc_beside_the_photos(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    objects = [one(1, 2, 30, 40, name="bare"), one(50, 5, 60, 15, name="masked", difficult=1)]
    xml(tmp_path / "a.xml", *objects, one(9, 9, 9, 20))
    photo(tmp_path / "deeper" / "b.jpg")
    xml(tmp_path / "deeper" / "b.xml")
    found = read_set("voc", tmp_path)
    first, second = found.photos
    assert (first.name, second.name) == ("a.jpg", "deeper/b.jpg")
    assert first.boxes.tolist() == [[1, 2, 30, 40], [50, 5, 60, 15], [9, 9, 9, 20]]
    assert first.ignored.tolist() == [False, True, True]
    assert first.labels == (("bare",), ("masked",), ("face",))
    assert second.boxes.shape == (0, 4)
    assert found.faces == 1
    (flat,) = found.bad_boxes
    assert "Face 3 of a.jpg" in flat.message
    assert found.failures == ()


def test_voc_in_the_folders_of_the_devkit(tmp_path: Path) -> None:
    photo(tmp_path / "JPEGImages" / "a.jpg")
    xml(tmp_path / "Annotations" / "a.xml", one(1, 2, 3, 4))
    assert read_set("voc", tmp_path).faces == 1


def test_voc_of_some_classes(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    xml(tmp_path / "a.xml", one(1, 2, 30, 40, name="person"), one(5, 6, 9, 12, name="face"))
    (found,) = read_set("voc", tmp_path, classes=["face"]).photos
    assert found.boxes.tolist() == [[1, 2, 30, 40], [5, 6, 9, 12]]
    assert found.ignored.tolist() == [True, False]
    with pytest.raises(InputError, match="none with a labelled face of class dog"):
        read_set("voc", tmp_path, classes=["dog"])


def test_finds_on_other_classes_are_not_wrong(tmp_path: Path) -> None:
    photo(tmp_path / "a.jpg")
    xml(tmp_path / "a.xml", one(1, 2, 30, 40, name="bare"), one(50, 5, 90, 45, name="masked"))
    rows = np.array([[1, 2, 30, 40, 0.9], [50, 5, 90, 45, 0.8]], dtype=np.float32)
    bare = read_set("voc", tmp_path, classes=["bare"])
    result = measure_detection(bare, [FoundFaces(100, 80, rows, rows)], detector="some")
    assert (result.faces, result.ignored) == (1, 1)
    assert (result.recall.value, result.precision.value) == (1, 1)
    assert [part.name for part in result.labels] == ["bare"]


def test_voc_names_what_is_missing_or_broken(tmp_path: Path) -> None:
    photo(tmp_path / "good.jpg")
    xml(tmp_path / "good.xml", one(1, 2, 3, 4))
    photo(tmp_path / "bare.jpg")
    photo(tmp_path / "broken.jpg")
    (tmp_path / "broken.xml").write_text("<annotation><object>")
    photo(tmp_path / "words.jpg")
    xml(tmp_path / "words.xml", one(1, 2, 3, 4).replace("<xmin>1<", "<xmin>left<"))
    photo(tmp_path / "endless.jpg")
    xml(tmp_path / "endless.xml", one(1, 2, 3, float("inf")))
    xml(tmp_path / "lone.xml", one(1, 2, 3, 4))
    found = read_set("voc", tmp_path)
    assert [one.name for one in found.photos] == ["good.jpg"]
    reasons = {failure.image: failure.message for failure in found.failures}
    assert reasons.keys() == {"bare.jpg", "broken.jpg", "words.jpg", "endless.jpg", "lone.xml"}
    assert "has no labels" in reasons["bare.jpg"]
    assert "left" in reasons["words.jpg"]
    assert "not finite" in reasons["endless.jpg"]
    assert "labels a photo that is not there" in reasons["lone.xml"]


@pytest.mark.parametrize(
    ("layout", "classes", "error", "message"),
    [
        ("voc", [], ImageNotFoundError, "holds no photos"),
        ("wider", [], InputError, r"wider_face_val_bbx_gt\.txt"),
        ("fddb", [], InputError, "ellipseList"),
        ("wider", ["face"], InputError, "--class"),
        ("coco", [], InputError, "voc, wider, fddb"),
    ],
)
def test_what_is_not_a_set(
    layout: str, classes: list[str], error: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=message):
        read_set(layout, tmp_path, classes=classes)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        read_set("voc", tmp_path / "nowhere")


WIDER = """0--Parade/0_Parade_a 1.jpg
3
10 20 30 40 0 0 0 0 0 0
5 6 7 8 2 1 1 0 2 1
1 1 9 9 0 0 0 1 0 0
0--Parade/0_Parade_nobody.jpg
0
0 0 0 0 0 0 0 0 0 0
1--Handshaking/1_b.jpg
2
1 2 0 4 0 0 0 0 0 0
3 4 5 6 1 0 0 0 1 0
"""


def wider(root: Path, text: str = WIDER) -> Path:
    (root / "wider_face_split").mkdir()
    (root / "wider_face_split" / "wider_face_val_bbx_gt.txt").write_text(text)
    (root / "WIDER_val" / "images").mkdir(parents=True)
    return root


def cells(values: Sequence[Any]) -> np.ndarray:
    """A MATLAB column of cells."""
    column = np.empty((len(values), 1), dtype=object)
    for row, value in enumerate(values):
        column[row, 0] = value
    return column


def lists(
    path: Path, faces: list[list[list[int]]], *, named: bool = True, last: str = "1_b"
) -> None:
    names = [["0_Parade_a 1", "0_Parade_nobody"], [last]]
    indices = [cells([np.array(some).reshape(-1, 1) for some in event]) for event in faces]
    content: dict[str, Any] = {"gt_list": cells(indices)}
    place = path if named else path.with_name("wider_face_val.mat")
    known = {
        "event_list": cells(["0--Parade", "1--Handshaking"]),
        "file_list": cells([cells(some) for some in names]),
    }
    if named:
        savemat(path, content | known)
    else:
        savemat(path, content)
        savemat(place, known)


def test_wider_face(tmp_path: Path) -> None:
    found = read_set("wider", wider(tmp_path))
    first, nobody, last = found.photos
    assert first.path == tmp_path / "WIDER_val/images/0--Parade/0_Parade_a 1.jpg"
    assert first.boxes.tolist() == [[10, 20, 40, 60], [5, 6, 12, 14], [1, 1, 10, 10]]
    assert first.ignored.tolist() == [False, False, True]
    assert first.labels[1] == (
        "blur: heavy",
        "expression: exaggerated",
        "illumination: extreme",
        "occlusion: heavy",
        "pose: atypical",
    )
    assert nobody.boxes.shape == (0, 4)
    assert last.ignored.tolist() == [True, False]
    assert len(found.bad_boxes) == 1
    assert found.subsets == ()


@pytest.mark.parametrize("named", [True, False], ids=["names in the list", "names beside it"])
def test_the_official_subsets(named: bool, tmp_path: Path) -> None:
    root = wider(tmp_path)
    (root / "ground_truth").mkdir()
    lists(root / "ground_truth" / "wider_easy_val.mat", [[[1], []], [[]]], named=named)
    lists(root / "ground_truth" / "wider_hard_val.mat", [[[1, 2], []], [[2]]], named=named)
    found = read_set("wider", root)
    assert found.subsets == ("easy", "hard")
    assert found.photos[0].subsets["easy"].tolist() == [True, False, False]
    assert found.photos[0].subsets["hard"].tolist() == [True, True, False]
    assert found.photos[2].subsets["hard"].tolist() == [False, True]


def test_lists_of_another_release(tmp_path: Path) -> None:
    root = wider(tmp_path)
    lists(root / "wider_face_split" / "wider_easy_val.mat", [[[7], []], [[]]])
    with pytest.raises(InputError, match="not of one release"):
        read_set("wider", root)


def test_a_list_without_names_or_faces(tmp_path: Path) -> None:
    root = wider(tmp_path)
    path = root / "wider_face_split" / "wider_easy_val.mat"
    savemat(path, {"gt_list": cells([])})
    with pytest.raises(InputError, match=r"wider_face_val\.mat"):
        read_set("wider", root)
    savemat(path, {"other": 1})
    with pytest.raises(InputError, match="gt_list"):
        read_set("wider", root)
    path.write_bytes(b"no MATLAB")
    with pytest.raises(InputError, match="MATLAB"):
        read_set("wider", root)


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n",
        "a.jpg\n1\n1 2 3 4\n",
        "a.jpg\nmany\n",
        "a.jpg\n-1\n",
        "a.jpg",
    ],
)
def test_a_text_that_is_not_of_wider_face(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1"):
        read_set("wider", wider(tmp_path, text))


def test_fddb(tmp_path: Path) -> None:
    (tmp_path / "FDDB-folds").mkdir()
    (tmp_path / "FDDB-folds" / "FDDB-fold-01-ellipseList.txt").write_text(
        "2002/08/11/big/img_591\n1\n40 30 0 100 90  1\n2002/08/26/big/img_265\n2\n"
        "40.0 30.0 1.5707963267948966 100.0 90.0  1\n50 50 0.7 10 20 1\n"
    )
    (tmp_path / "originalPics").mkdir()
    found = read_set("fddb", tmp_path)
    first, second = found.photos
    assert first.path == tmp_path / "originalPics/2002/08/11/big/img_591.jpg"
    assert first.boxes.tolist() == [[60, 60, 140, 120]]
    assert second.boxes[0].tolist() == pytest.approx([70, 50, 130, 130])
    assert second.boxes[1].tolist() == pytest.approx([-40, -30, 60, 70])
    assert found.faces == 3


def test_the_box_around_an_ellipse_touches_it(tmp_path: Path) -> None:
    ellipse = np.array([[50, 20, 0.6, 7, -3]], dtype=np.float32)
    (box,) = ellipse_boxes(ellipse)
    turn = np.linspace(0, 2 * np.pi, 20_000)
    x = 7 + 50 * np.cos(turn) * np.cos(0.6) - 20 * np.sin(turn) * np.sin(0.6)
    y = -3 + 50 * np.cos(turn) * np.sin(0.6) + 20 * np.sin(turn) * np.cos(0.6)
    assert box == pytest.approx([x.min(), y.min(), x.max(), y.max()], abs=1e-3)


@pytest.mark.parametrize(
    "text", ["a\n1\n1 2 3\n", "a\n2\n1 2 3 4 5 1\n", "a\n1\n1 2 nan 4 5 1\n", "a\nb\n"]
)
def test_a_text_that_is_not_of_fddb(text: str, tmp_path: Path) -> None:
    (tmp_path / "FDDB-fold-01-ellipseList.txt").write_text(text)
    with pytest.raises(InputError, match="line 1"):
        read_set("fddb", tmp_path)
