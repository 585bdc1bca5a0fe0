"""Live connections: the camera of a browser, and what this machine watches."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect, WebSocketState

from faceprint.pipeline.live.face_watch import FaceWatch
from faceprint.pipeline.live.watcher import Watcher
from faceprint.web.access import Visitor, admit, check_csrf, needs_token
from faceprint.web.live.camera import MAX_MESSAGE_BYTES, Camera
from faceprint.web.live.closing import BUSY, POLICY, send_away
from faceprint.web.live.extras import Extras
from faceprint.web.live.rooms import LiveRooms, rooms_of
from faceprint.web.state import state_of
from faceprint.web.work import Slots

__all__ = ["MAX_MESSAGE_BYTES", "install"]

router = APIRouter(include_in_schema=False)

_MAX_HELLO_CHARACTERS = 1000
_HELLO_S = 10.0
_TICK_S = 0.5


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
    told comes as `{"end": true, "events": […]}`. What else a text may ask for says `LiveMessage`.
    """

    async def serve(visitor: Visitor) -> None:
        state = state_of(websocket)
        watch = FaceWatch(state.engine, source="browser", call=visitor.call("live"))
        extras = Extras(state.engine, appearance=state.options.attributes)
        await Camera(websocket, watch, extras).run()

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
        await websocket.close(POLICY)
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
            await send_away(websocket, BUSY if busy else POLICY, refusal.detail)
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
