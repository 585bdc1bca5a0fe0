from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceprint.liveness.signals import eye_patches, openness_of, read_signals
from faceprint.types import Face, FloatArray, Image

POSE = np.array([5.0, -2.0, 1.0], np.float32)


def drawn(
    *,
    openness: float = 1.0,
    eyes_px: int = 96,
    light: float = 1.0,
    roll: float = 0.0,
    side_px: int = 480,
) -> tuple[Image, FloatArray]:
    """A face of skin, with eyes that are discs between whites, or a line of lashes; and its landmarks."""
    canvas = np.full((480, 480, 3), (200, 160, 140), np.uint8)
    points = np.array([[192, 200], [288, 200], [240, 260], [198, 300], [282, 300]], np.float32)
    for x, y in points[:2].astype(int).tolist():
        if openness > 0:
            tall = max(round(11 * openness), 1)
            cv2.ellipse(canvas, (x, y), (22, tall), 0, 0, 360, (245, 240, 235), -1)
            iris = np.zeros(canvas.shape[:2], np.uint8)
            cv2.circle(iris, (x, y), 10, 255, -1)
            lid = np.zeros_like(iris)
            cv2.ellipse(lid, (x, y), (22, tall), 0, 0, 360, 255, -1)
            canvas[(iris & lid) > 0] = (50, 30, 20)
        cv2.ellipse(canvas, (x, y), (22, max(round(11 * openness), 2)), 0, 0, 180, (60, 40, 35), 2)
    canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), 1.0) * light, dtype=np.uint8)
    scale = eyes_px / 96
    matrix = cv2.getRotationMatrix2D((240, 240), -roll, scale)
    matrix[:, 2] += np.full(2, side_px / 2 - 240)
    turned = cv2.warpAffine(canvas, matrix, (side_px, side_px), flags=cv2.INTER_AREA)
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(turned, dtype=np.uint8), moved.astype(np.float32)


def openness(**how: float) -> float:
    image, points = drawn(**how)  # type: ignore[arg-type]
    return openness_of(eye_patches(image, points))


def test_closed_eyes_are_less_open() -> None:
    wide, half, closed = openness(), openness(openness=0.5), openness(openness=0.0)
    assert closed < 0.4 * wide
    assert closed < half < wide


@pytest.mark.parametrize(
    "how",
    [
        {"light": 0.3},
        {"roll": 25.0},
        {"roll": -40.0},
        {"eyes_px": 48},
        {"eyes_px": 300, "side_px": 1400},
    ],
)
def test_light_tilt_and_size_change_little(how: dict[str, float]) -> None:
    assert openness(**how) == pytest.approx(openness(), rel=0.3)
    assert openness(**how, openness=0.0) < 0.5 * openness(**how)


def test_signals_of_a_drawn_face() -> None:
    image, points = drawn()
    signals = read_signals(
        image, Face(np.array([150, 130, 330, 350], np.float32), 1.0, points), POSE
    )
    assert signals is not None
    assert (signals.yaw, signals.pitch, signals.roll) == (5.0, -2.0, 1.0)
    assert signals.mouth == pytest.approx(84 / 96, abs=0.01)
    assert signals.height == pytest.approx(100 / 96, abs=0.01)
    assert signals.eyes_px == pytest.approx(96, abs=0.5)
    assert signals.centre == pytest.approx((240, 200), abs=0.5)


def test_the_width_of_the_mouth_does_not_depend_on_how_a_flat_picture_is_turned() -> None:
    image, points = drawn()
    box = np.array([0, 0, 9, 9], np.float32)
    squeezed = points @ np.array([[0.6, 0.1], [-0.2, 0.8]], np.float32)
    flat, turned = (read_signals(image, Face(box, 1.0, one), POSE) for one in (points, squeezed))
    assert flat is not None
    assert turned is not None
    assert turned.mouth == pytest.approx(flat.mouth, rel=1e-3)


def test_faces_without_landmarks_or_pose_have_no_signals() -> None:
    image, points = drawn()
    box = np.array([0, 0, 9, 9], np.float32)
    assert read_signals(image, Face(box, 1.0), POSE) is None
    assert read_signals(image, Face(box, 1.0, np.full((5, 2), np.nan, np.float32)), POSE) is None
    assert read_signals(image, Face(box, 1.0, points * 0), POSE) is None
    assert read_signals(image, Face(box, 1.0, points), POSE * np.nan) is None


def test_small_faces_have_no_eyes_to_look_at() -> None:
    image, points = drawn()
    face = Face(np.array([0, 0, 9, 9], np.float32), 1.0, points * np.float32(0.1))
    signals = read_signals(image, face, POSE)
    assert signals is not None
    assert np.isnan(signals.openness)


@pytest.mark.parametrize("shift", [(-1000.0, 0.0), (0.0, 5000.0), (1e7, 1e7)])
def test_eyes_outside_the_image_do_no_harm(shift: tuple[float, float]) -> None:
    image, points = drawn()
    face = Face(np.array([0, 0, 9, 9], np.float32), 1.0, points + np.array(shift, np.float32))
    signals = read_signals(image, face, POSE)
    assert signals is not None
    assert 0 <= signals.openness <= 1


def test_a_patch_of_one_colour_is_not_open() -> None:
    assert openness_of(np.full((2, 32, 48, 3), 90, np.uint8)) == 0
