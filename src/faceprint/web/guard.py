"""What every request must pass before a route sees it, and what every answer carries.

Browsers let any website send requests to 127.0.0.1, so these checks hold there too: the Host header
against DNS rebinding, Origin and Sec-Fetch-Site against requests sent by other sites.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceprint.web.options import WebOptions

__all__ = [
    "SAFE_METHODS",
    "STREAMED_PATHS",
    "AnswerHeaders",
    "BodyLimit",
    "CallerCheck",
    "Refusal",
    "answer_headers",
    "limit_body",
]

Refusal = Callable[[Request, HTTPException], Response]
"""Turns a refusal into an answer."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

_CONTENT_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)

_POLICY = 1008
"""Closes a WebSocket for breaking the rules; before it is accepted the client sees HTTP 403."""

STREAMED_PATHS = frozenset({"/video", "/folder", "/api/v1/videos", "/api/v1/folders"})
"""Routes that write what they are sent to the disk, piece by piece."""

_STREAM_ENVELOPE_BYTES = 8 * 2**20
_MAX_JSON_BYTES = 2**20
_MAX_OTHER_BYTES = 64 * 2**10


def answer_headers(path: str) -> Mapping[str, str]:
    """The headers of every answer.

    `Referrer-Policy` is `same-origin`, not `no-referrer`: under the latter browsers send
    `Origin: null` with forms, and the check of the origin could not tell our pages from others.
    """
    static = path.startswith("/static/")
    return {
        "Content-Security-Policy": _CONTENT_POLICY,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), browsing-topics=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache" if static else "no-store",
    }


class AnswerHeaders:
    """Adds `answer_headers` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on and adds to what comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(answer_headers(scope["path"]))
            await send(message)

        await self._app(scope, receive, send_with_headers)


class CallerCheck:
    """Refuses callers, host names and origins that are not ours."""

    def __init__(self, app: ASGIApp, options: WebOptions, refuse: Refusal) -> None:
        self._app = app
        self._options = options
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on, or answers with the reason of the refusal."""
        if scope["type"] in ("http", "websocket"):
            try:
                _check_caller(HTTPConnection(scope), self._options)
            except HTTPException as refusal:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": _POLICY, "reason": ""})
                else:
                    await self._refuse(Request(scope), refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Stops a request body as soon as it is too large, whether or not it announced its length."""

    def __init__(self, app: ASGIApp, options: WebOptions) -> None:
        self._app = app
        self._options = options

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on with a counted body."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            receive = limit_body(headers, receive, self._limit(scope["path"], headers))
        await self._app(scope, receive, send)

    def _limit(self, path: str, headers: Headers) -> int:
        if path in STREAMED_PATHS:
            return self._options.max_video_bytes + _STREAM_ENVELOPE_BYTES
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/form-data":
            return self._options.max_enrol_bytes
        return _MAX_JSON_BYTES if kind == "application/json" else _MAX_OTHER_BYTES


def limit_body(headers: Headers, receive: Receive, limit: int) -> Receive:
    """A `receive` that raises HTTPException 413 once over `limit` bytes come or are announced."""
    announced = headers.get("content-length", "0")[:18]
    seen = int(announced) if announced.isdecimal() and int(announced) > limit else 0

    async def counted() -> Message:
        nonlocal seen
        if seen > limit:
            raise _too_large(limit)
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise _too_large(limit)
        return message

    return counted


def _too_large(limit: int) -> HTTPException:
    size = f"{limit / 2**20:,.1f} MB" if limit >= 2**20 else f"{limit // 1024} kB"
    size = size.replace(".0 ", " ")
    return HTTPException(413, f"The upload is larger than the {size} allowed here.")


def _check_caller(request: HTTPConnection, options: WebOptions) -> None:
    host = _host_name(request.headers.get("host", ""))
    if not _host_allowed(host, options):
        raise HTTPException(
            421,
            f"This app does not answer to the host name {host[:80]!r}. Allow it with --allow-host.",
        )
    if options.api_key is None and request.client and not _is_local(request.client.host):
        raise HTTPException(403, "Without a key this app serves its own machine alone.")
    # Browsers open a WebSocket for any website and send the cookies along: nothing but this stops them.
    if request.scope.get("method") not in SAFE_METHODS:
        _check_origin(request)


def _check_origin(request: HTTPConnection) -> None:
    site = request.headers.get("sec-fetch-site", "none")
    origin = request.headers.get("origin")
    own = request.headers.get("host", "").lower()
    foreign = origin is not None and urlsplit(origin).netloc.lower() != own
    if site not in ("same-origin", "none") or foreign:
        raise HTTPException(403, "Requests sent by other websites are refused.")


def _host_name(header: str) -> str:
    try:
        return (urlsplit(f"//{header}").hostname or "").lower()
    except ValueError:
        return ""


def _host_allowed(host: str, options: WebOptions) -> bool:
    if host in _LOOPBACK_NAMES or host in options.hosts:
        return True
    # DNS rebinding needs a name, and with a key the browser of a rebound name has no session here.
    return options.api_key is not None and _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_local(address: str) -> bool:
    return not _is_address(address) or ipaddress.ip_address(address).is_loopback
