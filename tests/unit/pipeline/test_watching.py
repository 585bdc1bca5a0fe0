"""The watcher over a made-up engine, tracker and namer: newest only, events, viewers, trouble."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from faceprint.errors import GalleryUnavailableError, InputError, OutputError, WeightsMissingError
from faceprint.gallery.records import Call
from faceprint.media.video import Frame
from faceprint.pipeline.live.events import JsonLines, WatchEvent
from faceprint.pipeline.live.face_watch import FaceWatch, Tools, WatchOptions
from faceprint.pipeline.live.source import LiveSource, Patience
from faceprint.pipeline.live.watcher import Watcher
from faceprint.pipeline.results import NamedEmbedding
from faceprint.track import TrackedFace
from faceprint.types import Candidate, Decision, Face, FloatArray, Image

STREAM = "http://camera.example/view.mjpg"
CALL = Call("test", "watch")
ADA = NamedEmbedding(
    Decision.MATCH, "Ada", "id-ada", 0.6, (Candidate("id-ada", "Ada", 0.6, "t"),), None
)
UNKNOWN = NamedEmbedding(Decision.UNKNOWN, None, None, 0.1, (), None)
BOX = np.array([1, 1, 3, 3], np.float32)


@dataclass
class FakeModels:
    """One face in every picture."""

    detected: list[Image] = field(default_factory=list)
    before: Callable[[], object] = lambda: None

    def detect(self, images: list[Image], *, thorough: bool) -> list[tuple[Face, ...]]:
        self.before()
        self.detected += [image for image in images if image.shape == (4, 4, 3)]
        return [(Face(BOX, 0.9),) for _ in images]

    def crops(self, image: Image, faces: tuple[Face, ...]) -> Image:
        return np.zeros((len(faces), 4, 4, 3), np.uint8)

    def with_landmarks(self, image: Image, faces: tuple[Face, ...]) -> tuple[Face, ...]:
        return faces


class FakeTracker:
    """One track, which ends where `ends` says."""

    def __init__(self) -> None:
        self.given: list[bool] = []
        self.ended: tuple[int, ...] = ()

    def update(
        self, pixels: Image, time_s: float, faces: Sequence[Face] | None, *, embed: Any = None
    ) -> tuple[TrackedFace, ...]:
        self.given.append(faces is not None)
        return (TrackedFace(1, Face(BOX, 0.9), 0 if faces else None, len(self.given) > 1),)

    def take_ended(self) -> tuple[int, ...]:
        ended, self.ended = self.ended, ()
        return ended


@dataclass
class FakeNamer:
    """Says what it is told to say, and counts how often it is asked."""

    answer: NamedEmbedding = ADA
    decided: int = 0
    searched: int = 0
    trouble: bool = False
    forgotten: list[int] = field(default_factory=list)

    def observe(self, frame: Frame, tracked: Any, faces: Any = None) -> None:
        pass

    def decide(self, track_ids: Sequence[int] | None = None) -> None:
        self.decided += 1
        if self.trouble:
            raise GalleryUnavailableError("The gallery is locked.")

    def who(self, track_id: int) -> NamedEmbedding | None:
        return self.answer

    def search(self, groups: Sequence[FloatArray]) -> tuple[NamedEmbedding, ...]:
        self.searched += 1
        return (self.answer,) * len(groups)

    def vectors(self, track_id: int) -> FloatArray:
        return np.ones((1, 1), np.float32)

    def forget(self, track_id: int) -> None:
        self.forgotten.append(track_id)


@dataclass
class Stream:
    """Numbered pictures as fast as `wait` lets them come."""

    count: int
    wait: Callable[[], object] = lambda: time.sleep(0.001)
    damaged: int = 0
    cut_short: str | None = None

    def frames(self) -> Iterator[Frame]:
        for number in range(self.count):
            self.wait()
            yield Frame(number, 0.0, np.full((4, 4, 3), number % 256, np.uint8))


@dataclass
class Set:
    """A watcher and its made-up parts."""

    models: FakeModels = field(default_factory=FakeModels)
    tracker: FakeTracker = field(default_factory=FakeTracker)
    namer: FakeNamer = field(default_factory=FakeNamer)

    @property
    def engine(self) -> Any:
        return SimpleNamespace(models=self.models)

    @property
    def tools(self) -> Tools:
        return Tools(cast(Any, self.tracker), self.namer)

    def watcher(self, stream: Stream, sinks: Sequence[Any] = (), **options: Any) -> Watcher:
        streams = [stream]

        def opened(*_: object) -> AbstractContextManager[Stream]:
            return nullcontext(streams.pop() if streams else Stream(1, lambda: time.sleep(5)))

        patience = Patience(first_retry_s=9)
        source = LiveSource(STREAM, open_video=cast(Any, opened), patience=patience)
        return Watcher(
            self.engine,
            source,
            call=CALL,
            options=WatchOptions(**options),
            sinks=sinks,
            tools=self.tools,
        )


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def test_a_slow_watcher_looks_at_the_newest_picture_only() -> None:
    made = Set()
    made.models.before = lambda: time.sleep(0.02)
    watcher = made.watcher(Stream(200), every=1)
    watcher.start()
    until(lambda: watcher.status.source.frames == 200 and watcher.status.looked_at > 5)
    until(lambda: bool(made.models.detected) and int(made.models.detected[-1][0, 0, 0]) == 199)
    watcher.close()
    status = watcher.status
    assert status.looked_at < 40
    assert status.looked_at + status.source.dropped == 200
    looked = [int(image[0, 0, 0]) for image in made.models.detected]
    assert looked == sorted(set(looked))


def test_a_slow_viewer_delays_neither_the_watcher_nor_others() -> None:
    watcher = Set().watcher(Stream(300))
    slow, quick = watcher.subscribe(), watcher.subscribe()
    watcher.start()
    seen: list[int] = []
    while not quick.closed and watcher.status.source.frames < 300:
        if (frame := quick.take(0.1)) is not None:
            seen.append(frame.number)
    until(lambda: watcher.status.looked_at > 100)
    watcher.close()
    last = slow.take()
    assert last is not None
    assert last.number == watcher.status.looked_at
    assert slow.dropped == watcher.status.looked_at - 1
    assert len(seen) > 50


def test_viewers_come_late_leave_early_and_see_the_end() -> None:
    go_on = threading.Event()

    def wait() -> None:
        time.sleep(0.001)
        if watcher.status.looked_at >= 10:
            go_on.wait(5)

    watcher = Set().watcher(Stream(5000, wait))
    watcher.start()
    until(lambda: watcher.status.looked_at >= 10)
    late = watcher.subscribe()
    assert late.take() is not None
    watcher.unsubscribe(late)
    assert (late.closed, watcher.viewers) == (True, 0)
    stays = watcher.subscribe()
    go_on.set()
    watcher.close()
    assert stays.closed
    assert watcher.subscribe().closed


def test_events_reach_sinks_and_pages_once(tmp_path: Path) -> None:
    made, path = Set(), tmp_path / "events.jsonl"
    watcher = made.watcher(Stream(50), [JsonLines(path)])
    watcher.start()
    until(lambda: watcher.status.source.frames == 50)
    assert watcher.close() == ()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["event"], line["name"], line["source"]) for line in lines] == [
        ("appeared", "Ada", "http://camera.example/view.mjpg"),
        ("left", "Ada", "http://camera.example/view.mjpg"),
    ]
    numbered = watcher.events_after(0)
    assert [number for number, _ in numbered] == [1, 2]
    assert [number for number, _ in watcher.events_after(1)] == [2]
    assert made.namer.forgotten == [1]


def test_a_gallery_that_is_locked_for_a_moment_is_no_end() -> None:
    made = Set()
    made.namer.trouble = True
    watcher = made.watcher(Stream(5000))
    watcher.start()
    until(lambda: watcher.status.trouble == "The gallery is locked.")
    made.namer.trouble = False
    until(lambda: watcher.status.trouble == "")
    until(lambda: watcher.status.events == 1)
    watcher.close()


def test_a_sink_that_fails_stops_nothing() -> None:
    class Full:
        def send(self, event: WatchEvent) -> None:
            raise OutputError("The disk is full.")

        def close(self) -> str:
            return "1 events could not be written."

    watcher = Set().watcher(Stream(100), [Full()])
    watcher.start()
    until(lambda: watcher.status.source.frames == 100 and watcher.status.events == 1)
    assert watcher.close() == ("1 events could not be written.",)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="There is no /dev/full here.")
def test_a_sink_that_goes_on_failing_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    watcher = Set().watcher(Stream(100), [JsonLines(Path("/dev/full"))])
    watcher.start()
    until(lambda: watcher.status.source.frames == 100 and watcher.status.events == 1)
    (trouble,) = watcher.close()
    assert watcher.status.events == 2
    assert trouble.startswith("2 events could not be written")
    assert len(caplog.messages) == 1


def test_the_watching_ends_when_nobody_reads_the_events(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    kept = tmp_path / "events.jsonl"
    with open(writing, "w", encoding="utf-8", closefd=False) as pipe:
        sinks = [JsonLines(pipe), JsonLines(kept)]
        watcher = Set().watcher(Stream(100_000), sinks)
        watcher.start()
        assert watcher.wait(5)
        assert watcher.status.source.frames < 100_000
        assert watcher.close() == ()
        assert len(kept.read_text().splitlines()) == 2, "others are told that everybody left"
        with pytest.raises(BrokenPipeError):
            pipe.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), writing)
    os.close(writing)


def test_who_asks_late_for_the_end_is_told_at_once() -> None:
    watcher, rung = Set().watcher(Stream(1)), []
    watcher.start()
    watcher.close()
    watcher.on_end(lambda: rung.append(1))
    assert rung == [1]


def test_a_model_that_cannot_run_ends_the_watching_with_its_error() -> None:
    made = Set()

    def fail() -> None:
        raise WeightsMissingError("No weights.")

    made.models.before = fail
    watcher = made.watcher(Stream(5000))
    place, rung = watcher.subscribe(), []
    watcher.on_end(lambda: rung.append(1))
    watcher.start()
    with pytest.raises(WeightsMissingError):
        watcher.wait(5)
    assert (place.closed, rung, watcher.ended) == (True, [1], True)
    with pytest.raises(WeightsMissingError):
        watcher.close()


def look(watch: FaceWatch, times: Sequence[float]) -> None:
    for index, time_s in enumerate(times):
        watch.update(Frame(index, time_s, np.zeros((4, 4, 3), np.uint8)))


def test_detection_takes_half_of_the_time() -> None:
    """A picture each 10 ms and 30 ms for a detection: every sixth picture or so."""
    made, now = Set(), [0.0]
    made.models.before = lambda: now.__setitem__(0, now[0] + 0.03)
    tools = Tools(cast(Any, made.tracker), made.namer, lambda: now[0])
    watch = FaceWatch(made.engine, source="x", call=CALL, tools=tools)
    for index in range(100):
        now[0] += 0.01
        watch.update(Frame(index, now[0], np.zeros((4, 4, 3), np.uint8)))
    share = 0.03 * len(made.models.detected) / now[0]
    assert 0.4 < share < 0.51
    assert made.tracker.given.count(True) == len(made.models.detected)


def test_every_nth_picture_where_asked() -> None:
    made = Set()
    watch = FaceWatch(
        made.engine, source="x", call=CALL, options=WatchOptions(every=3), tools=made.tools
    )
    look(watch, [k / 10 for k in range(9)])
    assert made.tracker.given == [True, False, False] * 3
    with pytest.raises(InputError, match="from 1"):
        WatchOptions(every=0)


def test_the_gallery_is_asked_for_each_decision_and_not_for_each_picture() -> None:
    made = Set(namer=FakeNamer(answer=UNKNOWN))
    watch = FaceWatch(made.engine, source="x", call=CALL, tools=made.tools)
    look(watch, [k / 30 for k in range(30 * 30)])
    assert made.namer.decided < 30
    assert made.namer.searched == 2, "an old answer is looked up again each ten seconds"


def test_a_person_enrolled_while_in_view_is_named() -> None:
    made = Set(namer=FakeNamer(answer=UNKNOWN))
    watch = FaceWatch(made.engine, source="x", call=CALL, tools=made.tools)
    look(watch, [k / 10 for k in range(100)])
    assert [event.kind.value for event in watch.take_events()] == ["appeared"]
    made.namer.search = lambda groups: (ADA,)  # type: ignore[method-assign]
    faces: tuple[Any, ...] = ()
    for k in range(100, 300):
        faces = watch.update(Frame(k, k / 10, np.zeros((4, 4, 3), np.uint8)))
    assert [face.label for face in faces] == ["Ada"]
    assert [event.kind.value for event in watch.take_events()] == ["named"]


def test_events_that_cannot_be_written_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        JsonLines(tmp_path / "no" / "such.jsonl")
