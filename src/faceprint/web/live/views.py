"""Live connections: the camera of a browser, and what this machine watches."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect, WebSocketState

from faceprint.errors import FaceprintError, ImageError
from faceprint.media import read_image
from faceprint.media.video import Frame
from faceprint.pipeline.live.face_watch import FaceWatch
from faceprint.pipeline.live.newest import Newest
from faceprint.pipeline.live.watcher import Watcher
from faceprint.web.access import Visitor, admit, check_csrf, needs_token
from faceprint.web.live.rooms import Bell, LiveRooms, rooms_of
from faceprint.web.state import state_of
from faceprint.web.work import Slots

__all__ = ["MAX_MESSAGE_BYTES", "install"]

router = APIRouter(include_in_schema=False)

MAX_MESSAGE_BYTES = 2 * 2**20
"""Largest message of a live connection: one JPEG."""

_MAX_PIXELS = 2560 * 1600
_MAX_HELLO_CHARACTERS = 1000
_HELLO_S = 10.0
_IDLE_S = 60.0
_TICK_S = 0.5

_BAD_DATA, _POLICY, _TOO_BIG, _TROUBLE, _BUSY = 1003, 1008, 1009, 1011, 1013
"""Why a connection is closed, as RFC 6455 numbers it."""


def install(app: FastAPI, watcher: Watcher | None) -> None:
    """Gives an app its live connections.

    Args:
        app: The app.
        watcher: What this machine watches; None where only browsers bring their cameras.
    """
    app.state.live = LiveRooms(watcher)
    app.include_router(router)


@router.websocket("/live/camera")
async def browser_camera(websocket: WebSocket) -> None:
    """Takes JPEGs, one a message, and answers each that is looked at with the faces in it.

    One that comes while another is looked at takes the place of one that waits. No picture is
    kept; searches are noted in the gallery's log. The text `{"end": true}` ends it: what is still to be
    told comes as `{"end": true, "events": […]}`.
    """

    async def serve(visitor: Visitor) -> None:
        engine = state_of(websocket).engine
        watch = FaceWatch(engine, source="browser", call=visitor.call("live"))
        await _Camera(websocket, watch).run()

    await _welcome(websocket, rooms_of(websocket).cameras, serve)


@router.websocket("/live/events")
async def watched_events(websocket: WebSocket) -> None:
    """Tells how the watching of this machine's source goes, and who comes and goes."""
    rooms = rooms_of(websocket)

    async def serve(_: Visitor) -> None:
        if rooms.watcher is None:
            raise HTTPException(404, "This machine watches nothing.")
        await _Report(websocket, rooms.watcher, rooms).run()

    await _welcome(websocket, rooms.viewers, serve)


async def _welcome(
    websocket: WebSocket, places: Slots, serve: Callable[[Visitor], Awaitable[None]]
) -> None:
    """Serves who keeps the rules, while there is a place; sends away everybody else.

    The first message is JSON with the CSRF token of the page, as `{"csrf": "…"}`; programs send `{}`.
    """
    try:
        visitor = admit(websocket)
    except HTTPException:
        await websocket.close(_POLICY)
        return
    await websocket.accept()
    with suppress(WebSocketDisconnect):
        try:
            with places.hold():
                token = await _read_hello(websocket)
                if needs_token(websocket, visitor):
                    check_csrf(websocket, visitor.session, token)
                await serve(visitor)
        except HTTPException as refusal:
            busy = refusal.status_code == 503
            await _send_away(websocket, _BUSY if busy else _POLICY, refusal.detail)
        if websocket.application_state is WebSocketState.CONNECTED:
            await websocket.close()


async def _read_hello(websocket: WebSocket) -> str:
    """The token of the first message; empty where it is none, or does not come."""
    with anyio.move_on_after(_HELLO_S):
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1000))
        with suppress(ValueError):
            hello = json.loads((message.get("text") or "")[:_MAX_HELLO_CHARACTERS])
            token = hello.get("csrf") if isinstance(hello, dict) else None
            return token if isinstance(token, str) else ""
    return ""


async def _send_away(websocket: WebSocket, code: int, message: str) -> None:
    """Tells a page why, in words: of the code of a closed connection browsers say little."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_json({"error": {"message": message}})
        await websocket.close(code)


def _is_goodbye(text: str | None) -> bool:
    with suppress(ValueError):
        message = json.loads((text or "")[:_MAX_HELLO_CHARACTERS])
        return isinstance(message, dict) and message.get("end") is True
    return False


class _Camera:
    """One browser that sends its camera."""

    def __init__(self, websocket: WebSocket, watch: FaceWatch) -> None:
        self._websocket = websocket
        self._watch = watch
        self._bell = Bell()
        self._inbox: Newest[bytes] = Newest(self._bell.ring)
        self._began = time.monotonic()
        self._count = 0
        self._says_goodbye = False

    async def run(self) -> None:
        """Reads and answers until the browser leaves."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._read)
            await self._answer()
            if self._says_goodbye:
                await self._part()
            tasks.cancel_scope.cancel()

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            data = message.get("bytes")
            if message["type"] == "websocket.disconnect":
                break
            if _is_goodbye(message.get("text")):
                self._says_goodbye = True
                break
            if data is None or len(data) > MAX_MESSAGE_BYTES:
                code = _BAD_DATA if data is None else _TOO_BIG
                await _send_away(self._websocket, code, "Expected a JPEG of at most 2 MB.")
                break
            self._inbox.put(data)
        self._inbox.close()

    async def _answer(self) -> None:
        work = state_of(self._websocket).photo_work
        while not self._inbox.closed:
            if not await self._bell.wait(_IDLE_S):
                await _send_away(self._websocket, _POLICY, "No picture came for a minute.")
                return
            data = self._inbox.take()
            if data is None:
                continue
            try:
                answer = await work.run(self._look, data)
            except HTTPException:
                answer = {"busy": True}
            except ImageError as error:
                answer = {"error": {"code": error.code, "message": str(error)}}
            except FaceprintError as error:
                await _send_away(self._websocket, _TROUBLE, str(error))
                return
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._websocket.send_json(answer)

    async def _part(self) -> None:
        """Tells that everybody has left."""
        self._watch.clear()
        events = [event.to_dict() for event in self._watch.take_events()]
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_json({"end": True, "events": events})

    def _look(self, data: bytes) -> dict[str, Any]:
        began = time.monotonic()
        pixels = read_image(data, name="The picture", max_pixels=_MAX_PIXELS).pixels
        self._count += 1
        faces = self._watch.update(Frame(self._count, began - self._began, pixels))
        return {
            "frame": self._count,
            "dropped": self._inbox.dropped,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "faces": [one.to_dict() for one in faces],
            "events": [event.to_dict() for event in self._watch.take_events()],
            "trouble": self._watch.trouble,
            "ms": round(1000 * (time.monotonic() - began)),
        }


class _Report:
    """One page that follows what this machine watches."""

    def __init__(self, websocket: WebSocket, watcher: Watcher, rooms: LiveRooms) -> None:
        self._websocket = websocket
        self._watcher = watcher
        self._rooms = rooms
        self._last = 0

    async def run(self) -> None:
        """Reports until the page leaves, or the watching or the app ends."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._wait_for_leave, tasks.cancel_scope)
            while not self._rooms.ending:
                ended = self._watcher.ended
                await self._tell()
                if ended:
                    break
                await anyio.sleep(_TICK_S)
            tasks.cancel_scope.cancel()

    async def _tell(self) -> None:
        news = self._watcher.events_after(self._last)
        self._last = news[-1][0] if news else self._last
        with suppress(WebSocketDisconnect, RuntimeError):
            await self._websocket.send_json(
                {
                    "status": self._watcher.status.to_dict(),
                    "faces": [face.to_dict() for face in self._watcher.faces],
                    "events": [event.to_dict() for _, event in news],
                }
            )

    async def _wait_for_leave(self, scope: anyio.CancelScope) -> None:
        while (await self._websocket.receive())["type"] != "websocket.disconnect":
            pass
        scope.cancel()
