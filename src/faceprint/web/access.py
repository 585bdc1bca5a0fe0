"""Who is asking: a signed-in browser, a program with the key, or somebody on this machine."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from faceprint.gallery.records import Call
from faceprint.web.guard import SAFE_METHODS
from faceprint.web.state import WebState, state_of
from faceprint.web.tokens import Session

__all__ = [
    "ApiUploader",
    "ApiVisitor",
    "BounceNeeded",
    "PageUploader",
    "PageVisitor",
    "SignInNeeded",
    "Visitor",
    "admit",
    "check_csrf",
    "check_key",
    "keep_session",
    "needs_token",
    "visit_page",
]

_BY_KEY = "api:key"
COOKIE = "faceprint_session"


class SignInNeeded(Exception):
    """A page was asked for without a session that has given the key."""


class BounceNeeded(Exception):
    """A link on another site led here, and the browser held the strict cookie back."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who sent a request.

    Attributes:
        actor: As the gallery's change log keeps it.
        session: The browser's session; None for programs.
        fresh: Whether the browser must still be given the cookie of the session.
        csrf: The token for its forms; empty for programs.
    """

    actor: str
    session: Session | None = None
    fresh: bool = False
    csrf: str = ""

    def call(self, purpose: str) -> Call:
        """The record of one use of the gallery."""
        return Call(actor=self.actor, purpose=purpose)


def visit_page(request: Request, *, open_to_all: bool = False) -> Visitor:
    """The visitor of a page.

    Raises:
        SignInNeeded: There is a key and this browser has not given it.
        BounceNeeded: The same page must be asked for again, from here.
    """
    state = state_of(request)
    session = _session(request, state)
    if session is None and _came_from_elsewhere(request):
        raise BounceNeeded
    locked = state.options.api_key is not None
    if locked and not open_to_all and (session is None or not session.signed_in):
        raise SignInNeeded
    fresh = session is None
    session = session or state.signer.new_session(
        signed_in=False, lifetime_s=state.options.session_s
    )
    actor = "web:signed-in" if locked else "web:local"
    return Visitor(actor, session, fresh, state.signer.csrf_token(session))


def _came_from_elsewhere(request: Request) -> bool:
    site = request.headers.get("sec-fetch-site", "none")
    return request.method in SAFE_METHODS and site in ("cross-site", "same-site")


async def _page_visitor(request: Request) -> Visitor:
    return visit_page(request)


def admit(request: HTTPConnection) -> Visitor:
    """The caller of the API or of a live connection: by key, by a page's session, or from this machine.

    Raises:
        HTTPException: 401 without the key, 429 after too many wrong ones.
    """
    state = state_of(request)
    given = _given_key(request)
    if given is not None and state.options.api_key is not None:
        check_key(request, given)
        return Visitor(_BY_KEY)
    session = _session(request, state)
    if state.options.api_key is not None and not (session and session.signed_in):
        raise HTTPException(
            401,
            "The API needs the key, as the header X-API-Key or Authorization: Bearer.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    locked = state.options.api_key is not None
    return Visitor("web:signed-in" if locked else "api:local", session)


def needs_token(request: HTTPConnection, visitor: Visitor) -> bool:
    """Whether a browser asks, which any website can make do so, and not a program with the key."""
    from_browser = COOKIE in request.cookies or "origin" in request.headers
    return from_browser and visitor.actor != _BY_KEY


async def _api_visitor(request: Request) -> Visitor:
    visitor = admit(request)
    if request.method not in SAFE_METHODS and needs_token(request, visitor):
        check_csrf(request, visitor.session, request.headers.get("x-csrf-token", ""))
    return visitor


def check_csrf(request: HTTPConnection, session: Session | None, token: str) -> None:
    """Refuses a change that no page of this session asked for.

    Raises:
        HTTPException: 403.
    """
    if session is None or not state_of(request).signer.csrf_matches(session, token):
        raise HTTPException(403, "This form is too old or not ours. Load the page again.")


def check_key(request: HTTPConnection, given: str) -> None:
    """Compares a key in constant time and slows down guessing.

    Raises:
        HTTPException: 401 for a wrong key, 429 after too many.
    """
    state = state_of(request)
    address = request.client.host if request.client else "local"
    wait_s = state.throttle.wait_s(address)
    if wait_s > 0:
        raise HTTPException(
            429,
            f"Too many wrong keys. Try again in {wait_s:.0f} seconds.",
            headers={"Retry-After": str(int(wait_s) + 1)},
        )
    if not hmac.compare_digest(given.encode(), (state.options.api_key or "").encode()):
        state.throttle.fail(address)
        raise HTTPException(401, "That is not the key of this app.")
    state.throttle.succeed(address)


def keep_session(response: Response, request: Request, session: Session) -> None:
    """Gives the browser the session's cookie."""
    state = state_of(request)
    response.set_cookie(
        COOKIE,
        state.signer.seal(session),
        max_age=state.options.session_s,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def _session(request: HTTPConnection, state: WebState) -> Session | None:
    return state.signer.open(request.cookies.get(COOKIE, ""))


def _given_key(request: HTTPConnection) -> str | None:
    header = request.headers.get("x-api-key")
    if header is not None:
        return header
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


PageVisitor = Annotated[Visitor, Depends(_page_visitor)]
"""The visitor of a page that needs the sign-in, where there is a key."""

ApiVisitor = Annotated[Visitor, Depends(_api_visitor)]
"""The caller of an API route."""


async def _page_uploader(request: Request, visitor: PageVisitor) -> AsyncIterator[Visitor]:
    with state_of(request).uploads.hold():
        yield visitor


async def _api_uploader(request: Request, visitor: ApiVisitor) -> AsyncIterator[Visitor]:
    with state_of(request).uploads.hold():
        yield visitor


PageUploader = Annotated[Visitor, Depends(_page_uploader)]
"""The visitor of a page that takes photos, while there is a place to hold them."""

ApiUploader = Annotated[Visitor, Depends(_api_uploader)]
"""The caller of an API route that takes photos, while there is a place to hold them."""
