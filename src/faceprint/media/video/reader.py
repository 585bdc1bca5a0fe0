"""Goes to a time in a video and decodes on from there."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import chain
from typing import Any, Final

from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from faceprint.errors import VideoError, VideoFormatError, VideoNotFoundError
from faceprint.media.video.clock import Clock, Counter
from faceprint.media.video.decode import Decoding
from faceprint.media.video.faults import DECODER_FAULTS
from faceprint.media.video.listing import PacketList

__all__ = ["Reader"]

_DEFAULT_FPS: Final = 25.0
_STEPS_BACK_S: Final = (0.0, 1.0, 5.0, 30.0, 300.0, math.inf)
_NO_JUMP_BELOW_S: Final = 1.0
_JUMP_BLINDLY_FROM_S: Final = 20.0


class Reader:
    """Decodes one stream of pictures, from any time on, as often as its container lets it.

    Args:
        container: Of the stream; just opened.
        stream: The pictures.
        name: What to call the video in messages.
        live: Whether there is one pass only.

    Attributes:
        first: The video's first frame.
        clock: Counts seconds from that frame on.
        fps: Mean rate; None where the container does not say.

    Raises:
        VideoFormatError: No frame can be decoded.
        VideoNotFoundError: A live source sends none.
    """

    def __init__(
        self, container: InputContainer, stream: VideoStream, *, name: str, live: bool
    ) -> None:
        self._container, self._stream = container, stream
        self._name, self._live = name, live
        self._counter = Counter(stream.codec_context.codec.canonical_name)
        self._list = PacketList(stream)
        self._decoding = Decoding(container, stream, self._counter, self._list)
        frames = self._decoding.frames()
        opening = next(frames, None)
        if opening is None and live:
            raise VideoNotFoundError(
                f"{name} sent no picture that can be decoded. Check that the camera is on."
            )
        if opening is None:
            raise VideoFormatError(
                f"{name} has no picture that can be decoded: it is damaged, or was cut off at its "
                "start. Get it again from its source."
            )
        self.first = opening[1]
        rate = stream.average_rate or stream.guessed_rate
        self.fps = float(rate) if rate else None
        zero = self.first.pts or 0
        self.clock = Clock(
            zero, stream.time_base or Fraction(1, 90_000), 1 / (self.fps or _DEFAULT_FPS)
        )
        self._earliest = min(zero, stream.start_time or zero)
        self._opened: Iterator[tuple[int, VideoFrame]] | None = chain([opening], frames)
        self._faults_before = 0

    @property
    def damaged(self) -> int:
        """Frames lost so far in this pass."""
        return self._faults_before + self._decoding.damaged

    @property
    def stopped(self) -> str | None:
        """Why reading ended before the end, or None."""
        return self._decoding.stopped

    def count_fault(self) -> None:
        """Counts a frame that could be decoded and not be shown."""
        self._decoding.faults += 1

    def begin(
        self, time_s: float, *, same_pass: bool = False
    ) -> Iterator[tuple[int, float, VideoFrame]]:
        """Frames with index and time from the keyframe before a time on.

        Args:
            time_s: In seconds after the first frame.
            same_pass: Whether faults are counted on.

        Raises:
            VideoError: The container allows no jumps.
        """
        self._faults_before = self.damaged if same_pass else 0
        self.clock.restart()
        opened, self._opened = self._opened, None
        if opened is not None and (self._live or time_s < _NO_JUMP_BELOW_S):
            frames = opened
        elif self._live:
            raise VideoError(f"{self._name} is live: it can be read once only, from now on.")
        else:
            frames = self._jump(time_s)
        self.skip_before(time_s)
        for index, frame in frames:
            yield index, self.clock.read(frame), frame

    def skip_before(self, time_s: float) -> None:
        """Lets frames before a time be left out where no other frame rests on them."""
        if self.clock.is_steady and time_s > 0:
            self._decoding.skip_before = self.clock.stamp_of(time_s)

    def is_worth_a_jump(self, from_s: float, to_s: float) -> bool:
        """Whether jumping from one time to another saves decoding."""
        if self._live or not self.clock.is_steady:
            return False
        keyframe = self._list.keyframe_at_or_before(self.clock.stamp_of(to_s))
        if keyframe is None:
            return to_s - from_s >= _JUMP_BLINDLY_FROM_S
        return self.clock.seconds(keyframe) - from_s >= _NO_JUMP_BELOW_S

    def _jump(self, time_s: float) -> Iterator[tuple[int, VideoFrame]]:
        """Frames from a keyframe that is not after a time; containers do not always find it at once."""
        for back in _STEPS_BACK_S:
            target_s = max(0.0, time_s - back)
            frames = self._seek(target_s)
            opening = next(frames, None)
            if opening is not None:
                stamp = opening[1].pts
                if stamp is None or self.clock.seconds(stamp) <= time_s:
                    return chain([opening], frames)
            if target_s == 0:
                break
        return self._rewind()

    def _seek(self, time_s: float) -> Iterator[tuple[int, VideoFrame]]:
        stamp = self.clock.stamp_of(time_s) if time_s > 0 else self._earliest
        try:
            self._container.seek(stamp, stream=self._stream)
        except DECODER_FAULTS:
            return self._rewind()
        return self._decode_from_here(self._place if time_s > 0 else None)

    def _rewind(self) -> Iterator[tuple[int, VideoFrame]]:
        """Goes to the first byte, in containers that find no times."""
        try:
            self._container.seek(0, unsupported_byte_offset=True)
        except DECODER_FAULTS as error:
            raise VideoError(
                f"{self._name} can be read once only, from its start: it allows no jumps. Save it "
                "to a file first."
            ) from error
        return self._decode_from_here(None)

    def _decode_from_here(
        self, place: Callable[[Packet[Any]], int] | None
    ) -> Iterator[tuple[int, VideoFrame]]:
        self._counter.missing = 0
        self._counter.restart(0)
        self._decoding = Decoding(self._container, self._stream, self._counter, self._list, place)
        return self._decoding.frames()

    def _place(self, packet: Packet[Any]) -> int:
        listed = self._list.place(packet)
        if listed is not None:
            return listed
        stamp = packet.pts if packet.pts is not None else packet.dts
        if stamp is None:
            return 0
        return max(0, round(self.clock.seconds(stamp) / self.clock.period_s))
