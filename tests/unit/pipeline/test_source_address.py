"""What a source given as text means, and that its secrets stay inside."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceprint.errors import InputError
from faceprint.pipeline.live.address import SourceKind, read_source


def test_cameras_streams_and_files(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(b"x")
    assert read_source("0").kind is SourceKind.CAMERA
    assert read_source(" 3 ").target == "3"
    assert read_source("RTSP://door.example/main").kind is SourceKind.STREAM
    assert read_source("http://[::1]:8080/a.mjpg").name == "http://[::1]:8080/a.mjpg"
    found = read_source(str(film))
    assert (found.kind, found.name, found.target) == (SourceKind.FILE, "film.mp4", str(film))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "10",
            "-1",
            "nothing.mp4",
            "file:///etc/passwd",
            "ftp://a/b",
            "concat:a|b",
            "rtsp://",
        ),
        *(
            "http://a b/",
            "http://[::1/",
            "http://x:99999999/",
            "http://",
            "pipe:0",
            "\0",
            "a" * 5000,
        ),
        *("http://x/\r\nHost: y", "javascript://a", "lavfi://x", "."),
    ],
)
def test_everything_else_says_what_was_expected(text: str) -> None:
    with pytest.raises(InputError, match="number of a camera"):
        read_source(text)


def test_passwords_and_queries_never_show() -> None:
    address = read_source("rtsp://ana:s%40cret9@door.example:554/main?token=abc123")
    assert address.name == "rtsp://door.example:554/main"
    assert "cret9" not in repr(address)
    for leak in (
        f"Cannot open {address.target}.",
        "401 for ana:s%40cret9",
        "bad password s@cret9",
        "no such stream: /main?token=abc123",
    ):
        clean = address.without_secrets(leak)
        assert "cret9" not in clean
        assert "abc123" not in clean


def test_a_refused_address_does_not_show_its_password() -> None:
    with pytest.raises(InputError) as refusal:
        read_source("ftp://ana:hidden@x/y")
    assert "hidden" not in str(refusal.value)
