"""Finding photos in folders."""

import os
from pathlib import Path

import pytest

from faceprint.errors import ImageFormatError, ImageNotFoundError
from faceprint.media import find_photos, read_image
from faceprint.media.folder import sort_folder


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_folders_are_searched_in_order(tmp_path: Path) -> None:
    make(
        tmp_path,
        "b.JPG",
        "a.png",
        "c/d/e.HeIc",
        "c/a.webp",
        "notes.txt",
        "c/film.mp4",
        "photo.jpg.bak",
    )
    make(tmp_path, ".hidden.jpg", ".git/a.jpg", "c/._a.webp")
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos([tmp_path])]
    assert found == ["a.png", "b.JPG", "c/a.webp", "c/d/e.HeIc"]


def test_a_folder_falls_into_photos_videos_and_others(tmp_path: Path) -> None:
    make(tmp_path, "b.JPG", "a/film.TS", "a/x.m2ts", "out/b.jpg", "notes.txt", "scan", ".git/x.mp4")
    found = sort_folder(tmp_path, leave_out=tmp_path / "out")
    names = [
        [path.relative_to(tmp_path).as_posix() for path in group]
        for group in (found.photos, found.videos, found.others)
    ]
    assert names == [["b.JPG"], ["a/film.TS", "a/x.m2ts"], ["notes.txt", "scan"]]


def test_what_is_given_is_kept(tmp_path: Path) -> None:
    make(tmp_path, "scan", ".hidden.jpg", "folder/a.jpg")
    given: list[str | Path] = [
        tmp_path / "scan",
        str(tmp_path / "nobody.jpg"),
        tmp_path / ".hidden.jpg",
        "x" * 5000,
        "a\0b",
    ]
    assert list(find_photos(given)) == [Path(item) for item in given]
    twice = list(find_photos([tmp_path / "folder", tmp_path / "folder"]))
    assert len(twice) == 2


def test_a_hidden_folder_that_is_given_is_searched(tmp_path: Path) -> None:
    make(tmp_path, ".photos/a.jpg")
    assert list(find_photos([tmp_path / ".photos"])) == [tmp_path / ".photos" / "a.jpg"]


def test_a_folder_without_photos_is_an_error_in_its_turn(tmp_path: Path) -> None:
    make(tmp_path, "full/a.jpg", "empty/notes.txt")
    photos = find_photos([tmp_path / "full", tmp_path / "empty"])
    assert next(photos) == tmp_path / "full" / "a.jpg"
    with pytest.raises(ImageNotFoundError, match="no photos"):
        next(photos)


def test_loops_of_links_end(tmp_path: Path) -> None:
    make(tmp_path, "a/one.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "again").symlink_to(tmp_path / "a", target_is_directory=True)
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos([tmp_path])]
    assert found == ["a/one.jpg", "broken.jpg"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may list everything"
)
def test_a_folder_that_may_not_be_listed_is_one_failed_item(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "locked/b.jpg")
    (tmp_path / "locked").chmod(0)
    try:
        assert list(find_photos([tmp_path])) == [tmp_path / "a.jpg", tmp_path / "locked"]
        with pytest.raises(ImageFormatError, match="may not be listed"):
            read_image(tmp_path / "locked")
    finally:
        (tmp_path / "locked").chmod(0o700)
