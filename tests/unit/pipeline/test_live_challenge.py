"""The active challenge before a live view: what it is told of each frame, and when faces are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from faceprint.liveness.challenge import (
    Challenge,
    Failure,
    Observation,
    Phase,
    Step,
)
from faceprint.liveness.signals import FaceSignals
from faceprint.media.video import Frame
from faceprint.pipeline.live.challenge import ChallengeTools, LiveChallenge, draw_challenge
from faceprint.pipeline.live.face_watch import WatchedFace
from faceprint.types import Face, FloatArray, Image

PIXELS = np.zeros((200, 300, 3), np.uint8)
BOX = np.array([20, 20, 80, 100], np.float32)


@dataclass
class Judge:
    """Keeps what it is told; its phases are those it was given, then the last of them."""

    phases: list[Phase]
    told: list[Observation] = field(default_factory=list)

    @property
    def state(self) -> Any:
        phase = self.phases[min(len(self.told), len(self.phases) - 1)]
        return type("State", (), {"phase": phase})()

    def update(self, observation: Observation) -> Any:
        self.told.append(observation)
        return self.state


@dataclass
class Eyes:
    """What can be read of a frame."""

    embedded: int = 0
    checked: int = 0
    vector: FloatArray = field(default_factory=lambda: np.array([1, 0], np.float32))

    signals: FaceSignals = field(default_factory=lambda: FaceSignals(0.0, 0.0, 0.0, 0.8, 0.4, 60.0))

    def read(self, image: Image, face: Face) -> FaceSignals:
        return self.signals

    def embed(self, image: Image, face: Face) -> FloatArray:
        self.embedded += 1
        return self.vector

    def check(self, image: Image, face: Face) -> float:
        self.checked += 1
        return 0.7

    @property
    def tools(self) -> ChallengeTools:
        return ChallengeTools(self.read, self.embed, self.check)


def face(track: int = 1) -> WatchedFace:
    return WatchedFace(track, Face(BOX, 0.9), None, "")


def frame(time_s: float) -> Frame:
    return Frame(0, time_s, PIXELS)


def live(judge: Judge, eyes: Eyes) -> LiveChallenge:
    judging: Any = judge
    return LiveChallenge(eyes.tools, judging)


def test_one_face_is_read_and_several_are_only_counted() -> None:
    judge, eyes = Judge([Phase.START]), Eyes()
    challenge = live(judge, eyes)
    challenge.look(frame(1.0), [face(7)])
    challenge.look(frame(1.1), [face(7), face(8)])
    challenge.look(frame(1.2), [])
    one, two, none = judge.told
    assert (one.time_s, one.faces, one.track) == (1.0, 1, 7)
    assert one.signals is eyes.read(PIXELS, face().face)
    assert (two.faces, two.track, two.signals) == (2, None, None)
    assert (none.faces, none.track, none.signals) == (0, None, None)


def test_the_face_is_compared_to_the_one_that_the_steps_began_with() -> None:
    judge = Judge([Phase.START, Phase.START, Phase.STEP])
    eyes = Eyes()
    challenge = live(judge, eyes)
    challenge.look(frame(0.0), [face()])
    assert eyes.embedded == 0, "nothing is kept before the steps begin"
    challenge.look(frame(0.1), [face()])
    assert eyes.embedded == 1
    eyes.vector = np.array([0.6, 0.8], np.float32)
    for k in range(1, 41):
        challenge.look(frame(0.1 + k * 0.05), [face()])
    said = [one.similarity for one in judge.told if one.similarity is not None]
    assert said == pytest.approx([0.6] * 5), "five times in two seconds"


def test_another_face_is_compared_to_the_first_too() -> None:
    judge = Judge([Phase.START, Phase.STEP])
    eyes = Eyes()
    challenge = live(judge, eyes)
    challenge.look(frame(0.0), [face(1)])
    eyes.vector = np.array([0, 1], np.float32)
    challenge.look(frame(1.0), [face(2)])
    assert judge.told[-1].similarity == 0


def test_the_passive_check_is_asked_now_and_then() -> None:
    judge, eyes = Judge([Phase.START]), Eyes()
    challenge = live(judge, eyes)
    for k in range(41):
        challenge.look(frame(k * 0.05), [face()])
    assert eyes.checked == 6
    assert [one.liveness for one in judge.told if one.liveness is not None] == [0.7] * 6


def test_without_a_passive_check_and_a_calibration_it_goes_on() -> None:
    eyes, judge = Eyes(), Judge([Phase.START])
    judging: Any = judge
    LiveChallenge(ChallengeTools(eyes.read, eyes.embed), judging).look(frame(0), [face()])
    assert judge.told[0].liveness is None


def test_where_it_stands_is_json_and_the_result_comes_at_the_end() -> None:
    challenge = LiveChallenge(Eyes().tools, Challenge(seed=1))
    begun = json.loads(json.dumps(challenge.to_dict()))
    assert begun["phase"] == "start"
    assert begun["result"] is None
    assert begun["step"] is None, "what will be asked is not told"
    assert "order" not in json.dumps(begun)
    challenge.look(frame(0.0), [])
    ended = challenge.stop()
    assert ended.phase is Phase.FAILED
    assert json.loads(json.dumps(challenge.to_dict()))["result"]["failure"] == "stopped"


def test_nobody_before_the_camera_ends_it_in_time() -> None:
    challenge = LiveChallenge(Eyes().tools, Challenge(seed=1))
    states = [challenge.look(frame(k * 0.5), []) for k in range(60)]
    assert states[5].phase is Phase.START
    assert states[-1].phase is Phase.FAILED
    result = challenge.result
    assert result is not None
    assert not result.passed


@pytest.mark.parametrize(("fps", "slow"), [(30, False), (8, False), (5, True), (1, True)])
def test_it_says_where_pictures_come_too_slowly_for_blinks(fps: int, slow: bool) -> None:
    challenge = LiveChallenge(Eyes().tools, Challenge(seed=1))
    for k in range(8):
        assert not challenge.to_dict()["slow"], "not enough to tell"
        challenge.look(frame(k / fps), [])
    assert challenge.to_dict()["slow"] is slow


def obey(step: Step | None, waited_s: float) -> FaceSignals:
    """What somebody does who is asked for a step, or for nothing."""
    yaw = {Step.TURN_LEFT: 35.0, Step.TURN_RIGHT: -35.0}.get(step, 0.0) if step else 0.0
    yaw *= min(waited_s / 0.5, 1.0)
    mouth = 1.05 if step is Step.SMILE else 0.8
    openness = 0.1 if step is Step.BLINK and 0.4 < waited_s < 0.6 else 0.4
    return FaceSignals(yaw, 0.0, 0.0, mouth, openness, 60.0)


@pytest.mark.parametrize("seed", range(4))
def test_who_does_what_is_asked_passes(seed: int) -> None:
    eyes = Eyes()
    challenge = LiveChallenge(
        ChallengeTools(eyes.read, eyes.embed, eyes.check, same_person=0.4),
        draw_challenge(same_person=0.4, seed=seed),
    )
    since_s, asked = 0.0, (challenge.state.step, 0)
    for k in range(1000):
        state = challenge.state
        if state.over:
            break
        now_s = k / 15
        if (state.step, state.done) != asked:
            since_s, asked = now_s, (state.step, state.done)
        eyes.signals = obey(state.step, now_s - since_s)
        challenge.look(frame(now_s), [face()])
    result = challenge.result
    assert result is not None
    assert result.passed, result.text
    assert [one.step for one in result.steps] == list(result.order)
    assert result.similarity == pytest.approx(1)
    assert result.liveness == pytest.approx(0.7)


def test_somebody_else_who_takes_the_place_fails() -> None:
    eyes = Eyes()
    challenge = LiveChallenge(
        ChallengeTools(eyes.read, eyes.embed, same_person=0.4),
        draw_challenge(same_person=0.4, seed=1),
    )
    for k in range(200):
        if challenge.state.phase is Phase.STEP:
            eyes.vector = np.array([0, 1], np.float32)
        challenge.look(frame(k / 15), [face()])
    result = challenge.result
    assert result is not None
    assert result.failure is Failure.OTHER_PERSON


@pytest.mark.parametrize("pause_s", [0.0, 1.0])
def test_a_film_that_goes_round_through_all_deeds_seldom_passes(pause_s: float) -> None:
    film = (Step.TURN_LEFT, Step.BLINK, Step.TURN_RIGHT, Step.SMILE)
    passed = 0
    for seed in range(40):
        eyes, challenge = Eyes(), draw_challenge(seed=seed)
        live_challenge = LiveChallenge(eyes.tools, challenge)
        for k in range(500):
            number, within_s = divmod(max(k / 10 - 1.5, 0) + seed / 7, 1.0 + pause_s)
            step = film[int(number) % 4] if k >= 15 and within_s < 1 else None
            eyes.signals = obey(step, within_s)
            if live_challenge.look(frame(k / 10), [face()]).over:
                break
        result = live_challenge.result
        passed += result is not None and result.passed
    assert passed <= 3


def test_what_is_asked_differs_from_try_to_try() -> None:
    asked = set()
    for _ in range(12):
        challenge = draw_challenge()
        challenge.stop()
        assert challenge.result is not None
        asked.add(challenge.result.order)
    assert len(asked) > 6
