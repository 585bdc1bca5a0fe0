"""Signed session tokens and the CSRF tokens that belong to them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass

__all__ = ["Session", "TokenSigner"]


@dataclass(frozen=True, slots=True)
class Session:
    """One browser's session.

    Attributes:
        session_id: Random; holds nothing about the person.
        signed_in: Whether the key was given.
        expires_at: Unix time, seconds.
    """

    session_id: str
    signed_in: bool
    expires_at: int


class TokenSigner:
    """Makes and checks session tokens with a secret that lives as long as the process."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or secrets.token_bytes(32)
        self._revoked: dict[str, int] = {}

    def new_session(self, *, signed_in: bool, lifetime_s: int) -> Session:
        """A session with a fresh id."""
        return Session(secrets.token_urlsafe(16), signed_in, int(time.time()) + lifetime_s)

    def seal(self, session: Session) -> str:
        """The session as a signed cookie value."""
        fields = [session.session_id, session.signed_in, session.expires_at]
        payload = base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()
        return f"{payload}.{self._sign('session', payload)}"

    def open(self, token: str) -> Session | None:
        """The session of a cookie value; None if it is forged, revoked or too old."""
        payload, _, signature = token.partition(".")
        if not self._matches(self._sign("session", payload), signature):
            return None
        try:
            session = Session(*json.loads(base64.urlsafe_b64decode(payload)))
        except (binascii.Error, ValueError, TypeError):
            return None
        live = session.expires_at > time.time() and session.session_id not in self._revoked
        return session if live else None

    def revoke(self, session: Session) -> None:
        """Ends a session before its time."""
        now = time.time()
        self._revoked = {key: end for key, end in self._revoked.items() if end > now}
        self._revoked[session.session_id] = session.expires_at

    def csrf_token(self, session: Session) -> str:
        """The token that forms of this session must carry."""
        return self._sign("csrf", session.session_id)

    def csrf_matches(self, session: Session, token: str) -> bool:
        """Whether a form came from a page of this session; takes constant time."""
        return self._matches(self.csrf_token(session), token)

    def _sign(self, use: str, text: str) -> str:
        return hmac.new(self._secret, f"{use}:{text}".encode(), hashlib.sha256).hexdigest()

    @staticmethod
    def _matches(expected: str, given: str) -> bool:
        return hmac.compare_digest(expected.encode(), given.encode())
