"""The web app and its REST API: HTTP to and from the pipeline.

FastAPI is an extra, imported only when one of these functions is called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

from faceprint.errors import MissingExtraError
from faceprint.web.options import WebOptions

if TYPE_CHECKING:
    from fastapi import FastAPI

    from faceprint.pipeline.facade import Faceprint
    from faceprint.pipeline.live.watcher import Watcher

__all__ = ["WebOptions", "create_app", "require_extra", "serve"]

_EXTRA_MODULES = ("fastapi", "python_multipart", "uvicorn", "websockets")


def create_app(
    engine: Faceprint, *, options: WebOptions | None = None, watcher: Watcher | None = None
) -> FastAPI:
    """The web app over an engine; the caller closes the engine.

    Args:
        engine: What finds, compares and names faces.
        options: Limits, key and host names; made from the engine's settings unless given.
        watcher: What the live page shows beside the browser's camera; the caller starts and closes it.

    Raises:
        MissingExtraError: The extra `web` is not installed.
        InputError: The options cannot be used, as in a key that is too short.
    """
    require_extra()
    from faceprint.web.application import build

    return build(engine, options or WebOptions.from_settings(engine.settings), watcher)


def serve(
    engine: Faceprint,
    *,
    host: str = "127.0.0.1",
    port: int = 8000,
    allow_hosts: Sequence[str] = (),
    on_ready: Callable[[str], None] | None = None,
    watcher: Watcher | None = None,
    until_watched: bool = False,
) -> None:
    """Runs the web app until it is interrupted.

    Args:
        engine: What finds, compares and names faces; the caller closes it.
        host: Address to listen on. Any but a loopback address needs the setting `api_key`.
        port: Port to listen on; 0 for a free one.
        allow_hosts: Further host names that browsers may call this machine by.
        on_ready: Called with the address, as in "http://127.0.0.1:8000", once it can be opened.
        watcher: What the live page shows beside the browser's camera; the caller starts and closes it.
        until_watched: End when the watcher does.

    Raises:
        MissingExtraError: The extra `web` is not installed.
        InputError: The address is not this machine's, the port is taken, or a key is missing.
    """
    require_extra()
    from faceprint.web.launch import run

    run(
        engine,
        host=host,
        port=port,
        allow_hosts=allow_hosts,
        on_ready=on_ready,
        watcher=watcher,
        until_watched=until_watched,
    )


def require_extra() -> None:
    """Says early that the web app cannot run.

    Raises:
        MissingExtraError: The extra `web` is not installed.
    """
    if any(find_spec(module) is None for module in _EXTRA_MODULES):
        raise MissingExtraError("The web app", extra="web")
