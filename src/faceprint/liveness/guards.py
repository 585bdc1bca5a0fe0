"""What must hold all through a challenge: one face, the same face, the same person."""

from __future__ import annotations

from faceprint.liveness.steps import ChallengeLimits, Failure, Observation

__all__ = ["Presence", "SamePerson"]


class Presence:
    """Holds a view to the one face that began.

    Args:
        first: The frame with which the challenge began.
        limits: How long the face may be gone.
    """

    def __init__(self, first: Observation, limits: ChallengeLimits) -> None:
        self._limits = limits
        self._track = first.track
        self._last_s = self._seen_s = first.time_s

    def update(self, observation: Observation) -> Failure | None:
        """Takes the next frame; why the challenge fails with it, if it does."""
        before_s, self._last_s = self._last_s, observation.time_s
        if observation.time_s - before_s > self._limits.gap_s:
            return Failure.GAP
        if observation.faces == 1:
            if None not in (tracks := (self._track, observation.track)) and len(set(tracks)) > 1:
                return Failure.OTHER_FACE
            if observation.signals is not None:
                self._seen_s = observation.time_s
        if observation.time_s - self._seen_s <= self._limits.lost_s:
            return None
        return Failure.SEVERAL_FACES if observation.faces > 1 else Failure.NO_FACE


class SamePerson:
    """Holds the face to that of the start by comparisons that others make.

    Args:
        least: Least similarity; None to take every face.

    Attributes:
        alike: Whether the last comparison since `ask` was near enough.
    """

    def __init__(self, least: float | None) -> None:
        self._least = least
        self._unlike = 0
        self.alike = least is None
        self.scores: list[float] = []

    def ask(self) -> None:
        """From now on, `alike` waits for another comparison."""
        self.alike = self._least is None

    def update(self, similarity: float) -> Failure | None:
        """Takes a comparison of a face that looks into the camera; one that is too low may be a blur."""
        self.scores.append(similarity)
        if self._least is None:
            return None
        self.alike = similarity >= self._least
        self._unlike = 0 if self.alike else self._unlike + 1
        return Failure.OTHER_PERSON if self._unlike > 1 else None
