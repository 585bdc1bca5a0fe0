from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.gallery.index import Hit, ModelIndex, SearchPlan
from faceprint.gallery.memory import Keys, TemplateRows
from faceprint.types import FloatArray

D = 8
FLOATS = SearchPlan(few_rows=0, listed=8)
BYTES = SearchPlan(
    has_codes=True, codes_from=1, rows_per_scan=4, most_scans=2, most_probes=2, few_rows=0, listed=8
)
PLANS = {"all people": SearchPlan(), "floats": FLOATS, "bytes": BYTES}

plans = pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)


def unit(vectors: FloatArray) -> FloatArray:
    scaled: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def vectors_of(kind: str, seed: int, count: int) -> FloatArray:
    """(N, D) unit vectors: strangers, lookalikes, some that differ in the last bits, or doubles."""
    random = np.random.default_rng(seed)
    strangers = random.standard_normal((count, D)).astype(np.float32)
    if kind == "strangers":
        return unit(strangers)
    if kind == "doubles":
        return unit(strangers)[random.integers(0, max(1, count // 4), count)]
    if kind == "axes":
        return np.eye(D, dtype=np.float32)[random.integers(0, D, count)]
    spread = np.float32({"lookalikes": 0.05, "last bits": 1e-6}[kind])
    return unit(strangers[:1] + spread * random.standard_normal((count, D)).astype(np.float32))


KINDS = st.sampled_from(["strangers", "lookalikes", "last bits", "doubles", "axes"])
SEEDS = st.integers(0, 2**32 - 1)


def rows_of(vectors: FloatArray, owners: list[int], *, first_key: int = 100) -> TemplateRows:
    keys = np.arange(first_key, first_key + len(owners), dtype=np.int64)
    return TemplateRows(vectors, keys, np.array(owners, dtype=np.int64))


def brute_force(rows: TemplateRows, probe: FloatArray, k: int) -> list[Hit]:
    """The answer by definition: each person's best template, ties to whoever was enrolled first."""
    scored = [
        (-float(np.vecdot(vector, probe)), int(owner), int(key))
        for vector, key, owner in zip(*rows, strict=True)
    ]
    best: dict[int, Hit] = {}
    for score, owner, key in sorted(scored):
        best.setdefault(owner, Hit(owner, key, float(np.clip(-score, -1, 1))))
    return list(best.values())[:k]


@plans
@settings(max_examples=60, deadline=None)
@given(
    owners=st.lists(st.integers(1, 30), min_size=1, max_size=80),
    kind=KINDS,
    seed=SEEDS,
    k=st.integers(1, 8),
    probes=st.integers(1, 4),
)
def test_search_equals_brute_force(
    plan: SearchPlan, owners: list[int], kind: str, seed: int, k: int, probes: int
) -> None:
    rows = rows_of(vectors_of(kind, seed, len(owners)), owners)
    asked = np.concatenate([vectors_of(kind, seed, 2), vectors_of("strangers", seed + 1, 2)])
    hits = ModelIndex.of(rows, sequence=1, plan=plan).search(asked[:probes], k=k)
    assert hits == [brute_force(rows, probe, k) for probe in asked[:probes]]


class People:
    """What a database would hold: the templates of each person."""

    def __init__(self, plan: SearchPlan) -> None:
        self.held: dict[int, list[tuple[int, FloatArray]]] = {}
        self.next_key = 1
        self.index = ModelIndex.of(self.rows([]), sequence=0, plan=plan)

    def rows(self, people: list[int]) -> TemplateRows:
        found = [(k, v, who) for who in people for k, v in self.held.get(who, [])]
        vectors = np.array([v for _, v, _ in found], dtype=np.float32).reshape(-1, D)
        keys: Keys = np.array([k for k, _, _ in found], dtype=np.int64)
        return TemplateRows(vectors, keys, np.array([w for _, _, w in found], dtype=np.int64))

    def enrol(self, who: int, vectors: FloatArray) -> None:
        for vector in vectors:
            self.held.setdefault(who, []).append((self.next_key, vector))
            self.next_key += 1
        self.update([who])

    def merge(self, into: int, gone: int) -> None:
        if into != gone:
            self.held.setdefault(into, []).extend(self.held.pop(gone, []))
            self.held[into].sort(key=lambda one: one[0])
            self.update([into, gone])

    def erase(self, who: int) -> None:
        self.held.pop(who, None)
        self.update([who])

    def update(self, people: list[int]) -> None:
        rows = self.rows(people)
        self.index = self.index.patched(people, rows, sequence=self.index.sequence + 1)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["enrol", "enrol", "merge", "erase"]), st.integers(1, 9), st.integers(1, 9)
    ),
    max_size=25,
)


@plans
@settings(max_examples=40, deadline=None)
@given(changes=CHANGES, kind=KINDS, seed=SEEDS)
def test_an_index_follows_every_change(
    plan: SearchPlan, changes: list[tuple[str, int, int]], kind: str, seed: int
) -> None:
    people = People(plan)
    vectors = vectors_of(kind, seed, 300)
    for number, (change, who, other) in enumerate(changes):
        if change == "enrol":
            people.enrol(who, vectors[number * 10 : number * 10 + other])
        elif change == "merge":
            people.merge(who, other)
        else:
            people.erase(who)
        probes = vectors[number * 10 : number * 10 + 3]
        rows = people.rows(sorted(people.held))
        assert people.index.search(probes, k=3) == [brute_force(rows, p, 3) for p in probes]


def test_an_enrolment_copies_no_other_templates() -> None:
    before = ModelIndex.of(rows_of(vectors_of("strangers", 0, 50), [*range(50)]), sequence=1)
    after = before.patched([70], rows_of(vectors_of("strangers", 1, 2), [70] * 2), sequence=2)
    assert np.shares_memory(before.vectors, after.vectors)
    assert (before.count, after.count) == (50, 52)
    merged = after.patched([3, 70], rows_of(after.vectors[50:], [3, 3]), sequence=3)
    assert np.shares_memory(after.vectors, merged.vectors)


def test_an_older_index_can_be_patched_again() -> None:
    base = ModelIndex.of(rows_of(vectors_of("strangers", 0, 5), [*range(5)]), sequence=1)
    new = vectors_of("strangers", 1, 2)
    one = base.patched([8], rows_of(new[:1], [8], first_key=200), sequence=2)
    other = base.patched([9], rows_of(new[1:], [9], first_key=300), sequence=2)
    assert [hit[0].person_key for hit in one.search(new[:1], k=1)] == [8]
    assert [hit[0].person_key for hit in other.search(new[1:], k=1)] == [9]


@plans
def test_who_is_erased_vanishes_from_older_indexes_too(plan: SearchPlan) -> None:
    vectors = vectors_of("strangers", 0, 40)
    before = ModelIndex.of(rows_of(vectors, [*range(40)]), sequence=1, plan=plan)
    after = before.patched([7], rows_of(vectors[:0], []), sequence=2)
    for index in (before, after):
        assert vectors[7].tobytes() not in index.vectors.tobytes()
        [hits] = index.search(vectors[7:8], k=40)
        assert sorted(hit.person_key for hit in hits) == [n for n in range(40) if n != 7]


def test_forgotten_rows_are_dropped_once_they_are_many() -> None:
    count = 10_000
    index = ModelIndex.of(rows_of(vectors_of("strangers", 0, count), [*range(count)]), sequence=1)
    none = rows_of(index.vectors[:0], [])
    assert index.patched([*range(4000)], none, sequence=2).count == count
    left = index.patched([*range(4000, 5000)], none, sequence=3)
    assert left.count == 5000
    np.testing.assert_array_equal(left.owners, np.arange(5000, count))


def test_people_are_erased_while_others_are_searched() -> None:
    people = People(BYTES)
    vectors = vectors_of("strangers", 0, 64)
    for who in range(64):
        people.enrol(who, vectors[who : who + 1])

    def search_until(last: int) -> list[bool]:
        """For each search, whether somebody came back whose erasure was over before it."""
        seen = []
        while (sequence := people.index.sequence) < last:
            erased = range(sequence - 64)
            [hits] = people.index.search(vectors[len(erased) // 2][None], k=8)
            seen.append(any(hit.person_key in erased for hit in hits))
        return seen

    with ThreadPoolExecutor(2) as threads:
        searching = [threads.submit(search_until, 64 + 60) for _ in range(2)]
        for who in range(60):
            people.erase(who)
        assert not any(back for search in searching for back in search.result())


def test_an_index_without_rows_finds_nobody() -> None:
    index = ModelIndex.of(rows_of(vectors_of("strangers", 0, 0), []), sequence=1, plan=BYTES)
    assert index.search(vectors_of("strangers", 0, 3), k=2) == [[], [], []]
    assert index.search(vectors_of("strangers", 0, 0), k=2) == []


@plans
def test_many_doubles_are_ranked_by_enrolment(plan: SearchPlan) -> None:
    vectors = np.tile(vectors_of("strangers", 0, 50), (400, 1))
    index = ModelIndex.of(rows_of(vectors, [*range(20_000)]), sequence=1, plan=plan)
    hits = index.search(vectors[:3], k=3)
    assert [[hit.person_key for hit in one] for one in hits] == [
        [number, number + 50, number + 100] for number in range(3)
    ]


def test_many_probes_are_searched_in_parts() -> None:
    owners = np.arange(200_000, dtype=np.int64)
    vectors = np.tile(vectors_of("strangers", 0, 2000), (100, 1))
    index = ModelIndex.of(TemplateRows(vectors, owners, owners), sequence=1)
    probes = vectors_of("strangers", 3, 90)
    hits = index.search(probes, k=1)
    nearest = (probes @ vectors[:2000].T).argmax(axis=1)
    assert [hit[0].person_key for hit in hits] == nearest.tolist()


def test_scores_stay_within_minus_one_and_one() -> None:
    index = ModelIndex.of(rows_of(vectors_of("strangers", 0, 1), [1]), sequence=1)
    [[hit]] = index.search(index.vectors * np.float32(1.0005), k=1)
    assert hit.score == 1.0
    [[hit]] = index.search(-index.vectors * np.float32(1.0005), k=1)
    assert hit.score == -1.0
