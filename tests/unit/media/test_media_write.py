"""Images out."""

import stat
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import ImageError, ImageFormatError
from faceprint.media import encode_image, read_image, write_image
from faceprint.types import Image


def gradient() -> Image:
    ramp = np.linspace(0, 255, 64, dtype=np.uint8)
    return np.stack(np.broadcast_arrays(ramp[None], ramp[:, None], np.uint8(60)), axis=-1)


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp"])
def test_what_is_encoded_is_read_again(kind: str) -> None:
    data = encode_image(gradient(), format=kind)  # type: ignore[arg-type]
    pixels = read_image(data).pixels.astype(int)
    assert np.abs(pixels - gradient()).mean() < (0.01 if kind == "png" else 3)


def test_quality_costs_bytes() -> None:
    sizes = [len(encode_image(gradient(), quality=quality)) for quality in (20, 60, 95)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.png", "b.webp", "фото 写真.png"])
def test_the_suffix_names_the_format(name: str, tmp_path: Path) -> None:
    write_image(tmp_path / name, gradient())
    write_image(str(tmp_path / name), gradient()[::-1])
    pixels = read_image(tmp_path / name).pixels.astype(int)
    assert np.abs(pixels - gradient()[::-1]).mean() < 3
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_new_file_has_plain_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    write_image(tmp_path / "a.png", gradient())
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["a.gif", "a", "a.txt", ".png"])
def test_other_suffixes_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ImageFormatError, match=r"\.jpg"):
        write_image(tmp_path / name, gradient())
    assert not list(tmp_path.iterdir())


def test_trouble_with_the_disk_is_an_image_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="cannot be written"):
        write_image(tmp_path / "no" / "folder" / "a.png", gradient())
    folder = tmp_path / "folder.png"
    folder.mkdir()
    with pytest.raises(ImageError, match="cannot be written"):
        write_image(folder, gradient())
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.png"
    write_image(target, gradient())
    before = target.read_bytes()
    (tmp_path / ".00000000000000000000000000000000.part").symlink_to("/dev/full")
    monkeypatch.setattr("uuid.uuid4", lambda: type("Fixed", (), {"hex": "0" * 32}))
    with pytest.raises(ImageError, match="cannot be written"):
        write_image(target, gradient()[::-1])
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_image_is_refused(image: Image) -> None:
    with pytest.raises(ImageError, match=r"\(H, W, 3\)"):
        encode_image(image)


def test_a_side_too_long_for_the_format_is_refused() -> None:
    strip = np.zeros((1, 16_384, 3), np.uint8)
    with pytest.raises(ImageError, match="webp"):
        encode_image(strip, format="webp")
    assert read_image(encode_image(strip)).pixels.shape == strip.shape
