"""One browser that sends its camera: pictures and wishes in, faces out."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import anyio
from fastapi import WebSocket
from starlette.exceptions import HTTPException
from starlette.websockets import WebSocketDisconnect

from faceprint.errors import FaceprintError, ImageError
from faceprint.media import read_image
from faceprint.media.video import Frame
from faceprint.pipeline.live.face_watch import FaceWatch
from faceprint.pipeline.live.newest import Newest
from faceprint.web.live.closing import BAD_DATA, POLICY, TOO_BIG, TROUBLE, send_away
from faceprint.web.live.extras import Extras
from faceprint.web.live.messages import read_message
from faceprint.web.live.rooms import Bell
from faceprint.web.state import state_of

__all__ = ["MAX_MESSAGE_BYTES", "Camera"]

MAX_MESSAGE_BYTES = 2 * 2**20
"""Largest message of a live connection: one JPEG."""

_MAX_PIXELS = 2560 * 1600
_IDLE_S = 60.0

_EXPECTED = 'Expected a JPEG of at most 2 MB, or words such as {"analysis": true}.'


class Camera:
    """One browser that sends its camera.

    Args:
        websocket: Its connection.
        watch: Follows and names the faces.
        extras: What else it may wish for.
    """

    def __init__(self, websocket: WebSocket, watch: FaceWatch, extras: Extras) -> None:
        self._websocket = websocket
        self._watch = watch
        self._extras = extras
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
            if message["type"] == "websocket.disconnect":
                break
            data = message.get("bytes")
            words = read_message(message.get("text") or "") if data is None else None
            if words is not None:
                if words.end:
                    self._says_goodbye = True
                    break
                self._extras.wish(words)
            elif data is None or len(data) > MAX_MESSAGE_BYTES:
                await send_away(self._websocket, BAD_DATA if data is None else TOO_BIG, _EXPECTED)
                break
            else:
                self._inbox.put(data)
        self._inbox.close()

    async def _answer(self) -> None:
        work = state_of(self._websocket).photo_work
        while not self._inbox.closed:
            if not await self._bell.wait(_IDLE_S):
                await send_away(self._websocket, POLICY, "No picture came for a minute.")
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
                await send_away(self._websocket, TROUBLE, str(error))
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
        frame = Frame(self._count, began - self._began, pixels)
        faces = self._watch.update(frame)
        answer = {
            "frame": self._count,
            "dropped": self._inbox.dropped,
            "width": pixels.shape[1],
            "height": pixels.shape[0],
            "faces": [one.to_dict() for one in faces],
            "events": [event.to_dict() for event in self._watch.take_events()],
            "trouble": self._watch.trouble,
        }
        self._extras.add(answer, frame, faces)
        return answer | {"ms": round(1000 * (time.monotonic() - began))}
