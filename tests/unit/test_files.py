"""Files appear whole or not at all, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faceprint.files import is_full, write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_written_and_replaced_as_a_whole(tmp_path: Path, durable: bool) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"a longer one", durable=durable)
    write_whole(path, b"short", durable=durable)
    assert path.read_bytes() == b"short"
    assert names(tmp_path) == ["a.bin"]


def test_readers_never_see_a_part_while_threads_write(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    contents = [bytes([letter]) * 200_000 for letter in b"abcdefgh"]
    write_whole(path, contents[0])
    with ThreadPoolExecutor(2) as threads:
        writing = [threads.submit(write_whole, path, one, durable=False) for one in contents * 5]
        seen = [path.read_bytes() for _ in range(50)]
        for done in writing:
            done.result()
    assert set(seen) <= set(contents)
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["a.bin"]


def test_without_replacing_an_existing_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"first", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["a.bin"]


def test_of_two_threads_that_may_not_replace_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with ThreadPoolExecutor(2) as threads:
        tries = [threads.submit(write_whole, path, b"x", replace=False) for _ in range(8)]
    failures = [done.exception() for done in tries]
    assert failures.count(None) == 1
    assert sum(isinstance(failure, FileExistsError) for failure in failures) == 7


def refuse(self: Path, target: Path) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_drives_without_second_names_are_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "a.bin"
    write_whole(path, b"first", replace=False)
    with pytest.raises(FileExistsError, match="exists"):
        write_whole(path, b"second", replace=False)
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["a.bin"]


def full(descriptor: int) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(descriptor: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fault", "kind"), [(full, OSError), (interrupted, KeyboardInterrupt)], ids=["full", "Ctrl-C"]
)
def test_trouble_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: object, kind: type[BaseException]
) -> None:
    path = tmp_path / "a.bin"
    write_whole(path, b"old")
    monkeypatch.setattr(os, "fsync", fault)
    with pytest.raises(kind):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("replace", [True, False])
def test_a_folder_of_that_name_is_refused(tmp_path: Path, replace: bool) -> None:
    folder = tmp_path / "a.bin"
    folder.mkdir()
    with pytest.raises(OSError, match=r"a\.bin"):
        write_whole(folder, b"x", replace=replace)
    assert names(tmp_path) == ["a.bin"]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a.bin", b"x")


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_permissions_are_as_asked(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "open", b"x")
        write_whole(tmp_path / "private", b"x", mode=0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(errno.ENOSPC, "full"), True),
        (OSError(errno.EDQUOT, "quota"), True),
        (OSError(errno.EFBIG, "too large"), True),
        (PermissionError(errno.EACCES, "no"), False),
        (OSError("without a number"), False),
        (ValueError("no space"), False),
    ],
)
def test_a_full_disk_is_known(error: BaseException, expected: bool) -> None:
    assert is_full(error) is expected
