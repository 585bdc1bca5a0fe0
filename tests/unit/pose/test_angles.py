from __future__ import annotations

import numpy as np
import pytest

from faceprint.pose.angles import angles_of, rotations, turn_x, turn_y, turn_z

FORWARD = np.array([0.0, 0.0, -1.0])
LEFT_EAR = np.array([1.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("angles", "forward", "ear"),
    [
        ((0, 0, 0), (0, 0, -1), (1, 0, 0)),
        ((90, 0, 0), (1, 0, 0), (0, 0, 1)),  # towards the right of the image
        ((0, 90, 0), (0, -1, 0), (1, 0, 0)),  # up, where y grows down
        ((0, 0, 90), (0, 0, -1), (0, 1, 0)),  # clockwise: the ear on the right of the image sinks
    ],
)
def test_signs(
    angles: tuple[float, ...], forward: tuple[float, ...], ear: tuple[float, ...]
) -> None:
    (turned,) = rotations(np.array([angles], float))
    np.testing.assert_allclose(turned @ FORWARD, forward, atol=1e-12)
    np.testing.assert_allclose(turned @ LEFT_EAR, ear, atol=1e-12)


def test_there_and_back() -> None:
    angles = np.random.default_rng(0).uniform(-85, 85, (200, 3))
    matrices = rotations(angles)
    np.testing.assert_allclose(
        matrices @ matrices.transpose(0, 2, 1), np.tile(np.eye(3), (200, 1, 1)), atol=1e-12
    )
    np.testing.assert_allclose(angles_of(matrices), angles, atol=1e-9)


def test_turning_the_image_changes_roll_alone() -> None:
    angles = np.array([[35.0, -20.0, 10.0]])
    turned = turn_z(np.array([25.0])) @ rotations(angles)
    np.testing.assert_allclose(angles_of(turned), angles + np.array([0, 0, 25]), atol=1e-9)


def test_turns_are_about_their_own_axes() -> None:
    degrees = np.array([30.0])
    for axis, turn in enumerate((turn_x, turn_y, turn_z)):
        unit = np.eye(3)[axis]
        np.testing.assert_allclose(turn(degrees)[0] @ unit, unit, atol=1e-12)
