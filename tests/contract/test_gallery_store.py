"""What every gallery store keeps, whatever lies under it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faceprint.errors import (
    ConsentError,
    EmbeddingError,
    GalleryCorruptError,
    GalleryError,
    ImageFormatError,
    InputError,
    PersonNotFoundError,
)
from faceprint.gallery import (
    Call,
    Consent,
    EnrolReceipt,
    GalleryStore,
    NewTemplate,
    PictureKind,
    open_gallery,
)
from faceprint.gallery.database import Database
from faceprint.gallery.index import SearchPlan
from faceprint.gallery.pictures import PictureFolder
from faceprint.gallery.sql import SqlGallery
from faceprint.types import FloatArray

CALL = Call("test:ana", "enrol")
MODEL = "sface:1"
D = 8

Opener = Callable[[str], GalleryStore]


def _open_sqlite(folder: Path, name: str) -> GalleryStore:
    return open_gallery(folder / f"{name}.db")


def _open_sqlite_by_bytes(folder: Path, name: str) -> GalleryStore:
    """Searches as a gallery of a million does, however small it is."""
    plan = SearchPlan(
        has_codes=True, codes_from=1, rows_per_scan=2, most_scans=3, few_rows=0, listed=1
    )
    database = Database.open(folder / f"{name}.db", create=True)
    return SqlGallery(database, PictureFolder(folder / f"{name}.db.pictures"), plan)


STORES = {"sqlite": _open_sqlite, "sqlite by bytes": _open_sqlite_by_bytes}


@pytest.fixture(params=STORES)
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens a store by name; the same name is the same gallery."""
    opened: list[GalleryStore] = []

    def open_store(name: str) -> GalleryStore:
        opened.append(STORES[request.param](tmp_path, name))
        return opened[-1]

    yield open_store
    for store in opened:
        store.close()


@pytest.fixture
def store(opener: Opener) -> GalleryStore:
    return opener("one")


def consent(**changes: object) -> Consent:
    fields: dict[str, object] = {
        "text": "I agree.",
        "purpose": "door",
        "given_at": datetime.now(UTC) - timedelta(minutes=1),
        "recorded_by": "ana",
    }
    return Consent(**(fields | changes))  # type: ignore[arg-type]


def unit(seed: int, dimension: int = D) -> FloatArray:
    vector = np.random.default_rng(seed).standard_normal(dimension).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def template(
    seed: int,
    *,
    photo: str | None = None,
    vector: FloatArray | None = None,
    box: tuple[float, float, float, float] = (10, 10, 50, 60),
    picture: bytes | None = None,
    picture_kind: PictureKind = "crop",
) -> NewTemplate:
    return NewTemplate(
        vector=unit(seed) if vector is None else vector,
        detector="yunet",
        source=f"{seed}.jpg",
        source_digest=hashlib.sha256((photo or str(seed)).encode()).hexdigest(),
        box=np.array(box, dtype=np.float32),
        quality=0.5,
        picture=picture,
        picture_kind=picture_kind,
    )


def png(text: str) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + text.encode()


def enrol(store: GalleryStore, name: str, *seeds: int, new: bool = False) -> EnrolReceipt:
    return store.enrol(
        [template(seed) for seed in seeds],
        model_id=MODEL,
        call=CALL,
        name=name,
        new=new,
        consent=consent(),
    )


# Enrolment


def test_enrol_makes_a_person(store: GalleryStore) -> None:
    given_consent = consent(document=b"%PDF", document_name="form.pdf")
    receipt = store.enrol(
        [template(1), template(2)],
        model_id=MODEL,
        call=CALL,
        name=" Ada Lovelace ",
        consent=given_consent,
        notes="first",
    )
    person = store.person(receipt.person.person_id)
    assert receipt.created
    assert receipt.already_enrolled == 0
    assert person.name == "Ada Lovelace"
    assert person.notes == "first"
    assert person.consents == (given_consent,)
    assert person.template_count == 2
    assert person.created_at.utcoffset() == timedelta(0)
    assert [t.template_id for t in store.templates(person.person_id)] == list(receipt.template_ids)


def test_templates_come_back_as_given(store: GalleryStore) -> None:
    given_template = template(3, picture=png("crop"), picture_kind="photo")
    receipt = store.enrol(
        [given_template], model_id=MODEL, call=CALL, name="Ada Lovelace", consent=consent()
    )
    [stored] = store.templates(receipt.person.person_id)
    np.testing.assert_array_equal(stored.box, given_template.box)
    np.testing.assert_array_equal(
        store.vectors(receipt.person.person_id, model_id=MODEL), given_template.vector[None]
    )
    assert (stored.model_id, stored.detector, stored.source) == (MODEL, "yunet", "3.jpg")
    assert (stored.source_digest, stored.quality) == (given_template.source_digest, 0.5)
    assert stored.picture_kind == "photo"
    assert stored.picture_digest == hashlib.sha256(png("crop")).hexdigest()
    assert store.picture(stored.picture_digest) == png("crop")


def test_lists_leave_documents_out(store: GalleryStore) -> None:
    store.enrol(
        [template(1)], model_id=MODEL, call=CALL, name="Ada", consent=consent(document=b"%PDF")
    )
    [listed] = store.people()
    assert listed.consents[0].document is None
    assert listed.consents[0].document_name == "document"


@pytest.mark.parametrize("name", ["Ada Lovelace", "ADA LOVELACE", "ada  lovelace"])
def test_a_name_that_exists_once_adds_to_that_person(store: GalleryStore, name: str) -> None:
    first = enrol(store, "Ada Lovelace", 1)
    second = store.enrol([template(2)], model_id=MODEL, call=CALL, name=name)
    assert not second.created
    assert second.person.person_id == first.person.person_id
    assert second.person.name == "Ada Lovelace"
    assert second.person.template_count == 2


def test_names_are_found_however_they_are_composed(store: GalleryStore) -> None:
    enrol(store, "Zoe\u0308 Kravitz", 1)
    assert store.person("zo\u00eb kravitz").name == "Zo\u00eb Kravitz"


def test_new_makes_another_person_of_the_same_name(store: GalleryStore) -> None:
    first = enrol(store, "Ada", 1)
    second = enrol(store, "Ada", 2, new=True)
    assert second.created
    assert second.person.person_id != first.person.person_id
    for ask in (lambda: store.person("Ada"), lambda: enrol(store, "Ada", 3)):
        with pytest.raises(PersonNotFoundError) as caught:
            ask()
        assert first.person.person_id in str(caught.value)
        assert second.person.person_id in str(caught.value)
    by_id = store.enrol([template(3)], model_id=MODEL, call=CALL, person_id=second.person.person_id)
    assert by_id.person.template_count == 2


def test_enrol_needs_somebody_it_can_find(store: GalleryStore) -> None:
    with pytest.raises(PersonNotFoundError):
        store.enrol([template(1)], model_id=MODEL, call=CALL, person_id="nobody")
    with pytest.raises(InputError):
        store.enrol([template(1)], model_id=MODEL, call=CALL, consent=consent())
    with pytest.raises(InputError):
        store.enrol([template(1)], model_id=MODEL, call=CALL, person_id="x", new=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": datetime(2020, 1, 1, tzinfo=UTC)},
        {"given_at": datetime(2024, 1, 1)},
        {"given_at": datetime.now(UTC) + timedelta(days=30)},
        {"text": " "},
        {"purpose": ""},
        {"recorded_by": ""},
        {"purpose": "x" * 501},
        {"expires_at": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5)))},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_a_consent_that_does_not_hold_is_refused(
    store: GalleryStore, changes: dict[str, object]
) -> None:
    with pytest.raises(ConsentError):
        store.enrol(
            [template(1)], model_id=MODEL, call=CALL, name="Ada", consent=consent(**changes)
        )
    assert store.people() == []
    assert store.changes() == []


def test_a_new_person_needs_consent(store: GalleryStore) -> None:
    with pytest.raises(ConsentError):
        store.enrol([template(1)], model_id=MODEL, call=CALL, name="Ada")
    assert store.people() == []


def test_an_expired_consent_stops_further_enrolment(store: GalleryStore) -> None:
    soon = datetime.now(UTC) + timedelta(milliseconds=40)
    store.enrol(
        [template(1)], model_id=MODEL, call=CALL, name="Ada", consent=consent(expires_at=soon)
    )
    while datetime.now(UTC) <= soon:
        pass
    with pytest.raises(ConsentError, match="expired"):
        store.enrol([template(2)], model_id=MODEL, call=CALL, name="Ada")
    renewed = store.add_consent(store.person("Ada").person_id, consent(), call=CALL)
    assert len(renewed.consents) == 2
    assert enrol(store, "Ada", 2).person.template_count == 2


@pytest.mark.parametrize(
    "vector",
    [
        np.full(D, np.nan, dtype=np.float32),
        np.ones(D, dtype=np.float32),
        np.zeros(D, dtype=np.float32),
        unit(1, D + 1),
        unit(1)[None],
        np.zeros(0, dtype=np.float32),
        np.eye(D, dtype=np.int32)[0],
    ],
    ids=["nan", "norm", "zero", "length", "shape", "empty", "integers"],
)
def test_an_unusable_vector_leaves_nothing_behind(store: GalleryStore, vector: FloatArray) -> None:
    enrol(store, "Grace Hopper", 9)
    before = store.changes()
    with pytest.raises(EmbeddingError):
        store.enrol(
            [template(1, vector=vector)],
            model_id=MODEL,
            call=CALL,
            name="Ada",
            consent=consent(),
        )
    with pytest.raises(EmbeddingError):
        store.search(
            np.atleast_2d(vector) if vector.ndim == 1 else vector[0], model_id=MODEL, call=CALL
        )
    assert [person.name for person in store.people()] == ["Grace Hopper"]
    assert store.changes() == before


def test_an_enrolment_of_nothing_is_refused(store: GalleryStore) -> None:
    with pytest.raises(EmbeddingError):
        store.enrol([], model_id=MODEL, call=CALL, name="Ada", consent=consent())
    with pytest.raises(EmbeddingError):
        store.enrol([template(1)], model_id=" ", call=CALL, name="Ada", consent=consent())


@pytest.mark.parametrize(
    "bad",
    [
        {"source_digest": "../../etc/passwd"},
        {"box": np.array([0, 0, np.inf, 1], dtype=np.float32)},
        {"box": np.zeros(3, dtype=np.float32)},
        {"box": np.array([0, 0, 1e300, 1])},
        {"quality": 1.5},
        {"quality": float("nan")},
        {"picture_kind": "selfie"},
    ],
    ids=["digest", "infinite box", "short box", "huge box", "quality", "nan quality", "kind"],
)
def test_a_template_of_unknown_origin_is_refused(
    store: GalleryStore, bad: dict[str, object]
) -> None:
    fields = {name: getattr(template(1), name) for name in NewTemplate.__slots__} | bad
    with pytest.raises(InputError):
        store.enrol(
            [template(2), NewTemplate(**fields)],
            model_id=MODEL,
            call=CALL,
            name="Ada",
            consent=consent(),
        )
    assert store.people() == []


def test_only_pictures_are_kept(store: GalleryStore) -> None:
    with pytest.raises(ImageFormatError):
        store.enrol(
            [template(1, picture=b"<svg onload=alert(1)>")],
            model_id=MODEL,
            call=CALL,
            name="Ada",
            consent=consent(),
        )


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "\u202eevil", "\udc80", "x" * 201])
def test_a_name_that_cannot_be_shown_is_refused(store: GalleryStore, name: str) -> None:
    with pytest.raises(InputError):
        enrol(store, name, 1)
    receipt = enrol(store, "Ada", 1)
    with pytest.raises(InputError):
        store.rename(receipt.person.person_id, name, call=CALL)
    assert store.person("Ada").name == "Ada"


def test_enrolling_the_same_face_again_changes_nothing(store: GalleryStore) -> None:
    enrol(store, "Ada", 1, 2)
    before = store.changes()
    again = enrol(store, "Ada", 1, 2)
    assert again.template_ids == ()
    assert again.already_enrolled == 2
    assert again.person.template_count == 2
    assert len(again.person.consents) == 1
    assert store.changes() == before


def test_the_same_face_is_the_same_photo_box_and_model(store: GalleryStore) -> None:
    enrol(store, "Ada", 1)
    nearly = template(1, box=(11, 10, 51, 60))
    elsewhere = template(1, box=(200, 10, 250, 60))
    receipt = store.enrol([nearly, elsewhere, elsewhere], model_id=MODEL, call=CALL, name="Ada")
    assert (len(receipt.template_ids), receipt.already_enrolled) == (1, 2)
    other_model = store.enrol([template(1)], model_id="other:1", call=CALL, name="Ada")
    assert len(other_model.template_ids) == 1
    other_person = enrol(store, "Grace", 1)
    assert len(other_person.template_ids) == 1


def test_undecodable_file_names_and_callers_are_kept_readable(store: GalleryStore) -> None:
    call = Call("cli:\udcff", "door \udcff")
    base = template(1)
    odd = NewTemplate(
        base.vector, "yu\udcffnet", "photo\udcff.jpg", base.source_digest, base.box, 0.5
    )
    who = store.enrol(
        [odd], model_id=MODEL, call=call, name="Ada", consent=consent()
    ).person.person_id
    store.search(base.vector[None], model_id=MODEL, call=call)
    [stored] = store.templates(who)
    assert stored.source.startswith("photo\ufffd")
    assert store.changes()[0].actor.startswith("cli:\ufffd")
    with pytest.raises(EmbeddingError):
        store.search(base.vector[None], model_id="\udcff", call=call)


def test_notes_of_a_later_enrolment_are_added(store: GalleryStore) -> None:
    for notes in ("one", "two", "two"):
        store.enrol(
            [template(1)], model_id=MODEL, call=CALL, name="Ada", consent=consent(), notes=notes
        )
    assert store.person("Ada").notes == "one\ntwo"


@pytest.mark.parametrize("call", [Call("", "door"), Call("ana", " "), Call("a" * 501, "door")])
def test_every_call_says_who_and_what_for(store: GalleryStore, tmp_path: Path, call: Call) -> None:
    who = enrol(store, "Ada", 1).person.person_id
    calls: list[Callable[[], object]] = [
        lambda: store.enrol(
            [template(2)], model_id=MODEL, call=call, name="Ada", consent=consent()
        ),
        lambda: store.search(unit(1)[None], model_id=MODEL, call=call),
        lambda: store.rename(who, "Grace", call=call),
        lambda: store.note(who, "note", call=call),
        lambda: store.add_consent(who, consent(), call=call),
        lambda: store.merge(who, "other", call=call),
        lambda: store.erase(who, call=call),
        lambda: store.export(tmp_path / "x.zip", call=call),
        lambda: store.import_(tmp_path / "x.zip", call=call),
    ]
    for ask in calls:
        with pytest.raises(InputError):
            ask()
    assert len(store.changes()) == 1


# Search


def test_search_gives_each_person_once_by_their_nearest_template(store: GalleryStore) -> None:
    ada = enrol(store, "Ada", 1, 2)
    enrol(store, "Grace", 3)
    [found] = store.search(unit(2)[None], model_id=MODEL, call=CALL)
    assert [candidate.name for candidate in found] == ["Ada", "Grace"]
    assert found[0].person_id == ada.person.person_id
    assert found[0].template_id == ada.template_ids[1]
    assert found[0].score == pytest.approx(1, abs=1e-6)
    assert found[1].score == pytest.approx(float(unit(2) @ unit(3)), abs=1e-6)


def test_search_in_an_empty_gallery_finds_nobody(store: GalleryStore) -> None:
    probes = np.stack([unit(1), unit(2)])
    assert store.search(probes, model_id=MODEL, call=CALL) == [(), ()]
    assert store.search(probes[:0], model_id=MODEL, call=CALL) == []


def test_a_template_of_another_model_is_never_compared(store: GalleryStore) -> None:
    enrol(store, "Ada", 1)
    store.enrol(
        [template(1, vector=unit(1, 16))],
        model_id="other:1",
        call=CALL,
        name="Grace",
        consent=consent(),
    )
    [found] = store.search(unit(1)[None], model_id=MODEL, call=CALL)
    assert [candidate.name for candidate in found] == ["Ada"]
    [found] = store.search(unit(1, 16)[None], model_id="other:1", call=CALL)
    assert [candidate.name for candidate in found] == ["Grace"]
    assert store.search(unit(1)[None], model_id="third:1", call=CALL) == [()]
    assert store.template_count() == 2
    assert store.template_count(MODEL) == 1
    assert store.template_count("third:1") == 0


def test_search_gives_at_most_k(store: GalleryStore) -> None:
    for seed in range(6):
        enrol(store, f"Person {seed}", seed)
    for k in (1, 2, 6, 7):
        [found] = store.search(unit(3)[None], model_id=MODEL, call=CALL, k=k)
        assert len(found) == min(k, 6)
        scores = [candidate.score for candidate in found]
        assert scores == sorted(scores, reverse=True)
        assert found[0].name == "Person 3"
    with pytest.raises(InputError):
        store.search(unit(3)[None], model_id=MODEL, call=CALL, k=0)


def test_equal_scores_come_in_order_of_enrolment(store: GalleryStore) -> None:
    for number in range(5):
        enrol(store, f"Twin {number}", 1)
    [found] = store.search(unit(1)[None], model_id=MODEL, call=CALL, k=3)
    assert [candidate.name for candidate in found] == ["Twin 0", "Twin 1", "Twin 2"]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_search_equals_brute_force(opener: Opener, data: st.DataObject) -> None:
    model = f"model:{uuid.uuid4()}"
    store = opener("brute")
    seeds = st.integers(0, 2**32 - 1)
    sizes = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=6))
    enrolled: dict[str, FloatArray] = {}
    for size in sizes:
        vectors = [unit(data.draw(seeds)) for _ in range(size)]
        receipt = store.enrol(
            [
                template(number, photo=f"{number}", vector=vector)
                for number, vector in enumerate(vectors)
            ],
            model_id=model,
            call=CALL,
            name="Somebody",
            new=True,
            consent=consent(),
        )
        enrolled[receipt.person.person_id] = np.stack(vectors)
    probes = np.stack([unit(data.draw(seeds)) for _ in range(data.draw(st.integers(1, 3)))])
    found = store.search(probes, model_id=model, call=CALL, k=3)
    store.close()
    for probe, candidates in zip(probes, found, strict=True):
        best = {who: float((vectors @ probe).max()) for who, vectors in enrolled.items()}
        expected = sorted(best.values(), reverse=True)[:3]
        assert [c.score for c in candidates] == pytest.approx(expected, abs=1e-5)
        for candidate in candidates:
            assert candidate.score == pytest.approx(best[candidate.person_id], abs=1e-5)


# People


def test_people_come_by_name(store: GalleryStore) -> None:
    for number, name in enumerate(["grace", "Ada", "Émilie", "ada"]):
        enrol(store, name, number, new=True)
    assert [person.name for person in store.people()] == ["Ada", "ada", "grace", "Émilie"]


def test_a_person_is_found_by_id_before_name(store: GalleryStore) -> None:
    ada = enrol(store, "Ada", 1).person.person_id
    enrol(store, ada, 2)
    assert store.person(ada).name == "Ada"
    assert store.person(" ada ").person_id == ada


def test_nobody_is_an_error_everywhere(store: GalleryStore) -> None:
    asks: list[Callable[[], object]] = [
        lambda: store.person("Ada"),
        lambda: store.templates("Ada"),
        lambda: store.vectors("Ada", model_id=MODEL),
        lambda: store.rename("Ada", "Grace", call=CALL),
        lambda: store.note("Ada", "note", call=CALL),
        lambda: store.add_consent("Ada", consent(), call=CALL),
        lambda: store.merge("Ada", "Grace", call=CALL),
        lambda: store.erase("Ada", call=CALL),
    ]
    for ask in asks:
        with pytest.raises(PersonNotFoundError):
            ask()
    assert store.changes() == []


def test_rename_and_note(store: GalleryStore) -> None:
    who = enrol(store, "Ada", 1).person.person_id
    store.search(unit(1)[None], model_id=MODEL, call=CALL)
    assert store.rename(who, "Countess of Lovelace", call=CALL).name == "Countess of Lovelace"
    assert store.note(who, "mathematician", call=CALL).notes == "mathematician"
    [found] = store.search(unit(1)[None], model_id=MODEL, call=CALL)
    assert found[0].name == "Countess of Lovelace"
    with pytest.raises(PersonNotFoundError):
        store.person("Ada")


def test_consents_come_oldest_first(store: GalleryStore) -> None:
    who = enrol(store, "Ada", 1).person.person_id
    older = consent(given_at=datetime(2024, 5, 1, tzinfo=UTC), text="older")
    person = store.add_consent(who, older, call=CALL)
    assert [record.text for record in person.consents] == ["older", "I agree."]


def test_merge_moves_everything(store: GalleryStore) -> None:
    into = store.enrol(
        [template(1)], model_id=MODEL, call=CALL, name="Ada", consent=consent(), notes="one"
    )
    gone = store.enrol(
        [template(2, picture=png("two"))],
        model_id=MODEL,
        call=CALL,
        name="A. Lovelace",
        consent=consent(document=b"%PDF"),
        notes="two",
    )
    store.search(unit(1)[None], model_id=MODEL, call=CALL)
    merged = store.merge(into.person.person_id, gone.person.person_id, call=CALL)
    assert (merged.name, merged.notes, merged.template_count) == ("Ada", "one\ntwo", 2)
    assert [c.document for c in store.person("Ada").consents] == [None, b"%PDF"]
    assert store.picture(hashlib.sha256(png("two")).hexdigest()) == png("two")
    with pytest.raises(PersonNotFoundError):
        store.person(gone.person.person_id)
    [found] = store.search(unit(2)[None], model_id=MODEL, call=CALL)
    assert [(c.name, c.template_id) for c in found] == [("Ada", gone.template_ids[0])]
    changes = store.changes()[2:]
    assert {change.person_id for change in changes} == {
        into.person.person_id,
        gone.person.person_id,
    }
    assert {change.kind for change in changes} == {"merged"}


def test_nobody_is_merged_with_themselves(store: GalleryStore) -> None:
    who = enrol(store, "Ada", 1).person.person_id
    with pytest.raises(InputError):
        store.merge(who, who, call=CALL)
    assert store.person("Ada").template_count == 1


def test_erase_removes_a_person_from_everything(store: GalleryStore) -> None:
    ada = store.enrol(
        [template(1, picture=png("own")), template(2, picture=png("shared"))],
        model_id=MODEL,
        call=CALL,
        name="Ada",
        consent=consent(),
    )
    store.enrol(
        [template(3, picture=png("shared"))],
        model_id=MODEL,
        call=CALL,
        name="Grace",
        consent=consent(),
    )
    store.search(unit(1)[None], model_id=MODEL, call=CALL)
    receipt = store.erase(ada.person.person_id, call=CALL)
    assert (receipt.person_id, receipt.templates, receipt.pictures) == (
        ada.person.person_id,
        2,
        1,
    )
    assert receipt.scrubbed
    assert [person.name for person in store.people()] == ["Grace"]
    [found] = store.search(unit(1)[None], model_id=MODEL, call=CALL)
    assert [candidate.name for candidate in found] == ["Grace"]
    assert store.picture(hashlib.sha256(png("shared")).hexdigest()) == png("shared")
    with pytest.raises(GalleryCorruptError):
        store.picture(hashlib.sha256(png("own")).hexdigest())
    assert store.template_count() == 1
    last = store.changes()[-1]
    assert (last.kind, last.person_id) == ("erased", ada.person.person_id)
    assert enrol(store, "Ada", 1).created


@pytest.mark.parametrize("digest", ["", "../gallery.db", "A" * 64, "0" * 64])
def test_a_picture_that_is_not_there_is_an_error(store: GalleryStore, digest: str) -> None:
    with pytest.raises(GalleryCorruptError):
        store.picture(digest)


# The change log


def test_the_change_log_names_who_and_what_for(store: GalleryStore) -> None:
    who = enrol(store, "Ada", 1).person.person_id
    store.rename(who, "Grace", call=Call("test:bob", "fix a name"))
    store.note(who, "x", call=CALL)
    store.add_consent(who, consent(), call=CALL)
    log = store.changes()
    assert [change.kind for change in log] == ["enrolled", "renamed", "noted", "consented"]
    assert {change.person_id for change in log} == {who}
    assert (log[1].actor, log[1].purpose) == ("test:bob", "fix a name")
    assert all(change.at.utcoffset() == timedelta(0) for change in log)
    assert store.changes(since=log[1].sequence) == log[2:]


def test_sequence_numbers_rise_and_are_never_reused(store: GalleryStore) -> None:
    seen: list[int] = []
    for _ in range(3):
        who = enrol(store, "Ada", 1).person.person_id
        store.erase(who, call=CALL)
        seen += [change.sequence for change in store.changes(since=seen[-1] if seen else 0)]
    assert len(seen) == 6
    assert seen == sorted(set(seen))


def test_two_openings_of_a_gallery_follow_each_other(opener: Opener) -> None:
    one, other = opener("shared"), opener("shared")
    ada = enrol(one, "Ada", 1).person.person_id
    steps: list[tuple[Callable[[], object], list[str]]] = [
        (lambda: None, ["Ada"]),
        (lambda: enrol(one, "Grace", 2), ["Ada", "Grace"]),
        (lambda: one.rename(ada, "Countess", call=CALL), ["Countess", "Grace"]),
        (lambda: enrol(other, "Countess", 3), ["Countess", "Grace"]),
        (lambda: one.erase(ada, call=CALL), ["Grace"]),
    ]
    for step, expected in steps:
        step()
        for store in (one, other):
            [found] = store.search(unit(1)[None], model_id=MODEL, call=CALL)
            assert sorted(candidate.name for candidate in found) == expected
            assert store.template_count(MODEL) == sum(p.template_count for p in store.people())


def test_threads_enrol_and_search_at_once(store: GalleryStore) -> None:
    def work(thread: int) -> list[str]:
        found: list[str] = []
        for number in range(4):
            seed = thread * 100 + number
            enrol(store, f"Person {seed}", seed)
            [candidates] = store.search(unit(seed)[None], model_id=MODEL, call=CALL, k=1)
            found.append(candidates[0].name)
        return found

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(work, range(4)))
    for thread, found in enumerate(results):
        assert found == [f"Person {thread * 100 + number}" for number in range(4)]
    assert store.template_count(MODEL) == len(store.people()) == 16


# Export and import


def test_an_export_imports_as_it_was(opener: Opener, tmp_path: Path) -> None:
    source, target = opener("source"), opener("target")
    source.enrol(
        [template(1, picture=png("one")), template(2)],
        model_id=MODEL,
        call=CALL,
        name="Ada",
        consent=consent(document=b"%PDF", document_name="form.pdf"),
        notes="line\nline",
    )
    source.enrol([template(1, vector=unit(1, 16))], model_id="other:1", call=CALL, name="Ada")
    enrol(source, "Grace", 3)
    assert source.export(tmp_path / "all.zip", call=CALL) == 2
    assert target.import_(tmp_path / "all.zip", call=CALL) == 2
    assert target.people() == source.people()
    assert target.person("Ada") == source.person("Ada")
    for person in source.people():
        stored = [source.templates(person.person_id), target.templates(person.person_id)]
        for before, after in zip(*stored, strict=True):
            for name in ("template_id", "model_id", "source", "created_at", "picture_digest"):
                assert getattr(before, name) == getattr(after, name)
            np.testing.assert_array_equal(before.box, after.box)
        for model in (MODEL, "other:1"):
            np.testing.assert_array_equal(
                source.vectors(person.person_id, model_id=model),
                target.vectors(person.person_id, model_id=model),
            )
    assert target.picture(hashlib.sha256(png("one")).hexdigest()) == png("one")
    assert {change.kind for change in target.changes()} == {"imported"}
    [found] = target.search(unit(3)[None], model_id=MODEL, call=CALL, k=1)
    assert found[0].name == "Grace"


def test_importing_twice_adds_nothing(opener: Opener, tmp_path: Path) -> None:
    source, target = opener("source"), opener("target")
    ada = enrol(source, "Ada", 1).person.person_id
    source.export(tmp_path / "one.zip", call=CALL)
    assert source.import_(tmp_path / "one.zip", call=CALL) == 0
    assert target.import_(tmp_path / "one.zip", call=CALL) == 1
    target.rename(ada, "Countess", call=CALL)
    enrol(source, "Ada", 2)
    source.export(tmp_path / "two.zip", call=CALL)
    before = target.changes()[-1].sequence
    assert target.import_(tmp_path / "two.zip", call=CALL) == 1
    assert target.person(ada).name == "Countess"
    assert target.person(ada).template_count == 2
    assert [change.kind for change in target.changes(since=before)] == ["imported"]


def test_importing_who_was_merged_makes_nobody(opener: Opener, tmp_path: Path) -> None:
    store = opener("one")
    into, gone = enrol(store, "Ada", 1), enrol(store, "A. Lovelace", 2)
    store.export(tmp_path / "all.zip", call=CALL)
    store.merge(into.person.person_id, gone.person.person_id, call=CALL)
    assert store.import_(tmp_path / "all.zip", call=CALL) == 0
    assert len(store.people()) == 1


def test_one_person_is_exported_alone(opener: Opener, tmp_path: Path) -> None:
    source, target = opener("source"), opener("target")
    ada = enrol(source, "Ada", 1).person.person_id
    enrol(source, "Grace", 2)
    assert source.export(tmp_path / "ada.zip", call=CALL, person_id=ada) == 1
    target.import_(tmp_path / "ada.zip", call=CALL)
    assert [person.name for person in target.people()] == ["Ada"]
    with pytest.raises(PersonNotFoundError):
        source.export(tmp_path / "none.zip", call=CALL, person_id="nobody")
    assert not (tmp_path / "none.zip").exists()


def test_an_empty_gallery_exports_and_imports(opener: Opener, tmp_path: Path) -> None:
    assert opener("source").export(tmp_path / "none.zip", call=CALL) == 0
    assert opener("target").import_(tmp_path / "none.zip", call=CALL) == 0


# Text


_texts = st.text(max_size=60)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=_texts, notes=_texts, source=st.text(st.characters(), max_size=20))
def test_any_text_is_stored_or_refused(opener: Opener, name: str, notes: str, source: str) -> None:
    store = opener("texts")
    base = template(1)
    named = NewTemplate(
        base.vector, base.detector, source, base.source_digest, base.box, base.quality
    )
    try:
        receipt = store.enrol(
            [named],
            model_id=MODEL,
            call=CALL,
            name=name,
            new=True,
            consent=consent(),
            notes=notes,
        )
    except InputError:
        store.close()
        return
    stored = store.person(receipt.person.person_id)
    [kept] = store.templates(receipt.person.person_id)
    store.close()
    assert stored.notes == notes
    assert kept.source == source.encode("utf-8", "replace").decode() or "\ufffd" in kept.source
    assert stored == receipt.person


# Closing


def test_a_closed_gallery_says_so(store: GalleryStore) -> None:
    enrol(store, "Ada", 1)
    store.close()
    store.close()
    for ask in (store.people, lambda: enrol(store, "Grace", 2)):
        with pytest.raises(GalleryError, match="closed"):
            ask()
