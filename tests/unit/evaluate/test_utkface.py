"""Names of UTKFace, and photos that stand there twice."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from faceprint.errors import ImageNotFoundError, InputError
from faceprint.evaluate.attributes.utkface import read_name, read_utkface


@pytest.mark.parametrize(
    ("name", "age", "female"),
    [
        ("26_1_2_20170116.jpg.chip.jpg", 26, True),
        ("100_0_0_20170112213500903.jpg", 100, False),
        ("1_0_secret_20170112.JPG", 1, False),
        ("55_0_0_20170116232725357jpg.chip.jpg", 55, False),
    ],
)
def test_names(name: str, age: int, female: bool) -> None:
    found = read_name(Path(name))
    assert (found.age, found.female) == (age, female)


def test_the_third_field_goes_nowhere() -> None:
    one, other = (read_name(Path(f"26_1_{x}_20170116.jpg")) for x in ("0", "4"))
    assert (one.age, one.female) == (other.age, other.female)
    assert one.__slots__ == ("path", "age", "female")


@pytest.mark.parametrize(
    "name",
    [
        "61_1_20170109142408075.jpg",
        "39_2_1_2017.jpg",
        "_1_0_2017.jpg",
        "200_1_0_2017.jpg",
        "face.jpg",
    ],
)
def test_names_that_say_nothing(name: str) -> None:
    with pytest.raises(InputError, match="AGE_SEX_x_DATE"):
        read_name(Path(name))


def pictures() -> list[np.ndarray]:
    """Four that look nothing like each other."""
    return [
        np.asarray(picture)[:240, 100:340]
        for picture in (data.astronaut(), data.coffee(), data.chelsea(), data.rocket())
    ]


def save(path: Path, pixels: np.ndarray, quality: int = 90) -> None:
    Pillow.fromarray(pixels).resize((128, 128)).save(path, quality=quality)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    first, second, third, fourth = pictures()
    save(tmp_path / "20_1_0_1.jpg", first)
    (tmp_path / "20_1_3_2.jpg").write_bytes((tmp_path / "20_1_0_1.jpg").read_bytes())
    save(tmp_path / "30_0_0_3.jpg", second)
    save(tmp_path / "30_0_0_4.jpg", second, quality=40)  # nearly the same picture
    save(tmp_path / "40_0_0_5.jpg", third)
    save(tmp_path / "41_0_0_6.jpg", third, quality=50)  # with another age
    save(tmp_path / "50_0_0_7.jpg", fourth)
    (tmp_path / "60_0_0_8.jpg").write_bytes(b"no photo")
    (tmp_path / "holiday.jpg").write_bytes(b"no photo")
    return tmp_path


def test_copies_and_those_at_odds_are_left_out(root: Path) -> None:
    found = read_utkface(root)
    assert [photo.path.name for photo in found.photos] == [
        "20_1_0_1.jpg",
        "30_0_0_3.jpg",
        "50_0_0_7.jpg",
    ]
    assert found.drawn == 8
    assert found.duplicates == 2
    assert [[path.name for path in some] for some in found.conflicts] == [
        ["40_0_0_5.jpg", "41_0_0_6.jpg"]
    ]
    assert {failure.image for failure in found.failures} == {"60_0_0_8.jpg", "holiday.jpg"}


def test_equal_seeds_draw_equal_photos(root: Path) -> None:
    def drawn(seed: int) -> list[str]:
        found = read_utkface(root, limit=3, seed=seed)
        assert found.drawn == 3
        return [photo.path.name for photo in found.photos]

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(6)}) > 1


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no folder"):
        read_utkface(tmp_path / "nowhere")
    with pytest.raises(ImageNotFoundError):
        read_utkface(tmp_path)
    with pytest.raises(InputError, match="at least 1"):
        read_utkface(tmp_path, limit=0)
    stream = io.BytesIO()
    Pillow.new("RGB", (8, 8)).save(stream, "JPEG")
    (tmp_path / "face.jpg").write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="None of the 1 photos"):
        read_utkface(tmp_path)


def test_flat_pictures_are_no_surprise(tmp_path: Path) -> None:
    for place, grey in enumerate((0, 128)):
        Pillow.new("RGB", (16, 16), (grey,) * 3).save(tmp_path / f"2{place}_1_0_{place}.png")
    assert len(read_utkface(tmp_path).photos) == 2
