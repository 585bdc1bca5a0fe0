"""Yaw, pitch and roll, and the rotations that they stand for.

A head that looks into the camera has its axes along those of the camera: x to the right of the image, y
down, z away from the camera; it looks along -z. R = R_z(roll) R_y(yaw) R_x(pitch), so that yaw is how far
aside it looks and pitch how far up, whatever its tilt, and turning the image changes roll alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["angles_of", "rotations", "turn_x", "turn_y", "turn_z"]

_Float64 = npt.NDArray[np.float64]


def rotations(angles: npt.NDArray[np.floating]) -> _Float64:
    """The rotations of heads.

    Args:
        angles: (N, 3) degrees: yaw, pitch, roll.

    Returns:
        (N, 3, 3) float64, from the head's axes to those of the camera.
    """
    yaw, pitch, roll = (np.asarray(one, np.float64) for one in angles.T)
    turned: _Float64 = turn_z(roll) @ turn_y(yaw) @ turn_x(pitch)
    return turned


def angles_of(matrices: _Float64) -> _Float64:
    """Yaw, pitch and roll of rotations; the inverse of `rotations` for yaws below 90 degrees.

    Args:
        matrices: (N, 3, 3), from the head's axes to those of the camera.

    Returns:
        (N, 3) float64 degrees: yaw, pitch, roll.
    """
    yaw = np.arcsin(np.clip(matrices[:, 2, 0], -1, 1))
    pitch = np.arctan2(-matrices[:, 2, 1], matrices[:, 2, 2])
    roll = np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0])
    angles: _Float64 = np.degrees(np.stack([yaw, pitch, roll], axis=1))
    return angles


def turn_x(degrees: _Float64) -> _Float64:
    """Looking up; (N,) degrees to (N, 3, 3)."""
    return _turn(degrees, 2, 1)


def turn_y(degrees: _Float64) -> _Float64:
    """Looking towards the right of the image; (N,) degrees to (N, 3, 3)."""
    return _turn(degrees, 0, 2)


def turn_z(degrees: _Float64) -> _Float64:
    """Tilting clockwise in the image; (N,) degrees to (N, 3, 3)."""
    return _turn(degrees, 0, 1)


def _turn(degrees: _Float64, first: int, second: int) -> _Float64:
    """Turns by which the first axis moves towards the second."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turned = np.tile(np.eye(3), (len(degrees), 1, 1))
    turned[:, first, first] = turned[:, second, second] = cos
    turned[:, second, first], turned[:, first, second] = sin, -sin
    return turned
