"""Galleries through kills, crowds, full and read-only disks, each with real processes."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import GalleryUnavailableError
from faceprint.gallery import Call, Consent, GalleryStore, NewTemplate, open_gallery
from faceprint.types import FloatArray

CALL = Call("test:ana", "enrol")

CHILD = """
import hashlib, os, signal, sys
from datetime import UTC, datetime
import numpy as np
from faceprint.gallery import Call, Consent, NewTemplate, open_gallery

CALL = Call("test:child", "enrol")

def template(text, picture=True):
    digest = hashlib.sha256(text.encode()).digest()
    vector = np.frombuffer(digest, dtype=np.uint8).astype(np.float32)
    return NewTemplate(
        vector=vector / np.linalg.norm(vector),
        detector="yunet",
        source=text,
        source_digest=digest.hex(),
        box=np.array([0, 0, 9, 9], dtype=np.float32),
        quality=0.5,
        picture=(b"\\xff\\xd8\\xff" + text.encode() * 500) if picture else None,
    )

def enrol(gallery, name, count=2):
    return gallery.enrol(
        [template(f"{name} {number}") for number in range(count)],
        model_id="m",
        call=CALL,
        name=name,
        consent=Consent("Yes.", "door", datetime.now(UTC), "ana"),
    )

def die_at(event, number, about=""):
    # Audit events come just before the system call, whatever code makes it.
    left = [number]
    def hook(name, arguments):
        if name == event and about in str(arguments[:1]):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

path, words = sys.argv[1], sys.argv[2:]
"""


def start(program: str, path: Path | str, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD + program, str(path), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def unit(text: str) -> FloatArray:
    digest = hashlib.sha256(text.encode()).digest()
    vector = np.frombuffer(digest, dtype=np.uint8).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def consent() -> Consent:
    return Consent("Yes.", "door", datetime.now(UTC), "ana")


def template(text: str, picture: bytes | None = None) -> NewTemplate:
    box = np.array([0, 0, 9, 9], dtype=np.float32)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return NewTemplate(unit(text), "yunet", text, digest, box, 0.5, picture)


def kept_pictures(path: Path) -> set[str]:
    folder = path.with_name(f"{path.name}.pictures")
    return {file.name for file in folder.rglob("*") if file.is_file()}


def check_whole(path: Path, *, templates_each: int) -> list[str]:
    """Checks that everybody is enrolled wholly and every picture is named; gives the names."""
    gallery = open_gallery(path, create=False)
    names = [person.name for person in gallery.people()]
    named: set[str] = set()
    for person in gallery.people():
        assert person.template_count == templates_each
        assert len(person.consents) == 1
        for stored in gallery.templates(person.person_id):
            assert stored.picture_digest is not None
            gallery.picture(stored.picture_digest)
            named.add(stored.picture_digest)
        assert len(gallery.vectors(person.person_id, model_id="m")) == templates_each
    assert kept_pictures(path) == named
    assert len([c for c in gallery.changes() if c.kind == "enrolled"]) >= len(names)
    gallery.close()
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
    raw.close()
    return names


# Killed in the middle


@pytest.mark.parametrize(
    ("event", "number", "stored"),
    [
        ("open", 1, False),
        ("os.rename", 1, False),
        ("os.rename", 2, False),
        ("os.remove", 1, True),
    ],
    ids=["before the mark", "before a picture", "between pictures", "after the commit"],
)
def test_an_enrolment_that_is_killed_is_whole_or_was_not(
    tmp_path: Path, event: str, number: int, stored: bool
) -> None:
    path = tmp_path / "people.db"
    program = """
gallery = open_gallery(path)
enrol(gallery, "Ada")
die_at(words[0], int(words[1]))
enrol(gallery, "Grace")
"""
    code, _, err = finish(start(program, path, event, str(number)))
    assert code == -signal.SIGKILL, err
    expected = ["Ada", "Grace"] if stored else ["Ada"]
    assert check_whole(path, templates_each=2) == expected


def test_a_gallery_survives_being_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    program = """
gallery = open_gallery(path)
print("ready", flush=True)
for number in range(100000):
    enrol(gallery, f"{words[0]} {number}")
"""
    chance = random.Random(1)
    before = 0
    for attempt in range(4):
        process = start(program, path, f"Person {attempt}")
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        finish(process)
        names = check_whole(path, templates_each=2)
        assert len(names) > before
        before = len(names)


def test_an_erasure_that_is_killed_is_finished_at_the_next_opening(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    program = """
gallery = open_gallery(path)
enrol(gallery, "Grace Hopper")
who = enrol(gallery, "Ada Lovelace").person.person_id
die_at("os.remove", 2)
gallery.erase(who, call=CALL)
"""
    code, _, err = finish(start(program, path))
    assert code == -signal.SIGKILL, err
    assert len(kept_pictures(path)) > 2
    assert check_whole(path, templates_each=2) == ["Grace Hopper"]
    contents = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert b"Ada Lovelace" not in contents
    assert unit("Ada Lovelace 0").tobytes() not in contents
    assert unit("Grace Hopper 0").tobytes() in contents


@pytest.mark.parametrize(
    ("event", "about"),
    [("sqlite3.connect", ""), ("open", ".db.lock"), ("open", "r0001")],
    ids=["empty file", "before the lock", "between the tables"],
)
def test_a_gallery_killed_while_it_was_made_is_made_again(
    tmp_path: Path, event: str, about: str
) -> None:
    path = tmp_path / "people.db"
    program = "die_at(words[0], 1, words[1]); open_gallery(path)"
    code, _, err = finish(start(program, path, event, about))
    assert code == -signal.SIGKILL, err
    assert path.exists()
    gallery = open_gallery(path)
    assert gallery.people() == []
    gallery.close()


# Several at once


def test_several_processes_enrol_at_once_into_a_new_gallery(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    program = """
print("ready", flush=True)
sys.stdin.readline()
gallery = open_gallery(path)
for number in range(5):
    enrol(gallery, f"{words[0]} {number}")
    gallery.enrol(
        [template(f"shared {words[0]} {number}")],
        model_id="m",
        call=CALL,
        name="Shared Name",
        consent=Consent("Yes.", "door", datetime.now(UTC), "ana"),
    )
    gallery.search(template("shared 0 0").vector[None], model_id="m", call=CALL)
gallery.close()
"""
    processes = [start(program, path, str(number)) for number in range(4)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        code, _, err = finish(process)
        assert code == 0, err
    gallery = open_gallery(path, create=False)
    people = {person.name: person for person in gallery.people()}
    assert len(gallery.people()) == len(people) == 4 * 5 + 1
    assert people["Shared Name"].template_count == 4 * 5
    assert gallery.template_count("m") == 4 * 5 * 3
    sequences = [change.sequence for change in gallery.changes()]
    assert sequences == sorted(set(sequences))
    assert len(sequences) == 4 * 5 * 2
    gallery.close()
    raw = sqlite3.connect(path)
    assert raw.execute("SELECT count(*) FROM accesses").fetchone() == (4 * 5,)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()


def test_a_process_sees_what_another_enrolled_and_erased(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    gallery = open_gallery(path)
    probe = unit("Ada 0")[None]
    assert gallery.search(probe, model_id="m", call=CALL) == [()]
    program = """
gallery = open_gallery(path)
who = enrol(gallery, "Ada").person.person_id
print(who, flush=True)
sys.stdin.readline()
gallery.erase(who, call=CALL)
gallery.close()
"""
    process = start(program, path)
    assert process.stdout is not None
    who = process.stdout.readline().strip()
    [found] = gallery.search(probe, model_id="m", call=CALL)
    assert [(c.person_id, c.name) for c in found] == [(who, "Ada")]
    assert finish_with(process, "go\n") == 0
    assert gallery.search(probe, model_id="m", call=CALL) == [()]
    gallery.close()


def finish_with(process: subprocess.Popen[str], line: str) -> int:
    _, err = process.communicate(line, timeout=120)
    assert not err
    return process.returncode


# Disks


@contextmanager
def mounted(folder: Path, *options: str) -> Iterator[None]:
    """A mount, where this machine lets us make one."""
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting needs rights that this machine does not give")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(gallery: GalleryStore, enrolled: list[str]) -> None:
    """Enrols people with pictures until something is raised."""
    for number in itertools.count():
        name = f"Person {number}"
        picture = b"\xff\xd8\xff" + name.encode() * 1000
        gallery.enrol(
            [template(f"{name} {photo}", picture) for photo in range(2)],
            model_id="m",
            call=CALL,
            name=name,
            consent=consent(),
        )
        enrolled.append(name)


def test_a_full_disk_keeps_what_is_stored(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    with mounted(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs"):
        path = folder / "people.db"
        gallery = open_gallery(path)
        enrolled: list[str] = []
        with pytest.raises(GalleryUnavailableError, match="full"):
            fill(gallery, enrolled)
        assert len(enrolled) > 3
        assert sorted(person.name for person in gallery.people()) == sorted(enrolled)
        [found] = gallery.search(unit("Person 1 0")[None], model_id="m", call=CALL, k=1)
        assert found[0].name == "Person 1"
        gallery.close()
        assert len(check_whole(path, templates_each=2)) == len(enrolled)


def test_a_limit_on_file_size_is_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "people.db"
    program = """
import resource
from faceprint.errors import GalleryUnavailableError
gallery = open_gallery(path)
enrol(gallery, "Ada")
limit = os.path.getsize(path + "-wal") + 4096
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    for number in range(1000):
        enrol(gallery, f"Person {number}")
except GalleryUnavailableError:
    print(len(gallery.people()))
os._exit(0)
"""
    code, out, err = finish(start(program, path))
    assert code == 0, err
    assert len(check_whole(path, templates_each=2)) == int(out) > 0


def test_a_read_only_disk_is_searched_and_refuses_writes(tmp_path: Path) -> None:
    folder, view = tmp_path / "disk", tmp_path / "view"
    folder.mkdir()
    view.mkdir()
    path = folder / "people.db"
    gallery = open_gallery(path)
    gallery.enrol([template("Ada")], model_id="m", call=CALL, name="Ada", consent=consent())
    gallery.close()
    before = path.read_bytes()
    with mounted(view, "--bind", "-o", "ro", str(folder)):
        if os.access(view, os.W_OK):
            pytest.skip("this machine mounts read-only folders as writable ones")
        reader = open_gallery(view / "people.db")
        [found] = reader.search(unit("Ada")[None], model_id="m", call=CALL)
        assert found[0].name == "Ada"
        with pytest.raises(GalleryUnavailableError, match="read-only"):
            reader.enrol([template("Bob")], model_id="m", call=CALL, name="Ada")
        reader.close()
        with pytest.raises(GalleryUnavailableError):
            open_gallery(view / "new.db")
        writer = open_gallery(path)
        writer.rename(writer.person("Ada").person_id, "Countess", call=CALL)
        crashed = path.with_name("people.db-wal").read_bytes()
        writer.close()
        path.write_bytes(before)
        path.with_name("people.db-wal").write_bytes(crashed)
        with pytest.raises(GalleryUnavailableError):
            open_gallery(view / "people.db")
    recovered = open_gallery(path)
    assert recovered.person("Countess").template_count == 1
    recovered.close()
