"""The container's own list of its packets: where the keyframes are, and which packet is which."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from av.packet import Packet
from av.video.stream import VideoStream

__all__ = ["PacketList"]


class PacketList:
    """What a container lists of its pictures; MP4 and AVI list all, others few or none.

    Args:
        stream: The pictures.
    """

    def __init__(self, stream: VideoStream) -> None:
        self._stream = stream
        self._entries = stream.index_entries
        self.complete = len(self._entries) >= stream.frames > 0
        self._shown_before: npt.NDArray[np.int64] | None = None

    def place(self, packet: Packet[Any]) -> int | None:
        """How many shown packets come before one, or None where that is not known."""
        if not self.complete or packet.dts is None:
            return None
        at = self._entries.search_timestamp(packet.dts, any_frame=True)
        if at < 0:
            return None
        if self._shown_before is None:
            shown = [not entry.is_discard for entry in self._entries]
            self._shown_before = np.concatenate([[0], np.cumsum(shown)])
        return int(self._shown_before[at])

    @property
    def last_stamp(self) -> int | None:
        """The decoding stamp of the last packet; None where not known."""
        return int(self._entries[-1].timestamp) if self.complete else None

    def keyframe_at_or_before(self, stamp: int) -> int | None:
        """The stamp of the last keyframe that is not after another stamp; None where not known."""
        if not self.complete:
            return None
        at = self._entries.search_timestamp(stamp)
        return None if at < 0 else int(self._entries[at].timestamp)
