"""Matching of finds with labelled faces, against the plain loop that it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faceprint.evaluate.detection.matching import (
    IGNORED,
    UNMATCHED,
    first_choices,
    match_finds,
)


def one_by_one(overlaps: Any, ignored: Any, iou: float) -> list[int]:
    """As COCO does it: each find in turn takes the best face that is left."""
    taken: set[int] = set()
    partners = []
    for row in overlaps:
        free = [
            g for g, value in enumerate(row) if value >= iou and g not in taken and not ignored[g]
        ]
        if free:
            best = max(free, key=lambda g: row[g])
            taken.add(best)
            partners.append(best)
        else:
            beside = any(value >= iou and left for value, left in zip(row, ignored, strict=True))
            partners.append(IGNORED if beside else UNMATCHED)
    return partners


@given(st.data())
def test_choosing_at_once_is_choosing_in_turn(data: st.DataObject) -> None:
    finds, faces = data.draw(st.integers(0, 9)), data.draw(st.integers(0, 6))
    shares = st.integers(0, 20).map(lambda n: np.float32(n / 20))
    overlaps = data.draw(arrays(np.float32, (finds, faces), elements=shares))
    ignored = data.draw(arrays(np.bool_, faces))
    found = match_finds(overlaps, ignored, iou=0.5)
    assert found.tolist() == one_by_one(overlaps.tolist(), ignored, 0.5)


def test_a_hand_worked_case() -> None:
    # The first takes face 1; the second wanted it too and takes face 0; the third comes too late; the
    # fourth lies on an ignored face, and so does the fifth; the sixth lies nowhere.
    overlaps = np.array(
        [
            [0.55, 0.90, 0.0],
            [0.60, 0.80, 0.0],
            [0.70, 0.70, 0.0],
            [0.00, 0.00, 0.9],
            [0.00, 0.49, 0.5],
            [0.10, 0.20, 0.3],
        ],
        dtype=np.float32,
    )
    ignored = np.array([False, False, True])
    found = match_finds(overlaps, ignored, iou=0.5)
    assert found.tolist() == [1, 0, UNMATCHED, IGNORED, IGNORED, UNMATCHED]


def test_the_official_way_gives_each_find_one_choice() -> None:
    overlaps = np.array([[0.9, 0.6], [0.8, 0.7], [0.2, 0.55], [0.3, 0.1]], dtype=np.float32)
    chosen = first_choices(overlaps, np.array([False, False]), iou=0.5)
    assert chosen.tolist() == [0, UNMATCHED, 1, UNMATCHED]
    chosen = first_choices(overlaps, np.array([True, False]), iou=0.5)
    assert chosen.tolist() == [IGNORED, IGNORED, 1, UNMATCHED]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nothing_to_match(shape: tuple[int, int]) -> None:
    overlaps, ignored = np.zeros(shape, np.float32), np.zeros(shape[1], bool)
    assert match_finds(overlaps, ignored, iou=0.5).tolist() == [UNMATCHED] * shape[0]
    assert first_choices(overlaps, ignored, iou=0.5).tolist() == [UNMATCHED] * shape[0]
