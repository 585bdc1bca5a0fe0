"""Blinks: eyes that close for a moment and open again, told by how open they were before."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from faceprint.liveness.signals import FaceSignals

__all__ = ["BlinkWatch"]

_CLOSED = 0.55
_OPEN = 0.75
"""Shares of how open the eyes usually are, below and above which they count as closed and as open."""

_MEMORY_S = 3.0
_LEAST_FRAMES = 5
_SHORTEST_S = 0.09
_LONGEST_S = 1.2
"""From the last frame with open eyes to the next. People take 0.1 to 0.4 seconds, and more when asked to."""

_MOST_SPEED = 2.0
_SPEED_OVER_S = 0.2
"""Distances between the eyes per second, over some frames: blur hides irises, but landmarks jump a little."""
_TURN_DEG = 25.0
_BENT = 0.15
"""A tilted photo is lower, which closes the eyes in it as well."""


class BlinkWatch:
    """Tells when one face has blinked. For one thread at a time.

    What usually is open is the median of the last three seconds without closed eyes. Frames in which the face
    moves fast, is turned to a side, or is lower than it was end a blink that had begun: all three could feign
    one.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[float, FaceSignals]] = deque()
        self._moves: deque[tuple[float, float]] = deque()
        self._last: FaceSignals | None = None
        self._open_at_s: float | None = None
        self._closed = False

    def update(self, time_s: float, signals: FaceSignals) -> bool:
        """Takes the next frame; whether a blink ended with it.

        Args:
            time_s: When it was taken, later than the one before.
            signals: Of the face.
        """
        if not (self._slow(time_s, signals) and self._steady(signals)):
            self._open_at_s, self._closed = None, False
            return False
        while self._seen and self._seen[0][0] < time_s - _MEMORY_S:
            self._seen.popleft()
        if len(self._seen) < _LEAST_FRAMES:
            self._seen.append((time_s, signals))
            self._open_at_s = time_s
            return False
        share = signals.openness / max(self._usual("openness"), 1e-6)
        if share < _CLOSED:
            self._closed = True
        else:
            self._seen.append((time_s, signals))
        if share < _OPEN:
            return False
        open_at_s, self._open_at_s = self._open_at_s, time_s
        closed, self._closed = self._closed, False
        if open_at_s is None or not closed:
            return False
        return _SHORTEST_S <= time_s - open_at_s <= _LONGEST_S

    def _slow(self, time_s: float, signals: FaceSignals) -> bool:
        last, self._last = self._last, signals
        if last is None:
            self._moves.append((time_s, 0.0))
            return True
        before_s = self._moves[-1][0]
        move = math.dist(signals.centre, last.centre) / max(signals.eyes_px, 1.0)
        self._moves.append((time_s, move))
        while len(self._moves) > 1 and self._moves[0][0] < time_s - _SPEED_OVER_S:
            self._moves.popleft()
        way = sum(move for _, move in self._moves)
        return way <= _MOST_SPEED * max(_SPEED_OVER_S, time_s - before_s)

    def _steady(self, signals: FaceSignals) -> bool:
        if math.isnan(signals.openness) or abs(signals.yaw) > _TURN_DEG:
            return False
        if len(self._seen) < _LEAST_FRAMES:
            return True
        usual = self._usual("height")
        return abs(signals.height - usual) <= _BENT * usual

    def _usual(self, name: str) -> float:
        return float(np.median([getattr(signals, name) for _, signals in self._seen]))
