"""What a challenge asks, is told and answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from faceprint.liveness.signals import FaceSignals

__all__ = [
    "STEPS",
    "ChallengeLimits",
    "ChallengeResult",
    "ChallengeState",
    "Failure",
    "Observation",
    "Phase",
    "Step",
    "StepResult",
]


class Step(StrEnum):
    """What a person may be asked to do; left and right are the person's own."""

    TURN_LEFT = "turn-left"
    TURN_RIGHT = "turn-right"
    BLINK = "blink"
    SMILE = "smile"


class Phase(StrEnum):
    """Where a challenge stands.

    `start` waits for one face that looks into the camera, `step` for what is asked, `back` for the face to
    look into the camera again; `passed` and `failed` are final.
    """

    START = "start"
    STEP = "step"
    BACK = "back"
    PASSED = "passed"
    FAILED = "failed"


class Failure(StrEnum):
    """Why a challenge failed.

    `no-start`: nobody looked into the camera in time. `no-face` and `several-faces`: for too long.
    `other-face`: the track ended and another began. `other-person`: the face is not that of the start.
    `too-slow`: a step was not done in time. `wrong-move`: turns that were not asked. `gap`: no frames came
    for a while. `stopped`: it was given up.
    """

    NO_START = "no-start"
    NO_FACE = "no-face"
    SEVERAL_FACES = "several-faces"
    OTHER_FACE = "other-face"
    OTHER_PERSON = "other-person"
    TOO_SLOW = "too-slow"
    WRONG_MOVE = "wrong-move"
    GAP = "gap"
    STOPPED = "stopped"


STEPS: Final = tuple(Step)
"""All steps; the order in which they are asked is drawn."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one frame shows. Frames must not be mirrored; what is shown to the person may be.

    Attributes:
        time_s: When the frame was taken, in seconds of any clock that never goes back. Of the machine that
            judges: a clock of the browser can be made to say anything.
        faces: How many faces there are in it.
        track: The track of the one face, as in `WatchedFace.track`; None where faces are not followed.
        signals: Of the one face, from `read_signals`; None unless there is exactly one with landmarks.
        similarity: Cosine similarity of this face to the face at the start of the challenge; None where it
            was not compared. Once in a few frames is enough; frames with a turned face are passed over.
        liveness: Score of the passive check; None where it was not made. Only reported in the result.
    """

    time_s: float
    faces: int
    track: int | None = None
    signals: FaceSignals | None = None
    similarity: float | None = None
    liveness: float | None = None


@dataclass(frozen=True, slots=True)
class ChallengeLimits:
    """How much of everything is asked, and how long there is for it.

    Attributes:
        start_s: Longest wait for one face that looks into the camera.
        neutral_s: How long it has to look into the camera, which is what steps are measured against.
        step_s: For each step.
        back_s: To look into the camera again after a step.
        lost_s: The face may be gone, or not be the only one, for this long.
        gap_s: Longest time between two frames.
        turn_deg: How far a turn goes, in degrees from the start.
        neutral_deg: How far from level and straight still counts as looking into the camera.
        hold_s: For how long a smile is held.
        smile: How much wider than at the start the mouth is in a smile, as a share.
        wrong_moves: How many turns that were not asked are forgiven.
        least_eyes_px: Smallest distance between the eyes.
        same_person: Least cosine similarity to the face at the start, as a calibrated threshold gives it.
            One comparison must then come after the last step. None to go by the track alone.
    """

    start_s: float = 20.0
    neutral_s: float = 1.0
    step_s: float = 8.0
    back_s: float = 8.0
    lost_s: float = 0.8
    gap_s: float = 1.5
    turn_deg: float = 25.0
    neutral_deg: float = 12.0
    hold_s: float = 0.3
    smile: float = 0.15
    wrong_moves: int = 1
    least_eyes_px: float = 32.0
    same_person: float | None = None


@dataclass(frozen=True, slots=True)
class StepResult:
    """One step that was done.

    Attributes:
        step: Which.
        seconds: From when it was asked to when it was seen.
    """

    step: Step
    seconds: float


@dataclass(frozen=True, slots=True)
class ChallengeState:
    """Where a challenge stands after a frame.

    Attributes:
        phase: See `Phase`.
        text: What to tell the person, one short sentence.
        hint: What keeps the challenge from going on, as in "Come closer."; empty where nothing does.
        step: What is asked now; None where nothing is. Later steps are not told.
        done: How many steps are done.
        steps: How many there are.
        progress: How much of the step, or of the looking into the camera, is there: 0 to 1.
        seconds_left: Until the phase fails; None once it is over.
        failure: Why it failed; None unless it did.
    """

    phase: Phase
    text: str
    hint: str
    step: Step | None
    done: int
    steps: int
    progress: float
    seconds_left: float | None
    failure: Failure | None

    @property
    def over(self) -> bool:
        """Whether it has passed or failed."""
        return self.phase in (Phase.PASSED, Phase.FAILED)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values; seconds and shares rounded."""
        left = self.seconds_left
        return {
            "phase": self.phase,
            "text": self.text,
            "hint": self.hint,
            "step": self.step,
            "done": self.done,
            "steps": self.steps,
            "progress": round(self.progress, 2),
            "seconds_left": None if left is None else round(left, 1),
            "failure": self.failure,
        }


@dataclass(frozen=True, slots=True)
class ChallengeResult:
    """What came of a challenge.

    Attributes:
        passed: Whether all steps were done by one face.
        failure: Why not; None where it passed.
        text: The same for people.
        order: All steps in the order that was drawn.
        steps: Those that were done.
        seconds: From the first frame to the last.
        frames: How many frames were judged.
        similarity: Lowest similarity of frames that look into the camera; None where none was given.
        liveness: Median score of the passive check; None where none was given.
    """

    passed: bool
    failure: Failure | None
    text: str
    order: tuple[Step, ...]
    steps: tuple[StepResult, ...]
    seconds: float
    frames: int
    similarity: float | None
    liveness: float | None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values; seconds and scores rounded."""
        return {
            "passed": self.passed,
            "failure": self.failure,
            "text": self.text,
            "order": list(self.order),
            "steps": [{"step": one.step, "seconds": round(one.seconds, 2)} for one in self.steps],
            "seconds": round(self.seconds, 2),
            "frames": self.frames,
            "similarity": None if self.similarity is None else round(self.similarity, 4),
            "liveness": None if self.liveness is None else round(self.liveness, 4),
        }
