"""How live connections are closed."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

__all__ = ["BAD_DATA", "BUSY", "POLICY", "TOO_BIG", "TROUBLE", "send_away"]

BAD_DATA: Final = 1003
POLICY: Final = 1008
TOO_BIG: Final = 1009
TROUBLE: Final = 1011
BUSY: Final = 1013
"""Why a connection is closed, as RFC 6455 numbers it."""


async def send_away(websocket: WebSocket, code: int, message: str) -> None:
    """Tells a page why, in words: of the code of a closed connection browsers say little."""
    with suppress(WebSocketDisconnect, RuntimeError):
        await websocket.send_json({"error": {"message": message}})
        await websocket.close(code)
