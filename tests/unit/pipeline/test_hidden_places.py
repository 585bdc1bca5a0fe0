"""A face is hidden where it was found, and where it may have been."""

from __future__ import annotations

import numpy as np
import pytest

from faceprint.pipeline.hiding.places import FacePath, Timing, cover
from faceprint.types import FloatArray


def timing(seconds: float = 4.0, *, cuts: tuple[float, ...] = ()) -> Timing:
    return Timing(np.arange(round(seconds * 10)) / 10, np.array(cuts, dtype=float))


def box_at(shift_px: float) -> FloatArray:
    return np.array([100 + shift_px, 50, 140 + shift_px, 100], dtype=np.float32)


def path(places: list[int], *, step_px: float = 0, lasting: bool = True) -> FacePath:
    made = FacePath(lasting)
    for place in places:
        made.add(place, box_at(step_px * place))
    return made


def hidden(
    found: FacePath, hide: list[bool] | None = None, when: Timing | None = None
) -> list[int]:
    flags = hide or [True] * len(found.places)
    return sorted({place for place, _ in cover(found, flags, when or timing())})


def test_half_a_second_before_and_after() -> None:
    assert hidden(path([10, 11, 12])) == list(range(5, 18))


def test_a_find_that_was_never_followed_is_brief() -> None:
    assert hidden(path([10], lasting=False)) == list(range(7, 14))


def test_gaps_are_filled_and_longer_absences_are_not() -> None:
    assert hidden(path([0, 15])) == list(range(21))
    assert hidden(path([0, 30])) == [*range(6), *range(25, 36)]


def test_a_cut_ends_it() -> None:
    when = timing(cuts=(0.8, 1.4))
    assert hidden(path([10, 11, 12]), when=when) == [8, 9, 10, 11, 12, 13]
    assert hidden(path([12, 15]), when=when) == [*range(8, 21)]


def test_the_ends_of_the_video() -> None:
    assert hidden(path([0, 39])) == [*range(6), *range(34, 40)]


def test_only_what_is_to_be_hidden() -> None:
    assert hidden(path([10, 11, 12, 13]), [False, False, True, True]) == list(range(12, 19))
    # Between a frame in which it is hidden and one in which it is shown, it is hidden.
    assert hidden(path([10, 14]), [True, False]) == list(range(5, 14))
    assert hidden(path([10, 14]), [False, False]) == []


@pytest.mark.parametrize("step_px", [0.0, 8.0, -5.0])
def test_a_moving_face_is_covered_where_it_would_be(step_px: float) -> None:
    moving = path([10, 11, 12, 16, 17, 18], step_px=step_px)
    found = dict(cover(moving, [True] * 6, timing()))
    for place in (6, 8, 14, 20, 23):
        box = found[place]
        true = box_at(step_px * place)
        assert np.all(box[:2] <= true[:2] + 0.01)
        assert np.all(box[2:] >= true[2:] - 0.01)
    assert np.ptp(found[6][[0, 2]]) > np.ptp(found[9][[0, 2]]) > 40
