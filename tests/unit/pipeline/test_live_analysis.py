"""The analysis of a live view over made-up models: batches, calm numbers, shares of the time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceprint.errors import ModelError, WeightsMissingError
from faceprint.media.video import Frame
from faceprint.pipeline.appearance import AnalysedFace, EstimatedAge
from faceprint.pipeline.live.analysis import LiveAnalysis, LiveFace
from faceprint.pipeline.live.analysis_tools import AnalysisTools, LiveWishes, usual_tools
from faceprint.pipeline.live.face_watch import WatchedFace
from faceprint.pipeline.live.outlines import Outlines
from faceprint.types import Face, FloatArray, Image, Quality

PIXELS = np.zeros((200, 400, 3), np.uint8)
POINTS = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
BOX = np.array([20, 20, 80, 100], np.float32)
GOOD = Quality(0.9, 0.9, 0.9, 0.9, 0.9)
SQUARE = np.array([[20, 20], [80, 20], [80, 40], [20, 40]], np.float32)


def seen(track: int, *, shift: float = 0.0, marked: bool = True, size: float = 1.0) -> WatchedFace:
    points = (POINTS * size + shift).astype(np.float32) if marked else None
    return WatchedFace(track, Face((BOX * size + shift).astype(np.float32), 0.9, points), None, "")


def looks_of(years: float, female: float, happy: float) -> AnalysedFace:
    emotion = MappingProxyType({"happy": happy, "neutral": 1 - happy})
    age = EstimatedAge(years, years - 5, years + 5, "")
    return AnalysedFace(Face(BOX, 0.9), age, female, emotion)


class AtOnce(Executor):
    """Runs what it is given before it returns."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except ModelError as error:
            future.set_exception(error)
        return future


@dataclass
class Models:
    """Say what they are told to say; each batch is counted, and takes its time on a made-up clock."""

    pose: FloatArray = field(default_factory=lambda: np.zeros(3, np.float32))
    alive: float = 0.9
    looks: AnalysedFace = field(default_factory=lambda: looks_of(30, 0.8, 0.6))
    take_s: float = 0.0
    now_s: float = 0.0
    batches: dict[str, list[int]] = field(default_factory=dict)
    executor: Executor = field(default_factory=lambda: AtOnce())

    def count(self, what: str, faces: Sequence[Face]) -> None:
        self.batches.setdefault(what, []).append(len(faces))

    def estimate(self, images: Any, faces: Sequence[Sequence[Face]]) -> list[FloatArray]:
        self.count("pose", faces[0])
        return [np.stack([self.pose] * len(faces[0]))]

    def score(self, images: Any, faces: Sequence[Sequence[Face]]) -> list[FloatArray]:
        self.count("liveness", faces[0])
        self.now_s += self.take_s
        return [np.full(len(faces[0]), self.alive, np.float32)]

    def appear(self, image: Image, faces: tuple[Face, ...]) -> list[AnalysedFace]:
        self.count("appearance", faces)
        self.now_s += self.take_s
        return [self.looks] * len(faces)

    def parse(self, image: Image, faces: tuple[Face, ...]) -> list[Outlines]:
        self.count("parts", faces)
        self.now_s += self.take_s * len(faces)
        return [{"hair": (SQUARE + face.box[0] - 20,)} for face in faces]

    def measure(self, image: Image, faces: tuple[Face, ...]) -> tuple[Face, ...]:
        self.count("quality", faces)
        return tuple(replace(face, quality=GOOD) for face in faces)

    def analysis(self, *wanted: str) -> LiveAnalysis:
        model: Any = self
        return LiveAnalysis(
            AnalysisTools(
                measure=self.measure,
                pose=model,
                liveness=model if "liveness" in wanted else None,
                appear=self.appear if "appearance" in wanted else None,
                parse=self.parse if "parts" in wanted else None,
                executor=self.executor,
                clock=lambda: self.now_s,
            )
        )


def frame(time_s: float) -> Frame:
    return Frame(0, time_s, PIXELS)


def test_all_faces_of_a_frame_go_through_the_models_together() -> None:
    models = Models()
    analysis = models.analysis("liveness", "appearance")
    found = analysis.look(frame(0), [seen(1), seen(2, shift=100)])
    assert models.batches == {"quality": [2], "pose": [2], "liveness": [2], "appearance": [2]}
    assert [one.track for one in found] == [1, 2]
    assert found[1].looks.face.box[0] == 120
    assert found[0].looks.liveness == pytest.approx(0.9)
    quality = found[0].looks.face.quality
    assert quality is not None
    assert quality.score == pytest.approx(GOOD.score)
    assert quality.embedding is None


def test_without_faces_no_model_is_asked() -> None:
    models = Models()
    assert models.analysis("liveness", "appearance", "parts").look(frame(0), []) == ()
    assert models.batches == {}


def test_pose_is_calm_and_follows_a_turn() -> None:
    models, analysis = Models(), None
    analysis = models.analysis()
    noise = np.random.default_rng(0).normal(0, 2, (100, 3)).astype(np.float32)
    shown = []
    for k, jitter in enumerate(noise):
        models.pose = jitter + np.array([40.0 if k >= 50 else 0.0, 0, 0], np.float32)
        pose = analysis.look(frame(k / 25), [seen(1)])[0].looks.pose
        assert pose is not None
        shown.append(pose.yaw)
    assert np.std(shown[25:50]) < 0.5 * np.std(noise[25:50, 0])
    assert shown[60] > 30, "0.4 s after the turn"
    assert shown[99] == pytest.approx(40, abs=3)


def test_a_pose_that_is_lost_is_not_made_up() -> None:
    models = Models(pose=np.array([30, 0, 0], np.float32))
    analysis = models.analysis()
    assert analysis.look(frame(0), [seen(1)])[0].looks.pose is not None
    models.pose = np.full(3, np.nan, np.float32)
    lost = analysis.look(frame(0.1), [seen(1)])[0]
    assert lost.looks.pose is None
    assert lost.to_dict()["pose"] is None
    assert lost.to_dict()["axes"] is None
    models.pose = np.array([-30, 0, 0], np.float32)
    pose = analysis.look(frame(0.2), [seen(1)])[0].looks.pose
    assert pose is not None
    assert pose.yaw == pytest.approx(-30), "what was before it was lost does not count"


def test_what_takes_long_gets_a_share_of_the_time() -> None:
    models = Models(take_s=0.1)
    analysis = models.analysis("liveness")
    for k in range(100):
        analysis.look(frame(k * 0.02), [seen(1)])
        models.now_s += 0.02
    runs = len(models.batches["liveness"])
    assert runs * 0.1 / models.now_s == pytest.approx(0.25, abs=0.05)
    assert len(models.batches["pose"]) == 100


def test_slow_parsing_takes_the_faces_in_turns() -> None:
    models = Models(take_s=0.15)
    analysis = models.analysis("parts")
    faces = [seen(k, shift=10 * k) for k in range(1, 6)]
    parsed: list[set[int]] = []
    for k in range(60):
        found = analysis.look(frame(k * 0.1), faces)
        parsed.append({one.track for one in found if one.outlines})
        models.now_s += 0.1
    assert max(models.batches["parts"]) == 2, "two faces of 0.15 s in 0.4 s"
    assert parsed[0] != {1, 2, 3, 4, 5}
    assert parsed[-1] == {1, 2, 3, 4, 5}
    assert analysis.parts_s == pytest.approx(0.3)


def test_the_view_does_not_wait_for_parsing() -> None:
    go_on = threading.Event()
    models = Models()
    parse = models.parse

    def slow(image: Image, faces: tuple[Face, ...]) -> list[Outlines]:
        assert go_on.wait(5)
        return parse(image, faces)

    models.parse = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(1) as models.executor:
        analysis = models.analysis("parts")
        for k in range(10):
            (one,) = analysis.look(frame(k * 0.1), [seen(1)])
            assert one.outlines == {}
            assert one.looks.pose is not None
        go_on.set()
        models.executor.submit(int).result(5)
        (one,) = analysis.look(frame(1.1), [seen(1, shift=5)])
        assert one.outlines["hair"][0] == pytest.approx(SQUARE + 5, abs=1e-3)


def test_a_parser_that_fails_is_not_silent() -> None:
    models = Models()

    def fail(image: Image, faces: tuple[Face, ...]) -> list[Outlines]:
        raise ModelError("The parser cannot be run.")

    models.parse = fail  # type: ignore[method-assign]
    with pytest.raises(ModelError, match="cannot be run"):
        models.analysis("parts").look(frame(0), [seen(1)])


def test_quick_parsing_takes_all_faces_at_once() -> None:
    models = Models(take_s=0.001)
    analysis = models.analysis("parts")
    for k in range(5):
        analysis.look(frame(k), [seen(1), seen(2), seen(3)])
        models.now_s += 1
    assert models.batches["parts"][-1] == 3


def test_outlines_move_with_the_face_between_two_parsings() -> None:
    models = Models(take_s=1.0)
    analysis = models.analysis("parts")
    analysis.look(frame(0), [seen(1)])
    (moved,) = analysis.look(frame(0.1), [seen(1, shift=30)])
    assert models.batches["parts"] == [1]
    (polygon,) = moved.outlines["hair"]
    assert polygon == pytest.approx(SQUARE + 30, abs=1e-3)


def test_faces_of_a_few_pixels_are_not_parsed() -> None:
    models = Models()
    analysis = models.analysis("parts")
    (small,) = analysis.look(frame(0), [seen(1, size=0.5)])
    assert small.outlines == {}
    assert "parts" not in models.batches


def test_a_face_that_loses_its_landmarks_shows_no_outlines_in_the_wrong_place() -> None:
    models = Models(take_s=1.0)
    analysis = models.analysis("parts")
    analysis.look(frame(0), [seen(1)])
    (unmarked,) = analysis.look(frame(0.1), [seen(1, marked=False)])
    assert unmarked.outlines == {}
    assert unmarked.to_dict()["landmarks"] is None


def test_appearance_is_smoothed_over_the_track() -> None:
    models = Models(looks=looks_of(30, 0.9, 0.9))
    analysis = models.analysis("appearance")
    analysis.look(frame(0), [seen(1)])
    models.looks = looks_of(50, 0.1, 0.1)
    (one,) = analysis.look(frame(0.5), [seen(1)])
    age, female = one.looks.age, one.looks.female_probability
    assert age is not None
    assert female is not None
    assert 32 < age.years < 48
    assert age.band == f"{int(age.years) // 10 * 10} to {int(age.years) // 10 * 10 + 9} years"
    assert 0.2 < female < 0.8
    assert sum(one.looks.emotion.values()) == pytest.approx(1)
    for k in range(30):
        (one,) = analysis.look(frame(1 + k), [seen(1)])
    assert next(iter(one.looks.emotion)) == "neutral", "the likeliest first"
    (other,) = analysis.look(frame(31), [seen(2)])
    assert other.looks.age is not None
    assert other.looks.age.years == 50, "another track begins anew"


def test_who_was_away_for_long_begins_anew() -> None:
    models = Models(pose=np.array([30, 0, 0], np.float32))
    analysis = models.analysis("parts")
    analysis.look(frame(0), [seen(1)])
    models.pose = np.array([-30, 0, 0], np.float32)
    (away,) = analysis.look(frame(60), [seen(1)])
    assert away.looks.pose is not None
    assert away.looks.pose.yaw == -30


def test_the_record_is_json_with_words_for_people() -> None:
    models = Models(pose=np.array([24, 3, -10], np.float32))
    (one,) = models.analysis("liveness", "appearance", "parts").look(frame(0), [seen(1)])
    record = json.loads(json.dumps(one.to_dict()))
    assert record["pose"] == {"yaw": 24.0, "pitch": 3.0, "roll": -10.0}
    assert record["landmarks"] == POINTS.tolist()
    ear, chin, nose = record["axes"]
    assert ear[0] > 0.8, "the person's left is on the right of the image"
    assert chin[1] > 0.8
    assert nose[0] > 0.3, "the nose points where the head turns"
    assert record["quality"] == pytest.approx(0.9)
    assert record["liveness"] == pytest.approx(0.9)
    assert record["parts"] == {"hair": [[20, 20, 80, 20, 80, 40, 20, 40]]}
    assert record["appearance"]["age"]["years"] == 30
    words = dict(record["words"])
    assert words["Head"] == "turned 24° to their left, tilted 10° to their right"
    assert words["Liveness"].startswith("0.90")
    assert words["Age"] == "about 30 years (25 to 35)"
    assert words["Looks like"] == "a woman 80 %"
    assert words["Expression"] == "happy 60 %"


def test_what_is_unknown_has_no_words() -> None:
    unmarked = AnalysedFace(Face(BOX, 0.9), None, None, MappingProxyType({}))
    record = LiveFace(1, unmarked, {}).to_dict()
    assert record["words"] == []
    assert (record["quality"], record["liveness"], record["appearance"]) == (None, None, None)


def engine_with(**models: Any) -> Any:
    """An engine of which some models are missing."""

    class Here:
        def __getattr__(self, name: str) -> Any:
            given: Callable[[], Any] = models[name]
            return given()

    return SimpleNamespace(models=Here(), settings=SimpleNamespace(detector="yunet"))


def missing() -> Any:
    raise WeightsMissingError("The weights of it are not here.")


def test_what_cannot_be_had_is_noted_and_the_rest_goes_on() -> None:
    pose = object()
    tools = usual_tools(
        engine_with(
            liveness=lambda: None,
            pose=lambda: pose,
            attribute_models=lambda: missing,
            parser=missing,
        ),
        LiveWishes(parts=True, appearance=True),
    )
    assert tools.pose is pose
    assert (tools.liveness, tools.appear, tools.parse) == (None, None, None)
    assert len(tools.notes) == 3
    assert "passive liveness check" in tools.notes[0]


def test_models_that_are_not_wished_are_not_loaded() -> None:
    tools = usual_tools(engine_with(liveness=object, pose=object), LiveWishes())
    assert tools.notes == ()
    assert (tools.appear, tools.parse) == (None, None)
