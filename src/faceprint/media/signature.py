"""What a file is, by its first bytes: only formats named here ever reach a decoder."""

from __future__ import annotations

from enum import StrEnum

from faceprint.errors import ImageFormatError

__all__ = ["PHOTO_SUFFIXES", "VIDEO_SUFFIXES", "Format", "detect_format"]


class Format(StrEnum):
    """The formats that can be read."""

    AVIF = "AVIF"
    BMP = "BMP"
    GIF = "GIF"
    HEIF = "HEIF"
    JPEG = "JPEG"
    PNG = "PNG"
    TIFF = "TIFF"
    WEBP = "WebP"


PHOTO_SUFFIXES = frozenset(
    {
        ".apng",
        ".avif",
        ".bmp",
        ".dib",
        ".gif",
        ".heic",
        ".heif",
        ".hif",
        ".jfif",
        ".jpe",
        ".jpeg",
        ".jpg",
        ".png",
        ".tif",
        ".tiff",
        ".webp",
    }
)
"""Suffixes of photos, in lower case."""

VIDEO_SUFFIXES = frozenset(
    {
        ".264",
        ".265",
        ".3g2",
        ".3gp",
        ".asf",
        ".avi",
        ".divx",
        ".dv",
        ".f4v",
        ".flv",
        ".h264",
        ".h265",
        ".hevc",
        ".ivf",
        ".m2t",
        ".m2ts",
        ".m2v",
        ".m4v",
        ".mj2",
        ".mjpeg",
        ".mjpg",
        ".mkv",
        ".mov",
        ".mp4",
        ".mpe",
        ".mpeg",
        ".mpg",
        ".mpv",
        ".mts",
        ".mxf",
        ".ogm",
        ".ogv",
        ".qt",
        ".rm",
        ".rmvb",
        ".ts",
        ".vob",
        ".webm",
        ".wmv",
        ".wtv",
    }
)
"""Suffixes of videos, in lower case."""

_READABLE = "JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP or GIF"

_PREFIXES: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", Format.JPEG),
    (b"\x89PNG\r\n\x1a\n", Format.PNG),
    (b"GIF87a", Format.GIF),
    (b"GIF89a", Format.GIF),
    (b"BM", Format.BMP),
    (b"II*\0", Format.TIFF),
    (b"MM\0*", Format.TIFF),
    (b"II+\0", Format.TIFF),
    (b"MM\0+", Format.TIFF),
)

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript drawing"),
    (b"\xc5\xd0\xd3\xc6", "a PostScript drawing"),
    (b"8BPS", "a Photoshop document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\0\0\x01\0", "an icon"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
)

_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_GENERIC_BRANDS = frozenset({b"mif1", b"msf1", b"mif2", b"miaf"})


def detect_format(data: bytes, *, name: str) -> Format:
    """The format of encoded bytes, whatever the file is called.

    Raises:
        ImageFormatError: They are empty, or of no format that is read here; the message names those
            that can be recognised, such as SVG, PDF, video and plain text.
    """
    if not data:
        raise ImageFormatError(
            f"{name} is empty (0 bytes). Copy the photo again from where it came."
        )
    for prefix, kind in _PREFIXES:
        if data.startswith(prefix):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Format.WEBP
    container = _container_format(data)
    if container is not None:
        return container
    raise ImageFormatError(
        f"{name} is {_describe(data)}, not a photo that can be read. Save it as {_READABLE}."
    )


def _container_format(data: bytes) -> Format | None:
    """AVIF or HEIF by the brands of the file type box (ISO/IEC 14496-12, 4.3)."""
    if data[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(data[:4], "big"), 1024)
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return Format.AVIF
        if brand in _HEIF_BRANDS:
            return Format.HEIF
    return Format.HEIF if brands[0] in _GENERIC_BRANDS else None


def _describe(data: bytes) -> str:
    for prefix, what in _OTHERS:
        if data.startswith(prefix):
            return what
    if data[4:8] == b"ftyp" or (data[:4] == b"RIFF" and data[8:12] == b"AVI "):
        return "a video or audio file"
    head = data[:4096]
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text or text.startswith(b"<!doctype svg"):
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page"
    if text.startswith(b"<?xml"):
        return "an XML document"
    return "a text file" if _is_text(head) else "of an unknown format"


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return error.start > len(head) - 4 and error.reason == "unexpected end of data"
    return True
