"""The active challenge: a person is asked to do a few things in an order that nobody could know before.

A photo held before the camera cannot blink or smile, and a film does not know the order. That is all the
challenge rests on: a live face swap, or a film that is cut while it plays, can do what is asked, and a film
that goes through all steps again and again can be lucky. In a simulation of 20 such films
(benchmarks/challenge.csv), they passed 22 % of their tries with each step once and one wrong turn forgiven,
the defaults here, and the best of them 60 %; with the three turns and none forgiven of the live page 1.8 %,
and the best of them 9 %.

`Challenge` is a pure state machine: it is told what each frame shows and says what to do next. It reads no
clock, opens no camera and keeps no picture.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

import numpy as np

from faceprint.errors import InputError
from faceprint.liveness.baseline import Baseline, NeutralWatch
from faceprint.liveness.blinks import BlinkWatch
from faceprint.liveness.guards import Presence, SamePerson
from faceprint.liveness.moves import Back, Judge, WrongTurns, judge_of, side_of
from faceprint.liveness.signals import FaceSignals
from faceprint.liveness.steps import (
    STEPS,
    ChallengeLimits,
    ChallengeResult,
    ChallengeState,
    Failure,
    Observation,
    Phase,
    Step,
    StepResult,
)

__all__ = [
    "STEPS",
    "Challenge",
    "ChallengeLimits",
    "ChallengeResult",
    "ChallengeState",
    "Failure",
    "Observation",
    "Phase",
    "Step",
    "StepResult",
]

_MOST_STEPS = 12
_LEVEL_DEG = 25.0
"""A long nose and a camera below the face both look like a head that is raised or bowed."""

_STILL: Final = "Hold still."
_ASKED: Final = {
    Step.TURN_LEFT: "Turn your head to your left.",
    Step.TURN_RIGHT: "Turn your head to your right.",
    Step.BLINK: "Blink.",
    Step.SMILE: "Smile broadly.",
}
_SAID: Final = {
    Phase.START: "Look straight into the camera.",
    Phase.BACK: "Look into the camera again.",
    Phase.PASSED: "Done: all that was asked was seen.",
}
_FAILED: Final = {
    Failure.NO_START: "Nobody looked into the camera in time.",
    Failure.NO_FACE: "The face was gone for too long.",
    Failure.SEVERAL_FACES: "There was more than one face.",
    Failure.OTHER_FACE: "The face was lost, and another came in its place.",
    Failure.OTHER_PERSON: "The face is not the one that began.",
    Failure.TOO_SLOW: "That took too long.",
    Failure.WRONG_MOVE: "The head was turned when that was not asked.",
    Failure.GAP: "No picture came for too long.",
    Failure.STOPPED: "It was stopped.",
}


class Challenge:
    """Asks for steps in a drawn order, and judges frame by frame whether they are done.

    For one thread at a time.

    Args:
        steps: What to ask, each once or more; they are shuffled.
        limits: How much of everything is asked.
        seed: Fixes the order, for tests; None draws it from the system's secret source.

    Raises:
        InputError: No steps, or more than 12.

    Example:
        >>> challenge = Challenge([Step.BLINK])
        >>> challenge.update(Observation(time_s=0.0, faces=0)).text
        'Look straight into the camera.'
    """

    def __init__(
        self,
        steps: Sequence[Step] = STEPS,
        *,
        limits: ChallengeLimits | None = None,
        seed: int | None = None,
    ) -> None:
        if not 1 <= len(steps) <= _MOST_STEPS:
            raise InputError(f"A challenge has 1 to {_MOST_STEPS} steps, got {len(steps)}.")
        draw = random.SystemRandom() if seed is None else random.Random(seed)
        self._limits = limits or ChallengeLimits()
        self._order = tuple(draw.sample([Step(step) for step in steps], len(steps)))
        self._done: list[StepResult] = []
        self._phase, self._progress, self._hint = Phase.START, 0.0, ""
        self._failure: Failure | None = None
        self._began_s = self._phase_s = self._now_s = float("nan")
        self._frames = 0
        self._neutral = NeutralWatch(self._limits.neutral_s)
        self._first: Observation | None = None
        self._blinks = BlinkWatch()
        self._person = SamePerson(self._limits.same_person)
        self._liveness: list[float] = []
        self._round: _Round | None = None

    @property
    def state(self) -> ChallengeState:
        """Where it stands now."""
        limit_s = self._limit_s()
        return ChallengeState(
            phase=self._phase,
            text=self._text(),
            hint=self._hint,
            step=self._order[len(self._done)] if self._phase is Phase.STEP else None,
            done=len(self._done),
            steps=len(self._order),
            progress=self._progress,
            seconds_left=None if limit_s is None else max(limit_s - self._waited_s(), 0.0),
            failure=self._failure,
        )

    @property
    def result(self) -> ChallengeResult | None:
        """What came of it; None until it is over."""
        if not self.state.over:
            return None
        return ChallengeResult(
            passed=self._failure is None,
            failure=self._failure,
            text=self._text(),
            order=self._order,
            steps=tuple(self._done),
            seconds=self._now_s - self._began_s if self._frames else 0.0,
            frames=self._frames,
            similarity=min(self._person.scores, default=None),
            liveness=float(np.median(self._liveness)) if self._liveness else None,
        )

    def update(self, observation: Observation) -> ChallengeState:
        """Where it stands after one more frame; once it is over, nothing changes any more.

        A frame that is not later than the one before is passed over.
        """
        now_s = observation.time_s
        if self.state.over or now_s <= self._now_s:
            return self.state
        if not self._frames:
            self._began_s = self._phase_s = now_s
        gap_s, self._now_s = now_s - self._now_s, now_s
        self._frames += 1
        self._hint = self._hint_for(observation)
        if observation.liveness is not None:
            self._liveness.append(observation.liveness)
        if self._round is None:
            self._await_start(observation, fresh=gap_s > self._limits.gap_s)
        else:
            self._go_on(self._round, observation)
        limit_s = self._limit_s()
        if limit_s is not None and self._waited_s() > limit_s:
            self._fail(Failure.NO_START if self._phase is Phase.START else Failure.TOO_SLOW)
        return self.state

    def stop(self) -> ChallengeState:
        """The person or the camera has left: fails with `stopped` unless it is over."""
        if not self.state.over:
            self._fail(Failure.STOPPED)
        return self.state

    def _await_start(self, observation: Observation, *, fresh: bool) -> None:
        signals = observation.signals
        first = self._first
        swapped = first is not None and first.track != observation.track
        if self._hint or signals is None or fresh or swapped:
            self._neutral.clear()
            self._blinks = BlinkWatch()
            self._first, self._progress = None, 0.0
            return
        self._first = first or observation
        self._blinks.update(observation.time_s, signals)
        base = self._neutral.update(observation.time_s, signals)
        self._progress = self._neutral.progress
        if base is None:
            self._hint = _STILL if self._neutral.moving else ""
        else:
            self._round = _Round(base, self._limits, observation)
            self._ask(self._round)

    def _go_on(self, begun: _Round, observation: Observation) -> None:
        failure = begun.presence.update(observation)
        signals = observation.signals if observation.faces == 1 else None
        if failure is None and signals is not None and observation.similarity is not None:
            facing = abs(signals.yaw - begun.base.yaw) <= self._limits.neutral_deg
            failure = self._person.update(observation.similarity) if facing else None
        if failure is not None:
            self._fail(failure)
        elif signals is not None:
            blinked = self._blinks.update(observation.time_s, signals)
            if self._phase is Phase.STEP:
                self._judge(begun, signals, blinked=blinked)
            else:
                self._await_back(begun, signals)

    def _judge(self, begun: _Round, signals: FaceSignals, *, blinked: bool) -> None:
        step = self._order[len(self._done)]
        self._progress = begun.judge.update(self._now_s, signals, blinked=blinked)
        if begun.wrong.update(signals, side_of(step)):
            self._hint = "The other way." if side_of(step) else "Look into the camera."
        if begun.wrong.count > self._limits.wrong_moves:
            self._fail(Failure.WRONG_MOVE)
        elif self._progress >= 1:
            self._done.append(StepResult(step, self._waited_s()))
            begun.back = Back(begun.base, self._limits)
            self._enter(Phase.BACK)
            if len(self._done) == len(self._order):
                self._person.ask()

    def _await_back(self, begun: _Round, signals: FaceSignals) -> None:
        self._progress = begun.back.update(self._now_s, signals)
        if self._progress < 1:
            return
        if len(self._done) < len(self._order):
            self._ask(begun)
        elif self._person.alike:
            self._enter(Phase.PASSED)
            self._progress = 1.0

    def _ask(self, begun: _Round) -> None:
        step = self._order[len(self._done)]
        begun.judge = judge_of(step, begun.base, self._limits, self._now_s)
        self._enter(Phase.STEP)

    def _enter(self, phase: Phase) -> None:
        self._phase, self._phase_s, self._progress = phase, self._now_s, 0.0

    def _fail(self, failure: Failure) -> None:
        self._failure, self._phase, self._hint = failure, Phase.FAILED, ""

    def _waited_s(self) -> float:
        """Since the phase began."""
        return self._now_s - self._phase_s if self._frames else 0.0

    def _limit_s(self) -> float | None:
        """How long the phase may last; None once all is over."""
        limits = self._limits
        known = {
            Phase.START: limits.start_s,
            Phase.STEP: limits.step_s,
            Phase.BACK: limits.back_s,
        }
        return known.get(self._phase)

    def _text(self) -> str:
        if self._failure is not None:
            return _FAILED[self._failure]
        if self._phase is Phase.STEP:
            return _ASKED[self._order[len(self._done)]]
        return _SAID[self._phase]

    def _hint_for(self, observation: Observation) -> str:
        signals = observation.signals
        if observation.faces > 1:
            return "Only one person, please."
        if observation.faces < 1:
            return "No face is in view."
        if signals is None:
            return _STILL
        if signals.eyes_px < self._limits.least_eyes_px:
            return "Come closer."
        turned = abs(signals.yaw) > self._limits.neutral_deg or abs(signals.pitch) > _LEVEL_DEG
        return "Look straight ahead." if turned and self._phase is Phase.START else ""


class _Round:
    """What a challenge goes by once it has begun."""

    def __init__(self, base: Baseline, limits: ChallengeLimits, first: Observation) -> None:
        self.base = base
        self.presence = Presence(first, limits)
        self.wrong = WrongTurns(base, limits)
        self.back = Back(base, limits)
        self.judge: Judge = judge_of(Step.BLINK, base, limits, first.time_s)
