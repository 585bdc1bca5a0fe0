"""The active challenge before a live view: it is told what each frame shows, and says what to do next."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from faceprint.liveness.challenge import (
    Challenge,
    ChallengeLimits,
    ChallengeResult,
    ChallengeState,
    Observation,
    Phase,
    Step,
)
from faceprint.liveness.signals import FaceSignals, read_signals
from faceprint.media.video import Frame
from faceprint.pipeline.live.face_watch import WatchedFace
from faceprint.types import Face, FloatArray, Image, LivenessModel

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["ChallengeTools", "LiveChallenge", "draw_challenge"]

_SAME_FMR = 1e-3
"""The face must go on looking like that of the start, as one false match in 1,000 does."""

_COMPARE_S = 0.4
_CHECK_S = 0.4
"""How often the face is compared to that of the start, and given to the passive check."""

_TURNS = 3
"""Each to a side that is drawn: a film that goes round through all that can be asked passes now and then
where each is asked once, and seldom where sides come again and a turn that was not asked ends it."""

_SLOW_S = 0.15
_SLOW_FRAMES = 8
"""Where that many frames are so far apart on average, a blink may fall between two of them."""


@dataclass(frozen=True, slots=True)
class ChallengeTools:
    """What a challenge is judged with.

    Attributes:
        read: From a frame and its one face to what it does; None where that cannot be seen.
        embed: From a frame and its one face to its embedding, (D,) float32 of L2 norm 1.
        check: From a frame and its one face to the score of the passive check; None where there is none.
        same_person: Least cosine similarity of two looks at one person; None without a calibration.
    """

    read: Callable[[Image, Face], FaceSignals | None]
    embed: Callable[[Image, Face], FloatArray]
    check: Callable[[Image, Face], float] | None = None
    same_person: float | None = None


def draw_challenge(*, same_person: float | None = None, seed: int | None = None) -> Challenge:
    """A blink, a smile and three turns, each to a drawn side, in a drawn order; no wrong turn is forgiven.

    Args:
        same_person: Least cosine similarity of two looks at one person; None to go by the track alone.
        seed: Fixes what is drawn, for tests; None draws from the system's secret source.
    """
    draw = random.SystemRandom() if seed is None else random.Random(seed)
    turns = draw.choices((Step.TURN_LEFT, Step.TURN_RIGHT), k=_TURNS)
    limits = ChallengeLimits(same_person=same_person, wrong_moves=0)
    return Challenge((Step.BLINK, Step.SMILE, *turns), limits=limits, seed=seed)


class LiveChallenge:
    """One challenge of one view. For one thread at a time; keeps no picture.

    The order of the steps is drawn here, and time is that of the frames as this machine received them: who
    sends the frames can claim nothing.

    Args:
        tools: What it is judged with.
        challenge: What judges; one as `draw_challenge` makes them unless given.
    """

    def __init__(self, tools: ChallengeTools, challenge: Challenge | None = None) -> None:
        self._tools = tools
        self._challenge = challenge or draw_challenge(same_person=tools.same_person)
        self._start: FloatArray | None = None
        self._compare_at_s = self._check_at_s = float("-inf")
        self._times: deque[float] = deque(maxlen=_SLOW_FRAMES)

    @classmethod
    def of(cls, engine: Faceprint) -> LiveChallenge:
        """One with the models of an engine; loads them, since no frame may wait for that.

        Raises:
            ModelError: A model cannot be had or run.
        """
        return cls(_usual_tools(engine))

    @property
    def state(self) -> ChallengeState:
        """Where it stands now."""
        return self._challenge.state

    @property
    def result(self) -> ChallengeResult | None:
        """What came of it; None until it is over."""
        return self._challenge.result

    @property
    def slow(self) -> bool:
        """Whether frames come so slowly that a blink may be missed."""
        if len(self._times) < _SLOW_FRAMES:
            return False
        return (self._times[-1] - self._times[0]) / (_SLOW_FRAMES - 1) > _SLOW_S

    def look(self, frame: Frame, watched: Sequence[WatchedFace]) -> ChallengeState:
        """Where it stands after the next frame.

        Raises:
            ModelError: A model cannot be run.
        """
        self._times.append(frame.time_s)
        only = watched[0] if len(watched) == 1 else None
        before = self.state.phase
        after = self._challenge.update(self._observe(frame, len(watched), only))
        if only is not None and before is Phase.START and after.phase is Phase.STEP:
            self._start = self._tools.embed(frame.pixels, only.face)
            self._compare_at_s = frame.time_s + _COMPARE_S
        return after

    def stop(self) -> ChallengeState:
        """Gives it up, unless it is over."""
        return self._challenge.stop()

    def to_dict(self) -> dict[str, Any]:
        """Where it stands as JSON values, with the result once it is over."""
        result = self.result
        return self.state.to_dict() | {
            "slow": self.slow,
            "result": None if result is None else result.to_dict(),
        }

    def _observe(self, frame: Frame, count: int, only: WatchedFace | None) -> Observation:
        if only is None:
            return Observation(time_s=frame.time_s, faces=count)
        return Observation(
            time_s=frame.time_s,
            faces=count,
            track=only.track,
            signals=self._tools.read(frame.pixels, only.face),
            similarity=self._similarity(frame, only.face),
            liveness=self._liveness(frame, only.face),
        )

    def _similarity(self, frame: Frame, face: Face) -> float | None:
        if self._start is None or frame.time_s < self._compare_at_s:
            return None
        self._compare_at_s = frame.time_s + _COMPARE_S
        return float(self._start @ self._tools.embed(frame.pixels, face))

    def _liveness(self, frame: Frame, face: Face) -> float | None:
        if self._tools.check is None or frame.time_s < self._check_at_s:
            return None
        self._check_at_s = frame.time_s + _CHECK_S
        return self._tools.check(frame.pixels, face)


def _usual_tools(engine: Faceprint) -> ChallengeTools:
    models, calibration = engine.models, engine.models.calibration
    pose, liveness = models.pose, models.liveness
    # Networks take their time when they run first.
    models.embedder.embed(np.zeros((1, *(models.embedder.crop_size_px,) * 2, 3), dtype=np.uint8))

    def read(image: Image, face: Face) -> FaceSignals | None:
        ((turned,),) = pose.estimate([image], [(face,)])
        return read_signals(image, face, turned)

    def embed(image: Image, face: Face) -> FloatArray:
        vector: FloatArray = models.embedder.embed(models.crops(image, (face,))).vectors[0]
        return vector

    return ChallengeTools(
        read=read,
        embed=embed,
        check=None if liveness is None else _checked_by(liveness),
        same_person=None if calibration is None else calibration.threshold(_SAME_FMR).score,
    )


def _checked_by(model: LivenessModel) -> Callable[[Image, Face], float]:
    return lambda image, face: float(model.score([image], [(face,)])[0][0])
