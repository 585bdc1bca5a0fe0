"""One pass over a video: packets in, frames out, faults counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from faceprint.media.video.clock import Counter
from faceprint.media.video.faults import DECODER_FAULTS, reason
from faceprint.media.video.listing import PacketList

__all__ = ["Decoding"]

_FAULTS_IN_A_ROW: Final = 50
_KNOWN_LENGTH: Final = ("mov", "matroska", "avi", "asf", "nut", "ogg")
_CUT_SHORT_S: Final = 0.3


class Decoding:
    """Decodes from where the container stands.

    Args:
        container: Of the stream.
        stream: The pictures.
        counter: Told of every packet and frame.
        listing: What the container lists of its packets.
        place: Says how many frames come before a packet, after a jump; None for a pass from the
            start.

    Attributes:
        skip_before: Frames with a stamp before this are not needed, and are decoded only where others
            rest on them; None for all frames.
        faults: How often the decoder gave up on a packet.
        stopped: Why reading ended before the end, or None.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        counter: Counter,
        listing: PacketList,
        place: Callable[[Packet[Any]], int] | None = None,
    ) -> None:
        self._container = container
        self._stream = stream
        self._counter = counter
        self._listing = listing
        self._place = place
        self._skipping = False
        self._seen_until_s: float | None = None
        self._last_stamp: int | None = None
        stream.codec_context.skip_frame = "DEFAULT"
        self.skip_before: int | None = None
        self.faults = 0
        self.stopped: str | None = None

    @property
    def damaged(self) -> int:
        """How many frames were lost, so far."""
        return max(self.faults, self._counter.missing)

    def frames(self) -> Iterator[tuple[int, VideoFrame]]:
        """Frames with their indices, in the order in which they are shown."""
        for packet in self._packets():
            # Not by its index: the packets that end the streams all have index 0.
            if packet.stream is not self._stream:
                continue
            if packet.size:
                self._expect(packet)
            try:
                decoded = packet.decode()
            except DECODER_FAULTS:
                self.faults += 1
                continue
            for frame in decoded:
                index = self._counter.count(frame)
                if frame.is_corrupt:
                    self.faults += 1
                    continue
                yield index, frame
        self._counter.finish()
        if self.stopped is None:
            self.stopped = self._early_end()

    def _expect(self, packet: Packet[Any]) -> None:
        """Tells the counter of a packet, and the decoder whether its frame is needed."""
        if self._place is not None:
            self._counter.restart(self._place(packet))
            self._place = None
        early = (
            self.skip_before is not None
            and packet.pts is not None
            and packet.pts < self.skip_before
        )
        if early != self._skipping:
            self._skipping = early
            self._stream.codec_context.skip_frame = "NONREF" if early else "DEFAULT"
        self._last_stamp = packet.dts
        self._counter.expect(packet, wanted=not early)

    def _packets(self) -> Iterator[Packet[Any]]:
        """All packets of the container; reads on behind a fault, where that is possible."""
        faults = 0
        while True:
            try:
                for packet in self._container.demux():
                    faults = 0
                    self._note_end(packet)
                    yield packet
                return
            except DECODER_FAULTS as error:
                faults += 1
                if faults > _FAULTS_IN_A_ROW or not _may_go_on(error):
                    self.stopped = f"Reading failed: {reason(error).rstrip('.')}."
                    return

    def _note_end(self, packet: Packet[Any]) -> None:
        if packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self._seen_until_s = max(end, self._seen_until_s or end)

    def _early_end(self) -> str | None:
        """Plain words where the data ended before the container said it would."""
        container = self._container
        until_s = ((container.start_time or 0) + (container.duration or 0)) / av.time_base
        missing_s = until_s - (self._seen_until_s or 0.0)
        listed = self._listing.last_stamp
        if listed is not None and self._last_stamp is not None:
            if self._last_stamp >= listed:
                return None
        elif (
            not container.duration
            or missing_s <= _CUT_SHORT_S
            or not any(known in container.format.name for known in _KNOWN_LENGTH)
        ):
            return None
        return f"The file ends {max(missing_s, 0):.1f} s before its stated end: it was cut short."


def _may_go_on(error: Exception) -> bool:
    """Whether the next packet may be whole: the bytes were wrong, the reading was not."""
    return isinstance(error, ValueError) and not isinstance(error, OSError)
