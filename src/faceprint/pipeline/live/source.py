"""Live pictures: a camera, a stream that may drop and come back, or a file played at its real speed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from faceprint.errors import VideoError
from faceprint.media.video import Frame
from faceprint.pipeline.live.address import SourceAddress, SourceKind, read_source
from faceprint.pipeline.live.background import Background
from faceprint.pipeline.live.newest import Newest

__all__ = ["LiveSource", "Patience", "SourceState", "SourceStatus"]

_log = logging.getLogger(__name__)

_BURST_ENDING = ".m3u8"
"""Such streams come some seconds at a time, and are shown by the times of their pictures."""

_HURRY_S = 0.5
"""A picture that is later than this is not caught up with: the clock is set anew."""

_LET_GO_S = 2.0
"""A read that hangs is not waited for any longer than this."""


class SourceState(StrEnum):
    """What a source is doing."""

    CONNECTING = "connecting"
    LIVE = "live"
    LOST = "lost"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is doing.

    Attributes:
        state: What it is doing.
        reason: Why it was lost or ended, in plain words; empty where all is well.
        frames: Pictures that came.
        dropped: Pictures that gave way to newer ones before anybody looked at them.
        reconnects: How often it came back.
        damaged: Pictures that could not be decoded.
    """

    state: SourceState = SourceState.CONNECTING
    reason: str = ""
    frames: int = 0
    dropped: int = 0
    reconnects: int = 0
    damaged: int = 0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for what.

    Attributes:
        stall_s: A stream that sends nothing for so long is lost.
        first_retry_s: Before the first try to reconnect; each further wait is twice as long.
        longest_retry_s: The waits grow no longer than this.
    """

    stall_s: float = 10.0
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0


class LiveVideo(Protocol):
    """What is asked of an opened video."""

    @property
    def damaged(self) -> int:
        """Pictures that could not be decoded, so far in this pass."""
        ...

    @property
    def cut_short(self) -> str | None:
        """Why the pass ended before its time; None where it did not."""
        ...

    def frames(self) -> Iterator[Frame]:
        """Its pictures."""
        ...


OpenVideo = Callable[[SourceAddress, float], AbstractContextManager[LiveVideo]]
"""From an address and the longest wait, in seconds, to an opened video."""


class LiveSource:
    """Reads a source in a thread of its own; only the newest picture waits to be fetched.

    The times of the pictures are seconds since the first one, whatever the source says, and go on
    rising when it comes back.

    Args:
        source: The number of a camera, the address of a stream, or a file.
        loop: Begin a file again at its end.
        patience: How long to wait for what.
        max_pixels: Largest picture.
        on_status: Called with every change of state, from the thread of the source.
        open_video: Opens what is read; `faceprint.media.video.Video` unless given.
        clock: Seconds that never go back.

    Raises:
        InputError: The source means nothing, or there is no such file.
    """

    def __init__(
        self,
        source: str,
        *,
        loop: bool = False,
        patience: Patience | None = None,
        max_pixels: int = 100_000_000,
        on_status: Callable[[SourceStatus], object] | None = None,
        open_video: OpenVideo | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = read_source(source)
        self._loop = loop
        self._patience = patience or Patience()
        self._on_status = on_status or (lambda _: None)
        self._open = open_video or _opener(max_pixels)
        self._clock = clock
        self._stopped = threading.Event()
        self._newest: Newest[Frame] = Newest()
        self._status = SourceStatus()
        self._reading = Background(self._read, name="faceprint-source")
        self._began: float | None = None
        self._came_at = 0.0
        self._was_live = False
        self._last_words = ""

    @property
    def name(self) -> str:
        """What the source is called; holds no password."""
        return self._address.name

    @property
    def status(self) -> SourceStatus:
        """How it is doing now."""
        return replace(self._status, dropped=self._newest.dropped)

    def start(self) -> None:
        """Begins to read."""
        self._reading.start()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest picture that was not fetched yet; None where none comes in time."""
        return self._newest.take(timeout_s)

    def age_s(self, frame: Frame) -> float:
        """Seconds since a picture of this source arrived."""
        return 0.0 if self._began is None else self._clock() - self._began - frame.time_s

    @property
    def ended(self) -> bool:
        """Whether no further picture will come."""
        return self._newest.closed

    def close(self) -> None:
        """Stops reading, and lets the source go as soon as it answers.

        Raises:
            VideoError: Reading had ended because the source cannot be read.
        """
        self._stopped.set()
        self._newest.close()
        self._reading.wait(_LET_GO_S)

    def _read(self) -> None:
        try:
            retry_s = self._patience.first_retry_s
            while not self._stopped.is_set():
                before = self._status.frames
                reason = self._play()
                if reason is None or self._stopped.is_set():
                    return
                if self._status.frames > before:
                    retry_s = self._patience.first_retry_s
                self._say(SourceState.LOST, reason)
                _log.info("%s is lost: %s Next try in %g s.", self.name, reason, retry_s)
                self._stopped.wait(retry_s)
                retry_s = min(2 * retry_s, self._patience.longest_retry_s)
        except VideoError as error:
            self._say(SourceState.ENDED, self._address.without_secrets(str(error)))
            raise
        finally:
            if self._status.state is not SourceState.ENDED:
                self._say(SourceState.ENDED, self._last_words)
            self._newest.close()

    def _play(self) -> str | None:
        """Reads until the source ends: why it did, or None where that is as it should be."""
        self._say(SourceState.CONNECTING, self._status.reason)
        try:
            with self._open(self._address, self._patience.stall_s) as video:
                while self._play_once(video):
                    pass
                return self._reason(video)
        except VideoError as error:
            if self._address.kind is SourceKind.FILE or self._gone_for_good():
                raise
            return self._address.without_secrets(str(error))

    def _gone_for_good(self) -> bool:
        """A camera that never was there will not come; a stream may not have been switched on yet."""
        return self._address.kind is SourceKind.CAMERA and not self._was_live

    def _play_once(self, video: LiveVideo) -> bool:
        """Gives out the pictures of one pass; whether there is to be another."""
        damaged, shown = self._status.damaged, False
        paced = self._address.kind is SourceKind.FILE or self._in_bursts
        starts: float | None = None
        for frame in video.frames():
            shown, now = True, self._clock()
            if starts is None:
                starts = now - frame.time_s
            if paced:
                starts = self._wait_for(frame, starts)
            if self._stopped.is_set():
                return False
            self._give(frame, damaged + video.damaged)
        return self._loop and self._address.kind is SourceKind.FILE and shown

    @property
    def _in_bursts(self) -> bool:
        return self._address.name.endswith(_BURST_ENDING)

    def _wait_for(self, frame: Frame, starts: float) -> float:
        """Waits until a picture is due; gives the clock's time of the video's start."""
        early_s = starts + frame.time_s - self._clock()
        if early_s > 0:
            self._stopped.wait(early_s)
        return starts - early_s if early_s < -_HURRY_S else starts

    def _give(self, frame: Frame, damaged: int) -> None:
        now = self._came_at = self._clock()
        self._began = now if self._began is None else self._began
        index = self._status.frames
        self._status = replace(self._status, frames=index + 1, damaged=damaged)
        if self._status.state is not SourceState.LIVE:
            back = self._was_live
            self._status = replace(self._status, reconnects=self._status.reconnects + back)
            self._was_live = True
            self._say(SourceState.LIVE)
        self._newest.put(Frame(index, now - self._began, frame.pixels))

    def _reason(self, video: LiveVideo) -> str | None:
        if self._address.kind is SourceKind.FILE:
            self._last_words = _sentence(video.cut_short or "")
            return None
        if self._clock() - self._came_at >= self._patience.stall_s:
            return f"Nothing came for {self._patience.stall_s:g} s."
        return self._address.without_secrets(_sentence(video.cut_short or "It ended"))

    def _say(self, state: SourceState, reason: str = "") -> None:
        self._status = replace(self._status, state=state, reason=reason)
        self._on_status(self.status)


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}." if text else ""


def _opener(max_pixels: int) -> OpenVideo:
    def open_video(address: SourceAddress, timeout_s: float) -> AbstractContextManager[LiveVideo]:
        from faceprint.media.video import Video

        live = address.kind is not SourceKind.FILE
        return Video(address.target, max_pixels=max_pixels, live=live, timeout_s=timeout_s)

    return open_video
