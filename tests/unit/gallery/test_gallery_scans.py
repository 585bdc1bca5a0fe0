from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint import Faceprint
from faceprint.errors import InputError, MissingExtraError
from faceprint.gallery import open_gallery
from faceprint.gallery.index import ModelIndex, SearchPlan
from faceprint.gallery.memory import TemplateRows
from faceprint.gallery.scans import ByteScan, FloatScan, PackedScan, Scan
from faceprint.types import FloatArray

COUNT = 20_000
D = 32


def units(seed: int, count: int, dimension: int = D) -> FloatArray:
    drawn = np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    scaled: FloatArray = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return scaled


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 300),
    dimension=st.sampled_from([1, 3, 16, 128, 512]),
    probes=st.integers(1, 4),
    listed=st.integers(1, 40),
    scan=st.sampled_from([ByteScan, FloatScan]),
)
def test_no_row_that_is_not_listed_scores_above_the_ceiling(
    seed: int,
    count: int,
    dimension: int,
    probes: int,
    listed: int,
    scan: type[ByteScan] | type[FloatScan],
) -> None:
    vectors, asked = units(seed, count, dimension), units(seed + 1, probes, dimension)
    for probe, found in zip(asked, scan(vectors, 1000).nearest(asked, listed), strict=True):
        others = np.setdiff1d(np.arange(count), found.rows - 1000)
        assert len(found.rows) >= min(listed, count)
        assert np.all(np.vecdot(vectors[others], probe) <= found.ceiling)


@pytest.mark.parametrize("dimension", [2, 31, 128])
def test_bytes_are_off_by_no_more_than_they_say(dimension: int) -> None:
    vectors, probes = units(0, 5000, dimension), units(1, 3, dimension)
    scan = ByteScan(vectors)
    scores, rows = scan._codes.search(probes, 5000)
    true = np.take_along_axis((probes @ vectors.T), rows, axis=1)
    assert 0.001 < np.abs(scores - true).max() <= scan.error < 0.03


@pytest.mark.parametrize("kind", [ByteScan, PackedScan])
def test_a_scan_forgets_rows_and_keeps_the_others(kind: type[ByteScan] | type[PackedScan]) -> None:
    vectors = units(0, 2000)
    scan: Scan = kind(vectors, 500)
    gone = np.array([3, 40, 41, 999, 1999]) + 500
    others = np.setdiff1d(np.arange(2000), gone - 500)[:50]
    before = [found.rows[0] for found in scan.nearest(vectors[others], 1)]
    scan.forget(np.concatenate([gone, [0, 499, 2500]]))
    assert [found.rows[0] for found in scan.nearest(vectors[others], 1)] == before
    assert before == (others + 500).tolist()
    for found in scan.nearest(vectors[gone - 500], 20):
        assert not np.isin(gone, found.rows).any()


def test_approximate_search_finds_99_of_100_lookalikes() -> None:
    vectors = units(0, COUNT)
    owners = np.arange(COUNT, dtype=np.int64) // 2
    rows = TemplateRows(vectors, np.arange(COUNT, dtype=np.int64), owners)
    plan = SearchPlan("approximate", has_codes=True, codes_from=COUNT)
    approximate = ModelIndex.of(rows, sequence=1, plan=plan)
    exact = ModelIndex.of(rows, sequence=1)
    probes = units(1, 100)
    pairs = zip(approximate.search(probes, k=5), exact.search(probes, k=5), strict=True)
    assert isinstance(approximate.scans[0], PackedScan)
    found = [len(set(some) & set(all_)) for some, all_ in pairs]
    assert sum(found) >= 0.99 * 500


def test_approximate_search_ranks_people_and_follows_changes() -> None:
    vectors = units(0, COUNT)
    # One person holds all templates that are nearest to the probe, and more than a short list.
    owners = np.arange(COUNT, dtype=np.int64)
    owners[np.argsort(-vectors @ vectors[0])[:600]] = COUNT
    rows = TemplateRows(vectors, np.arange(COUNT, dtype=np.int64), owners)
    plan = SearchPlan("approximate", has_codes=True, codes_from=COUNT, rows_per_scan=5000)
    index = ModelIndex.of(rows, sequence=1, plan=plan)
    expected = ModelIndex.of(rows, sequence=1).search(vectors[:1], k=3)
    assert index.search(vectors[:1], k=3) == expected
    first = expected[0][0].person_key
    index = index.patched([first], rows.chosen(owners < 0), sequence=2)
    new = TemplateRows(vectors[:1], np.array([COUNT]), np.array([COUNT + 1]))
    index = index.patched([COUNT + 1], new, sequence=3)
    [hits] = index.search(vectors[:1], k=2)
    assert [hits[0].person_key, hits[1]] == [COUNT + 1, expected[0][1]]


def test_odd_dimensions_are_searched_approximately_by_bytes() -> None:
    plan = SearchPlan("approximate", has_codes=True)
    assert isinstance(plan.scan(units(0, 100, 7), 0), ByteScan)
    assert isinstance(plan.scan(units(0, 2000, 8), 0), PackedScan)


def test_codes_are_made_in_groups_and_then_anew() -> None:
    plan = SearchPlan(has_codes=True, codes_from=100, rows_per_scan=10, most_scans=3)
    vectors = units(0, 200)
    index = ModelIndex.of(
        TemplateRows(vectors[:0], *2 * [np.empty(0, np.int64)]), sequence=0, plan=plan
    )
    seen = []
    for number in range(0, 150, 5):
        keys = np.arange(number, number + 5, dtype=np.int64)
        new = TemplateRows(vectors[number : number + 5], keys, keys)
        index = index.patched(keys.tolist(), new, sequence=number)
        seen.append((index.count, len(index.scans), index.coded))
    assert seen[18:28] == [
        (95, 0, 0),
        (100, 1, 100),
        (105, 1, 100),
        (110, 2, 110),
        (115, 2, 110),
        (120, 3, 120),
        (125, 3, 120),
        (130, 1, 130),
        (135, 1, 130),
        (140, 2, 140),
    ]


def test_without_its_extra_approximate_search_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"faceprint\[faiss\]"):
        open_gallery(tmp_path / "people.db", search="approximate")
    assert not (tmp_path / "people.db").exists()
    open_gallery(tmp_path / "people.db", search="auto").close()


def test_the_setting_reaches_the_gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPRINT_SEARCH", "approximate")
    monkeypatch.setitem(sys.modules, "faiss", None)
    with Faceprint(gallery=str(tmp_path / "people.db")) as faces, pytest.raises(MissingExtraError):
        _ = faces.gallery


def test_an_unknown_way_of_searching_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="auto, exact, approximate"):
        open_gallery(tmp_path / "people.db", search="fast")  # type: ignore[arg-type]
