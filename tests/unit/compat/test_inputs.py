"""What the functions of face_recognition take and refuse."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import UnidentifiedImageError

from faceprint.compat.face_recognition import load_image_file
from faceprint.compat.face_recognition.face_recognition_cli import image_files_in_folder
from faceprint.compat.face_recognition.inputs import (
    as_boxes,
    as_image,
    check_choice,
    check_doubled,
    open_photo,
    whole_number,
)
from faceprint.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    InputError,
)

PIXELS = np.random.default_rng(3).integers(0, 256, (9, 12, 3), dtype=np.uint8)
LIMIT = 10_000


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    PillowImage.fromarray(PIXELS).save(path)
    return path


def test_photos_come_as_pillow_has_them(photo: Path) -> None:
    np.testing.assert_array_equal(load_image_file(photo), PIXELS)
    np.testing.assert_array_equal(load_image_file(str(photo)), PIXELS)
    with photo.open("rb") as file:
        np.testing.assert_array_equal(load_image_file(file), PIXELS)
    grey = load_image_file(photo, mode="L")
    np.testing.assert_array_equal(grey, np.array(PillowImage.fromarray(PIXELS).convert("L")))
    assert load_image_file(photo).flags.writeable


def test_photos_are_not_turned(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = PillowImage.Exif()
    exif[274] = 6
    PillowImage.fromarray(PIXELS).save(path, exif=exif)
    assert load_image_file(path).shape == PIXELS.shape


def test_a_missing_photo_is_an_error_of_both_kinds(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match="no file"):
        load_image_file(tmp_path / "none.jpg")
    with pytest.raises(FileNotFoundError):
        load_image_file(tmp_path / "none.jpg")


def test_what_is_no_photo_is_an_error_of_both_kinds(tmp_path: Path, photo: Path) -> None:
    text = tmp_path / "text.jpg"
    text.write_text("Ada Lovelace")
    with pytest.raises(ImageFormatError, match="no photo in a format"):
        load_image_file(text)
    with pytest.raises(UnidentifiedImageError):
        load_image_file(text)
    cut = io.BytesIO(photo.read_bytes()[:200])
    with pytest.raises(ImageError, match="undamaged") as caught:
        load_image_file(cut)
    assert isinstance(caught.value, OSError)
    with pytest.raises(ImageError, match="path of a photo") as caught:
        load_image_file(None)  # type: ignore[arg-type]
    assert isinstance(caught.value, OSError)
    assert isinstance(caught.value, ValueError)


def test_a_folder_is_no_photo(tmp_path: Path) -> None:
    with pytest.raises(ImageError):
        load_image_file(tmp_path)


def test_a_large_photo_is_refused_before_it_is_decoded(photo: Path) -> None:
    with pytest.raises(ImageTooLargeError, match="12 × 9"):
        open_photo(photo, "RGB", max_pixels=100)


def test_modes_but_two_are_refused(photo: Path) -> None:
    with pytest.raises(ValueError, match="RGB or L"):
        load_image_file(photo, mode="CMYK")


@pytest.mark.parametrize(
    "array",
    [
        PIXELS[:, :, 0],
        PIXELS[:, :, :1],
        np.dstack([PIXELS, np.full(PIXELS.shape[:2], 255, np.uint8)]),
        PIXELS / 255,
        PIXELS.astype(np.uint16) * 257,
        PIXELS[:, ::-1],
        PIXELS[:, :, ::-1],
    ],
    ids=["grey", "grey with axis", "RGBA", "floats", "uint16", "mirrored", "BGR to RGB"],
)
def test_arrays_of_many_kinds_are_images(array: np.ndarray) -> None:
    image = as_image(array, max_pixels=LIMIT)
    assert image.shape == PIXELS.shape
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("photo.jpg", "load_image_file"),
        (None, "NoneType"),
        (PillowImage.fromarray(PIXELS), r"numpy\.array"),
        (PIXELS * 1.0, "floats from"),
        (PIXELS.astype(np.int64), "int64"),
        (np.zeros((0, 5, 3), np.uint8), "no pixels"),
        (np.zeros((5, 5, 2), np.uint8), "shape"),
        (PIXELS[None], "one by one"),
        (np.full((3, 3), np.nan), "NaN"),
    ],
    ids=["path", "none", "Pillow", "0 to 255", "int64", "empty", "channels", "batch", "NaN"],
)
def test_what_is_no_image_is_refused(wrong: object, words: str) -> None:
    with pytest.raises(ImageError, match=words) as caught:
        as_image(wrong, max_pixels=LIMIT)
    assert isinstance(caught.value, ValueError)


def test_a_huge_array_is_refused_before_anything_looks_at_it() -> None:
    huge = np.broadcast_to(np.uint8(0), (20_000, 20_000, 3))
    with pytest.raises(ImageTooLargeError) as caught:
        as_image(huge, max_pixels=LIMIT)
    assert isinstance(caught.value, ValueError)
    image = np.zeros((50, 50, 3), np.uint8)
    check_doubled(image, 1, max_pixels=LIMIT)
    with pytest.raises(ImageTooLargeError, match="number_of_times_to_upsample"):
        check_doubled(image, 2, max_pixels=LIMIT)
    with pytest.raises(ValueError, match="number_of_times_to_upsample"):
        check_doubled(image, 10**12, max_pixels=LIMIT)


def test_places_become_boxes() -> None:
    places = [(1, 9, 8, -2), [2, 3, 4, 1], np.array([0.0, 5.4, 6.6, 0.0])]
    assert as_boxes(places, PIXELS).tolist() == [[-2, 1, 9, 8], [1, 2, 3, 4], [0, 0, 5, 7]]  # type: ignore[arg-type]
    assert as_boxes([], PIXELS).shape == (0, 4)


@pytest.mark.parametrize(
    "wrong",
    [(10, 20, 5, 0), (0, 3, 9, 8), (1, 2, 3), "face", 7, (1, 2, 3, np.nan), (1, 2, 3, None)],
    ids=["upside down", "left behind right", "three", "text", "number", "NaN", "none"],
)
def test_what_are_no_places_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match="top, right, bottom, left"):
        as_boxes([wrong], PIXELS)  # type: ignore[list-item]


@pytest.mark.parametrize(
    "outside",
    [
        (5000, 6000, 6000, 5000),
        (-20, 9, -1, 0),
        (0, -1, 9, -20),
        (9, 5, 12, 0),
        (0, 30, 9, 12),
        (10**12, 10**12 + 9, 10**12 + 9, 10**12),
        (0, 10**30, 9, 0),
    ],
    ids=["far", "above", "left", "below", "right", "very far", "very wide"],
)
def test_places_outside_the_image_are_refused(outside: tuple[int, int, int, int]) -> None:
    with pytest.raises(InputError, match="outside the image, which has 12 × 9") as caught:
        as_boxes([outside], PIXELS)
    assert isinstance(caught.value, ValueError)


def test_numbers_and_names_are_checked() -> None:
    assert whole_number(np.int64(3), "num_jitters", least=0) == 3
    for wrong in (-1, 1.5, "2", None):
        with pytest.raises(ValueError, match="num_jitters"):
            whole_number(wrong, "num_jitters", least=0)
    check_choice("cnn", ("hog", "cnn"), "a model")
    with pytest.raises(ValueError, match="Choose hog or cnn"):
        check_choice("CNN", ("hog", "cnn"), "a model")
    with pytest.raises(InputError, match="Choose hog or cnn"):
        check_choice(np.array(["hog", "cnn"]), ("hog", "cnn"), "a model")


def test_the_photos_of_a_folder_by_name(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.jpeg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    found = image_files_in_folder(tmp_path)
    assert found == [str(tmp_path / name) for name in ("a.png", "b.JPG", "c.jpeg")]
    with pytest.raises(ImageNotFoundError, match="no folder") as caught:
        image_files_in_folder(tmp_path / "none")
    assert isinstance(caught.value, FileNotFoundError)
    with pytest.raises(ValueError, match="path of a folder"):
        image_files_in_folder(None)  # type: ignore[arg-type]
