from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from faceprint.gallery.index import ModelIndex
from faceprint.types import FloatArray

D = 4


def units(seed: int, count: int) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((count, D)).astype(np.float32)
    unit_vectors: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit_vectors


def index_of(owners: list[int], *, seed: int = 0, first_key: int = 100) -> ModelIndex:
    keys = np.arange(first_key, first_key + len(owners), dtype=np.int64)
    return ModelIndex.of(
        units(seed, len(owners)), keys, np.array(owners, dtype=np.int64), sequence=1
    )


def brute_force(index: ModelIndex, probe: FloatArray) -> list[tuple[int, int, float]]:
    scores = index.vectors @ probe
    best: dict[int, tuple[int, float]] = {}
    rows: npt.NDArray[np.intp] = np.arange(len(scores))
    for row in rows:
        owner = int(index.owners[row])
        if owner not in best or scores[row] > best[owner][1]:
            best[owner] = (int(index.template_keys[row]), float(scores[row]))
    ranked = [(owner, key, score) for owner, (key, score) in best.items()]
    return sorted(ranked, key=lambda hit: -hit[2])


_owners = st.lists(st.integers(1, 6), min_size=1, max_size=20)


@given(_owners, st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 4))
def test_search_equals_brute_force(owners: list[int], seed: int, k: int, probes: int) -> None:
    index = index_of(owners, seed=seed)
    hits, *_ = index.search(np.tile(units(seed + 1, 1), (probes, 1)), k=k)
    expected = brute_force(index, units(seed + 1, 1)[0])[:k]
    np.testing.assert_allclose([hit.score for hit in hits], [e[2] for e in expected], atol=1e-6)
    by_owner = {
        owner: (key, score) for owner, key, score in brute_force(index, units(seed + 1, 1)[0])
    }
    for hit in hits:
        key, score = by_owner[hit.person_key]
        assert hit.template_key == key
        assert abs(hit.score - score) < 1e-6


@settings(max_examples=50)
@given(_owners, st.sets(st.integers(1, 8), min_size=1), st.integers(0, 6))
def test_a_patched_index_equals_a_rebuilt_one(
    owners: list[int], changed: set[int], added: int
) -> None:
    index = index_of(owners)
    new_owners = [sorted(changed)[number % len(changed)] for number in range(added)]
    rows = index_of(new_owners, seed=7, first_key=500)
    patched = index.patched(sorted(changed), rows, sequence=9)
    stay = ~np.isin(index.owners, sorted(changed))
    rebuilt = ModelIndex.of(
        np.concatenate([index.vectors[stay], rows.vectors]),
        np.concatenate([index.template_keys[stay], rows.template_keys]),
        np.concatenate([index.owners[stay], rows.owners]),
        sequence=9,
    )
    assert patched.sequence == 9
    for name in ("vectors", "template_keys", "owners", "people", "starts"):
        np.testing.assert_array_equal(getattr(patched, name), getattr(rebuilt, name))


def test_many_probes_are_searched_in_parts() -> None:
    owners = np.arange(200_000, dtype=np.int64)
    index = ModelIndex(np.tile(units(0, 50), (4000, 1)), owners, owners, 1)
    probes = units(3, 200)
    hits = index.search(probes, k=1)
    nearest = (probes @ units(0, 50).T).argmax(axis=1)
    assert [hit[0].person_key for hit in hits] == nearest.tolist()


def test_scores_stay_within_minus_one_and_one() -> None:
    index = index_of([1])
    [[hit]] = index.search(index.vectors * np.float32(1.0005), k=1)
    assert hit.score == 1.0
    [[hit]] = index.search(-index.vectors * np.float32(1.0005), k=1)
    assert hit.score == -1.0
