"""Watching a source: its newest picture, the faces in it by name, and who comes and goes."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faceprint.errors import OutputError
from faceprint.gallery.records import Call
from faceprint.media.video import Frame
from faceprint.pipeline.live.background import Background
from faceprint.pipeline.live.events import EventSink, WatchEvent
from faceprint.pipeline.live.face_watch import FaceWatch, Tools, WatchedFace, WatchOptions
from faceprint.pipeline.live.newest import Newest
from faceprint.pipeline.live.source import LiveSource, SourceStatus
from faceprint.types import Image

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["WatchStatus", "WatchedFrame", "Watcher"]

_log = logging.getLogger(__name__)

_WAIT_S = 0.25
_EMPTY_AFTER_S = 2.0
"""Where no picture has come for so long, nobody is taken to be in view any more."""

_RATE_S = 2.0
_KEPT_EVENTS = 200
_END_S = 15.0
"""Longer than a single step takes, even where the models are loaded in it."""


@dataclass(frozen=True, slots=True, eq=False)
class WatchedFrame:
    """One picture of a source with the faces in it.

    Attributes:
        number: Counts the pictures that were looked at, from 1.
        pixels: (H, W, 3) uint8 RGB.
        time_s: Seconds since the first picture of the source.
        faces: Those that are believed, with labels that stay the same over time.
    """

    number: int
    pixels: Image
    time_s: float
    faces: tuple[WatchedFace, ...]


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """How the watching goes.

    Attributes:
        name: What the source is called; holds no password.
        source: How the source is doing.
        looked_at: Pictures that were looked at.
        fps: Of them, pictures a second at the moment.
        delay_ms: From the arrival of the newest picture to its names.
        faces: How many are in view.
        events: How many there have been.
        trouble: Why names cannot be decided at the moment; empty while they can.
    """

    name: str
    source: SourceStatus
    looked_at: int
    fps: float
    delay_ms: float
    faces: int
    events: int
    trouble: str

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "source": self.name,
            "state": self.source.state,
            "reason": self.source.reason or self.trouble,
            "frames": self.source.frames,
            "dropped": self.source.dropped,
            "reconnects": self.source.reconnects,
            "looked_at": self.looked_at,
            "fps": round(self.fps, 1),
            "delay_ms": round(self.delay_ms),
            "faces": self.faces,
        }


class Watcher:
    """Looks at the newest picture of a source, over and over, in a thread of its own.

    Args:
        engine: Whose models and gallery are used; the caller closes it.
        source: What is watched; closed with the watcher.
        call: Who asks, and what for; kept with each search.
        options: How it is watched.
        sinks: Where events go; closed with the watcher.
        tools: What it is watched with; see `FaceWatch`.
    """

    def __init__(
        self,
        engine: Faceprint,
        source: LiveSource,
        *,
        call: Call,
        options: WatchOptions | None = None,
        sinks: Sequence[EventSink] = (),
        tools: Tools | None = None,
    ) -> None:
        self._source = source
        self._faces = FaceWatch(engine, source=source.name, call=call, options=options, tools=tools)
        self._sinks = tuple(sinks)
        self._failing: set[int] = set()
        self._unread: set[int] = set()
        self._stopped = threading.Event()
        self._looking = Background(self._look, name="faceprint-watch")
        self._lock = threading.Lock()
        self._viewers: set[Newest[WatchedFrame]] = set()
        self._on_end: list[Callable[[], object]] = []
        self._events: deque[tuple[int, WatchEvent]] = deque(maxlen=_KEPT_EVENTS)
        self._event_count = 0
        self._times: deque[float] = deque()
        self._last: WatchedFrame | None = None
        self._in_view: tuple[WatchedFace, ...] = ()
        self._ended = False
        self._looked_at = 0
        self._delay_s = 0.0

    @property
    def name(self) -> str:
        """What the source is called; holds no password."""
        return self._source.name

    @property
    def status(self) -> WatchStatus:
        """How the watching goes now."""
        with self._lock:
            since = time.monotonic() - _RATE_S
            recent = sum(at >= since for at in self._times)
            return WatchStatus(
                name=self.name,
                source=self._source.status,
                looked_at=self._looked_at,
                fps=recent / _RATE_S,
                delay_ms=1000 * self._delay_s,
                faces=len(self._in_view),
                events=self._event_count,
                trouble=self._faces.trouble,
            )

    @property
    def faces(self) -> tuple[WatchedFace, ...]:
        """Who is in view now."""
        return self._in_view

    def start(self) -> None:
        """Begins to watch."""
        self._looking.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits until the source has ended; whether it has.

        Raises:
            FaceprintError: The source cannot be read, or a model cannot be run.
        """
        return self._looking.wait(timeout_s)

    def close(self) -> tuple[str, ...]:
        """Stops watching, says that everybody has left, and closes source and sinks.

        Returns:
            What went wrong with the sinks, in plain words.

        Raises:
            FaceprintError: Watching had ended because the source cannot be read, or a model cannot be
                run.
        """
        self._stopped.set()
        try:
            self._looking.wait(_END_S)
        finally:
            troubles = tuple(sink.close() for sink in self._sinks)
            self._source.close()
        return tuple(trouble for trouble in troubles if trouble)

    @property
    def ended(self) -> bool:
        """Whether no more pictures will be looked at."""
        return self._ended

    def on_end(self, call: Callable[[], object]) -> None:
        """Has something called once no more pictures will come; at once if that is so already."""
        with self._lock:
            ended = self._ended
            if not ended:
                self._on_end.append(call)
        if ended:
            call()

    def subscribe(self, notify: Callable[[], object] | None = None) -> Newest[WatchedFrame]:
        """A place where the newest picture waits, for one viewer; closed at the end of the watching.

        Args:
            notify: Called with each picture, from the thread of the watcher; must return at once.
        """
        place: Newest[WatchedFrame] = Newest(notify)
        with self._lock:
            self._viewers.add(place)
            if self._last is not None:
                place.put(self._last)
            if self._ended:
                place.close()
        return place

    def unsubscribe(self, place: Newest[WatchedFrame]) -> None:
        """Ends what `subscribe` began."""
        with self._lock:
            self._viewers.discard(place)
        place.close()

    @property
    def viewers(self) -> int:
        """How many have subscribed."""
        return len(self._viewers)

    def events_after(self, number: int) -> tuple[tuple[int, WatchEvent], ...]:
        """The newest events with their numbers, those above a number, oldest first."""
        with self._lock:
            return tuple((k, event) for k, event in self._events if k > number)

    def _look(self) -> None:
        try:
            self._faces.prepare()
            self._source.start()
            last_s = time.monotonic()
            while not self._stopped.is_set():
                frame = self._source.take(_WAIT_S)
                if frame is not None:
                    self._look_at(frame)
                    last_s = time.monotonic()
                elif self._source.ended:
                    break
                elif time.monotonic() - last_s > _EMPTY_AFTER_S:
                    self._everybody_left()
            self._everybody_left()
        finally:
            with self._lock:
                self._ended = True
                for place in self._viewers:
                    place.close()
            for call in self._on_end:
                call()
        self._source.close()

    def _look_at(self, frame: Frame) -> None:
        faces = self._faces.update(frame)
        now = time.monotonic()
        with self._lock:
            self._looked_at += 1
            self._in_view = faces
            self._delay_s = self._source.age_s(frame)
            self._times.append(now)
            while self._times[0] < now - _RATE_S:
                self._times.popleft()
            self._last = WatchedFrame(self._looked_at, frame.pixels, frame.time_s, faces)
            for place in self._viewers:
                place.put(self._last)
        self._send_events()

    def _everybody_left(self) -> None:
        self._faces.clear()
        self._in_view = ()
        self._send_events()

    def _send_events(self) -> None:
        for event in self._faces.take_events():
            with self._lock:
                self._event_count += 1
                self._events.append((self._event_count, event))
            for number, sink in enumerate(self._sinks):
                if number not in self._unread:
                    self._send(number, sink, event)

    def _send(self, number: int, sink: EventSink, event: WatchEvent) -> None:
        try:
            sink.send(event)
        except BrokenPipeError:
            self._unread.add(number)
            self._stopped.set()
        except OutputError as error:
            if number not in self._failing:
                _log.warning("%s", error)
            self._failing.add(number)
        else:
            self._failing.discard(number)
