"""Erasing leaves no bytes of a person in any file of the gallery."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from faceprint.gallery import Call, Consent, NewTemplate, Person, open_gallery
from faceprint.gallery.sql import SqlGallery

MakeTemplate = Callable[..., NewTemplate]


def found_in_files(folder: Path, needles: list[bytes]) -> list[tuple[str, bytes]]:
    contents = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [
        (name, needle)
        for name, content in contents.items()
        for needle in needles
        if needle in content
    ]


def traces(person: Person, vectors: list[bytes]) -> list[bytes]:
    name = person.name.encode()
    return [name, name.lower(), person.notes.encode(), *vectors, *(v[:40] for v in vectors)]


def test_no_byte_of_an_erased_person_stays(
    gallery: SqlGallery, path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    picture = b"\xff\xd8\xff" + b"the face of ada"
    with_form = Consent(
        "Adas own words", "door", consent.given_at, "ana", document=b"%PDF signed by ada"
    )
    receipt = gallery.enrol(
        [template(1, picture), template(2)],
        model_id="m",
        call=call,
        name="Ada Lovelace",
        consent=with_form,
        notes="born in London",
    )
    who = receipt.person.person_id
    gallery.rename(who, "Countess of Lovelace", call=call)
    vectors = [template(seed).vector.tobytes() for seed in (1, 2)]
    needles = [
        *traces(receipt.person, vectors),
        b"countess of lovelace",
        b"Adas own words",
        b"signed by ada",
        b"the face of ada",
    ]
    found = {needle for _, needle in found_in_files(path.parent, needles)}
    assert found == set(needles)

    assert gallery.erase(who, call=call).scrubbed
    assert found_in_files(path.parent, needles) == []
    gallery.close()
    assert found_in_files(path.parent, needles) == []


def test_no_copy_survives_in_a_tree_that_was_balanced(
    gallery: SqlGallery, path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    chance = random.Random(4)
    erased: list[bytes] = []
    people: list[tuple[Person, list[bytes]]] = []
    for number in range(60):
        # Names of every length make cells move from page to page.
        name = f"Person{number:04d}" + "x" * chance.randrange(150)
        seeds = range(number * 3, number * 3 + chance.randrange(1, 4))
        templates = [template(seed, dimension=128) for seed in seeds]
        receipt = gallery.enrol(templates, model_id="m", call=call, name=name, consent=consent)
        people.append((receipt.person, [one.vector.tobytes() for one in templates]))
        if chance.random() < 0.4:
            person, vectors = people.pop(chance.randrange(len(people)))
            gallery.erase(person.person_id, call=call)
            erased += [person.name[:10].encode(), person.name[:10].lower().encode(), *vectors]
    assert len(erased) > 50
    assert found_in_files(path.parent, erased) == []
    kept = [vector for _, vectors in people for vector in vectors]
    assert len(found_in_files(path.parent, kept)) == len(kept)


def test_an_erasure_rewrites_the_file(
    gallery: SqlGallery, path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    """Overwriting what is deleted is not enough: balanced trees keep stray copies now and then."""
    who = gallery.enrol(
        [template(seed, dimension=512) for seed in range(20)],
        model_id="m",
        call=call,
        name="Ada",
        consent=consent,
    ).person.person_id
    gallery.erase(who, call=call)
    raw = sqlite3.connect(path)
    assert raw.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert raw.execute("PRAGMA user_version").fetchone() == (0,)
    raw.close()
    assert Path(f"{path}-wal").stat().st_size < 3 * 4096 + 100


def test_an_erasure_that_could_not_be_overwritten_is_finished_at_the_next_opening(
    path: Path, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    gallery = open_gallery(f"sqlite:///{path}?timeout=0.05")
    person = gallery.enrol(
        [template(1)], model_id="m", call=call, name="Ada Lovelace", consent=consent
    ).person
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM people").fetchone()
    needles = traces(person, [template(1).vector.tobytes()])[:2]
    assert not gallery.erase(person.person_id, call=call).scrubbed
    assert found_in_files(path.parent, needles) != []
    gallery.close()
    reader.close()
    open_gallery(path).close()
    assert found_in_files(path.parent, needles) == []


def test_memory_forgets_an_erased_person(
    gallery: SqlGallery, template: MakeTemplate, consent: Consent, call: Call
) -> None:
    who = gallery.enrol(
        [template(1)], model_id="m", call=call, name="Ada", consent=consent
    ).person.person_id
    gallery.enrol([template(2)], model_id="m", call=call, name="Grace", consent=consent)
    gallery.search(template(1).vector[None], model_id="m", call=call)
    gallery.erase(who, call=call)
    [index] = gallery._indexes._indexes.values()
    held = index.vectors.tobytes()
    assert template(1).vector.tobytes() not in held
    assert template(2).vector.tobytes() in held


def test_the_logs_name_nobody(
    gallery: SqlGallery,
    template: MakeTemplate,
    consent: Consent,
    call: Call,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    who = gallery.enrol(
        [template(1)], model_id="m", call=call, name="Ada Lovelace", consent=consent
    ).person.person_id
    gallery.search(template(1).vector[None], model_id="m", call=call)
    gallery.rename(who, "Countess", call=call)
    gallery.erase(who, call=call)
    gallery.close()
    assert "Ada" not in caplog.text
    assert "Countess" not in caplog.text
