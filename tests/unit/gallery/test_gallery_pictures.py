from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import pytest

from faceprint.errors import GalleryCorruptError, GalleryUnavailableError
from faceprint.gallery.pictures import PictureFolder


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path) -> PictureFolder:
    return PictureFolder(tmp_path / "pictures")


def test_a_picture_is_stored_once_under_its_digest(folder: PictureFolder) -> None:
    with folder.pending() as pending:
        assert pending.write(b"one") == pending.write(b"one") == digest_of(b"one")
        assert folder.is_unsettled()
    assert not folder.is_unsettled()
    files = [path for path in folder.folder.rglob("*") if path.is_file()]
    assert files == [folder.folder / digest_of(b"one")[:2] / digest_of(b"one")]
    assert folder.read(digest_of(b"one")) == b"one"


def test_an_altered_picture_is_refused_and_healed(folder: PictureFolder) -> None:
    digest = folder.write(b"one")
    (folder.folder / digest[:2] / digest).write_bytes(b"two")
    with pytest.raises(GalleryCorruptError, match="altered"):
        folder.read(digest)
    folder.write(b"one")
    assert folder.read(digest) == b"one"


def test_a_broken_transaction_leaves_its_mark_and_is_swept(folder: PictureFolder) -> None:
    kept = folder.write(b"kept")
    orphan = digest_of(b"orphan")
    with contextlib.suppress(KeyError), folder.pending() as pending:
        pending.write(b"orphan")
        raise KeyError
    (folder.folder / orphan[:2] / f"{orphan}.partial").write_bytes(b"or")
    assert folder.is_unsettled()
    assert folder.sweep({kept}) == 2
    assert not folder.is_unsettled()
    assert folder.read(kept) == b"kept"
    with pytest.raises(GalleryCorruptError):
        folder.read(orphan)


def test_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_bytes(b"a file stands here")
    folder = PictureFolder(tmp_path / "pictures")
    with pytest.raises(GalleryUnavailableError), folder.pending() as pending:
        pending.write(b"one")
    with pytest.raises(GalleryUnavailableError):
        folder.read(digest_of(b"one"))
