"""A gallery against a dictionary, through any order of calls."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from faceprint.gallery import Call, Consent, NewTemplate, open_gallery
from faceprint.types import FloatArray

CALL = Call("test:ana", "enrol")
MODEL = "m"


def unit(seed: int) -> FloatArray:
    vector = np.random.default_rng(seed).standard_normal(4).astype(np.float32)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class Galleries(RuleBasedStateMachine):
    """Two openings of one gallery, and what should be in it: seeds of vectors by person."""

    ids: Bundle[str] = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(self.folder.name) / "people.db"
        self.stores = [open_gallery(path), open_gallery(path)]
        self.names: dict[str, str] = {}
        self.seeds: dict[str, list[int]] = {}
        self.calls = 0

    @rule(target=ids, which=st.integers(0, 1), name=st.sampled_from("abc"), count=st.integers(1, 3))
    def enrol_new(self, which: int, name: str, count: int) -> str:
        return self._enrol(which, count, name=name)

    @rule(which=st.integers(0, 1), who=ids, count=st.integers(1, 2))
    def enrol_more(self, which: int, who: str, count: int) -> None:
        if who in self.names:
            self._enrol(which, count, who=who)

    def _enrol(self, which: int, count: int, *, name: str = "", who: str | None = None) -> str:
        self.calls += 1
        seeds = [self.calls * 10 + number for number in range(count)]
        templates = [
            NewTemplate(
                unit(seed),
                "yunet",
                f"{seed}.jpg",
                hashlib.sha256(str(seed).encode()).hexdigest(),
                np.array([0, 0, 9, 9], dtype=np.float32),
                0.5,
                picture=b"\xff\xd8\xff" + str(seed % 3).encode(),
            )
            for seed in seeds
        ]
        receipt = self.stores[which].enrol(
            templates,
            model_id=MODEL,
            call=CALL,
            name=None if who else name,
            person_id=who,
            new=who is None,
            consent=Consent("Yes.", "door", datetime.now(UTC), "ana"),
        )
        found = receipt.person.person_id
        self.names.setdefault(found, name)
        self.seeds.setdefault(found, []).extend(seeds)
        return found

    @rule(which=st.integers(0, 1), who=ids, name=st.sampled_from("abcd"))
    def rename(self, which: int, who: str, name: str) -> None:
        if who in self.names:
            self.stores[which].rename(who, name, call=CALL)
            self.names[who] = name

    @rule(which=st.integers(0, 1), into=ids, gone=consumes(ids))
    def merge(self, which: int, into: str, gone: str) -> None:
        if into != gone and {into, gone} <= self.names.keys():
            self.stores[which].merge(into, gone, call=CALL)
            self.seeds[into] += self.seeds.pop(gone)
            del self.names[gone]

    @rule(which=st.integers(0, 1), who=consumes(ids))
    def erase(self, which: int, who: str) -> None:
        if who in self.names:
            receipt = self.stores[which].erase(who, call=CALL)
            assert receipt.templates == len(self.seeds.pop(who))
            del self.names[who]

    @rule(which=st.integers(0, 1), seed=st.integers(0, 99))
    def search(self, which: int, seed: int) -> None:
        [found] = self.stores[which].search(unit(seed)[None], model_id=MODEL, call=CALL, k=3)
        best = {
            who: max(float(unit(one) @ unit(seed)) for one in seeds)
            for who, seeds in self.seeds.items()
        }
        np.testing.assert_allclose(
            [candidate.score for candidate in found], sorted(best.values())[::-1][:3], atol=1e-5
        )
        for candidate in found:
            assert abs(candidate.score - best[candidate.person_id]) < 1e-5
            assert candidate.name == self.names[candidate.person_id]

    @invariant()
    def people_are_those_expected(self) -> None:
        for store in self.stores:
            people = {person.person_id: person for person in store.people()}
            assert {who: person.name for who, person in people.items()} == self.names
            counts = {who: person.template_count for who, person in people.items()}
            assert counts == {who: len(seeds) for who, seeds in self.seeds.items()}

    @invariant()
    def pictures_are_those_named(self) -> None:
        folder = Path(self.folder.name) / "people.db.pictures"
        kept = {path.name for path in folder.rglob("*") if path.is_file()}
        named = {
            hashlib.sha256(b"\xff\xd8\xff" + str(seed % 3).encode()).hexdigest()
            for seeds in self.seeds.values()
            for seed in seeds
        }
        assert kept == named

    def teardown(self) -> None:
        for store in self.stores:
            store.close()
        self.folder.cleanup()


TestGalleries = Galleries.TestCase
TestGalleries.settings = settings(max_examples=6, stateful_step_count=15, deadline=None)
