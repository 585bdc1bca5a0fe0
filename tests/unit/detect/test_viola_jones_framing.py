"""The square that a cascade sees of a face, and the box that goes with it."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.detect.viola_jones.framing import box_of, window_around, window_of
from faceprint.geometry import iou_matrix

FRONTAL = np.array([[[80, 100], [120, 100], [100, 122], [84, 140], [116, 140]]], dtype=np.float32)


def test_the_window_of_a_frontal_face_by_hand() -> None:
    # Eyes 40 apart and 40 above the mouth: a span of 40, a side of 96, its middle 4 above (100, 120).
    np.testing.assert_allclose(window_of(FRONTAL), [[52, 68, 148, 164]], rtol=1e-6)


def test_windows_are_square_and_hold_the_landmarks() -> None:
    rng = np.random.default_rng(0)
    points = FRONTAL + rng.normal(0, 4, (50, 5, 2)).astype(np.float32)
    windows = window_of(points)
    sides = windows[:, 2:] - windows[:, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1], rtol=1e-5)
    assert ((points > windows[:, None, :2]) & (points < windows[:, None, 2:])).all()


def test_a_turned_head_keeps_most_of_its_window() -> None:
    turned = FRONTAL.copy()
    turned[..., 0] = 100 + (turned[..., 0] - 100) * 0.5
    sides = [float(one[0, 2] - one[0, 0]) for one in (window_of(FRONTAL), window_of(turned))]
    assert 0.75 < sides[1] / sides[0] < 1


def test_the_way_to_a_box_and_back() -> None:
    windows = window_of(FRONTAL)
    boxes = box_of(windows)
    width, height = (boxes[0, 2:] - boxes[0, :2]).tolist()
    assert width < height
    np.testing.assert_allclose(window_around(boxes), windows, atol=1e-3)


def test_nothing_is_known_of_a_face_without_landmarks() -> None:
    both = np.concatenate([FRONTAL, np.full((1, 5, 2), np.nan, dtype=np.float32)])
    windows = window_of(both)
    assert np.isfinite(windows[0]).all()
    assert np.isnan(windows[1]).all()


@pytest.mark.parametrize("function", [box_of, window_around])
def test_no_faces_give_no_boxes(function: object) -> None:
    assert callable(function)
    assert function(np.zeros((0, 4), dtype=np.float32)).shape == (0, 4)
    assert window_of(np.zeros((0, 5, 2), dtype=np.float32)).shape == (0, 4)


def test_a_box_of_no_area_has_a_window_of_no_area() -> None:
    flat = window_around(np.array([[10, 10, 5, 20]], dtype=np.float32))
    np.testing.assert_allclose(flat[0, :2], flat[0, 2:])


def test_a_box_of_another_shape_overlaps_well() -> None:
    square = np.array([[60, 70, 140, 150]], dtype=np.float32)
    assert iou_matrix(box_of(window_around(square)), square)[0, 0] > 0.7
