from __future__ import annotations

import numpy as np
import pytest

from faceprint.pose.angles import rotations
from faceprint.pose.landmarks import MEAN_FACE, LandmarkPose, pose_of
from faceprint.types import Face, FloatArray

BLACK = np.zeros((20, 20, 3), np.uint8)


def seen(angles: np.ndarray, *, eyes_px: float = 60.0) -> FloatArray:
    """The landmarks of mean faces that are turned like that, seen from far away."""
    turned = MEAN_FACE @ rotations(angles).transpose(0, 2, 1)
    return (turned[:, :, :2] * eyes_px + [120.0, 80.0]).astype(np.float32)


def test_finds_the_angles_of_turned_mean_faces() -> None:
    rng = np.random.default_rng(0)
    angles = np.stack(
        [rng.uniform(-75, 75, 300), rng.uniform(-45, 45, 300), rng.uniform(-170, 170, 300)], axis=1
    )
    found = pose_of(seen(angles))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, angles, atol=0.02)


def test_size_and_place_do_not_matter() -> None:
    angles = np.array([[25.0, -10.0, 5.0]])
    for eyes_px in (8.0, 600.0):
        np.testing.assert_allclose(pose_of(seen(angles, eyes_px=eyes_px)), angles, atol=0.05)


def test_a_mirrored_face_looks_the_other_way() -> None:
    noise = np.random.default_rng(1).normal(0, 2, (50, 5, 2))
    faces = seen(np.random.default_rng(2).uniform(-40, 40, (50, 3)))
    points = np.asarray(faces + noise, np.float32)
    mirrored = (points * np.array([-1, 1], np.float32))[:, [1, 0, 2, 4, 3]]
    expected = pose_of(points) * np.array([-1, 1, -1])
    np.testing.assert_allclose(pose_of(mirrored), expected, atol=0.05)


def test_landmarks_a_little_off_turn_it_a_little() -> None:
    points = seen(np.zeros((400, 3)))
    noisy = points + np.random.default_rng(3).normal(0, 0.05 * 60 / np.sqrt(2), points.shape)
    assert np.abs(pose_of(noisy.astype(np.float32))).mean(axis=0).max() < 4.5


def test_a_smile_is_no_bow() -> None:
    points = seen(np.zeros((1, 3)))
    eyes_px = float(points[0, 1, 0] - points[0, 0, 0])
    smiling = points.copy()
    smiling[0, 3] += eyes_px * np.array([-0.07, -0.08])
    smiling[0, 4] += eyes_px * np.array([0.07, -0.08])
    lifted = points.copy()
    lifted[0, 3:] += eyes_px * np.array([0.0, -0.08])
    assert pose_of(lifted.astype(np.float32))[0, 1] < -4
    assert abs(pose_of(smiling.astype(np.float32))[0, 1]) < 2


@pytest.mark.parametrize("spoilt", [np.full((5, 2), 7.0), np.full((5, 2), np.nan)])
def test_landmarks_without_a_shape_have_no_pose(spoilt: np.ndarray) -> None:
    points = np.stack([spoilt, seen(np.zeros((1, 3)))[0]]).astype(np.float32)
    points[0, 0, 0] = spoilt[0, 0]
    found = pose_of(points)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1], 0, atol=0.02)


def test_points_on_a_line_give_finite_angles() -> None:
    line = np.stack([np.linspace(0, 50, 5), np.zeros(5)], axis=1)[None].astype(np.float32)
    assert np.isfinite(pose_of(line)).all()


def test_faces_of_several_images() -> None:
    box = np.array([0, 0, 9, 9], np.float32)
    marked = Face(box, 1.0, seen(np.array([[30.0, 0, 0]]))[0])
    found = LandmarkPose().estimate([BLACK] * 3, [(marked, Face(box, 1.0)), (), (marked,)])
    assert [one.shape for one in found] == [(2, 3), (0, 3), (1, 3)]
    assert all(one.dtype == np.float32 for one in found)
    assert found[0][0, 0] == pytest.approx(30, abs=0.02)
    assert np.isnan(found[0][1]).all()
    assert LandmarkPose().estimate([], []) == []
