from __future__ import annotations

import numpy as np
import pytest

from faceprint.errors import ImageError
from faceprint.media.axes import AXIS_COLOURS, axes_of, draw_axes
from faceprint.pose.angles import rotations

GREY = np.full((200, 200, 3), 128, np.uint8)
CENTRE = np.array([100, 100], np.float32)


def test_axes_are_the_columns_of_the_rotation() -> None:
    for angles in np.random.default_rng(0).uniform(-90, 90, (30, 3)):
        (turned,) = rotations(angles[None])
        expected = np.stack([turned[:2, 0], turned[:2, 1], -turned[:2, 2]])
        np.testing.assert_allclose(axes_of(*angles), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("angles", "tip"),
    [
        ((40, 0, 0), (150, 100)),
        ((-40, 0, 0), (50, 100)),
        ((0, 40, 0), (100, 50)),
        ((0, -40, 0), (100, 150)),
    ],
)
def test_the_dot_lies_where_the_head_looks(
    angles: tuple[float, float, float], tip: tuple[int, int]
) -> None:
    drawn = draw_axes(GREY, CENTRE, 50 / np.sin(np.radians(40)), *angles)
    np.testing.assert_array_equal(drawn[tip[1], tip[0]], AXIS_COLOURS[2])


def test_a_level_head_shows_two_axes_and_a_dot() -> None:
    drawn = draw_axes(GREY, CENTRE, 60, 0, 0, 0)
    np.testing.assert_array_equal(drawn[100, 150], AXIS_COLOURS[0])
    np.testing.assert_array_equal(drawn[150, 100], AXIS_COLOURS[1])
    np.testing.assert_array_equal(drawn[100, 100], AXIS_COLOURS[2])
    np.testing.assert_array_equal(drawn[50, 50], GREY[0, 0])
    assert (GREY == 128).all()


def test_nothing_is_drawn_of_an_unknown_pose() -> None:
    np.testing.assert_array_equal(draw_axes(GREY, CENTRE, 60, np.nan, 0, 0), GREY)
    np.testing.assert_array_equal(draw_axes(GREY, CENTRE * np.inf, 60, 0, 0, 0), GREY)


def test_places_far_outside_do_no_harm() -> None:
    far = np.array([-1e9, 1e9], np.float32)
    np.testing.assert_array_equal(draw_axes(GREY, far, 60, 10, 10, 10), GREY)
    tiny = draw_axes(np.zeros((1, 1, 3), np.uint8), np.zeros(2, np.float32), 0.5, 0, 0, 0)
    assert tiny.shape == (1, 1, 3)


def test_refuses_what_is_no_image() -> None:
    with pytest.raises(ImageError):
        draw_axes(np.zeros((5, 5), np.uint8), CENTRE, 10, 0, 0, 0)
