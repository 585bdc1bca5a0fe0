"""Which frame of the video a decoded frame is, and when it is shown."""

from __future__ import annotations

import heapq
from fractions import Fraction
from typing import Any, Final

from av.packet import Packet
from av.video.frame import VideoFrame

__all__ = ["Clock", "Counter"]

# Their packets and frames are not one to one: some are never shown.
_HIDING_CODECS: Final = {"vp8", "vp7", "vp6", "vp6f", "rv30", "rv40"}
_LARGEST_JUMP_BACK_S: Final = 0.5


class Clock:
    """Turns presentation stamps into seconds after the first frame; they only ever grow.

    A stream that starts its stamps anew (a broadcast put together, a camera restarted) goes on
    from where it was.

    Args:
        zero: Stamp of the video's first frame.
        tick: Seconds of one step of the stamps.
        period_s: Mean distance of frames, for those without a stamp.
    """

    def __init__(self, zero: int, tick: Fraction, period_s: float) -> None:
        self.zero = zero
        self.tick = tick
        self.period_s = period_s
        self._shift = 0
        self._last: int | None = None

    def restart(self) -> None:
        """Forgets what was seen, for another pass."""
        self._shift, self._last = 0, None

    @property
    def is_steady(self) -> bool:
        """Whether times and stamps still differ by `zero` alone."""
        return self._shift == 0

    def stamp_of(self, time_s: float) -> int:
        """The stamp at or before a time."""
        return self.zero + int(Fraction(time_s) / self.tick)

    def seconds(self, stamp: int) -> float:
        """The time of a stamp."""
        return float((stamp - self.zero) * self.tick)

    def read(self, frame: VideoFrame) -> float:
        """When a frame is shown, in seconds after the first."""
        step = max(1, round(self.period_s / float(self.tick)))
        if frame.pts is None:
            stamp = self.zero if self._last is None else self._last + step
        else:
            stamp = frame.pts + self._shift
        if self._last is not None and stamp <= self._last:
            if self._last - stamp > _LARGEST_JUMP_BACK_S / self.tick:
                self._shift += self._last + step - stamp
                stamp = self._last + step
            else:
                stamp = self._last + 1
        self._last = stamp
        return self.seconds(stamp)


class Counter:
    """Counts frames by the packets they came in, so that frames that are lost count too.

    Args:
        codec: Name of the codec.

    Attributes:
        missing: Frames that were wanted and never came, in this pass.
    """

    def __init__(self, codec: str) -> None:
        self._by_packet = codec not in _HIDING_CODECS
        self.missing = 0
        self.restart(0)

    def restart(self, start: int) -> None:
        """Begins again at a packet.

        Args:
            start: How many frames come before it.
        """
        self._next = start
        self._waiting: list[tuple[int, bool]] = []
        self._exact = self._by_packet
        self._seen_any = False

    def expect(self, packet: Packet[Any], *, wanted: bool = True) -> None:
        """Notes a packet that is about to be decoded.

        Args:
            packet: Of the pictures.
            wanted: Whether its frame is missed if it never comes.
        """
        if packet.is_discard:
            return
        if packet.pts is None:
            self._exact = False
        elif self._exact:
            heapq.heappush(self._waiting, (packet.pts, wanted))

    def count(self, frame: VideoFrame) -> int:
        """The index of a frame that came out."""
        if frame.interlaced_frame:
            # The two halves of a picture may come in two packets.
            self._exact = False
        if self._exact and frame.pts is not None:
            while self._waiting and self._waiting[0][0] < frame.pts:
                _, wanted = heapq.heappop(self._waiting)
                self._next += 1
                self.missing += wanted and self._seen_any
            if self._waiting and self._waiting[0][0] == frame.pts:
                heapq.heappop(self._waiting)
        self._seen_any = True
        self._next += 1
        return self._next - 1

    def finish(self) -> None:
        """Counts what was expected and never came."""
        if self._exact:
            self.missing += sum(wanted for _, wanted in self._waiting)
        self._waiting = []
