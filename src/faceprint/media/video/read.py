"""Videos in: frames with exact times from a file, a file object, a camera or a stream."""

from __future__ import annotations

import math
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

import av
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from faceprint.errors import VideoError, VideoFormatError
from faceprint.media.video.faults import DECODER_FAULTS
from faceprint.media.video.picture import PictureMaker
from faceprint.media.video.reader import Reader
from faceprint.media.video.records import Frame, VideoInfo
from faceprint.media.video.source import Source, open_source, source_name
from faceprint.types import Image

__all__ = ["Video"]

_SLACK_S: Final = 0.001


class Video:
    """A video that gives its frames as RGB arrays with exact times.

    Broken frames are left out and counted; a file that ends early gives what it has. Decoding uses
    all cores. Not for several threads at once.

    Args:
        source: A path, or an open binary file that can seek. With `live` also the number of a
            camera ("0"), or an address: rtsp, http, https (MJPEG, HLS, MPEG-TS) or rtmp.
        max_pixels: Limit of width × height, checked before decoding.
        live: Whether this is a camera or a stream: one pass, no jumps, least delay.
        timeout_s: Longest wait for a live source to open, and for each read.

    Attributes:
        info: What the container says.
        zero_s: Time of the first frame by the container's own count, in seconds.
        cut_short: Why the last pass ended before the end of the video, in plain words, else None.

    Raises:
        VideoNotFoundError: There is no such file, camera or stream, or it does not answer.
        VideoFormatError: Not a video, empty, or without pictures that can be decoded here.
        VideoError: It may not be read, or its pictures are over the limit.

    Example:
        >>> from faceprint.media.video import Video
        >>> with Video("party.mp4") as video:  # doctest: +SKIP
        ...     for frame in video.frames(every_s=0.5):
        ...         print(frame.time_s, frame.pixels.shape)
    """

    def __init__(
        self,
        source: Source,
        *,
        max_pixels: int = 100_000_000,
        live: bool = False,
        timeout_s: float = 10,
    ) -> None:
        self._name = source_name(source)
        self._live = live
        self._max_pixels = max_pixels
        self._pass = 0
        self._container = open_source(source, live=live, timeout_s=timeout_s, max_pixels=max_pixels)
        try:
            self._stream = self._pick_stream()
            self._reader = Reader(self._container, self._stream, name=self._name, live=live)
            # The first frame says how the camera was held.
            self._pictures = PictureMaker(self._reader.first, self._stream.sample_aspect_ratio)
            self._check_size(self._pictures.width, self._pictures.height)
            self.info = self._read_info()
        except BaseException:
            self._container.close()
            raise
        self.zero_s = self._reader.clock.zero * self._reader.clock.tick
        self.cut_short: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def damaged(self) -> int:
        """Frames that could not be decoded, so far in the last pass."""
        return self._reader.damaged

    def close(self) -> None:
        """Lets go of the file or the camera; may be called twice."""
        self._pass += 1
        self._container.close()

    def frames(
        self, *, start_s: float = 0, end_s: float | None = None, every_s: float | None = None
    ) -> Iterator[Frame]:
        """Frames in the order in which they are shown.

        A new call begins a new pass and ends the one before. Where every n-th second is asked for,
        frames between are not converted, and long gaps are jumped over.

        Args:
            start_s: Time of the first frame, in seconds after the video's first.
            end_s: Frames from this time on are left out.
            every_s: Gives only the first frame at or after each multiple of this after `start_s`.

        Raises:
            VideoError: A time makes no sense, or the source cannot be read a second time.
        """
        _check_times(start_s, end_s, every_s)
        self._pass += 1
        self.cut_short = None
        return self._run_pass(self._pass, start_s, math.inf if end_s is None else end_s, every_s)

    def _run_pass(
        self, number: int, start_s: float, end_s: float, every_s: float | None
    ) -> Iterator[Frame]:
        steps = _Steps(start_s, every_s, slack_s=min(float(self._reader.clock.tick), _SLACK_S))
        goal: float | None = start_s
        while goal is not None and number == self._pass:
            frames = self._reader.begin(goal, same_pass=goal > start_s)
            goal = None
            for index, time_s, decoded in frames:
                if time_s >= end_s:
                    return
                pixels = self._picture(decoded) if steps.take(time_s) else None
                if pixels is None:
                    continue
                yield Frame(index, time_s, pixels)
                if number != self._pass:
                    return
                if every_s is not None and self._reader.is_worth_a_jump(time_s, steps.due_s):
                    goal = steps.due_s
                    break
                self._reader.skip_before(steps.due_s)
        if number == self._pass:
            self.cut_short = self._reader.stopped

    def _picture(self, decoded: VideoFrame) -> Image | None:
        try:
            return self._pictures.picture(decoded)
        except DECODER_FAULTS:
            self._reader.count_fault()
            return None

    def _pick_stream(self) -> VideoStream:
        shown = [
            s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic
        ]
        usable = [s for s in shown if s.codec_context is not None]
        if not usable:
            raise VideoFormatError(self._no_pictures(bool(shown)))
        stream = max(usable, key=lambda s: s.width * s.height)
        self._check_size(stream.width, stream.height)
        stream.thread_type = "SLICE" if self._live else "AUTO"
        stream.codec_context.options = {"max_pixels": str(self._max_pixels)}
        return stream

    def _no_pictures(self, shown: bool) -> str:
        if shown:
            return (
                f"{self._name} holds pictures in a format without a decoder here. Convert it to "
                "H.264 in MP4."
            )
        if self._container.streams.audio:
            return f"{self._name} has sound only; expected a video with pictures."
        return f"{self._name} has no pictures in it; expected a video."

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._max_pixels:
            raise VideoError(
                f"{self._name} has {width} × {height} pixels, over the limit of "
                f"{self._max_pixels:,}. Scale it down, or raise the limit."
            )

    def _read_info(self) -> VideoInfo:
        stream, container = self._stream, self._container
        duration: float | None = None
        if not self._live:
            if stream.duration:
                duration = float(stream.duration * self._reader.clock.tick)
            elif container.duration:
                duration = container.duration / av.time_base
        return VideoInfo(
            name=self._name,
            width=self._pictures.width,
            height=self._pictures.height,
            duration_s=duration,
            fps=self._reader.fps,
            frames=stream.frames or None,
            rotation_deg=self._pictures.rotation_deg,
            codec=stream.codec_context.codec.canonical_name,
            has_audio=bool(container.streams.audio),
        )


class _Steps:
    """Which frames are taken: all from a time on, or the first at or after each step."""

    def __init__(self, start_s: float, every_s: float | None, *, slack_s: float) -> None:
        self._start_s, self._every_s, self._slack_s = start_s, every_s, slack_s
        self.due_s = max(0.0, start_s - slack_s)

    def take(self, time_s: float) -> bool:
        """Whether the frame of a time is taken; moves on to the next step if so."""
        if time_s < self.due_s:
            return False
        if self._every_s is not None:
            late_s = time_s + self._slack_s - self._start_s
            steps = math.floor(late_s / self._every_s) + 1
            self.due_s = self._start_s + steps * self._every_s - self._slack_s
        return True


def _check_times(start_s: float, end_s: float | None, every_s: float | None) -> None:
    if not (math.isfinite(start_s) and start_s >= 0):
        raise VideoError(f"A video starts at 0 s or later, got {start_s:g} s.")
    if end_s is not None and not end_s > start_s:
        raise VideoError(f"The end, {end_s:g} s, must lie after the start, {start_s:g} s.")
    if every_s is not None and not (math.isfinite(every_s) and every_s > 0):
        raise VideoError(f"The step between frames must be more than 0 s, got {every_s:g} s.")
