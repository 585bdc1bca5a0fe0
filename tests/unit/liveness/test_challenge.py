from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from faceprint.errors import InputError
from faceprint.liveness.challenge import (
    STEPS,
    Challenge,
    ChallengeLimits,
    ChallengeState,
    Failure,
    Observation,
    Phase,
    Step,
)
from faceprint.liveness.signals import FaceSignals

FRAME_S = 0.1
NEUTRAL = FaceSignals(
    yaw=2.0, pitch=-3.0, roll=0.5, mouth=0.85, openness=0.4, eyes_px=80.0, centre=(320.0, 200.0)
)
Face = Callable[[ChallengeState, float], FaceSignals | None]
"""What a person shows, from what is asked and for how long already."""


def obedient(state: ChallengeState, since_s: float) -> FaceSignals:
    """Does what is asked after a moment."""
    if state.phase is not Phase.STEP or since_s < 0.5:
        return NEUTRAL
    if state.step is Step.TURN_LEFT:
        return replace(NEUTRAL, yaw=min(since_s * 30, 40.0))
    if state.step is Step.TURN_RIGHT:
        return replace(NEUTRAL, yaw=max(-since_s * 30, -40.0))
    if state.step is Step.SMILE:
        return replace(NEUTRAL, mouth=1.05)
    return replace(NEUTRAL, openness=0.1 if 0.9 < since_s < 1.15 else 0.4)


def frames(challenge: Challenge, face: Face, *, seconds: float = 60) -> Iterator[Observation]:
    """Frames of one person, who sees what is asked."""
    asked, since_s = challenge.state, 0.0
    for k in range(round(seconds / FRAME_S)):
        time_s, state = k * FRAME_S, challenge.state
        if (state.phase, state.done) != (asked.phase, asked.done):
            asked, since_s = state, time_s
        signals = face(state, time_s - since_s)
        yield Observation(time_s=time_s, faces=1, track=1, signals=signals)


def play(challenge: Challenge, face: Face, *, seconds: float = 60) -> ChallengeState:
    for observation in frames(challenge, face, seconds=seconds):
        if challenge.update(observation).over:
            break
    return challenge.state


@pytest.mark.parametrize("seed", range(6))
def test_passes_who_does_all_that_is_asked(seed: int) -> None:
    challenge = Challenge(seed=seed)
    state = play(challenge, obedient)
    assert state.phase is Phase.PASSED
    result = challenge.result
    assert result is not None
    assert result.passed
    assert sorted(result.order) == sorted(STEPS)
    assert [one.step for one in result.steps] == list(result.order)
    assert all(0.4 < one.seconds < 3 for one in result.steps)
    assert result.frames > 50
    assert result.similarity is None
    assert result.liveness is None


def test_order_is_drawn() -> None:
    orders = {result.order for seed in range(40) if (result := _stopped(Challenge(seed=seed)))}
    assert len(orders) > 10
    drawn = {result.order for _ in range(40) if (result := _stopped(Challenge()))}
    assert len(drawn) > 10


def _stopped(challenge: Challenge):  # type: ignore[no-untyped-def]
    challenge.stop()
    return challenge.result


@pytest.mark.parametrize("count", [0, 13])
def test_refuses_no_steps_and_too_many(count: int) -> None:
    with pytest.raises(InputError, match=f"got {count}"):
        Challenge([Step.BLINK] * count)


def test_later_steps_are_not_told() -> None:
    challenge = Challenge(seed=1)
    assert challenge.state.step is None
    assert challenge.state.steps == 4
    state = play(challenge, obedient, seconds=1.5)
    assert state.phase is Phase.STEP
    assert list(state.to_dict()).count("step") == 1
    assert "order" not in state.to_dict()
    assert challenge.result is None


def test_a_photo_fails() -> None:
    challenge = Challenge([Step.BLINK])
    assert play(challenge, lambda state, since_s: NEUTRAL).failure is Failure.TOO_SLOW


def test_nobody_fails() -> None:
    challenge = Challenge()
    for k in range(300):
        state = challenge.update(Observation(time_s=k * 0.1, faces=0))
    assert state.failure is Failure.NO_START
    assert state.hint == ""
    assert state.seconds_left is None
    assert "Nobody" in state.text


def start(challenge: Challenge) -> float:
    """Looks into the camera until the first step is asked; when that was."""
    for observation in frames(challenge, lambda state, since_s: NEUTRAL):
        if challenge.update(observation).phase is Phase.STEP:
            return observation.time_s
    raise AssertionError("the challenge has not begun")


def seen(time_s: float, **changes: object) -> Observation:
    whole = Observation(time_s=time_s, faces=1, track=1, signals=NEUTRAL)
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_face_may_be_gone_for_a_moment_only() -> None:
    challenge = Challenge([Step.SMILE])
    now = start(challenge)
    assert not challenge.update(seen(now + 0.3, faces=0, track=None, signals=None)).over
    assert challenge.state.hint == "No face is in view."
    assert not challenge.update(seen(now + 0.6)).over
    assert not challenge.update(seen(now + 1.0, faces=0, signals=None)).over
    assert challenge.update(seen(now + 1.5, faces=0, signals=None)).failure is Failure.NO_FACE


def test_second_face_fails() -> None:
    challenge = Challenge([Step.SMILE])
    now = start(challenge)
    state = challenge.update(seen(now + 0.2, faces=2, track=None, signals=None))
    assert state.hint == "Only one person, please."
    state = challenge.update(seen(now + 1.2, faces=2, track=None, signals=None))
    assert state.failure is Failure.SEVERAL_FACES


def test_another_track_fails_at_once() -> None:
    challenge = Challenge([Step.SMILE])
    now = start(challenge)
    assert challenge.update(seen(now + 0.1, track=2)).failure is Failure.OTHER_FACE


def test_pictures_that_stay_away_fail() -> None:
    challenge = Challenge([Step.SMILE])
    now = start(challenge)
    assert challenge.update(seen(now + 2)).failure is Failure.GAP


def test_another_person_fails_on_the_second_look() -> None:
    challenge = Challenge([Step.SMILE], limits=ChallengeLimits(same_person=0.4))
    now = start(challenge)
    assert not challenge.update(seen(now + 0.1, similarity=0.2)).over
    assert not challenge.update(seen(now + 0.2, similarity=0.7)).over
    assert not challenge.update(seen(now + 0.3, similarity=0.2)).over
    assert challenge.update(seen(now + 0.4, similarity=0.1)).failure is Failure.OTHER_PERSON
    assert challenge.result is not None
    assert challenge.result.similarity == 0.1


def test_turned_faces_are_not_compared() -> None:
    challenge = Challenge([Step.TURN_LEFT], limits=ChallengeLimits(same_person=0.4))
    now = start(challenge)
    turned = replace(NEUTRAL, yaw=20.0)
    for k in range(1, 6):
        state = challenge.update(seen(now + k / 10, signals=turned, similarity=0.0))
    assert not state.over


def test_passing_waits_for_a_comparison_after_the_last_step() -> None:
    challenge = Challenge([Step.SMILE], limits=ChallengeLimits(same_person=0.4))
    now = start(challenge)
    smiling = replace(NEUTRAL, mouth=1.05)
    for k in range(1, 6):
        challenge.update(seen(now + k / 10, signals=smiling, similarity=0.8))
    for k in range(6, 16):
        state = challenge.update(seen(now + k / 10))
    assert state.phase is Phase.BACK
    assert challenge.update(seen(now + 1.7, similarity=0.8)).phase is Phase.PASSED


def test_one_wrong_turn_is_forgiven_and_two_are_not() -> None:
    challenge = Challenge([Step.TURN_LEFT])
    now = start(challenge)
    right = replace(NEUTRAL, yaw=-35.0)
    assert challenge.update(seen(now + 0.1, signals=right)).hint == "The other way."
    assert not challenge.update(seen(now + 0.2, signals=right)).over
    assert not challenge.update(seen(now + 0.3)).over
    assert challenge.update(seen(now + 0.4, signals=right)).failure is Failure.WRONG_MOVE


def test_smile_is_held_and_one_stray_frame_is_no_turn() -> None:
    challenge = Challenge([Step.SMILE])
    now = start(challenge)
    smiling = replace(NEUTRAL, mouth=1.05)
    assert challenge.update(seen(now + 0.1, signals=smiling)).progress == pytest.approx(0.99)
    assert challenge.update(seen(now + 0.2)).phase is Phase.STEP
    challenge = Challenge([Step.TURN_RIGHT])
    now = start(challenge)
    state = challenge.update(seen(now + 0.1, signals=replace(NEUTRAL, yaw=-60.0)))
    assert state.phase is Phase.STEP
    assert challenge.update(seen(now + 0.2)).phase is Phase.STEP


def test_start_waits_for_a_near_face_that_looks_ahead() -> None:
    challenge = Challenge()
    far = replace(NEUTRAL, eyes_px=12.0)
    aside = replace(NEUTRAL, yaw=30.0)
    for k, (signals, hint) in enumerate(
        [(far, "Come closer."), (aside, "Look straight ahead."), (None, "Hold still.")]
    ):
        state = challenge.update(seen(float(k), signals=signals))
        assert state.hint == hint
        assert state.phase is Phase.START
        assert state.progress == 0


def test_start_begins_again_with_another_face() -> None:
    challenge = Challenge()
    for k in range(8):
        challenge.update(seen(k / 10))
    assert challenge.state.progress > 0.5
    assert challenge.update(seen(0.9, track=2)).progress == 0


def test_frames_out_of_order_and_after_the_end_change_nothing() -> None:
    challenge = Challenge([Step.SMILE])
    now = start(challenge)
    before = challenge.state
    assert challenge.update(seen(now - 0.5, faces=3)) == before
    stopped = challenge.stop()
    assert stopped.failure is Failure.STOPPED
    assert challenge.stop() == stopped
    assert challenge.update(seen(now + 5)) == stopped


def test_records_are_json() -> None:
    challenge = Challenge(seed=3, limits=ChallengeLimits(same_person=0.3))
    for observation in frames(challenge, obedient):
        state = challenge.update(replace(observation, similarity=0.81234567, liveness=0.5))
        json.dumps(state.to_dict())
    result = challenge.result
    assert result is not None
    assert result.passed
    loaded = json.loads(json.dumps(result.to_dict()))
    assert loaded["similarity"] == 0.8123
    assert loaded["liveness"] == 0.5
    assert loaded["order"] == list(result.order)


def test_a_head_that_moves_is_told_to_hold_still() -> None:
    challenge = Challenge(seed=1)
    for k in range(60):
        nods = replace(NEUTRAL, pitch=9.0 if k // 5 % 2 else -9.0)
        state = challenge.update(Observation(k * FRAME_S, 1, 1, nods))
        assert state.phase is Phase.START
        if k > 15:
            assert state.hint == "Hold still."
    for k in range(60, 75):
        state = challenge.update(Observation(k * FRAME_S, 1, 1, NEUTRAL))
    assert (state.phase, state.hint) == (Phase.STEP, "")
