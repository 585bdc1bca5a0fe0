"""The sound of one video, cut to a range and laid under another."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from faceprint.media.video.faults import DECODER_FAULTS
from faceprint.media.video.source import open_source

__all__ = ["Sound"]

_MP4_HOLDS: Final = {"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"}
_LARGEST_PICTURE: Final = 100_000_000


class Sound:
    """Feeds the sound of a file into a container, as far as the pictures have come.

    Packets are copied where MP4 can hold them, else encoded to AAC. Where the file's sound is
    damaged, the rest stays silent.

    Args:
        source: The file.
        output: Where it goes; gets one more stream if there is any sound.
        begin_s: Time in the source's container that becomes 0.
        end_s: Likewise, from when on nothing is taken; None for the end of the source.
    """

    def __init__(
        self, source: Path, output: OutputContainer, *, begin_s: Fraction, end_s: Fraction | None
    ) -> None:
        self._output = output
        self._begin_s, self._end_s = begin_s, end_s
        self._input = open_source(source, live=False, timeout_s=10, max_pixels=_LARGEST_PICTURE)
        usable = [s for s in self._input.streams.audio if s.codec_context is not None]
        self._packets: Iterator[tuple[Fraction, Packet[AudioStream]]] = iter(())
        self._held: tuple[Fraction, Packet[AudioStream]] | None = None
        if usable:
            self._stream = usable[0]
            self._copies = self._stream.codec_context.codec.canonical_name in _MP4_HOLDS
            self._track = self._add_track(self._stream)
            self._packets = self._wanted_packets()

    def feed(self, until_s: float) -> None:
        """Writes the sound up to a time of the output.

        Raises:
            OSError: The output cannot be written.
        """
        while self._held is not None or self._pull():
            assert self._held is not None
            time_s, packet = self._held
            if time_s > until_s:
                return
            self._held = None
            self._write(packet)

    def finish(self, until_s: float) -> None:
        """Writes the sound up to the end of the output, and what the encoder holds back.

        Raises:
            OSError: The output cannot be written.
        """
        self.feed(until_s)
        if hasattr(self, "_track") and not self._copies:
            self._output.mux(self._track.encode(None))

    def close(self) -> None:
        """Lets go of the source."""
        self._input.close()

    def _add_track(self, stream: AudioStream) -> AudioStream:
        if self._copies:
            return self._output.add_stream_from_template(stream)
        rate = stream.codec_context.sample_rate
        track: Any = self._output.add_stream("aac", rate=rate if 8000 <= rate <= 96000 else 48000)
        track.layout = "mono" if stream.codec_context.layout.nb_channels == 1 else "stereo"
        return track  # type: ignore[no-any-return]

    def _pull(self) -> bool:
        self._held = next(self._packets, None)
        return self._held is not None

    def _wanted_packets(self) -> Iterator[tuple[Fraction, Packet[AudioStream]]]:
        """Packets of the range with their times in the output; ends early on damage."""
        try:
            if self._begin_s > 1:
                self._input.seek(int(self._begin_s * av.time_base))
            for packet in self._input.demux(self._stream):
                if packet.pts is None or packet.size == 0:
                    continue
                time_s = packet.pts * packet.time_base - self._begin_s
                if self._end_s is not None and time_s >= self._end_s - self._begin_s:
                    return
                if time_s + (packet.duration or 0) * packet.time_base > 0:
                    yield time_s, packet
        except DECODER_FAULTS:
            return

    def _write(self, packet: Packet[AudioStream]) -> None:
        if self._copies:
            offset = round(self._begin_s / packet.time_base)
            packet.pts = (packet.pts or 0) - offset
            packet.dts = packet.pts
            packet.stream = self._track
            self._output.mux(packet)
            return
        try:
            frames = packet.decode()
        except DECODER_FAULTS:
            return
        for frame in frames:
            if frame.pts is not None:
                frame.pts -= round(self._begin_s / (frame.time_base or 1))
            self._output.mux(self._track.encode(frame))
