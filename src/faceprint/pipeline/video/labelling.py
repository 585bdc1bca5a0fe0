"""A video with its faces outlined and named, every frame of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from faceprint.errors import OutputError
from faceprint.media import COLOURS, Mark, draw_faces
from faceprint.media.video import Frame, Video, VideoWriter
from faceprint.pipeline.labels import name_label
from faceprint.pipeline.stream import in_order
from faceprint.pipeline.video.results import VideoIdentification
from faceprint.types import Decision, Image

__all__ = ["write_labelled"]

_CHUNK_FRAMES = 8
_WORKERS = 2


def write_labelled(
    found: VideoIdentification,
    source: str | Path,
    target: Path,
    *,
    landmarks: bool = False,
    max_pixels: int = 100_000_000,
    on_progress: Callable[[float, float | None], None] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Path:
    """Writes the part of a video that was looked through, with names over the faces and the sound.

    Args:
        found: What was found in it.
        source: The video.
        target: An MP4; an existing one is replaced once the new one is whole.
        landmarks: Whether the eyes, the nose and the corners of the mouth are dotted too.
        max_pixels: Of a frame.
        on_progress: Told the seconds done, and of how many.
        stop: Asked between frames; once true, what was written stays as NAME.partial.mp4.

    Returns:
        The file that was written: `target`, or the partial one.

    Raises:
        OutputError: The disk is full, or the file may not be written.
        VideoError: The source can no longer be read.
    """
    if Path(source).resolve() == target.resolve():
        raise OutputError(
            f"{target} is the video itself. Choose another file for the labelled one."
        )
    marks = _marks_by_time(found, landmarks=landmarks)

    def drawn(frame: Frame) -> Image:
        return draw_faces(frame.pixels, marks.get(_key(frame.time_s), []), steady=True)

    def draw(frames: list[Frame]) -> list[Frame]:
        return [replace(frame, pixels=drawn(frame)) for frame in frames]

    partial = target.with_name(f"{target.stem}.partial{target.suffix}")
    with Video(source, max_pixels=max_pixels) as video:
        frames = video.frames(start_s=found.from_s, end_s=found.to_s)
        chunks: Iterator[list[Frame]] = iter(lambda: list(islice(frames, _CHUNK_FRAMES)), [])
        try:
            with VideoWriter(
                target,
                width=video.info.width,
                height=video.info.height,
                fps=video.info.fps or 25,
                sound_from=Path(source) if video.info.has_audio else None,
                sound_start_s=found.from_s,
                sound_end_s=found.to_s,
            ) as writer:
                for frame in in_order(draw, chunks, workers=_WORKERS):
                    if stop is not None and stop():
                        raise _StoppedError
                    writer.write(frame.pixels, frame.time_s - found.from_s)
                    if on_progress is not None:
                        on_progress(frame.time_s - found.from_s, found.to_s - found.from_s)
        except _StoppedError:
            return partial
    partial.unlink(missing_ok=True)
    return target


class _StoppedError(Exception):
    """Leaves the writer as an interruption does."""


def _key(time_s: float) -> int:
    """Frames are known by their times, which stay the same wherever reading starts."""
    return round(time_s * 1e4)


def _marks_by_time(found: VideoIdentification, *, landmarks: bool) -> dict[int, list[Mark]]:
    marks: dict[int, list[Mark]] = defaultdict(list)
    people = {track: person for person in found.people for track in person.tracks}
    for track in found.tracks:
        person = people[track.track_id]
        label = name_label(person.who, otherwise=person.label)
        colour = COLOURS[person.decision or Decision.UNKNOWN]
        for time_s, box, points in zip(
            track.times_s.tolist(), track.boxes, track.landmarks, strict=True
        ):
            dots = points if landmarks else None
            marks[_key(time_s)].append(Mark(box=box, landmarks=dots, label=label, colour=colour))
    return marks
