"""Reading: every format, every colour mode, every kind of trouble."""

import hashlib
import io
import os
import sys
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as PillowImage
from PIL import ImageCms, features

from faceprint.errors import (
    ImageError,
    ImageFormatError,
    ImageNotFoundError,
    ImageTooLargeError,
    MissingExtraError,
)
from faceprint.media import read_image
from faceprint.types import Image

FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "HEIF"]
WIDTH, HEIGHT = 48, 32


def corners() -> Image:
    """A photo with another colour in each quarter: red and green above, blue and white below."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, : WIDTH // 2] = (220, 20, 20)
    pixels[: HEIGHT // 2, WIDTH // 2 :] = (20, 200, 20)
    pixels[HEIGHT // 2 :, : WIDTH // 2] = (20, 20, 210)
    pixels[HEIGHT // 2 :, WIDTH // 2 :] = (240, 240, 240)
    return pixels


def encoded(kind: str, picture: PillowImage.Image | None = None, **options: object) -> bytes:
    picture = PillowImage.fromarray(corners()) if picture is None else picture
    buffer = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(picture).save(buffer, quality=95, **options)
    else:
        picture.save(buffer, kind, **({"quality": 95} | options))
    return buffer.getvalue()


def assert_close(actual: Image, expected: Image, *, tolerance: float = 6) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual.astype(int) - expected.astype(int)).mean() < tolerance


def with_orientation(orientation: int) -> bytes:
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def stored_as(orientation: int) -> PillowImage.Image:
    """What a camera held in this way stores, by the definition of EXIF 2.32, 4.6.4.A."""
    upright = corners()
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    return PillowImage.fromarray(np.ascontiguousarray(stored))


@pytest.mark.parametrize("kind", FORMATS)
def test_each_format_gives_the_pixels(kind: str) -> None:
    data = encoded(kind)
    photo = read_image(data)
    assert_close(photo.pixels, corners())
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous
    assert photo.pixels.flags.writeable
    assert photo.name == "photo"
    assert photo.digest == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_lossless_formats_are_exact(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (61, 47, 3), dtype=np.uint8)
    data = encoded(kind, PillowImage.fromarray(noise))
    np.testing.assert_array_equal(read_image(data).pixels, noise)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_orientation_is_applied(kind: str, orientation: int) -> None:
    data = encoded(kind, stored_as(orientation), exif=with_orientation(orientation))
    assert_close(read_image(data).pixels, corners())


def test_heic_is_turned_once() -> None:
    """HEIC stores the turn twice, in its own box and in EXIF; only the first counts."""
    data = encoded("HEIF", stored_as(6), exif=with_orientation(6))
    assert b"irot" in data
    assert_close(read_image(data).pixels, corners())


def test_orientation_in_xmp_alone_is_applied() -> None:
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    assert_close(read_image(encoded("JPEG", stored_as(6), xmp=xmp)).pixels, corners())


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08"]
)
def test_broken_exif_does_not_harm(exif: bytes) -> None:
    assert_close(read_image(encoded("JPEG", exif=exif)).pixels, corners())


def test_broken_tiff_tag_does_not_harm() -> None:
    software = "a name of more than four letters"
    data = encoded("TIFF", tiffinfo={305: software}, compression="raw")
    place = data.index(b"\x31\x01\x02\x00")
    broken = data[: place + 8] + b"\xf0\xff\xff\x7f" + data[place + 12 :]
    np.testing.assert_array_equal(read_image(broken).pixels, corners())


MODES = {
    "L": ("PNG", (128, 128, 128)),
    "1": ("PNG", (255, 255, 255)),
    "LA": ("PNG", (191, 191, 191)),
    "RGBA": ("PNG", (191, 141, 141)),
    "P": ("GIF", (128, 26, 26)),
    "CMYK": ("JPEG", (128, 26, 26)),
    "YCbCr": ("JPEG", (128, 26, 26)),
}


@pytest.mark.parametrize("mode", MODES)
def test_colour_modes(mode: str) -> None:
    kind, expected = MODES[mode]
    base = PillowImage.new("RGB", (16, 16), (128, 26, 26))
    if mode == "L":
        picture = PillowImage.new("L", (16, 16), 128)
    elif mode == "1":
        picture = PillowImage.new("1", (16, 16), 1)
    elif mode == "LA":
        picture = PillowImage.new("LA", (16, 16), (128, 128))
    elif mode == "RGBA":
        picture = base.copy()
        picture.putalpha(128)
    else:
        picture = base.convert(mode)
    pixels = read_image(encoded(kind, picture)).pixels
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(axis=0), expected, atol=4)


def test_transparent_palette_lies_on_white() -> None:
    picture = PillowImage.new("P", (4, 4), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((0, 0), 1)
    data = encoded("PNG", picture, transparency=bytes([0, 128]))
    pixels = read_image(data).pixels
    assert pixels[3, 3].tolist() == [255, 255, 255]
    np.testing.assert_allclose(pixels[0, 0], [227, 177, 152], atol=2)


def test_16_bit_grey_is_scaled_not_cut() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(2, axis=0)
    for kind in ("PNG", "TIFF"):
        buffer = io.BytesIO()
        PillowImage.fromarray(ramp).save(buffer, kind)
        np.testing.assert_array_equal(read_image(buffer.getvalue()).pixels[0, :, 0], np.arange(256))


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_float_tiff_is_scaled_by_its_range(full: float) -> None:
    ramp = np.linspace(0, full, 256, dtype=np.float32)[None]
    buffer = io.BytesIO()
    PillowImage.fromarray(ramp).save(buffer, "TIFF")
    np.testing.assert_allclose(
        read_image(buffer.getvalue()).pixels[0, :, 1], np.arange(256), atol=1
    )


def test_float_tiff_with_nan_is_refused() -> None:
    buffer = io.BytesIO()
    PillowImage.fromarray(np.full((4, 4), np.nan, np.float32)).save(buffer, "TIFF")
    with pytest.raises(ImageError, match="NaN"):
        read_image(buffer.getvalue())


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_colour_profile_is_applied() -> None:
    exponent_2_4, exponent_1_4 = b"\x00\x02\x66\x66", b"\x00\x01\x66\x66"
    profile = srgb_profile()
    assert exponent_2_4 in profile
    grey = PillowImage.new("RGB", (8, 8), (100, 100, 100))
    brighter = read_image(
        encoded("PNG", grey, icc_profile=profile.replace(exponent_2_4, exponent_1_4))
    )
    assert 140 < brighter.pixels.mean() < 200
    same = read_image(encoded("PNG", grey, icc_profile=profile))
    assert (same.pixels == 100).all()


@pytest.mark.parametrize("profile", [b"", b"nonsense", srgb_profile()[:200], srgb_profile()[:-40]])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_broken_or_unfit_profile_does_not_harm(profile: bytes, mode: str) -> None:
    picture = PillowImage.fromarray(corners()).convert(mode)
    pixels = read_image(encoded("JPEG", picture, icc_profile=profile)).pixels
    assert_close(pixels, np.array(picture.convert("RGB")))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_first_frame_of_an_animation(kind: str) -> None:
    frames = [PillowImage.new("RGB", (20, 20), colour) for colour in ("red", "blue", "green")]
    data = encoded(kind, frames[0], save_all=True, append_images=frames[1:], duration=100)
    np.testing.assert_allclose(read_image(data).pixels[10, 10], [255, 0, 0], atol=8)


@pytest.mark.parametrize("size", [(1, 1), (30_000, 10), (10, 30_000)])
def test_extreme_sizes(size: tuple[int, int]) -> None:
    width, height = size
    assert read_image(encoded("PNG", PillowImage.new("RGB", size))).pixels.shape == (
        height,
        width,
        3,
    )


def test_large_photos_come_out_as_small_ones_do() -> None:
    """Beyond 16 MiB Pillow keeps pixels in several blocks, which are read in another way."""
    pixels = np.zeros((2200, 2000, 3), np.uint8)
    pixels[::2, :, 0] = 200
    pixels[:, ::3, 2] = 90
    data = encoded("BMP", PillowImage.fromarray(pixels))
    np.testing.assert_array_equal(read_image(data).pixels, pixels)


def test_sources_agree(tmp_path: Path) -> None:
    data = encoded("PNG")
    path = tmp_path / "фото 写真.png"
    path.write_bytes(data)
    by_path, by_text = read_image(path), read_image(str(path))
    by_stream = read_image(io.BytesIO(data), name="upload.png")
    with path.open("rb") as file:
        by_file = read_image(file)
    assert by_path.name == by_text.name == str(path)
    assert by_stream.name == "upload.png"
    assert by_file.digest == by_path.digest == read_image(data).digest
    for photo in (by_path, by_text, by_stream, by_file):
        np.testing.assert_array_equal(photo.pixels, corners())


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(encoded("PNG"))
    np.testing.assert_array_equal(read_image(path).pixels, corners())


OTHER_FILES = {
    "empty": (b"", "empty"),
    "text": (b"dear diary", "text file"),
    "svg": (b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><svg>&lol;</svg>', "SVG"),
    "xml": (b"<?xml version='1.0'?><a/>", "XML"),
    "html": (b"<!DOCTYPE html><p>404", "web page"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "PDF"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (r) file", "PostScript"),
    "zip": (b"PK\x03\x04" + bytes(40), "ZIP"),
    "mp4": (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "video"),
    "jxl": (b"\xff\x0a" + bytes(40), "JPEG XL"),
    "random": (bytes(range(200, 256)) * 4, "unknown format"),
}


@pytest.mark.parametrize("what", OTHER_FILES)
def test_other_files_are_named(what: str, tmp_path: Path) -> None:
    data, word = OTHER_FILES[what]
    path = tmp_path / "photo.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageFormatError, match=word) as caught:
        read_image(path)
    assert str(path) in str(caught.value)


def test_formats_of_pillow_that_are_not_allowed_stay_shut() -> None:
    for kind in ("PPM", "TGA", "ICO", "PCX", "SGI"):
        buffer = io.BytesIO()
        PillowImage.fromarray(corners()).save(buffer, kind)
        with pytest.raises(ImageFormatError):
            read_image(buffer.getvalue())


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_file_cut_short_is_an_error(kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(kind, PillowImage.fromarray(noise))
    with pytest.raises(ImageError, match="cut short"):
        read_image(data[: int(len(data) * share)])


def test_a_camera_raw_preview_is_not_passed_off_as_the_photo() -> None:
    data = encoded("TIFF", tiffinfo={254: 1})
    with pytest.raises(ImageFormatError, match="camera raw"):
        read_image(data)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match="no file"):
        read_image(tmp_path / "nobody.jpg")
    with pytest.raises(ImageNotFoundError, match="Download"):
        read_image("https://example.org/a.jpg")
    with pytest.raises(ImageFormatError, match="folder"):
        read_image(tmp_path)
    with pytest.raises(ImageError, match="cannot be read"):
        read_image("a\0b.jpg")
    with pytest.raises(ImageError, match="cannot be read"):
        read_image("x" * 5000)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
)
def test_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.jpg"
    path.write_bytes(encoded("JPEG"))
    path.chmod(0)
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(path)


def test_pixel_limit_is_checked_on_the_header() -> None:
    """The file promises 60,000 × 60,000 pixels and holds none of them."""
    data = bytearray(encoded("PNG"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    with pytest.raises(ImageTooLargeError, match="60000 × 60000"):
        read_image(bytes(data))


@pytest.mark.parametrize("kind", FORMATS)
def test_pixel_limit_holds_for_each_format(kind: str) -> None:
    data = encoded(kind)
    with pytest.raises(ImageTooLargeError):
        read_image(data, max_pixels=WIDTH * HEIGHT - 1)
    assert read_image(data, max_pixels=WIDTH * HEIGHT).pixels.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize("kind", FORMATS)
def test_the_limit_is_ours_and_not_the_decoders(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow warns beyond its own global limit; ours alone counts, and Pillow's stays as it was."""
    monkeypatch.setattr(PillowImage, "MAX_IMAGE_PIXELS", WIDTH * HEIGHT * 3 // 4)
    assert read_image(encoded(kind)).pixels.shape == (HEIGHT, WIDTH, 3)
    assert WIDTH * HEIGHT * 3 // 4 == PillowImage.MAX_IMAGE_PIXELS


class Endless(io.RawIOBase):
    """A stream that never ends."""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return b"\xff" * min(size, 2**20)


def test_streams_have_a_byte_limit() -> None:
    with pytest.raises(ImageTooLargeError, match="bytes"):
        read_image(Endless(), max_pixels=1)  # type: ignore[arg-type]


def test_large_files_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ImageTooLargeError, match="bytes"):
        read_image(path)


def test_streams_in_trouble(tmp_path: Path) -> None:
    closed = io.BytesIO(encoded("JPEG"))
    closed.close()
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(closed)
    with pytest.raises(ImageError, match="'rb'"):
        read_image(io.StringIO("text"))  # type: ignore[arg-type]


@pytest.mark.parametrize("photo", [None, 5, [[1, 2]], object()])
def test_what_is_no_photo_is_named(photo: object) -> None:
    with pytest.raises(ImageError, match=type(photo).__name__):
        read_image(photo)  # type: ignore[arg-type]


def test_heic_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(MissingExtraError, match=r"faceprint\[heif\]"):
        read_image(data)


def test_arrays_keep_their_pixels() -> None:
    rgb = corners()
    np.testing.assert_array_equal(read_image(rgb).pixels, rgb)
    np.testing.assert_array_equal(read_image(np.asfortranarray(rgb)).pixels, rgb)
    np.testing.assert_array_equal(read_image(rgb[::-1, ::2]).pixels, rgb[::-1, ::2])
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for shape in ((16, 16), (16, 16, 1)):
        np.testing.assert_array_equal(
            read_image(grey.reshape(shape)).pixels, np.stack([grey] * 3, axis=-1)
        )


def test_arrays_of_other_depths() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(read_image(ramp.astype(np.uint16) * 257).pixels[..., 0], ramp)
    np.testing.assert_array_equal(read_image(ramp.astype(">u2") * 257).pixels[..., 0], ramp)
    for kind in (np.float16, np.float32, np.float64):
        np.testing.assert_array_equal(read_image((ramp / 255).astype(kind)).pixels[..., 0], ramp)


def test_transparent_array_lies_on_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, :, 3] = 255
    pixels = read_image(rgba).pixels
    assert (pixels[0] == 0).all()
    assert (pixels[1] == 255).all()


def test_arrays_do_not_share_memory_that_can_change() -> None:
    rgb = corners()
    photo = read_image(rgb)
    view = read_image(rgb[:8])
    frozen = rgb[:]
    frozen.flags.writeable = False
    through_view = read_image(frozen)
    rgb[:] = 7
    for kept in (photo, view, through_view):
        assert not (kept.pixels == 7).any()


def test_digest_of_an_array_knows_shape_and_pixels() -> None:
    flat = np.zeros((2, 8, 3), np.uint8)
    other = flat.copy()
    other[0, 0, 0] = 1
    digests = {read_image(array).digest for array in (flat, flat.reshape(4, 4, 3), other)}
    assert len(digests) == 3
    assert read_image(flat).digest == read_image(flat.copy()).digest


BAD_ARRAYS: dict[str, tuple[npt.NDArray[np.generic], str]] = {
    "nan": (np.full((4, 4, 3), np.nan), "NaN"),
    "infinite": (np.full((4, 4, 3), np.inf, np.float32), "NaN or infinite"),
    "float beyond 1": (np.full((4, 4, 3), 200.0), "0 to 1"),
    "negative float": (np.full((4, 4), -0.5), "0 to 1"),
    "bool": (np.ones((4, 4), bool), "bool"),
    "int64": (np.ones((4, 4, 3), np.int64), "int64"),
    "int8": (np.ones((4, 4, 3), np.int8), "int8"),
    "complex": (np.ones((4, 4, 3), complex), "complex"),
    "text": (np.full((4, 4), "a"), "array of <U1"),
    "object": (np.full((4, 4), None), "object"),
    "no pixels": (np.zeros((0, 4, 3), np.uint8), "no pixels"),
    "one axis": (np.zeros(9, np.uint8), "shape"),
    "no axis": (np.array(3, np.uint8), "shape"),
    "channels first": (np.zeros((3, 20, 20), np.uint8), "transpose"),
    "batch": (np.zeros((2, 20, 20, 3), np.uint8), "one by one"),
    "two channels": (np.zeros((20, 20, 2), np.uint8), "shape"),
}


@pytest.mark.parametrize("what", BAD_ARRAYS)
def test_arrays_that_are_no_image(what: str) -> None:
    array, word = BAD_ARRAYS[what]
    with pytest.raises(ImageError, match=word):
        read_image(array)


def test_pixel_limit_holds_for_arrays() -> None:
    with pytest.raises(ImageTooLargeError):
        read_image(np.zeros((10, 10), np.uint8), max_pixels=99)


def test_threads_leave_the_warning_filters_alone() -> None:
    before = list(warnings.filters)
    data = encoded("TIFF")
    workers = [
        threading.Thread(target=lambda: [read_image(data) for _ in range(20)]) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert list(warnings.filters) == before


def read_or_refuse(photo: bytes | npt.NDArray[np.generic]) -> None:
    try:
        pixels = read_image(photo, max_pixels=10_000).pixels
    except ImageError:
        return
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert pixels.flags.c_contiguous


HEADS = [
    b"",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF89a",
    b"BM",
    b"II*\0",
    b"RIFF\0\0\0\0WEBP",
]


@given(
    st.sampled_from([*HEADS, b"\0\0\0\x1cftypavif", b"\0\0\0\x1cftypheic"]), st.binary(max_size=200)
)
def test_any_bytes_are_read_or_refused(head: bytes, tail: bytes) -> None:
    read_or_refuse(head + tail)


SEEDS = {
    kind: encoded(kind, exif=with_orientation(6))
    for kind in ("JPEG", "PNG", "WEBP", "TIFF", "AVIF")
}
SEEDS |= {kind: encoded(kind) for kind in ("GIF", "BMP", "HEIF")}
SEEDS["PNG with a profile"] = encoded("PNG", icc_profile=srgb_profile())


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=6),
    st.floats(0, 1),
)
def test_damaged_photos_are_read_or_refused(
    kind: str, changes: list[tuple[float, int]], keep: float
) -> None:
    data = bytearray(SEEDS[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    read_or_refuse(bytes(data[: max(1, round(keep * len(data)))] if keep < 0.5 else data))


@given(
    st.one_of(hnp.scalar_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes()).flatmap(
        lambda dtype: hnp.arrays(
            dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=6)
        )
    )
)
def test_any_array_is_read_or_refused(array: npt.NDArray[np.generic]) -> None:
    read_or_refuse(array)


def test_this_pillow_has_every_decoder() -> None:
    assert features.check("avif")
    assert features.check("webp")
    assert features.check("libtiff")


def test_lfw_photos_equal_a_plain_decode(data_root: Path) -> None:
    path = data_root / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg"
    with PillowImage.open(path) as plain:
        np.testing.assert_array_equal(read_image(path).pixels, np.asarray(plain.convert("RGB")))
