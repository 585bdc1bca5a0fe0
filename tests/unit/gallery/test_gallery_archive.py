"""Archives that somebody tampered with are refused whole."""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceprint.errors import (
    GalleryCorruptError,
    GalleryError,
    GalleryUnavailableError,
    GalleryVersionError,
)
from faceprint.gallery import Call, Consent, NewTemplate, open_gallery
from faceprint.gallery.archive import encode_vectors
from faceprint.gallery.sql import SqlGallery

MakeTemplate = Callable[..., NewTemplate]
Entries = dict[str, bytes]
Change = Callable[[Entries, Any], object]

PICTURE = b"\xff\xd8\xffcrop"


@pytest.fixture
def archive(tmp_path: Path, template: MakeTemplate, consent: Consent, call: Call) -> Path:
    gallery = open_gallery(tmp_path / "source.db")
    with_form = Consent("Yes.", "door", consent.given_at, "ana", document=b"%PDF")
    gallery.enrol(
        [template(1, PICTURE), template(2)],
        model_id="m",
        call=call,
        name="Ada",
        consent=with_form,
    )
    gallery.export(tmp_path / "good.zip", call=call)
    gallery.close()
    return tmp_path / "good.zip"


def entries_of(archive: Path) -> Entries:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def write(path: Path, entries: Entries, *, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return path


def rewritten(archive: Path, change: Change) -> Path:
    """The archive after a change to its entries and its manifest."""
    entries = entries_of(archive)
    manifest = json.loads(entries["manifest.json"])
    change(entries, manifest)
    entries["manifest.json"] = json.dumps(manifest).encode()
    return write(archive.with_name("bad.zip"), entries)


def replace_vectors(entries: Entries, manifest: Any, content: bytes) -> None:
    entries["vectors/0.npy"] = content
    manifest["models"][0]["sha256"] = hashlib.sha256(content).hexdigest()


def npy(array: np.ndarray[Any, Any], *, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def refuse(gallery: SqlGallery, path: Path, call: Call, *, said: str = ".") -> None:
    with pytest.raises(GalleryCorruptError, match=said):
        gallery.import_(path, call=call)
    assert gallery.people() == []
    assert gallery.changes() == []
    pictures = Path(f"{gallery._database.path}.pictures")
    assert not [file for file in pictures.rglob("*") if file.is_file()]


def test_an_untouched_archive_is_private_and_imports(
    gallery: SqlGallery, archive: Path, call: Call
) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert gallery.import_(rewritten(archive, lambda entries, manifest: None), call=call) == 1


CHANGES: dict[str, Change] = {
    "another picture": lambda e, m: e.update(
        {next(n for n in e if "pictures/" in n): b"\xff\xd8\xff"}
    ),
    "another document": lambda e, m: e.update({next(n for n in e if "documents/" in n): b"x"}),
    "missing picture": lambda e, m: e.pop(next(n for n in e if "pictures/" in n)),
    "missing vectors": lambda e, m: e.pop("vectors/0.npy"),
    "path traversal": lambda e, m: e.update({"../../evil": b"x"}),
    "absolute path": lambda e, m: e.update({"/etc/cron.d/evil": b"x"}),
    "digest as path": lambda e, m: m["people"][0]["templates"][0].update(picture="../" * 21 + "x"),
    "altered vectors": lambda e, m: e.update(
        {"vectors/0.npy": encode_vectors(np.eye(8, dtype="f4")[:2])}
    ),
    "pickled vectors": lambda e, m: replace_vectors(
        e, m, npy(np.array([{}, {}], dtype=object), allow_pickle=True)
    ),
    "wide vectors": lambda e, m: replace_vectors(e, m, npy(np.eye(16, dtype="f4")[:2])),
    "double vectors": lambda e, m: replace_vectors(e, m, npy(np.eye(8)[:2])),
    "vectors of norm 2": lambda e, m: replace_vectors(e, m, npy(2 * np.eye(8, dtype="f4")[:2])),
    "nan vectors": lambda e, m: replace_vectors(e, m, npy(np.full((2, 8), np.nan, dtype="f4"))),
    "cut vectors": lambda e, m: replace_vectors(e, m, e["vectors/0.npy"][:-4]),
    "no vectors": lambda e, m: replace_vectors(e, m, b""),
    "huge shape": lambda e, m: replace_vectors(
        e, m, e["vectors/0.npy"].replace(b"(2, 8), ", b"(9**9,8)")
    ),
    "header of nonsense": lambda e, m: replace_vectors(
        e, m, e["vectors/0.npy"].replace(b"(2, 8)", b"((((((")
    ),
    "row out of range": lambda e, m: m["people"][0]["templates"][0].update(row=7),
    "row used twice": lambda e, m: m["people"][0]["templates"][0].update(
        row=m["people"][0]["templates"][1]["row"]
    ),
    "template twice": lambda e, m: m["people"][0]["templates"][0].update(
        template_id=m["people"][0]["templates"][1]["template_id"]
    ),
    "person twice": lambda e, m: m["people"].append(m["people"][0] | {"templates": []}),
    "no consent": lambda e, m: (
        m["people"][0].update(consents=[]),
        e.pop(next(n for n in e if "documents/" in n)),
    ),
    "naive time": lambda e, m: m["people"][0].update(created_at="2026-01-01T00:00:00"),
    "time beyond all": lambda e, m: m["people"][0].update(created_at="9999-12-31T23:00:00-05:00"),
    "infinite box": lambda e, m: m["people"][0]["templates"][0].update(box=[0, 0, 1e999, 1]),
    "name of controls": lambda e, m: m["people"][0].update(name="a\u0000b"),
    "unknown field": lambda e, m: m.update(extra=1),
    "another format": lambda e, m: m.update(format="zip"),
    "negative version": lambda e, m: m.update(version=-1),
    "text for a picture": lambda e, m: (
        e.pop(next(n for n in e if "pictures/" in n)),
        e.update({f"pictures/{hashlib.sha256(b'<html>').hexdigest()}": b"<html>"}),
        m["people"][0]["templates"][0].update(picture=hashlib.sha256(b"<html>").hexdigest()),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_tampered_archive_changes_nothing(
    gallery: SqlGallery, archive: Path, call: Call, name: str
) -> None:
    refuse(gallery, rewritten(archive, CHANGES[name]), call)


def test_a_compressed_archive_is_refused(gallery: SqlGallery, archive: Path, call: Call) -> None:
    entries = entries_of(archive) | {"bomb": b"\0" * 10_000_000}
    bomb = write(archive.with_name("bomb.zip"), entries, compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    refuse(gallery, bomb, call, said="compressed")


def test_overlapping_entries_are_refused(gallery: SqlGallery, archive: Path, call: Call) -> None:
    """The central directory is made to name one large entry many times over."""
    large = write(
        archive.with_name("large.zip"), {"manifest.json": b"x" * 5000, "aaaaaaaaaaaaa": b""}
    )
    content = large.read_bytes()
    start = content.index(b"PK\x01\x02")
    middle = content.index(b"PK\x01\x02", start + 4)
    second = content[start:middle].replace(b"manifest.json", b"aaaaaaaaaaaaa")
    end = content[content.index(b"PK\x05\x06") :]
    large.write_bytes(content[:middle] + second + end)
    refuse(gallery, large, call, said="overlap")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"PK\x05\x06" + b"\0" * 18])
def test_what_is_no_archive_is_refused(
    gallery: SqlGallery, tmp_path: Path, call: Call, content: bytes
) -> None:
    (tmp_path / "bad.zip").write_bytes(content)
    refuse(gallery, tmp_path / "bad.zip", call)


def test_deeply_nested_json_is_refused(gallery: SqlGallery, tmp_path: Path, call: Call) -> None:
    bad = write(tmp_path / "bad.zip", {"manifest.json": b"[" * 100_000})
    refuse(gallery, bad, call)


def test_an_archive_from_the_future_says_so(gallery: SqlGallery, archive: Path, call: Call) -> None:
    newer = rewritten(archive, lambda e, m: m.update(version=2, irises=[]))
    with pytest.raises(GalleryVersionError, match="newer faceprint"):
        gallery.import_(newer, call=call)


def test_a_missing_archive_says_so(gallery: SqlGallery, tmp_path: Path, call: Call) -> None:
    with pytest.raises(GalleryUnavailableError):
        gallery.import_(tmp_path / "none.zip", call=call)


def test_an_archive_of_another_length_of_vectors_is_refused(
    gallery: SqlGallery, archive: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery.enrol(
        [template(1, dimension=16)], model_id="m", call=call, name="Grace", consent=consent
    )
    with pytest.raises(GalleryCorruptError):
        gallery.import_(archive, call=call)
    assert [person.name for person in gallery.people()] == ["Grace"]


def test_an_export_that_fails_leaves_the_old_archive(
    gallery: SqlGallery, tmp_path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery.enrol([template(1, PICTURE)], model_id="m", call=call, name="Ada", consent=consent)
    target = tmp_path / "all.zip"
    target.write_bytes(b"old")
    [kept] = [path for path in tmp_path.glob("*.pictures/*/*") if path.is_file()]
    kept.unlink()
    with pytest.raises(GalleryCorruptError):
        gallery.export(target, call=call)
    assert target.read_bytes() == b"old"
    assert not list(tmp_path.glob("*.partial"))
    with pytest.raises(GalleryUnavailableError):
        gallery.export(tmp_path / "missing" / "all.zip", call=call)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_damaged_archive_never_half_imports(
    gallery: SqlGallery, archive: Path, call: Call, data: st.DataObject
) -> None:
    content = bytearray(archive.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    damaged = archive.with_name("damaged.zip")
    damaged.write_bytes(bytes(content[: data.draw(st.integers(len(content) // 2, len(content)))]))
    try:
        gallery.import_(damaged, call=call)
    except GalleryError:
        return
    for person in gallery.people():
        for stored in gallery.templates(person.person_id):
            if stored.picture_digest is not None:
                assert gallery.picture(stored.picture_digest) == PICTURE
        gallery.erase(person.person_id, call=call)
