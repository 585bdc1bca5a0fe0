"""Cuts a range out of a video: exactly, or at a keyframe without encoding anew."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Final

from faceprint.errors import OutputError, VideoError
from faceprint.media.video.faults import DECODER_FAULTS, output_fault
from faceprint.media.video.read import Video
from faceprint.media.video.remux import copy_range
from faceprint.media.video.write import VideoWriter

__all__ = ["OnProgress", "TrimResult", "trim"]

OnProgress = Callable[[float, float | None], None]
"""Told how many seconds are done, and of how many, where that is known."""

_DEFAULT_FPS: Final = 25.0


@dataclass(frozen=True, slots=True)
class TrimResult:
    """What was cut out.

    Attributes:
        path: The file.
        start_s: Time in the source of the first frame; with `copied` that of the keyframe before
            the wanted start.
        end_s: Time in the source where the last frame ends.
        frames: How many frames were written.
        copied: Whether the pictures were copied rather than encoded anew.
        damaged: Broken frames of the source that were left out.
        cut_short: Why the source ended before the wanted end, in plain words, else None.
    """

    path: Path
    start_s: float
    end_s: float
    frames: int
    copied: bool
    damaged: int = 0
    cut_short: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "path": str(self.path),
            "start_s": round(self.start_s, 6),
            "end_s": round(self.end_s, 6),
            "frames": self.frames,
            "copied": self.copied,
            "damaged_frames": self.damaged,
            "cut_short": self.cut_short,
        }


def trim(
    source: str | Path,
    target: str | Path,
    *,
    start_s: float = 0,
    end_s: float | None = None,
    copy: bool = False,
    on_progress: OnProgress | None = None,
) -> TrimResult:
    """Cuts a range of a video into an MP4 of its own, with its sound.

    Args:
        source: The video.
        target: Ends in .mp4; replaced where it exists, once all is well. Its folder must exist.
        start_s: In seconds after the first frame.
        end_s: Frames from this time on are left out; None for the end.
        copy: Copy the pictures without encoding them anew: quick and without loss, but the range
            begins at the keyframe before `start_s`, and may end a few frames late.
        on_progress: Told how far it is.

    Raises:
        VideoError: The source cannot be read, or has no frame in the range.
        OutputError: The target cannot be written; what could be played is kept beside it.
    """
    source, target = Path(source), Path(target)
    if target.suffix.lower() not in (".mp4", ".m4v", ".mov"):
        raise OutputError(f"{target} ends in {target.suffix or 'no suffix'!r}; expected .mp4.")
    if target.exists() and source.exists() and target.samefile(source):
        raise OutputError(f"{target} is the video itself. Choose another name for the result.")
    work = _copy if copy else _encode
    with Video(source) as video:
        return work(video, source, target, start_s, end_s, on_progress or _say_nothing)


def _say_nothing(_done: float, _total: float | None) -> None:
    pass


def _encode(
    video: Video,
    source: Path,
    target: Path,
    start_s: float,
    end_s: float | None,
    on_progress: OnProgress,
) -> TrimResult:
    frames = video.frames(start_s=start_s, end_s=end_s)
    first = next(frames, None)
    if first is None:
        raise _no_frame(video, start_s)
    info = video.info
    fps = info.fps or _DEFAULT_FPS
    total = _length(video, start_s, end_s)
    count, last_s = 0, first.time_s
    with VideoWriter(
        target,
        width=info.width,
        height=info.height,
        fps=fps,
        sound_from=source,
        sound_start_s=first.time_s,
        sound_end_s=end_s,
    ) as writer:
        for frame in chain([first], frames):
            writer.write(frame.pixels, frame.time_s)
            count, last_s = count + 1, frame.time_s
            on_progress(frame.time_s - start_s, total)
    made = TrimResult(target, first.time_s, last_s + 1 / fps, count, copied=False)
    return replace(made, damaged=video.damaged, cut_short=video.cut_short)


def _copy(
    video: Video,
    source: Path,
    target: Path,
    start_s: float,
    end_s: float | None,
    on_progress: OnProgress,
) -> TrimResult:
    if next(video.frames(start_s=start_s, end_s=end_s), None) is None:
        raise _no_frame(video, start_s)
    if not target.parent.is_dir():
        raise OutputError(f"There is no folder {target.parent}. Make it first.")
    total = _length(video, start_s, end_s)
    draft = target.with_name(f".{uuid.uuid4().hex}.part")
    try:
        copied = copy_range(
            source,
            draft,
            zero_s=video.zero_s,
            start_s=start_s,
            end_s=end_s,
            on_progress=lambda done: on_progress(max(0.0, done - start_s), total),
        )
        draft.replace(target)
    except DECODER_FAULTS as error:
        raise output_fault(error, target) from error
    finally:
        draft.unlink(missing_ok=True)
    return TrimResult(
        target, copied.start_s, copied.end_s, copied.frames, copied=True, cut_short=copied.stopped
    )


def _length(video: Video, start_s: float, end_s: float | None) -> float | None:
    duration = video.info.duration_s
    if end_s is None:
        return None if duration is None else max(0.0, duration - start_s)
    return (end_s if duration is None else min(end_s, duration)) - start_s


def _no_frame(video: Video, start_s: float) -> VideoError:
    length = video.info.duration_s
    lasts = "" if length is None else f"; it lasts {length:.3f} s"
    return VideoError(f"{video.info.name} has no frame from {start_s:g} s on in the range{lasts}.")
