"""What the live pages of one app share: the watched source, the places for viewers, the pictures."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress

import anyio
import numpy as np
from starlette.requests import HTTPConnection

from faceprint.media import Mark, draw_faces, encode_image
from faceprint.pipeline.live.watcher import WatchedFrame, Watcher
from faceprint.types import Image
from faceprint.web.pictures import COLOURS
from faceprint.web.work import Slots

__all__ = ["Bell", "LiveRooms", "rooms_of"]

_MOST_CAMERAS = 4
_MOST_VIEWERS = 16
_ENCODERS = 2
_WIDEST_PX = 1280
_JPEG_QUALITY = 80


class LiveRooms:
    """What the live pages of one app share.

    Args:
        watcher: What this machine watches; None where only browsers bring their cameras.

    Attributes:
        cameras: Places for browsers that send their camera.
        viewers: Places for those who look at what this machine watches.
        encoders: How many pictures are encoded at the same time.
        ending: Whether the app is about to stop, which ends what has no end of its own.
    """

    def __init__(self, watcher: Watcher | None) -> None:
        self.watcher = watcher
        self.cameras = Slots(_MOST_CAMERAS)
        self.viewers = Slots(_MOST_VIEWERS)
        self.encoders = anyio.CapacityLimiter(_ENCODERS)
        self.ending = False
        self._lock = threading.Lock()
        self._drawn: tuple[int, bytes] = (0, b"")

    def picture(self, frame: WatchedFrame) -> bytes:
        """A watched picture with names over the faces, JPEG; drawn once for all viewers."""
        with self._lock:
            if self._drawn[0] != frame.number:
                self._drawn = (frame.number, _draw(frame))
            return self._drawn[1]


def rooms_of(request: HTTPConnection) -> LiveRooms:
    """The rooms of the app that serves a request."""
    rooms: LiveRooms = request.app.state.live
    return rooms


class Bell:
    """Wakes a coroutine from another thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wakes whoever waits; from any thread, and in vain once the loop is closed."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self, timeout_s: float) -> bool:
        """Waits until it has rung since last asked; whether it has."""
        with anyio.move_on_after(timeout_s):
            await self._event.wait()
        rung = self._event.is_set()
        self._event.clear()
        return rung


def _draw(frame: WatchedFrame) -> bytes:
    pixels, scale = _fitted(frame.pixels)
    marks = [
        Mark(
            box=one.face.box * np.float32(scale),
            landmarks=None,
            label="…" if one.who is None else one.label,
            colour=COLOURS[one.decision],
        )
        for one in frame.faces
    ]
    return encode_image(draw_faces(pixels, marks), quality=_JPEG_QUALITY)


def _fitted(pixels: Image) -> tuple[Image, float]:
    """The picture, made smaller where it is wide, and by which factor."""
    import cv2

    height, width = pixels.shape[:2]
    scale = min(1.0, _WIDEST_PX / width)
    if scale == 1.0:
        return pixels, scale
    size = (round(width * scale), max(1, round(height * scale)))
    smaller = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.asarray(smaller, dtype=np.uint8), scale
