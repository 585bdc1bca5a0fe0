"""The live page: the camera of the browser, and what this machine watches."""

from __future__ import annotations

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from faceprint.pipeline.live.watcher import Watcher
from faceprint.web.access import PageVisitor
from faceprint.web.live.rooms import Bell, LiveRooms, rooms_of
from faceprint.web.pages.render import render
from faceprint.web.state import state_of

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

_BOUNDARY = "picture"
_MARK = f"\r\n--{_BOUNDARY}\r\n".encode()
_TICK_S = 0.25


@router.get("/live")
async def live_page(request: Request, visitor: PageVisitor) -> Response:
    """Where cameras are looked at."""
    watcher = rooms_of(request).watcher
    return render(
        request,
        visitor,
        "live.html",
        page="live",
        watched=None if watcher is None else watcher.name,
        attributes=state_of(request).options.attributes,
    )


@router.get("/live/view.mjpg")
async def watched_view(request: Request, visitor: PageVisitor) -> Response:
    """What this machine watches, with names over the faces, as pictures without end."""
    rooms = rooms_of(request)
    if rooms.watcher is None:
        raise HTTPException(404, "This machine watches nothing. Start it with --watch SOURCE.")
    return _LiveView(rooms, rooms.watcher)


class _LiveView(Response):
    """The newest picture as soon as the last has gone out; a slow viewer misses some."""

    media_type = f"multipart/x-mixed-replace; boundary={_BOUNDARY}"

    def __init__(self, rooms: LiveRooms, watcher: Watcher) -> None:
        super().__init__()
        # Its length is not known before its end.
        del self.headers["content-length"]
        self._rooms = rooms
        self._watcher = watcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends pictures until the viewer leaves, or the watching or the app ends."""
        with self._rooms.viewers.hold():
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_wait_for_leave, receive, tasks.cancel_scope)
                await self._send_pictures(send)
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                tasks.cancel_scope.cancel()

    async def _send_pictures(self, send: Send) -> None:
        # Browsers show a picture when they see the mark after it, so that it goes out with the picture.
        await _send_part(send, _MARK)
        bell = Bell()
        place = self._watcher.subscribe(bell.ring)
        try:
            while not (place.closed or self._rooms.ending):
                await bell.wait(_TICK_S)
                frame = place.take()
                if frame is None:
                    continue
                jpeg = await anyio.to_thread.run_sync(
                    self._rooms.picture, frame, limiter=self._rooms.encoders
                )
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                await _send_part(send, head.encode() + jpeg + _MARK)
        finally:
            self._watcher.unsubscribe(place)


async def _send_part(send: Send, body: bytes) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _wait_for_leave(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()
