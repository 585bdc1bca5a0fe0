"""Videos in which nobody, or only some, can be recognised: one pass to look, one to write.

The first pass looks for faces in every frame, follows them, and decides who they are second by second.
The second hides them: also for a while before a face was first found and after it was last found, also
in the frames between in which it was missed, and also what was found once and never followed. Only
frames that were looked at are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import Any, Final

import numpy as np

from faceprint.errors import InputError, VideoError
from faceprint.geometry import iou_matrix
from faceprint.media.hide import hide_faces
from faceprint.media.video import Frame, Video, VideoInfo, VideoWriter
from faceprint.pipeline.hiding.photos import Anonymiser, Whom
from faceprint.pipeline.hiding.places import FacePath, Timing, cover
from faceprint.pipeline.naming import TrackNamer, new_tracker
from faceprint.pipeline.results import NamedEmbedding
from faceprint.pipeline.stream import in_order
from faceprint.pipeline.video.identify import OnProgress, Stop
from faceprint.track import TrackedFace, TrackOptions
from faceprint.types import Face, FloatArray

__all__ = ["HiddenVideo", "anonymise_video"]

_STRETCH_S: Final = 1.0
"""Who a face is gets decided anew for each stretch of this length."""

_SURE_SCORE: Final = 0.7
"""What is found with less is hidden too, but not followed from frame to frame."""

_PART: Final = 0.5
"""A find that shares more of itself than this with a face that is shown is a part of that face, unless it
is a sure one."""

_FRAMES_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class HiddenVideo:
    """A video with faces hidden.

    Attributes:
        info: Of the original.
        path: The new video; None where it was stopped before anything was written.
        frames: How many frames were written.
        frames_with_hidden: In how many of them something was hidden.
        shown: Names of the people whose faces were left, as far as they are enrolled.
        damaged_frames: Frames of the original that could not be decoded, and are left out.
        partial: Why this is not the whole video, in plain words; None where it is.
    """

    info: VideoInfo
    path: Path | None
    frames: int
    frames_with_hidden: int
    shown: tuple[str, ...]
    damaged_frames: int
    partial: str | None

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "video": self.info.name,
            "out": None if self.path is None else str(self.path),
            "width": self.info.width,
            "height": self.info.height,
            "frames": self.frames,
            "frames_with_hidden": self.frames_with_hidden,
            "shown": list(self.shown),
            "damaged_frames": self.damaged_frames,
            "partial": self.partial,
        }


def anonymise_video(
    anonymiser: Anonymiser,
    source: str | Path,
    target: Path,
    *,
    on_progress: OnProgress | None = None,
    stop: Stop | None = None,
) -> HiddenVideo:
    """Writes a copy of a video with faces hidden, as H.264 in MP4, without metadata.

    Args:
        anonymiser: Whose faces are hidden, and how.
        source: The video.
        target: Ends in .mp4; an existing file is replaced, but never the source.
        on_progress: Told the seconds that are done, and of how many; both passes count half.
        stop: Asked between frames; once true, what was written so far is kept as NAME.partial.mp4.

    Raises:
        VideoError: The video cannot be read, or shows no frame.
        InputError: The target is the source, or does not end in .mp4; or faces are to be hidden in their
            shape, which is for photos.
        OutputError: The target cannot be written.
    """
    if target.suffix.lower() != ".mp4":
        raise InputError(f"A video is written as .mp4, got {target.name}.")
    if anonymiser.plan.shape != "ellipse":
        raise InputError(
            f"{source} is a video: the shape of a face is looked for in photos alone. Hide it in an ellipse."
        )
    if target.exists() and Path(source).exists() and target.samefile(source):
        raise InputError(f"{target} would be written over the original. Choose another folder.")
    with Video(source, max_pixels=anonymiser.engine.settings.max_pixels) as video:
        progress = _Progress(video.info.duration_s, on_progress)
        look = _Look(anonymiser, video, progress, stop)
        look.run()
        if look.stopped is not None:
            return HiddenVideo(video.info, None, 0, 0, (), video.damaged, look.stopped)
        if not look.frames:
            raise VideoError(f"{video.info.name} shows no frame. {video.cut_short or ''}".rstrip())
        return _write(anonymiser, video, look, (Path(source), target), progress, stop)


class _StoppedError(Exception):
    """Leaves the writer so that it marks the file as partial."""


@dataclass(frozen=True, slots=True)
class _Progress:
    duration_s: float | None
    on_progress: OnProgress | None

    def tell(self, time_s: float, *, second_pass: bool) -> None:
        """Reports both passes as one way."""
        if self.on_progress is None:
            return
        if self.duration_s is None:
            self.on_progress(time_s, None)
            return
        done = time_s + (self.duration_s if second_pass else 0)
        self.on_progress(min(done / 2, self.duration_s), self.duration_s)


@dataclass(slots=True, eq=False)
class _Track:
    """One face over time.

    Attributes:
        path: Where it was.
        sure: For each of its frames, whether identifying would have taken it for a face.
        stretches: Keys of the evidence for who it is, by stretch: one for all looks together, or one
            for each.
    """

    path: FacePath
    sure: list[bool] = field(default_factory=list)
    stretches: dict[int, list[int]] = field(default_factory=dict)


class _Look:
    """The first pass: where faces are, and who.

    Attributes:
        frames: Place of each frame of the video in `timing`, by its index.
        stopped: Why it ended early, else None.
    """

    def __init__(
        self, anonymiser: Anonymiser, video: Video, progress: _Progress, stop: Stop | None
    ) -> None:
        self.frames: dict[int, int] = {}
        self.stopped: str | None = None
        self._anonymiser = anonymiser
        self._video = video
        self._progress = progress
        self._stop = stop
        self._tracker = new_tracker(anonymiser.engine, TrackOptions(sure_score=_SURE_SCORE))
        self._namer: TrackNamer | None = None
        if anonymiser.plan.whom is not Whom.EVERYONE:
            self._namer = TrackNamer(
                anonymiser.engine,
                call=anonymiser.call,
                fpir=anonymiser.plan.fpir,
                keep=3,
                pictures=False,
            )
        self._times_s: list[float] = []
        self._tracks: dict[int, _Track] = {}
        self._who: list[NamedEmbedding | None] = []
        self._stranger: NamedEmbedding | None = None
        self._open: dict[int, int] = {}
        self._loose = count(1)

    def run(self) -> None:
        """Looks through the whole video."""
        frames = self._until_stopped()
        groups = iter(lambda: list(islice(frames, _FRAMES_AT_ONCE)), [])
        workers = self._anonymiser.engine.models.workers
        for frame, faces in in_order(self._find, groups, workers=workers):
            self._follow(frame, faces)
            self._progress.tell(frame.time_s, second_pass=False)
        self._decide(tuple(self._open))

    def hidden(self) -> tuple[list[list[FloatArray]], tuple[str, ...]]:
        """The boxes to hide in each frame, and the names of those who are shown."""
        timing = Timing(np.array(self._times_s), np.array(self._tracker.cuts))
        boxes: list[list[FloatArray]] = [[] for _ in self._times_s]
        bare: list[list[FloatArray]] = [[] for _ in self._times_s]
        names: set[str] = set()
        hides = [(track, self._hides(track, names)) for track in self._tracks.values()]
        for track, hide in hides:
            for hidden, place, box in zip(hide, track.path.places, track.path.boxes, strict=True):
                if not hidden:
                    bare[place].append(box)
        for track, hide in hides:
            for place, box in cover(track.path, _unless_part(track, hide, bare), timing):
                boxes[place].append(box)
        return boxes, tuple(sorted(names))

    def _hides(self, track: _Track, names: set[str]) -> list[bool]:
        """Whether a face is hidden in each frame of its track; adds the names of who is shown."""
        found = ([self._who[key] for key in keys] for keys in track.stretches.values())
        named = [[who for who in answers if who is not None] for answers in found]
        hidden = self._anonymiser.rule.hides_over_time(named)
        for answers, its_hidden in zip(named, hidden, strict=True):
            if not its_hidden:
                names.update(who.name for who in answers if who.name is not None)
        flags = dict(zip(track.stretches, hidden, strict=True))
        return [flags.get(self._stretch(place), True) for place in track.path.places]

    def _until_stopped(self) -> Iterator[Frame]:
        for frame in self._video.frames():
            if self._stop is not None and self._stop():
                self.stopped = "It was stopped before anything was written."
                return
            yield frame

    def _find(self, frames: list[Frame]) -> list[tuple[Frame, tuple[Face, ...]]]:
        models = self._anonymiser.engine.models
        thorough = self._anonymiser.plan.thorough
        found = models.detect([f.pixels for f in frames], thorough=thorough, watch=True)
        if self._namer is not None:
            found = [
                models.with_landmarks(frame.pixels, faces)
                for frame, faces in zip(frames, found, strict=True)
            ]
        return list(zip(frames, found, strict=True))

    def _follow(self, frame: Frame, faces: tuple[Face, ...]) -> None:
        place = len(self._times_s)
        self.frames[frame.index] = place
        self._times_s.append(frame.time_s)

        def embed(indices: Sequence[int]) -> FloatArray:
            models = self._anonymiser.engine.models
            wanted = tuple(faces[k] for k in indices)
            if self._namer is None:  # else all faces have theirs from `_find`
                wanted = models.with_landmarks(frame.pixels, wanted)
            return models.embedder.embed(models.crops(frame.pixels, wanted)).vectors

        tracked = self._tracker.update(frame.pixels, frame.time_s, faces, embed=embed)
        self._tracker.take_ended()
        followed = {one.detection for one in tracked}
        loose = [
            TrackedFace(-next(self._loose), face, k, confirmed=False)
            for k, face in enumerate(faces)
            if k not in followed
        ]
        for one in (*tracked, *loose):
            self._note(one, place, faces)
        if self._namer is not None:
            self._gather(self._namer, frame, (*tracked, *loose), faces)

    def _note(self, one: TrackedFace, place: int, faces: Sequence[Face]) -> None:
        track = self._tracks.setdefault(one.track_id, _Track(FacePath(lasting=one.track_id > 0)))
        box, sure = one.face.box, False
        if one.detection is not None:
            found = faces[one.detection].box
            sure = faces[one.detection].score >= _SURE_SCORE
            box = np.concatenate([np.minimum(box[:2], found[:2]), np.maximum(box[2:], found[2:])])
        track.path.add(place, box)
        track.sure.append(sure)

    def _gather(
        self, namer: TrackNamer, frame: Frame, seen: Sequence[TrackedFace], faces: Sequence[Face]
    ) -> None:
        """Takes evidence for each stretch of a track, or each look, as if it were a track of its own."""
        stretch = self._stretch(len(self._times_s) - 1)
        self._decide(tuple(key for key, its in self._open.items() if its != stretch))
        keyed = []
        for one in seen:
            track = self._tracks[one.track_id]
            keys = track.stretches.setdefault(stretch, [])
            if not keys or self._anonymiser.rule.by_look:
                keys.append(len(self._who))
                self._open[len(self._who)] = stretch
                self._who.append(None)
            keyed.append(TrackedFace(keys[-1], one.face, one.detection, one.confirmed))
        namer.observe(frame, keyed, faces)

    def _decide(self, keys: Sequence[int]) -> None:
        if self._namer is None or not keys:
            return
        self._namer.decide(keys)
        for key in keys:
            self._who[key] = self._briefly(self._namer.who(key))
            self._namer.forget(key)
            del self._open[key]

    def _briefly(self, who: NamedEmbedding | None) -> NamedEmbedding | None:
        """The same; one record stands for all strangers, who would fill the memory look by look."""
        rule = self._anonymiser.rule
        if not rule.by_look or rule.hides(who) or (who is not None and who.name is not None):
            return who
        self._stranger = self._stranger or who
        return self._stranger

    def _stretch(self, place: int) -> int:
        return int(self._times_s[place] / _STRETCH_S)


def _unless_part(
    track: _Track, hide: Sequence[bool], bare: Sequence[Sequence[FloatArray]]
) -> list[bool]:
    """What to hide of a track, less the frames in which it is a doubtful find on a face that is shown."""
    path = track.path
    return [
        hidden and (sure or not _is_part(box, bare[place]))
        for hidden, sure, place, box in zip(hide, track.sure, path.places, path.boxes, strict=True)
    ]


def _is_part(box: FloatArray, bare: Sequence[FloatArray]) -> bool:
    """Whether a find lies for the most part on one of the faces that are shown."""
    if not bare:
        return False
    return bool(iou_matrix(box[None], np.stack(bare), of_smaller=True).max() > _PART)


def _write(
    anonymiser: Anonymiser,
    video: Video,
    look: _Look,
    files: tuple[Path, Path],
    progress: _Progress,
    stop: Stop | None,
) -> HiddenVideo:
    source, target = files
    boxes, shown = look.hidden()
    partial = video.cut_short
    damaged = video.damaged
    info, plan = video.info, anonymiser.plan
    written = covered = 0
    stopped = False
    try:
        with VideoWriter(
            target,
            width=info.width,
            height=info.height,
            fps=info.fps or 25,
            sound_from=source if plan.sound and info.has_audio else None,
        ) as writer:
            for frame in video.frames():
                if stop is not None and stop():
                    raise _StoppedError
                place = look.frames.get(frame.index)
                if place is None:
                    continue
                some = np.array(boxes[place], dtype=np.float32).reshape(-1, 4)
                writer.write(hide_faces(frame.pixels, some, how=plan.how), frame.time_s)
                written += 1
                covered += bool(len(some))
                progress.tell(frame.time_s, second_pass=True)
    except _StoppedError:
        stopped = True
        partial = f"It was stopped after {written} frames."
    path = target if written and not stopped else writer.kept
    return HiddenVideo(info, path, written, covered, shown, damaged, partial)
