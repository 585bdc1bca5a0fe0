"""How a face is when it does nothing: what turns and smiles are measured against."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from faceprint.liveness.signals import FaceSignals

__all__ = ["Baseline", "NeutralWatch"]

_LEAST_FRAMES = 4
_MOVED_S = 1.0
_LIKE_DEG = 5.0
"""A face that looks into the camera holds its yaw and pitch within this of their medians."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Medians of some frames in which a face did nothing.

    Attributes:
        yaw: Degrees.
        pitch: Degrees.
        mouth: Width over the distance between the eyes.
    """

    yaw: float
    pitch: float
    mouth: float


class NeutralWatch:
    """Waits until a face has looked into the camera for a while. For one thread at a time.

    Args:
        seconds: How long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: deque[tuple[float, FaceSignals]] = deque()
        self._moved_s = float("-inf")

    @property
    def progress(self) -> float:
        """How much of that is over, 0 to 1."""
        if not self._seen:
            return 0.0
        time = (self._seen[-1][0] - self._seen[0][0]) / max(self._seconds, 1e-6)
        return min(time, len(self._seen) / _LEAST_FRAMES, 1.0)

    @property
    def moving(self) -> bool:
        """Whether the head has just moved too much, so that the time began again."""
        return bool(self._seen) and self._seen[-1][0] - self._moved_s < _MOVED_S

    def clear(self) -> None:
        """Begins again."""
        self._seen.clear()
        self._moved_s = float("-inf")

    def update(self, time_s: float, signals: FaceSignals) -> Baseline | None:
        """Takes the next frame; what the face is like, once it has looked into the camera for long enough."""
        self._seen.append((time_s, signals))
        found = self._medians()
        while (
            abs(signals.yaw - found.yaw) > _LIKE_DEG or abs(signals.pitch - found.pitch) > _LIKE_DEG
        ):
            self._seen.popleft()
            self._moved_s = time_s
            found = self._medians()
        return found if self.progress >= 1 else None

    def _medians(self) -> Baseline:
        numbers = [(one.yaw, one.pitch, one.mouth) for _, one in self._seen]
        yaw, pitch, mouth = np.median(numbers, axis=0).tolist()
        return Baseline(yaw, pitch, mouth)
