"""Whether a face does what it was asked to do, frame by frame."""

from __future__ import annotations

from typing import Final, Protocol

from faceprint.liveness.baseline import Baseline
from faceprint.liveness.signals import FaceSignals
from faceprint.liveness.steps import ChallengeLimits, Step

__all__ = ["Back", "Judge", "WrongTurns", "judge_of", "side_of"]

_SIDES: Final = {Step.TURN_LEFT: 1.0, Step.TURN_RIGHT: -1.0}
"""A person's own left is the right of an image that is not mirrored."""

_TURN_FRAMES = 2
"""One frame alone could be a landmark gone astray."""

_BACK_S = 0.3
_SETTLED = 0.5
"""The mouth is back once at most this share of a smile is left."""

_SMILE_TURN_DEG = 20.0
_SOON_S = 0.2
"""Nobody blinks this soon after being asked, but anybody may just be blinking."""


class Judge(Protocol):
    """Follows one step."""

    def update(self, time_s: float, signals: FaceSignals, *, blinked: bool) -> float:
        """How much of the step is done after the next frame, 0 to 1."""
        ...


def side_of(step: Step) -> float:
    """The sign of the yaw that a step asks for; 0 where it asks for none."""
    return _SIDES.get(step, 0.0)


def judge_of(step: Step, base: Baseline, limits: ChallengeLimits, time_s: float) -> Judge:
    """What follows a step that is asked now."""
    if step is Step.BLINK:
        return _Blink(time_s)
    if step is Step.SMILE:
        return _Smile(base, limits)
    return _Turn(base, limits, side_of(step))


class _Turn:
    def __init__(self, base: Baseline, limits: ChallengeLimits, side: float) -> None:
        self._base, self._limits, self._side = base, limits, side
        self._frames = 0

    def update(self, time_s: float, signals: FaceSignals, *, blinked: bool) -> float:
        """See `Judge`."""
        share = (signals.yaw - self._base.yaw) * self._side / self._limits.turn_deg
        self._frames = self._frames + 1 if share >= 1 else 0
        done = self._frames >= _TURN_FRAMES
        return 1.0 if done else min(max(share, 0.0), 0.99)


class _Smile:
    def __init__(self, base: Baseline, limits: ChallengeLimits) -> None:
        self._base, self._limits = base, limits
        self._since_s: float | None = None

    def update(self, time_s: float, signals: FaceSignals, *, blinked: bool) -> float:
        """See `Judge`."""
        share = _smile(signals, self._base) / self._limits.smile
        if share < 1 or abs(signals.yaw - self._base.yaw) > _SMILE_TURN_DEG:
            self._since_s = None
            return min(max(share, 0.0), 0.99)
        if self._since_s is None:
            self._since_s = time_s
            return 0.99
        return 1.0 if time_s - self._since_s >= self._limits.hold_s else 0.99


class _Blink:
    def __init__(self, time_s: float) -> None:
        self._asked_s = time_s

    def update(self, time_s: float, signals: FaceSignals, *, blinked: bool) -> float:
        """See `Judge`."""
        return float(blinked and time_s - self._asked_s >= _SOON_S)


class Back:
    """Waits until the face looks into the camera again, with its mouth at rest."""

    def __init__(self, base: Baseline, limits: ChallengeLimits) -> None:
        self._base, self._limits = base, limits
        self._since_s: float | None = None

    def update(self, time_s: float, signals: FaceSignals) -> float:
        """How much of it is done after the next frame, 0 to 1."""
        turned = abs(signals.yaw - self._base.yaw) > self._limits.neutral_deg
        if turned or _smile(signals, self._base) > _SETTLED * self._limits.smile:
            self._since_s = None
            return 0.0
        if self._since_s is None:
            self._since_s = time_s
        return min((time_s - self._since_s) / _BACK_S, 1.0)


class WrongTurns:
    """Counts turns that were not asked."""

    def __init__(self, base: Baseline, limits: ChallengeLimits) -> None:
        self._base, self._limits = base, limits
        self._away = False
        self.count = 0

    def update(self, signals: FaceSignals, side: float) -> bool:
        """Takes the next frame of a step; whether the face is turned as nobody asked.

        Args:
            signals: Of the face.
            side: Sign of the yaw that is asked for; 0 for none.
        """
        turn = signals.yaw - self._base.yaw
        wrong = abs(turn) >= self._limits.turn_deg and turn * side <= 0
        if wrong and not self._away:
            self.count += 1
        self._away = wrong or (self._away and abs(turn) > self._limits.neutral_deg)
        return wrong


def _smile(signals: FaceSignals, base: Baseline) -> float:
    """How much wider than at the start the mouth is, as a share."""
    return signals.mouth / max(base.mouth, 1e-6) - 1
