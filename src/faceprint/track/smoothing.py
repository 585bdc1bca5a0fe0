"""Positions without jitter and without lag.

Casiez, Roussel, Vogel, "1€ Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive
Systems", CHI 2012.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from faceprint.types import FloatArray

__all__ = ["OneEuro", "SmoothingOptions"]


@dataclass(frozen=True, slots=True)
class SmoothingOptions:
    """How much is smoothed.

    Attributes:
        rest_hz: Cut-off for a face at rest; lower is calmer.
        per_speed: Added to it for each face width per second; higher is quicker.
        speed_hz: Cut-off of the speed itself.
    """

    rest_hz: float = 1.5
    per_speed: float = 12.0
    speed_hz: float = 1.0


class OneEuro:
    """The filter for some values that belong to one face.

    Args:
        options: How much is smoothed.
    """

    def __init__(self, options: SmoothingOptions) -> None:
        self._options = options
        self._values: FloatArray | None = None
        self._speeds: FloatArray | None = None
        self._time_s = 0.0

    def carry(self, move: Callable[[FloatArray], FloatArray]) -> None:
        """Moves what is remembered along with the face, so that its movement is not smoothed away.

        Args:
            move: From values of the last time to where they are now, (K,) float32 each.
        """
        if self._values is not None:
            self._values = move(self._values)

    def smooth(self, values: FloatArray, time_s: float, *, size: float) -> FloatArray:
        """The values at a time, smoothed.

        Args:
            values: (K,) float32, pixels.
            time_s: Later than at the last call; else the values pass unchanged.
            size: Width of the face in pixels, which speeds are measured in.
        """
        passed_s = time_s - self._time_s
        self._time_s = time_s
        if (
            self._values is None
            or self._speeds is None
            or self._values.shape != values.shape
            or passed_s <= 0
        ):
            self._values, self._speeds = values, np.zeros_like(values)
            return values
        change = (values - self._values) / np.float32(passed_s * max(size, 1e-3))
        self._speeds = self._speeds + _share(self._options.speed_hz, passed_s) * (
            change - self._speeds
        )
        per_speed = np.float32(self._options.per_speed)
        cut_offs = np.float32(self._options.rest_hz) + per_speed * np.abs(self._speeds)
        share = _share(cut_offs, passed_s)
        self._values = (self._values + share * (values - self._values)).astype(np.float32)
        return self._values


def _share(cut_off_hz: FloatArray | float, passed_s: float) -> FloatArray:
    """How far a first-order low-pass filter goes towards a new value."""
    turn = np.asarray(cut_off_hz, dtype=np.float32) * np.float32(2 * np.pi * passed_s)
    return np.asarray(turn / (turn + 1), dtype=np.float32)
