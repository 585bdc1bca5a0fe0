"""The file of results of photos that were evaluated before."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from faceprint.evaluate.kept import KeptResults, digest_of


def only_file(folder: Path) -> Path:
    (path,) = folder.glob("*.db")
    return path


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    with KeptResults.open(tmp_path, "faces", {"a": 1}) as kept:
        assert kept.usable
        kept.keep("one", b"1")
        kept.keep("two", b"")
    with KeptResults.open(tmp_path, "faces", {"a": 1}) as kept:
        assert kept.find(["one", "two", "three"]) == {"one": b"1", "two": b""}
    with KeptResults.open(tmp_path, "faces", {"a": 2}) as kept:
        assert kept.find(["one"]) == {}


def test_an_interrupted_run_keeps_what_it_had(tmp_path: Path) -> None:
    def stop() -> None:
        with KeptResults.open(tmp_path, "faces", {}) as kept:
            kept.keep("one", b"1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    with KeptResults.open(tmp_path, "faces", {}) as kept:
        assert kept.find(["one"]) == {"one": b"1"}


def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    with KeptResults.open(tmp_path, "faces", {}):
        assert only_file(tmp_path).stat().st_mode & 0o077 == 0


def test_a_damaged_file_is_begun_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with KeptResults.open(tmp_path, "faces", {}) as kept:
        kept.keep("one", b"1")
    only_file(tmp_path).write_bytes(b"no database" * 1000)
    with KeptResults.open(tmp_path, "faces", {}) as kept:
        assert kept.find(["one"]) == {}
        kept.keep("one", b"2")
        kept.commit()
        assert kept.find(["one"]) == {"one": b"2"}
    assert "begun anew" in caplog.text
    (aside,) = tmp_path.glob("*.damaged")
    assert aside.read_bytes().startswith(b"no database")


def test_damage_that_shows_later_is_put_aside_too(tmp_path: Path) -> None:
    with KeptResults.open(tmp_path, "faces", {}) as kept:
        for number in range(64):
            kept.keep(f"{number:04}", bytes(2000))
    path = only_file(tmp_path)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)  # all but the page with the schema
    path.write_bytes(content)
    with KeptResults.open(tmp_path, "faces", {}) as kept:
        assert kept.find(["0001"]) == {}
        assert kept.usable
        kept.keep("one", b"1")
        kept.commit()
        assert kept.find(["one"]) == {"one": b"1"}
    assert len(list(tmp_path.glob("*.damaged"))) == 1


def test_a_file_that_another_process_opens_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with KeptResults.open(tmp_path, "faces", {}):
        lock = only_file(tmp_path).with_suffix(".lock")
    monkeypatch.setattr("faceprint.evaluate.storage._WAIT_S", 0.05)
    with FileLock(lock), KeptResults.open(tmp_path, "faces", {}) as kept:
        assert not kept.usable
    assert "nothing is kept" in caplog.text


def test_without_a_folder_nothing_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (None, tmp_path / "file" / "below"):
        with KeptResults.open(folder, "faces", {}) as kept:
            assert not kept.usable
            kept.keep("one", b"1")
            assert kept.find(["one"]) == {}
    assert "nothing is kept" in caplog.text


def test_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert str(digest_of(tmp_path / "a")).startswith("ba7816bf")
    assert digest_of(tmp_path / "b") is None
