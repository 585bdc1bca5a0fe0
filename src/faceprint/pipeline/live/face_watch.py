"""The faces of one view over time: found, followed, named, and who comes and goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from faceprint.errors import GalleryError, InputError
from faceprint.gallery.records import Call
from faceprint.media.video import Frame
from faceprint.pipeline.labels import name_label
from faceprint.pipeline.live.events import WatchEvent
from faceprint.pipeline.live.presence import Presence
from faceprint.pipeline.results import NamedEmbedding, rounded
from faceprint.track import Embed, TrackedFace
from faceprint.types import Decision, Face, FloatArray, Image

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["FaceWatch", "Namer", "Tools", "Tracker", "WatchOptions", "WatchedFace"]

_DETECTION_SHARE = 0.5
"""Detection takes at most this share of the time, so that the view keeps up on any machine."""

_LONGEST_GAP_S = 1.0
_LOOK_AGAIN_S = 10.0
"""Who is in the gallery may change while a face is in view."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """How a view is watched.

    Attributes:
        fpir: Share of searches for a stranger that may name somebody, over the gallery as it is.
        every: Faces are detected in every n-th frame and followed between; None for as often as half of
            the time allows.
    """

    fpir: float = 0.01
    every: int | None = None

    def __post_init__(self) -> None:
        if self.every is not None and self.every < 1:
            raise InputError(f"Faces are detected in every n-th frame, n from 1, got {self.every}.")


@dataclass(frozen=True, slots=True, eq=False)
class WatchedFace:
    """One face of one frame.

    Attributes:
        track: Number of its track, counted from 1.
        face: Where it is.
        who: Who it is; None until that is settled.
        label: What stands beside it: a name, a name with a question mark, "Unknown", or nothing yet.
    """

    track: int
    face: Face
    who: NamedEmbedding | None
    label: str

    @property
    def decision(self) -> Decision | None:
        """`match`, `unsure` or `unknown`; None until settled, or where there is no calibration."""
        return None if self.who is None else self.who.decision

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values; the box in pixels."""
        who = self.who
        return {
            "track": self.track,
            "box": [round(float(side), 1) for side in self.face.box],
            "label": self.label,
            "decision": self.decision,
            "person_id": None if who is None else who.person_id,
            "name": None if who is None else who.name,
            "score": None if who is None or who.score is None else round(who.score, 4),
            "probability": None if who is None else rounded(who.probability),
        }


class Tracker(Protocol):
    """What is asked of whoever follows faces; see `FaceTracker`."""

    def update(
        self,
        pixels: Image,
        time_s: float,
        faces: Sequence[Face] | None,
        *,
        embed: Embed | None = None,
    ) -> tuple[TrackedFace, ...]:
        """The faces of the next frame."""
        ...

    def take_ended(self) -> tuple[int, ...]:
        """Tracks given up since last asked."""
        ...


class Namer(Protocol):
    """What is asked of whoever decides who a track is; see `TrackNamer`."""

    def observe(
        self, frame: Frame, tracked: Sequence[TrackedFace], faces: Sequence[Face] | None = None
    ) -> None:
        """Takes what is worth keeping of a frame."""
        ...

    def decide(self, track_ids: Sequence[int] | None = None) -> None:
        """Decides who tracks with new looks are."""
        ...

    def who(self, track_id: int) -> NamedEmbedding | None:
        """Who a track is."""
        ...

    def search(self, groups: Sequence[FloatArray]) -> tuple[NamedEmbedding, ...]:
        """Who some groups of embeddings are."""
        ...

    def vectors(self, track_id: int) -> FloatArray:
        """The embeddings of a track."""
        ...

    def forget(self, track_id: int) -> None:
        """Drops all that is known of a track."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """What a view is watched with.

    Attributes:
        tracker: Follows faces.
        namer: Decides who they are.
        clock: Seconds that never go back, to measure how long detection takes.
    """

    tracker: Tracker
    namer: Namer
    clock: Callable[[], float] = time.perf_counter


class FaceWatch:
    """Finds, follows and names the faces of one view. For one thread at a time; keeps no picture.

    Args:
        engine: Whose models and gallery are used.
        source: What events call the view.
        call: Who asks, and what for; kept with each search.
        options: How it is watched.
        tools: What it is watched with; a `FaceTracker` and a `TrackNamer` unless given.

    Attributes:
        trouble: Why names cannot be decided at the moment, in plain words; empty while they can.
    """

    def __init__(
        self,
        engine: Faceprint,
        *,
        source: str,
        call: Call,
        options: WatchOptions | None = None,
        tools: Tools | None = None,
    ) -> None:
        self._engine = engine
        self._options = options or WatchOptions()
        tools = tools or _usual_tools(engine, call, self._options.fpir)
        self._tracker, self._namer, self._clock = tools.tracker, tools.namer, tools.clock
        self._presence = Presence(source)
        self._asked: dict[int, tuple[NamedEmbedding, float]] = {}
        self._frames = 0
        self._detect_at = float("-inf")
        self.trouble = ""

    def prepare(self) -> None:
        """Loads the models, so that the first pictures need not wait for them.

        Raises:
            ModelError: A model cannot be had or run.
        """
        models = self._engine.models
        models.detect([np.zeros((64, 64, 3), dtype=np.uint8)], thorough=False)
        models.crops(np.zeros((1, 1, 3), dtype=np.uint8), ())

    def update(self, frame: Frame) -> tuple[WatchedFace, ...]:
        """The faces of the next frame of the view, those that are believed.

        Raises:
            ModelError: A model cannot be had or run.
        """
        faces = self._detect(frame) if self._detection_due() else None
        self._frames += 1
        tracked = self._track(frame, faces)
        self._namer.observe(frame, tracked, faces)
        believed = [one for one in tracked if one.confirmed]
        for one in believed:
            self._presence.see(one.track_id, frame.time_s)
        self._decide(frame.time_s)
        for track in self._tracker.take_ended():
            self._let_go(track)
        self._presence.settle(frame.time_s)
        return tuple(self._watched(one) for one in believed)

    def take_events(self) -> tuple[WatchEvent, ...]:
        """What has happened since last asked."""
        return self._presence.take_events()

    def clear(self) -> None:
        """Everybody has left: the source is lost or has ended."""
        self._presence.clear()
        for track in tuple(self._asked):
            self._let_go(track)

    def _detection_due(self) -> bool:
        if self._options.every is not None:
            return self._frames % self._options.every == 0
        return self._clock() >= self._detect_at

    def _detect(self, frame: Frame) -> tuple[Face, ...]:
        began = self._clock()
        models = self._engine.models
        (found,) = models.detect([frame.pixels], thorough=False)
        faces = models.with_landmarks(frame.pixels, found)
        took = self._clock() - began
        self._detect_at = began + min(took / _DETECTION_SHARE, _LONGEST_GAP_S)
        return faces

    def _track(self, frame: Frame, faces: tuple[Face, ...] | None) -> tuple[TrackedFace, ...]:
        def embed(indices: Sequence[int]) -> FloatArray:
            models = self._engine.models
            wanted = tuple((faces or ())[k] for k in indices)
            return models.embedder.embed(models.crops(frame.pixels, wanted)).vectors

        return self._tracker.update(frame.pixels, frame.time_s, faces, embed=embed)

    def _decide(self, time_s: float) -> None:
        due = self._presence.ask(time_s)
        if not due:
            return
        try:
            self._namer.decide(due)
            self._look_again(due, time_s)
        except GalleryError as error:
            # The gallery may be locked for a moment; the faces go on being followed without it.
            self.trouble = str(error)
            return
        self.trouble = ""

    def _look_again(self, due: Sequence[int], time_s: float) -> None:
        """Takes new answers, and asks the gallery once more where an answer is old."""
        stale: list[int] = []
        for track in due:
            who = self._namer.who(track)
            before, at_s = self._asked.get(track, (None, 0.0))
            if who is None:
                continue
            if who is not before:
                self._asked[track] = (who, time_s)
                self._presence.learn(track, who)
            elif time_s - at_s >= _LOOK_AGAIN_S:
                stale.append(track)
        if not stale:
            return
        answers = self._namer.search([self._namer.vectors(track) for track in stale])
        for track, who in zip(stale, answers, strict=True):
            self._asked[track] = (self._asked[track][0], time_s)
            self._presence.learn(track, who)

    def _let_go(self, track: int) -> None:
        self._presence.lose(track)
        self._namer.forget(track)
        self._asked.pop(track, None)

    def _watched(self, one: TrackedFace) -> WatchedFace:
        who = self._presence.answer(one.track_id)
        return WatchedFace(one.track_id, one.face, who, "" if who is None else name_label(who))


def _usual_tools(engine: Faceprint, call: Call, fpir: float) -> Tools:
    from faceprint.pipeline.naming import TrackNamer, new_tracker

    return Tools(new_tracker(engine), TrackNamer(engine, call=call, fpir=fpir, pictures=False))
