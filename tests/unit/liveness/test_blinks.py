from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from faceprint.liveness.blinks import BlinkWatch
from faceprint.liveness.signals import FaceSignals

OPEN = FaceSignals(
    yaw=0, pitch=0, roll=0, mouth=0.9, openness=0.4, eyes_px=60, height=1.05, centre=(200.0, 200.0)
)
CLOSED = replace(OPEN, openness=0.1)
HALF = replace(OPEN, openness=0.27)


def blinks(frames: Sequence[FaceSignals], *, fps: float = 15) -> list[int]:
    """The frames with which blinks ended."""
    watch = BlinkWatch()
    return [k for k, signals in enumerate(frames) if watch.update(k / fps, signals)]


@pytest.mark.parametrize("fps", [5, 10, 15, 30])
def test_a_blink_ends_when_the_eyes_are_open_again(fps: int) -> None:
    shut = max(round(0.2 * fps), 1)
    frames = [OPEN] * fps + [CLOSED] * shut + [OPEN] * fps
    assert blinks(frames, fps=fps) == [fps + shut]


def test_blinks_in_a_row_are_counted_apart() -> None:
    assert len(blinks(([OPEN] * 10 + [CLOSED] * 3) * 4 + [OPEN])) == 4


def test_half_closed_lids_on_the_way_make_one_blink() -> None:
    frames = [*[OPEN] * 10, HALF, CLOSED, CLOSED, HALF, OPEN, OPEN]
    assert len(blinks(frames)) == 1


@pytest.mark.parametrize(
    "between",
    [
        pytest.param([HALF] * 3, id="half closed"),
        pytest.param([CLOSED] * 40, id="closed for long"),
        pytest.param([replace(CLOSED, height=0.7)] * 3, id="a tilted photo is lower"),
        pytest.param([replace(CLOSED, yaw=50.0)] * 3, id="turned"),
        pytest.param([replace(CLOSED, openness=float("nan"))] * 3, id="too small"),
        pytest.param(
            [replace(CLOSED, centre=(200.0 + 40 * k, 200.0)) for k in (1, 2, 3)], id="blurred"
        ),
    ],
)
def test_what_is_no_blink(between: list[FaceSignals]) -> None:
    assert blinks([OPEN] * 15 + between + [OPEN] * 15) == []


def test_eyes_that_were_never_open_do_not_blink() -> None:
    assert blinks([CLOSED] * 40) == []


def test_one_stray_frame_of_a_fast_camera_is_no_blink() -> None:
    assert blinks([OPEN] * 30 + [CLOSED] + [OPEN] * 10, fps=30) == []


def test_jumping_landmarks_do_not_end_a_blink() -> None:
    jumped = replace(CLOSED, centre=(206.0, 200.0))
    assert len(blinks([OPEN] * 15 + [jumped] * 3 + [OPEN] * 3)) == 1
