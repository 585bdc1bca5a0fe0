"""Grouping, against SciPy where nothing is apart, and against its own rules where something is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage

from faceprint.cluster import group
from faceprint.types import FloatArray


def unit(vectors: npt.NDArray[np.float64]) -> FloatArray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def people(seed: int, *, count: int = 40, kinds: int = 6, noise: float = 0.25) -> FloatArray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(kinds, 16))
    return unit(centres[rng.integers(0, kinds, count)] + rng.normal(0, noise, (count, 16)))


def nobody(count: int) -> npt.NDArray[np.bool_]:
    return np.zeros((count, count), dtype=bool)


def partition(labels: npt.NDArray[np.intp]) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)}


def test_three_faces_by_hand() -> None:
    angles = np.radians([0, 20, 70])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    # 0 and 1 join at cos 20 = 0.94; their mean likeness to 2 is (cos 70 + cos 50) / 2 = 0.49.
    assert group(vectors, apart=nobody(3), min_score=0.5).tolist() == [0, 0, 1]
    assert group(vectors, apart=nobody(3), min_score=0.49).tolist() == [0, 0, 0]
    assert group(vectors, apart=nobody(3), min_score=0.95).tolist() == [0, 1, 2]


def test_who_is_apart_stays_apart() -> None:
    vectors = np.tile(np.array([[1, 0]], np.float32), (3, 1))
    apart = nobody(3)
    apart[0, 1] = apart[1, 0] = True
    labels = group(vectors, apart=apart, min_score=0.5)
    assert labels[0] != labels[1]
    assert labels[2] in (labels[0], labels[1])


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("min_score", [0.2, 0.5, 0.8])
def test_without_constraints_it_is_average_linkage(seed: int, min_score: float) -> None:
    vectors = people(seed)
    distances = 1 - np.clip(vectors.astype(np.float64) @ vectors.T.astype(np.float64), -1, 1)
    condensed = distances[np.triu_indices(len(vectors), 1)]
    expected = fcluster(linkage(condensed, "average"), 1 - min_score, "distance")
    found = group(vectors, apart=nobody(len(vectors)), min_score=min_score)
    assert partition(found) == partition(expected.astype(np.intp))


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(-1, 1))
def test_rules(seed: int, count: int, min_score: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = people(seed, count=count)
    apart = rng.random((count, count)) < 0.15
    apart = (apart | apart.T) & ~np.eye(count, dtype=bool)
    labels = group(vectors, apart=apart, min_score=min_score)
    together = labels[:, None] == labels[None]
    assert not (together & apart).any()
    firsts = [int(np.flatnonzero(labels == label)[0]) for label in range(labels.max() + 1)]
    assert firsts == sorted(firsts)
    order = rng.permutation(count)
    again = group(vectors[order], apart=apart[np.ix_(order, order)], min_score=min_score)
    back = np.empty_like(again)
    back[order] = again
    assert partition(back) == partition(labels)


def test_nobody_is_no_group() -> None:
    assert group(np.zeros((0, 4), np.float32), apart=nobody(0), min_score=0.5).tolist() == []
