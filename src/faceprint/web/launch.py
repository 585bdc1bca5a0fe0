"""Listening: which address may be opened, and the server loop."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress

import uvicorn

from faceprint.errors import InputError
from faceprint.pipeline.facade import Faceprint
from faceprint.pipeline.live.watcher import Watcher
from faceprint.web.application import build
from faceprint.web.live.rooms import LiveRooms
from faceprint.web.live.views import MAX_MESSAGE_BYTES
from faceprint.web.options import WebOptions

__all__ = ["is_loopback", "run"]


def run(
    engine: Faceprint,
    *,
    host: str,
    port: int,
    allow_hosts: Sequence[str],
    on_ready: Callable[[str], None] | None,
    watcher: Watcher | None,
    until_watched: bool,
) -> None:
    """Serves until interrupted; see `faceprint.web.serve`."""
    hosts = list(allow_hosts)
    if not is_loopback(host):
        hosts += [socket.gethostname(), f"{socket.gethostname()}.local"]
    options = WebOptions.from_settings(engine.settings, hosts=hosts)
    if options.api_key is None and not is_loopback(host):
        raise InputError(
            f"Listening on {host} would open the gallery to other machines, which needs a key. "
            "Set FACEPRINT_API_KEY, or listen on 127.0.0.1."
        )
    with _listen(host, port) as listener:
        app = build(engine, options, watcher)
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=128,
            timeout_keep_alive=10,
            timeout_graceful_shutdown=5,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_max_queue=4,
            ws_per_message_deflate=False,
        )
        server = _Server(config, app.state.live, lambda: on_ready and on_ready(_address(listener)))
        if watcher is not None and until_watched:
            watcher.on_end(server.end)
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """A server that says when it can be opened, and ends live views when it closes."""

    def __init__(
        self, config: uvicorn.Config, rooms: LiveRooms, on_ready: Callable[[], object]
    ) -> None:
        super().__init__(config)
        self._rooms = rooms
        self._on_ready = on_ready

    def end(self) -> None:
        """Closes the server, from any thread."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._rooms.ending = True
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_ready()


def is_loopback(host: str) -> bool:
    """Whether an address or name can only be reached from this machine.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        return socket.create_server((bare, port), family=family)
    except (OSError, OverflowError) as error:
        raise InputError(
            f"Cannot listen on {host} port {port}: {error}. Choose another address or port, "
            "as in --port 8001."
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
