from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceprint.gallery import Call, Consent, NewTemplate, open_gallery
from faceprint.gallery.sql import SqlGallery

MakeTemplate = Callable[..., NewTemplate]


def stored(path: Path) -> list[tuple[object, ...]]:
    raw = sqlite3.connect(path)
    rows = raw.execute(
        "SELECT kind, actor, purpose, asked, answered FROM accesses ORDER BY sequence"
    ).fetchall()
    raw.close()
    return rows


def test_every_search_and_export_is_kept(
    gallery: SqlGallery, tmp_path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery.enrol([template(1)], model_id="m", call=call, name="Ada", consent=consent)
    gallery.search(template(1).vector[None], model_id="m", call=Call("door:1", "entrance"))
    gallery.search(template(1).vector[None], model_id="other", call=Call("door:2", "entrance"))
    gallery.export(tmp_path / "all.zip", call=Call("ana", "backup"))
    log = gallery.accesses()
    assert [(a.kind, a.actor, a.purpose, a.asked, a.answered) for a in log] == [
        ("searched", "door:1", "entrance", 1, 1),
        ("searched", "door:2", "entrance", 1, 0),
        ("exported", "ana", "backup", 1, 1),
    ]
    assert gallery.accesses(since=log[1].sequence) == log[2:]


def test_searches_are_written_without_asking(
    gallery: SqlGallery, path: Path, template: MakeTemplate, call: Call
) -> None:
    gallery.search(template(1).vector[None], model_id="m", call=call)
    deadline = time.monotonic() + 10
    while not stored(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert stored(path) == [("searched", "test:ana", "enrol", 1, 0)]


def test_closing_writes_what_is_waiting(path: Path, template: MakeTemplate, call: Call) -> None:
    gallery = open_gallery(path)
    for _ in range(3):
        gallery.search(template(1).vector[None], model_id="m", call=call)
    gallery.close()
    assert len(stored(path)) == 3


def test_a_search_does_not_wait_for_a_writer(
    path: Path, template: MakeTemplate, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    gallery = open_gallery(f"sqlite:///{path}?timeout=0.05")
    assert isinstance(gallery, SqlGallery)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    gallery.search(template(1).vector[None], model_id="m", call=call)
    gallery._log.flush()
    assert "not being recorded" in caplog.text
    blocker.execute("COMMIT")
    blocker.close()
    assert len(gallery.accesses()) == 1
    gallery.close()


def test_a_read_only_gallery_says_once_that_searches_are_not_kept(
    path: Path, template: MakeTemplate, call: Call, caplog: pytest.LogCaptureFixture
) -> None:
    open_gallery(path).close()
    gallery = open_gallery(f"sqlite:///{path}?mode=ro")
    for _ in range(2):
        gallery.search(template(1).vector[None], model_id="m", call=call)
    gallery.close()
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert stored(path) == []
