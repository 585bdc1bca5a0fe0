from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from faceprint.errors import (
    GalleryCorruptError,
    GalleryError,
    GalleryUnavailableError,
    GalleryVersionError,
)
from faceprint.gallery import Call, Consent, NewTemplate, migrations, open_gallery
from faceprint.gallery.database import Database
from faceprint.gallery.faults import storage_error, translated
from faceprint.gallery.schema import REVISION, metadata
from faceprint.gallery.sql import SqlGallery

MakeTemplate = Callable[..., NewTemplate]


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pragma(database: Database, name: str) -> object:
    with database.read() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


# Set-up


def test_a_new_gallery_is_private(tmp_path: Path, template: MakeTemplate, consent: Consent) -> None:
    before = os.umask(0)
    try:
        gallery = open_gallery(tmp_path / "deep" / "people.db")
        picture = b"\xff\xd8\xffcrop"
        gallery.enrol(
            [template(1, picture)],
            model_id="m",
            call=Call("ana", "enrol"),
            name="Ada",
            consent=consent,
        )
        folder = tmp_path / "deep"
        for path in [folder, *folder.rglob("*")]:
            expected = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == expected, path
        gallery.close()
    finally:
        os.umask(before)
    assert {path.name for path in folder.iterdir()} <= {
        "people.db",
        "people.db.lock",
        "people.db.pictures",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("journal_mode", "wal"),
        ("foreign_keys", 1),
        ("secure_delete", 1),
        ("busy_timeout", 2500),
        ("synchronous", 2),
    ],
)
def test_the_database_runs_as_it_should(path: Path, name: str, value: object) -> None:
    database = Database.open(path, create=True, timeout_s=2.5)
    assert pragma(database, name) == value
    database.close()


def test_migrations_make_the_tables_of_the_schema(path: Path) -> None:
    database = Database.open(path, create=True)
    with database.read() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    database.close()
    assert difference == []
    assert migrations.newest() == REVISION


@pytest.mark.parametrize("use", [Database.read, Database.write], ids=["read", "write"])
def test_closing_under_another_thread_closes_when_that_is_done(
    path: Path, use: Callable[[Database], AbstractContextManager[Connection]]
) -> None:
    database = Database.open(path, create=True)
    log = path.with_name("people.db-wal")
    with use(database) as connection:
        closer = threading.Thread(target=database.close)
        closer.start()
        closer.join()
        assert connection.exec_driver_sql("SELECT count(*) FROM people").scalar_one() == 0
        assert log.exists()
    assert not log.exists()
    with pytest.raises(GalleryError, match="was closed"), use(database):
        pass


def test_opening_again_keeps_what_is_there(
    path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery = open_gallery(path)
    gallery.enrol([template(1)], model_id="m", call=call, name="Ada", consent=consent)
    gallery.close()
    gallery = open_gallery(f"sqlite:///{path}", create=False)
    assert [person.name for person in gallery.people()] == ["Ada"]
    gallery.close()


def test_an_empty_file_left_by_a_killed_process_is_set_up(path: Path) -> None:
    path.touch()
    gallery = open_gallery(path)
    assert gallery.people() == []
    gallery.close()


def test_a_path_with_odd_characters_works(tmp_path: Path) -> None:
    gallery = open_gallery(tmp_path / "50% of ü? #1.db")
    gallery.close()
    assert (tmp_path / "50% of ü? #1.db").stat().st_size > 0


def test_a_link_shares_the_pictures_of_its_target(
    tmp_path: Path, path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(path)
    open_gallery(path).close()
    gallery = open_gallery(link)
    gallery.enrol(
        [template(1, b"\xff\xd8\xff")], model_id="m", call=call, name="Ada", consent=consent
    )
    gallery.close()
    assert (tmp_path / "people.db.pictures").is_dir()
    assert list((tmp_path / "elsewhere").iterdir()) == [link]


def test_records_and_protocol_come_without_sqlalchemy() -> None:
    program = "import sys, faceprint.gallery; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


# What is refused


def test_a_missing_gallery_is_not_made_unless_asked(path: Path) -> None:
    with pytest.raises(GalleryUnavailableError, match="no gallery at"):
        open_gallery(path, create=False)
    assert not path.exists()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/people",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:///people.db?vfs=unix-none",
        "sqlite:///people.db?mode=memory",
        "sqlite:///people.db?timeout=soon",
        "sqlite:///people.db?timeout=nan",
        "milvus://localhost:19530",
        "://",
        "",
    ],
)
def test_an_unknown_url_says_what_is_supported(url: str) -> None:
    with pytest.raises(GalleryError, match=r"sqlite:///people\.db"):
        open_gallery(url)


def test_a_database_from_the_future_is_left_alone(path: Path) -> None:
    open_gallery(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.execute("CREATE TABLE irises (person_key INTEGER)")
    raw.close()
    before = digest_of(path)
    for url in (str(path), f"sqlite:///{path}?mode=ro"):
        with pytest.raises(GalleryVersionError, match="upgrade faceprint"):
            open_gallery(url)
    assert digest_of(path) == before


@pytest.mark.parametrize(
    "content", [b"not a database", b"\0" * 4096, b"SQLite format 3\0" + b"x" * 99]
)
def test_a_file_that_is_no_database_is_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(GalleryCorruptError):
        open_gallery(path)
    assert path.read_bytes() == content


def test_a_refused_file_is_not_kept_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noting(*args: Any, **options: Any) -> sqlite3.Connection:
        made.append(connect(*args, **options))
        return made[-1]

    monkeypatch.setattr(sqlite3, "connect", noting)
    path.write_bytes(b"not a database")
    with pytest.raises(GalleryCorruptError):
        open_gallery(path)
    assert made
    for connection in made:
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            connection.execute("SELECT 1")


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE bookmarks (url TEXT)")
    raw.close()
    before = digest_of(path)
    with pytest.raises(GalleryCorruptError, match="not a gallery"):
        open_gallery(path)
    assert digest_of(path) == before
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_or_a_pipe_is_no_gallery(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(GalleryUnavailableError, match="plain file"):
            open_gallery(path)
    (tmp_path / "file").touch()
    with pytest.raises(GalleryUnavailableError):
        open_gallery(tmp_path / "file" / "people.db")


def test_a_damaged_page_is_reported(
    path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery = open_gallery(path)
    gallery.enrol([template(1)], model_id="m", call=call, name="Ada", consent=consent)
    gallery.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(GalleryCorruptError):
        open_gallery(path).people()


def test_a_vector_of_another_length_is_reported(
    gallery: SqlGallery, path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    who = gallery.enrol(
        [template(1)], model_id="m", call=call, name="Ada", consent=consent
    ).person.person_id
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE templates SET vector = x'00'")
    raw.close()
    with pytest.raises(GalleryCorruptError):
        gallery.vectors(who, model_id="m")
    with pytest.raises(GalleryCorruptError):
        gallery.search(template(1).vector[None], model_id="m", call=call)


# Storage that fails


def test_a_locked_gallery_says_so_and_keeps_what_it_has(
    path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery = open_gallery(f"sqlite:///{path}?timeout=0.05")
    gallery.enrol([template(1)], model_id="m", call=call, name="Ada", consent=consent)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(GalleryUnavailableError, match="locked"):
        gallery.enrol(
            [template(2, b"\xff\xd8\xff")], model_id="m", call=call, name="Ada", consent=consent
        )
    [found] = gallery.search(template(1).vector[None], model_id="m", call=call)
    assert found[0].name == "Ada"
    blocker.execute("COMMIT")
    blocker.close()
    assert gallery.person("Ada").template_count == 1
    gallery.close()


def test_a_read_only_gallery_is_searched_but_not_written(
    path: Path, tmp_path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    writer = open_gallery(path)
    picture = b"\xff\xd8\xffcrop"
    who = writer.enrol(
        [template(1, picture)], model_id="m", call=call, name="Ada", consent=consent
    ).person.person_id
    reader = open_gallery(f"sqlite:///{path}?mode=ro")
    [found] = reader.search(template(1).vector[None], model_id="m", call=call)
    assert found[0].name == "Ada"
    assert reader.picture(hashlib.sha256(picture).hexdigest()) == picture
    assert reader.export(tmp_path / "all.zip", call=call) == 1
    writes: list[Callable[[], object]] = [
        lambda: reader.enrol([template(2, picture)], model_id="m", call=call, name="Ada"),
        lambda: reader.rename(who, "Grace", call=call),
        lambda: reader.erase(who, call=call),
        lambda: reader.import_(tmp_path / "all.zip", call=call),
    ]
    for write in writes:
        with pytest.raises(GalleryUnavailableError, match="read-only"):
            write()
    writer.rename(who, "Countess", call=call)
    assert reader.person(who).name == "Countess"
    reader.close()
    writer.close()


def test_a_read_only_gallery_is_never_set_up(path: Path) -> None:
    path.touch()
    with pytest.raises(GalleryUnavailableError, match="set up"):
        open_gallery(f"sqlite:///{path}?mode=ro")
    assert path.stat().st_size == 0


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "small.db")
    raw.execute("CREATE TABLE t (x)")
    raw.execute("PRAGMA max_page_count = 3")
    with pytest.raises(GalleryUnavailableError, match="full"), translated(tmp_path / "small.db"):
        raw.execute("INSERT INTO t VALUES (zeroblob(100000))")
    raw.close()


def test_a_write_refused_by_the_disk_says_so(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "small.db")
    raw.execute("CREATE TABLE t (x)")
    raw.execute("PRAGMA query_only = ON")
    with pytest.raises(GalleryUnavailableError, match="read-only"), translated(tmp_path):
        raw.execute("INSERT INTO t VALUES (1)")
    raw.close()


@pytest.mark.parametrize(
    ("number", "said"),
    [("ENOSPC", "full"), ("EDQUOT", "full"), ("EROFS", "permissions"), ("EIO", "cannot be used")],
)
def test_errors_of_the_file_system_are_plain(number: str, said: str) -> None:
    import errno

    code = getattr(errno, number)
    error = storage_error(OSError(code, os.strerror(code)), Path("people.db"))
    assert said in str(error)
    assert "people.db" in str(error)


def test_errors_never_show_what_was_written(gallery: SqlGallery, path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("DROP TABLE people")
    raw.close()
    with pytest.raises(GalleryError) as caught:
        gallery.person("Secret Name")
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "secret" not in str(chain).lower()
        chain = chain.__cause__
