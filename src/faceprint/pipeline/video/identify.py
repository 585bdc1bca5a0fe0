"""From a video to names: detect now and then, follow in between, decide once for each track."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError, VideoError
from faceprint.gallery.records import Call
from faceprint.media.video import Frame, Video, VideoInfo
from faceprint.pipeline.naming import Look, TrackNamer, new_tracker
from faceprint.pipeline.results import NamedEmbedding
from faceprint.pipeline.stream import in_order
from faceprint.pipeline.video.people import gather_people
from faceprint.pipeline.video.results import VideoIdentification, VideoPlan, VideoTrack
from faceprint.track import CutDetector, TrackedFace
from faceprint.types import Face, FloatArray

if TYPE_CHECKING:
    from faceprint.pipeline.facade import Faceprint

__all__ = ["OnProgress", "Stop", "identify_video"]

OnProgress = Callable[[float, float | None], None]
"""Called with the seconds of video that are done, and of how many, where that is known."""

Stop = Callable[[], bool]
"""Asked between frames; once true, what was found so far is the result, marked as partial."""

_DETECTIONS_PER_S = 6.0
_LEAST_FOR_CUTS_PX = 108
"""Pixels of the shorter side that are enough to see a cut."""

_AHEAD_BYTES = 384 * 2**20
"""Of decoded frames that wait; larger pictures are looked at by fewer workers."""

_GAP_S = 0.5
"""A face that is missed for longer has left and come back."""

_PLACE = 4 + 5 * 2
_NO_LANDMARKS = np.full((5, 2), np.nan, dtype=np.float32)

_Seen = tuple[Frame, tuple[Face, ...] | None]


@dataclass(slots=True, eq=False)
class _Trace:
    """Where the face of one track was, frame by frame, packed: a long video has many."""

    frames: array[int] = field(default_factory=lambda: array("q"))
    times_s: array[float] = field(default_factory=lambda: array("d"))
    places: array[float] = field(default_factory=lambda: array("f"))
    last_detected: int = -1
    confirmed: bool = False

    def add(self, frame: Frame, one: TrackedFace) -> None:
        """Notes the face of one frame."""
        points = _NO_LANDMARKS if one.face.landmarks is None else one.face.landmarks
        self.frames.append(frame.index)
        self.times_s.append(frame.time_s)
        self.places.extend(one.face.box.tolist())
        self.places.extend(points.ravel().tolist())
        self.confirmed |= one.confirmed
        if one.detection is not None:
            self.last_detected = len(self.frames)

    def extend(self, later: _Trace) -> None:
        """Adds what was noted under another number."""
        self.last_detected = len(self.frames) + later.last_detected
        self.frames.extend(later.frames)
        self.times_s.extend(later.times_s)
        self.places.extend(later.places)
        self.confirmed |= later.confirmed

    def first(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Boxes (N, 4) and landmarks (N, 5, 2) of the first frames."""
        places = np.array(self.places, dtype=np.float32).reshape(-1, _PLACE)[:count]
        return places[:, :4], places[:, 4:].reshape(-1, 5, 2)


def identify_video(
    engine: Faceprint,
    source: str | Path,
    *,
    call: Call,
    plan: VideoPlan,
    on_progress: OnProgress | None,
    stop: Stop | None,
) -> VideoIdentification:
    """See `Faceprint.identify_video`."""
    _check(plan)
    with Video(source, max_pixels=engine.settings.max_pixels) as video:
        return _Pass(engine, video, call, plan).run(on_progress, stop)


def _check(plan: VideoPlan) -> None:
    if plan.every is not None and plan.every < 1:
        raise InputError(f"Faces are detected in every n-th frame, n from 1, got {plan.every}.")
    if plan.start_s < 0 or (plan.end_s is not None and plan.end_s <= plan.start_s):
        raise InputError(
            f"A part of a video ends after it starts, got {plan.start_s} to {plan.end_s} seconds."
        )


class _Pass:
    """One pass over a video."""

    def __init__(self, engine: Faceprint, video: Video, call: Call, plan: VideoPlan) -> None:
        self._engine = engine
        self._video = video
        self._plan = plan
        self._every = plan.every or _detect_every(video.info)
        self._tracker = new_tracker(engine)
        self._namer = TrackNamer(engine, call=call, fpir=plan.fpir)
        self._traces: dict[int, _Trace] = {}
        self._stopped: str | None = None
        self._first_s: float | None = None
        self._last_s = plan.start_s
        self._frames = 0

    def run(self, on_progress: OnProgress | None, stop: Stop | None) -> VideoIdentification:
        """Looks through the video and puts the answer together."""
        groups = self._groups(self._until_stopped(stop))
        info, most = self._video.info, self._engine.models.workers
        group_bytes = 3 * info.width * info.height * self._every
        workers = max(1, min(most, _AHEAD_BYTES // group_bytes - 2))
        total = self._plan.end_s or self._video.info.duration_s
        for frame, faces in in_order(self._detect, groups, workers=workers):
            self._follow(frame, faces)
            if on_progress is not None and total is not None:
                on_progress(frame.time_s - self._plan.start_s, total - self._plan.start_s)
        if self._first_s is None and self._stopped is None:
            raise VideoError(
                f"{self._video.info.name} shows no frame between {self._plan.start_s:g} and "
                f"{'its end' if total is None else f'{total:g}'} seconds."
                f"{' ' + self._video.cut_short if self._video.cut_short else ''}"
            )
        return self._answer()

    def _until_stopped(self, stop: Stop | None) -> Iterator[Frame]:
        for frame in self._video.frames(start_s=self._plan.start_s, end_s=self._plan.end_s):
            if stop is not None and stop():
                self._stopped = f"It was stopped at {frame.time_s:.1f} seconds."
                return
            yield frame

    def _groups(self, frames: Iterator[Frame]) -> Iterator[list[Frame]]:
        """Frames in groups, of which the first is looked at; a new shot begins a new one."""
        cuts = CutDetector()
        group: list[Frame] = []
        for frame in frames:
            step = max(1, min(frame.pixels.shape[:2]) // _LEAST_FOR_CUTS_PX)
            if cuts.is_cut(frame.pixels[::step, ::step]) or len(group) == self._every:
                yield group
                group = []
            group.append(frame)
        if group:
            yield group

    def _detect(self, frames: list[Frame]) -> list[_Seen]:
        models, first = self._engine.models, frames[0]
        (faces,) = models.detect([first.pixels], thorough=False)
        found = models.with_landmarks(first.pixels, faces)
        return [(first, found), *((frame, None) for frame in frames[1:])]

    def _follow(self, frame: Frame, faces: tuple[Face, ...] | None) -> None:
        if self._first_s is None:
            self._first_s = frame.time_s
        self._frames += 1
        self._last_s = frame.time_s

        def embed(indices: Sequence[int]) -> FloatArray:
            models = self._engine.models
            wanted = tuple((faces or ())[k] for k in indices)
            return models.embedder.embed(models.crops(frame.pixels, wanted)).vectors

        tracked = self._tracker.update(frame.pixels, frame.time_s, faces, embed=embed)
        for track_id, into in self._tracker.take_joined():
            if track_id in self._traces:
                self._traces.setdefault(into, _Trace()).extend(self._traces.pop(track_id))
            self._namer.join(track_id, into)
        self._namer.observe(frame, tracked, faces)
        for one in tracked:
            self._traces.setdefault(one.track_id, _Trace()).add(frame, one)
        self._put_away(self._tracker.take_ended())

    def _put_away(self, ended: Sequence[int]) -> None:
        """Forgets what was no face, and keeps no more than is needed of what was."""
        real = [k for k in ended if (trace := self._traces.get(k)) and trace.confirmed]
        self._namer.settle(real)
        for track_id in set(ended) - set(real):
            self._traces.pop(track_id, None)
            self._namer.forget(track_id)

    def _answer(self) -> VideoIdentification:
        traces = {k: trace for k, trace in self._traces.items() if trace.confirmed}
        self._namer.decide(tuple(traces))
        step_s = self._step_s()
        tracks = [
            track
            for track_id, trace in traces.items()
            if (track := self._track(track_id, trace, step_s)) is not None
        ]
        tracks.sort(key=lambda track: (track.times_s[0], track.track_id))
        tracks, people = gather_people(self._engine, self._namer, tracks, group=self._plan.group)
        return VideoIdentification(
            info=self._video.info,
            model_id=self._engine.model_id,
            detector=self._engine.settings.detector,
            fpir=self._plan.fpir,
            threshold=next((t.who.threshold for t in tracks if t.who.threshold), None),
            people=people,
            tracks=tuple(tracks),
            from_s=self._plan.start_s if self._first_s is None else self._first_s,
            to_s=self._last_s + step_s,
            frames=self._frames,
            detect_every=self._every,
            damaged_frames=self._video.damaged,
            cuts_s=tuple(self._tracker.cuts),
            partial=self._stopped or self._video.cut_short,
        )

    def _step_s(self) -> float:
        """How long one frame is shown."""
        if self._frames > 1 and self._first_s is not None:
            return (self._last_s - self._first_s) / (self._frames - 1)
        return 1 / (self._video.info.fps or 25)

    def _track(self, track_id: int, trace: _Trace, step_s: float) -> VideoTrack | None:
        looks: tuple[Look, ...] = self._namer.looks(track_id)
        who: NamedEmbedding | None = self._namer.who(track_id)
        # After the last detection a face is followed on trust, for no longer than between detections.
        count = min(len(trace.frames), trace.last_detected + self._every - 1)
        if not looks or who is None or count < 1:
            return None
        times = np.array(trace.times_s[:count])
        boxes, landmarks = trace.first(count)
        return VideoTrack(
            track_id=track_id,
            frames=np.array(trace.frames[:count]),
            times_s=times,
            boxes=boxes,
            landmarks=landmarks,
            spans=_spans(times, step_s),
            quality=looks[0].picture.quality,
            picture=looks[0].picture.data,
            who=who,
        )


def _detect_every(info: VideoInfo) -> int:
    return max(1, round((info.fps or 25) / _DETECTIONS_PER_S))


def _spans(times_s: npt.NDArray[np.float64], step_s: float) -> tuple[tuple[float, float], ...]:
    """From and to of each stretch of times without a gap."""
    breaks = np.flatnonzero(np.diff(times_s) > max(_GAP_S, 2 * step_s)) + 1
    parts = np.split(times_s, breaks)
    return tuple((float(part[0]), float(part[-1]) + step_s) for part in parts)
