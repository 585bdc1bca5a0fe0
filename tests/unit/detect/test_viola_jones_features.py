"""Integral images and Haar-like features, held against sums by hand and against scikit-image."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import haar_like_feature

from faceprint.detect.viola_jones.haar import (
    FEATURE_KINDS,
    Feature,
    enumerate_features,
    responses,
    table_of,
)
from faceprint.detect.viola_jones.integral import (
    inverse_deviations,
    rectangle_sums,
    squared_sums,
    summed,
)

PHOTO = np.random.default_rng(6).integers(0, 256, (31, 40), dtype=np.uint8)
WINDOWS = np.random.default_rng(7).integers(0, 256, (3, 24, 24), dtype=np.uint8)


def test_each_value_is_the_sum_of_all_pixels_above_and_left_of_it() -> None:
    sums, squares = summed(PHOTO), squared_sums(PHOTO)
    assert sums.shape == squares.shape == (32, 41)
    for y, x in ((0, 0), (1, 1), (7, 40), (31, 3), (31, 40)):
        part = PHOTO[:y, :x].astype(int)
        assert sums[y, x] == sum(int(v) for v in part.ravel())
        assert squares[y, x] == sum(int(v) ** 2 for v in part.ravel())


def test_four_look_ups_give_any_rectangle() -> None:
    sums = summed(PHOTO)
    for top, left, height, width in ((0, 0, 31, 40), (3, 5, 1, 1), (10, 0, 7, 33), (30, 39, 1, 1)):
        wanted = int(PHOTO[top : top + height, left : left + width].astype(int).sum())
        assert rectangle_sums(sums, top, left, height, width) == wanted


def test_sums_that_wrap_give_right_differences() -> None:
    bright = np.full((300, 300), 255, dtype=np.uint8)
    squares = squared_sums(bright)
    assert 255**2 * 300 * 300 > 2**31 > squares.max()
    assert rectangle_sums(squares, 270, 270, 24, 24) == 255**2 * 24 * 24


def test_a_batch_is_summed_window_by_window() -> None:
    assert np.array_equal(summed(WINDOWS), np.stack([summed(one) for one in WINDOWS]))


@pytest.mark.parametrize("step", [1, 2, 3])
def test_deviations_of_all_windows(step: int) -> None:
    found = inverse_deviations(summed(PHOTO), squared_sums(PHOTO), 24, step=step)
    wanted = [
        [1 / PHOTO[y : y + 24, x : x + 24].std() for x in range(0, 17, step)]
        for y in range(0, 8, step)
    ]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)


@pytest.mark.parametrize("level", [0, 77, 255])
def test_flat_windows_are_not_stretched(level: int) -> None:
    flat = np.full((24, 24), level, dtype=np.uint8)
    assert inverse_deviations(summed(flat), squared_sums(flat), 24).tolist() == [[1.0]]


def test_all_features_of_the_paper() -> None:
    table = enumerate_features()
    assert len(table) == 162_336
    assert table.counts() == {
        "edge-vertical": 43_200,
        "edge-horizontal": 43_200,
        "line-vertical": 27_600,
        "line-horizontal": 27_600,
        "checker": 20_736,
    }
    rows = {
        (int(kind), *place) for kind, place in zip(table.kinds, table.places.tolist(), strict=True)
    }
    assert len(rows) == len(table)


@pytest.mark.parametrize("kind", FEATURE_KINDS)
def test_enumeration_against_plain_loops(kind: str) -> None:
    cells = FEATURE_KINDS[kind]
    across, down = len(cells[0]), len(cells)
    wanted = {
        (x, y, width, height)
        for width in range(across, 9, across)
        for height in range(down, 9, down)
        for x in range(9 - width)
        for y in range(9 - height)
    }
    assert {tuple(place) for place in enumerate_features(8, [kind]).places.tolist()} == wanted


def test_responses_are_differences_of_sums_by_hand() -> None:
    table = enumerate_features()
    table = table.part(np.random.default_rng(1).permutation(len(table))[:400])
    scales = np.array([1, 0.5, 0.25], dtype=np.float32)
    found = responses(table, summed(WINDOWS), scales)
    for column in range(len(table)):
        for row, window in enumerate(WINDOWS.astype(int)):
            by_hand = sum(
                weight * window[y : y + height, x : x + width].sum()
                for x, y, width, height, weight in table.feature(column).cells()
            )
            assert found[row, column] == np.float32(by_hand) * scales[row]


@pytest.mark.parametrize(
    ("kind", "theirs"),
    [("edge-vertical", "type-2-x"), ("edge-horizontal", "type-2-y"), ("checker", "type-4")],
)
def test_scikit_image_has_the_same_features(kind: str, theirs: str) -> None:
    window = WINDOWS[0, :10, :10]
    ours = responses(enumerate_features(10, [kind]), summed(window[None]), np.ones(1, np.float32))[
        0
    ]
    # Theirs subtracts the first rectangle, and comes in another order.
    reference = -haar_like_feature(summed(window)[1:, 1:].astype(np.int64), 0, 0, 10, 10, theirs)
    assert sorted(ours.tolist()) == sorted(reference.astype(float).tolist())


def test_even_light_moves_no_feature() -> None:
    brighter = (WINDOWS[:1] // 2 + 100).astype(np.uint8)
    table = enumerate_features().part(np.arange(0, 162_336, 997))
    ones = np.ones(1, np.float32)
    darker = responses(table, summed(WINDOWS[:1] // 2), ones)
    assert np.array_equal(responses(table, summed(brighter), ones), darker)


def test_a_table_of_features_gives_them_back() -> None:
    features = [Feature("checker", 1, 2, 8, 6), Feature("line-vertical", 0, 0, 24, 24)]
    table = table_of(features)
    assert [table.feature(0), table.feature(1)] == features
