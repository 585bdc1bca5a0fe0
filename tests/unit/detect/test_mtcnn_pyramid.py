"""The pyramid of MTCNN on its canvas."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprint.detect.mtcnn_pyramid import Pyramid, plan_pyramid


def plan(height: int, width: int, min_face_px: float = 20) -> Pyramid:
    found = plan_pyramid(height, width, min_face_px=min_face_px, scale_factor=0.709)
    assert found is not None
    return found


@given(st.integers(20, 700), st.integers(20, 700))
def test_levels_lie_side_by_side(height: int, width: int) -> None:
    pyramid = plan(height, width)
    taken = np.zeros((pyramid.height, pyramid.width), dtype=int)
    for level in pyramid.levels:
        assert all(n % 2 == 0 for n in (level.top, level.left, level.height, level.width))
        area = taken[level.top : level.top + level.height, level.left : level.left + level.width]
        assert area.shape == (level.height, level.width)
        area += 1
    assert taken.max() == 1


@given(st.integers(20, 700), st.integers(20, 700), st.sampled_from([12.0, 20.0, 33.0]))
def test_windows_of_a_level_lie_inside_it(height: int, width: int, min_face_px: float) -> None:
    pyramid = plan_pyramid(height, width, min_face_px=min_face_px, scale_factor=0.709)
    if pyramid is None:
        assert min(height, width) < min_face_px
        return
    for index, level in enumerate(pyramid.levels):
        rows, columns = np.nonzero(pyramid.level_of_window == index)
        assert len(rows) == (level.height // 2 - 5) * (level.width // 2 - 5)
        assert (2 * rows.min(), 2 * columns.min()) == (level.top, level.left)
        assert 2 * rows.max() + 12 == level.top + level.height
        boxes = pyramid.windows(rows, columns)
        np.testing.assert_allclose(boxes.min(axis=0)[:2], 0, atol=1e-3)
        np.testing.assert_allclose(boxes.max(axis=0)[2:], [width, height], rtol=1e-5)


def test_sizes_shrink_by_the_factor_down_to_one_window() -> None:
    pyramid = plan(250, 250)
    sides = [level.height for level in pyramid.levels]
    assert sides == [150, 106, 76, 54, 38, 26, 20, 14]


def test_the_first_window_fits_the_smallest_face() -> None:
    box = plan(200, 300).windows(np.array([0]), np.array([0]))[0]
    np.testing.assert_allclose(box, [0, 0, 20, 20])


def test_draws_each_level() -> None:
    image = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    pyramid = plan(90, 120)
    canvas = np.zeros((pyramid.height, pyramid.width, 3), dtype=np.uint8)
    pyramid.draw(image, canvas)
    for level in pyramid.levels:
        drawn = canvas[level.top : level.top + level.height, level.left : level.left + level.width]
        wanted = cv2.resize(image, (level.width, level.height), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(drawn, wanted)


@given(st.integers(200, 1500), st.integers(200, 1500))
def test_little_of_the_canvas_is_wasted(height: int, width: int) -> None:
    pyramid = plan(height, width)
    used = sum(level.height * level.width for level in pyramid.levels)
    assert used > 0.7 * pyramid.height * pyramid.width


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (19, 400), (400, 19)], ids=str)
def test_no_plan_where_no_window_fits(size: tuple[int, int]) -> None:
    assert plan_pyramid(*size, min_face_px=20, scale_factor=0.709) is None


def test_levels_descend() -> None:
    levels = plan(480, 640).levels
    assert all(a.height > b.height and a.width > b.width for a, b in pairwise(levels))
