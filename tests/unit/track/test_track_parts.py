"""Cuts, flow and smoothing, each alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from faceprint.track import CutDetector, OneEuro, SmoothingOptions
from faceprint.track.flow import follow, patterns_of
from faceprint.types import Image

RNG = np.random.default_rng(1)
SCENES = [
    cv2.resize(
        RNG.integers(0, 255, (9, 16, 3), np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC
    )
    for _ in range(2)
]


def cuts(frames: list[Image]) -> list[int]:
    detector = CutDetector()
    return [index for index, frame in enumerate(frames) if detector.is_cut(frame)]


def moved(scene: Image, shift: int) -> Image:
    return np.roll(scene, shift, axis=1)


def test_a_cut_is_found_and_movement_is_none() -> None:
    first, second = (np.asarray(scene, np.uint8) for scene in SCENES)
    frames = [moved(first, 4 * k) for k in range(10)] + [moved(second, 4 * k) for k in range(10)]
    assert cuts(frames) == [10]


def test_a_flash_and_a_fade_are_no_cuts() -> None:
    scene = np.asarray(SCENES[0], np.uint8)
    flash = np.clip(scene.astype(int) + 90, 0, 255).astype(np.uint8)
    fade = [(scene * (1 - k / 20)).astype(np.uint8) for k in range(19)]
    assert cuts([scene, scene, flash, scene, scene, *fade]) == []


def test_black_between_two_shots_is_a_cut_each_way() -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    first, second = (np.asarray(scene, np.uint8) for scene in SCENES)
    assert cuts([first, first, black, black, second]) == [2, 4]


def texture() -> Image:
    noise = RNG.integers(0, 255, (200, 300), np.uint8)
    return np.asarray(cv2.GaussianBlur(noise, (5, 5), 0), np.uint8)


def test_faces_are_followed_through_shift_and_growth() -> None:
    before = texture()
    matrix = np.array([[1.05, 0, 3.0], [0, 1.05, -2.0]], np.float32)
    after = np.asarray(cv2.warpAffine(before, matrix, (300, 200)), np.uint8)
    boxes = np.array([[100, 60, 150, 110], [200, 100, 240, 150]], np.float32)
    went = follow(before, after, boxes, scale=1.0)
    assert went.found.all()
    expected = boxes.reshape(-1, 2, 2) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(went.boxes.reshape(-1, 2, 2), expected, atol=0.7)
    point = np.array([[120, 80]], np.float32)
    np.testing.assert_allclose(
        went.move(0, point), point @ matrix[:, :2].T + matrix[:, 2], atol=0.7
    )


def test_what_is_gone_is_not_followed() -> None:
    before, after = texture(), texture()
    boxes = np.array([[100, 60, 150, 110]], np.float32)
    assert not follow(before, after, boxes, scale=1.0).found.any()
    assert len(follow(before, after, boxes[:0], scale=1.0).boxes) == 0


def test_noise_does_not_make_faces_grow() -> None:
    before = texture()
    boxes = np.array([[40, 40, 140, 140], [180, 60, 240, 120]], np.float32)
    grown = []
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(0, 25, before.shape)
        after = np.asarray(np.clip(before + noise, 0, 255), np.uint8)
        grown.append(follow(before, after, boxes, scale=1.0).scales)
    assert abs(float(np.mean(grown)) - 1) < 0.003


def test_a_pattern_stays_through_growth_and_light_and_is_another_elsewhere() -> None:
    grey = texture()
    double = np.asarray(
        cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR), np.uint8
    )
    box = np.array([[60, 40, 124, 104], [150, 90, 214, 154]], np.float32)
    here = patterns_of(grey, box, scale=1.0)
    dim = patterns_of(np.asarray(double * 0.4 + 30, np.uint8), 2 * box, scale=1.0)
    likeness = here @ dim.T
    assert likeness.diagonal().min() > 0.95
    assert abs(float(likeness[0, 1])) < 0.3
    halved = patterns_of(grey, 2 * box, scale=0.5)
    np.testing.assert_allclose((here * halved).sum(axis=1), 1, atol=1e-4)


def test_what_is_flat_has_no_pattern() -> None:
    flat = np.full((50, 50), 80, np.uint8)
    beyond = np.array([[-40, -40, 10, 10], [60, 60, 90, 90]], np.float32)
    assert not patterns_of(flat, beyond, scale=1.0).any()


def smoothed(values: np.ndarray, *, fps: float = 25) -> np.ndarray:
    filtered = OneEuro(SmoothingOptions())
    return np.array(
        [
            filtered.smooth(np.array([v], np.float32), k / fps, size=100)[0]
            for k, v in enumerate(values)
        ]
    )


def test_a_resting_face_jitters_less() -> None:
    noisy = 50 + np.random.default_rng(5).normal(0, 1, 200)
    calm = smoothed(noisy)
    assert np.diff(calm[20:]).std() < 0.4 * np.diff(noisy[20:]).std()


@pytest.mark.parametrize("widths_per_s", [1, 3])
def test_a_moving_face_lags_by_less_than_a_tenth_of_its_width(widths_per_s: float) -> None:
    truth = np.arange(100) / 25 * widths_per_s * 100
    assert np.abs(smoothed(truth)[50:] - truth[50:]).max() < 10


def test_values_of_the_same_time_pass_unchanged() -> None:
    filtered = OneEuro(SmoothingOptions())
    filtered.smooth(np.array([1.0], np.float32), 1.0, size=10)
    assert filtered.smooth(np.array([5.0], np.float32), 1.0, size=10)[0] == 5


def test_movement_that_was_seen_is_not_smoothed_away() -> None:
    filtered = OneEuro(SmoothingOptions())
    for k in range(50):
        filtered.carry(lambda values: values + 12)
        smooth = filtered.smooth(np.array([12.0 * k + 100], np.float32), k / 25, size=100)
    assert smooth[0] == pytest.approx(12 * 49 + 100, abs=0.01)
