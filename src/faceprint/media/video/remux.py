"""Packets from one container to another, without decoding them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from faceprint.errors import VideoError
from faceprint.media.video.faults import DECODER_FAULTS, reason
from faceprint.media.video.source import open_source

__all__ = ["CopiedRange", "copy_range", "put_index_first"]

_LARGEST_PICTURE = 100_000_000


@dataclass(frozen=True, slots=True)
class CopiedRange:
    """What was copied.

    Attributes:
        start_s: Time of the first frame in the source.
        end_s: Time in the source where the last frame ends.
        frames: How many frames.
        stopped: Why reading ended early, or None.
    """

    start_s: float
    end_s: float
    frames: int
    stopped: str | None


def put_index_first(draft: Path, target: Path) -> None:
    """Writes an MP4 anew with its index at the head, so that playing can begin while it loads.

    Raises:
        OSError: The target cannot be written.
    """
    with (
        av.open(f"file:{draft.absolute()}", "r", format="mp4") as source,
        _create(target) as output,
    ):
        tracks = _add_tracks(source, output)
        for packet in source.demux():
            if packet.dts is not None and packet.stream_index in tracks:
                packet.stream = tracks[packet.stream_index]
                output.mux(packet)


def copy_range(
    source: Path,
    target: Path,
    *,
    zero_s: Fraction,
    start_s: float,
    end_s: float | None,
    on_progress: Callable[[float], None],
) -> CopiedRange:
    """Copies pictures and sound from the keyframe before a time on.

    Args:
        source: The video.
        target: The new file.
        zero_s: Time of the video's first frame by the container's count.
        start_s: After that frame.
        end_s: Likewise; None for the end.
        on_progress: Told the time in the source.

    Raises:
        VideoError: MP4 cannot hold these pictures.
        OSError: The target cannot be written.
    """
    with (
        open_source(source, live=False, timeout_s=10, max_pixels=_LARGEST_PICTURE) as container,
        _create(target) as output,
    ):
        try:
            tracks = _add_tracks(container, output)
        except ValueError as error:
            raise VideoError(
                f"{source} cannot be copied as it is, because MP4 does not hold its format "
                f"({reason(error)}). Cut it without --copy."
            ) from error
        copier = _Copier(output, tracks, zero_s, end_s)
        stopped = copier.run(container, start_s, on_progress)
    return CopiedRange(copier.start_s, copier.end_s, copier.frames, stopped)


class _Copier:
    """Moves packets over, counted from the first keyframe on."""

    def __init__(
        self,
        output: OutputContainer,
        tracks: dict[int, Any],
        zero_s: Fraction,
        until_s: float | None,
    ) -> None:
        self._output, self._tracks, self._zero_s = output, tracks, zero_s
        self._until_s = until_s
        self._begin: Fraction | None = None
        self._waiting: list[Packet[Any]] = []
        self.start_s = self.end_s = 0.0
        self.frames = 0

    def run(
        self, container: InputContainer, start_s: float, on_progress: Callable[[float], None]
    ) -> str | None:
        """Copies; returns why reading ended early."""
        pictures = _pictures(container)
        assert pictures.time_base is not None
        container.seek(
            int((self._zero_s + Fraction(start_s)) / pictures.time_base), stream=pictures
        )
        packets = container.demux()
        while True:
            try:
                packet = next(packets, None)
            except DECODER_FAULTS as error:
                return f"Reading failed: {reason(error).rstrip('.')}."
            if packet is None or self._is_past_end(packet, pictures):
                return None
            if packet.dts is None or packet.pts is None or packet.stream_index not in self._tracks:
                continue
            if packet.stream_index == pictures.index:
                self._take_picture(packet)
                on_progress(self.end_s)
            elif self._begin is None:
                self._waiting.append(packet)
            else:
                self._mux(packet)

    def _is_past_end(self, packet: Packet[Any], pictures: VideoStream) -> bool:
        if self._until_s is None or packet.dts is None or packet.stream_index != pictures.index:
            return False
        return float(packet.dts * packet.time_base - self._zero_s) >= self._until_s

    def _take_picture(self, packet: Packet[Any]) -> None:
        assert packet.pts is not None
        time = packet.pts * packet.time_base
        if self._begin is None:
            if not packet.is_keyframe:
                return
            self._begin = time
            self.start_s = float(time - self._zero_s)
            for waiting in self._waiting:
                self._mux(waiting)
        self.frames += time >= self._begin
        length = (packet.duration or 0) * packet.time_base
        self.end_s = max(self.end_s, float(time + length - self._zero_s))
        self._mux(packet)

    def _mux(self, packet: Packet[Any]) -> None:
        """Writes a packet, unless it comes before the first frame."""
        assert self._begin is not None
        assert packet.pts is not None
        assert packet.dts is not None
        if packet.pts * packet.time_base < self._begin:
            return
        offset = round(self._begin / packet.time_base)
        packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
        packet.stream = self._tracks[packet.stream_index]
        self._output.mux(packet)


def _create(target: Path) -> OutputContainer:
    return av.open(
        f"file:{target.absolute()}", "w", format="mp4", container_options={"movflags": "+faststart"}
    )


def _add_tracks(source: InputContainer, output: OutputContainer) -> dict[int, Stream]:
    kept: list[Stream] = [_pictures(source), *source.streams.audio[:1]]
    return {
        stream.index: output.add_stream_from_template(stream, opaque=True)
        for stream in kept
        if stream.codec_context is not None
    }


def _pictures(container: InputContainer) -> VideoStream:
    return max(container.streams.video, key=lambda stream: stream.width * stream.height)
