"""Events to an address on the web, without whoever watches waiting for it."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from collections import deque
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import httpx

from faceprint.errors import InputError
from faceprint.pipeline.live.background import Background
from faceprint.pipeline.live.events import WatchEvent

__all__ = ["SIGNATURE_HEADER", "Webhook", "WebhookCounts", "WebhookPatience"]

_log = logging.getLogger(__name__)

SIGNATURE_HEADER = "X-Faceprint-Signature"
"""Holds "sha256=" and the HMAC-SHA256 of the body with the shared secret, hexadecimal."""

_WORTH_RETRYING = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class WebhookPatience:
    """How long to wait for what.

    Attributes:
        timeout_s: For one answer.
        tries: Deliveries of one event before it is given up.
        first_retry_s: Before the second try; each further wait is twice as long.
        longest_retry_s: The waits grow no longer than this.
        queue: Events that may wait; the oldest is given up for one more.
        end_s: At the end, for what is still waiting.
    """

    timeout_s: float = 5.0
    tries: int = 6
    first_retry_s: float = 1.0
    longest_retry_s: float = 30.0
    queue: int = 1000
    end_s: float = 5.0


@dataclass(frozen=True, slots=True)
class WebhookCounts:
    """What became of the events.

    Attributes:
        sent: Taken by the receiver.
        failed: Given up after all tries, or refused.
        dropped: Given up because too many were waiting, or at the end.
        waiting: Not delivered yet.
        reason: Of the last failure, in plain words; empty if there was none.
    """

    sent: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    reason: str = ""


class Webhook:
    """Posts each event as JSON, in order, in a thread of its own.

    A receiver may get an event twice, where its answer was lost: the `id` is the same then.

    Args:
        url: An http or https address; may hold a user name and a password, which are never shown.
        secret: Shared with the receiver; signs each body (see `SIGNATURE_HEADER`).
        patience: How long to wait for what.

    Raises:
        InputError: The address is none of the web's.
    """

    def __init__(
        self, url: str, *, secret: str | None = None, patience: WebhookPatience | None = None
    ) -> None:
        parts = _split(url)
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        # The client logs addresses, so that the password must not stand in this one.
        self._url = httpx.URL(url).copy_with(username=None, password=None)
        self._auth = (
            (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        )
        self._secret = None if not secret else secret.encode()
        self._patience = patience or WebhookPatience()
        self._waiting: deque[WatchEvent] = deque()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._give_up_at = float("inf")
        self._sent = self._failed = self._dropped = 0
        self._reason = ""
        self._delivering = Background(self._deliver_all, name="faceprint-webhook")

    @property
    def counts(self) -> WebhookCounts:
        """What became of the events so far."""
        with self._changed:
            return WebhookCounts(
                self._sent, self._failed, self._dropped, len(self._waiting), self._reason
            )

    def send(self, event: WatchEvent) -> None:
        """Puts an event in line; returns at once."""
        self._delivering.start()
        with self._changed:
            if len(self._waiting) >= self._patience.queue:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(event)
            self._changed.notify()

    def close(self) -> str:
        """Delivers what can be delivered in a few seconds; says what could not."""
        self._give_up_at = time.monotonic() + self._patience.end_s
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._delivering.wait(self._patience.end_s + self._patience.timeout_s)
        with self._changed:
            self._dropped += len(self._waiting)
            self._waiting.clear()
        counts = self.counts
        if lost := counts.failed + counts.dropped:
            return f"{lost} events did not reach {self.name}. {counts.reason}".strip()
        return ""

    def _deliver_all(self) -> None:
        with httpx.Client(timeout=self._patience.timeout_s, auth=self._auth) as client:
            while (event := self._next()) is not None:
                reason = self._deliver(client, event)
                with self._changed:
                    self._sent += reason is None
                    self._failed += reason is not None
                    self._reason = self._reason if reason is None else reason

    def _next(self) -> WatchEvent | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing.is_set())
            late = time.monotonic() >= self._give_up_at
            return None if late or not self._waiting else self._waiting.popleft()

    def _deliver(self, client: httpx.Client, event: WatchEvent) -> str | None:
        """Tries until the receiver takes the event: why it did not, or None if it did."""
        patience, reason = self._patience, ""
        wait_s = patience.first_retry_s
        for number in range(1, patience.tries + 1):
            reason, again = self._post(client, event)
            if not reason:
                return None
            if not again or number == patience.tries or time.monotonic() >= self._give_up_at:
                break
            _log.info("%s: %s Next try in %g s.", self.name, reason, wait_s)
            self._closing.wait(wait_s)
            if self._closing.is_set():
                time.sleep(min(wait_s, max(0.0, self._give_up_at - time.monotonic())))
            wait_s = min(2 * wait_s, patience.longest_retry_s)
        _log.warning("An event did not reach %s: %s", self.name, reason)
        return reason

    def _post(self, client: httpx.Client, event: WatchEvent) -> tuple[str, bool]:
        """One try: why it failed, empty if it did not, and whether another may help."""
        body = json.dumps(event.to_dict(), ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "faceprint"}
        if self._secret is not None:
            digest = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            headers[SIGNATURE_HEADER] = f"sha256={digest}"
        try:
            answer = client.post(self._url, content=body, headers=headers)
        except httpx.TimeoutException:
            return "It did not answer in time.", True
        except httpx.TransportError as error:
            # The message of the library may hold the address, and with it a password.
            return f"It cannot be reached ({type(error).__name__}).", True
        if answer.is_success:
            return "", False
        again = answer.status_code in _WORTH_RETRYING
        return f"It answered {answer.status_code}.", again


def _split(url: str) -> SplitResult:
    expected = "A webhook is an address that begins with http:// or https://"
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL) as error:
        raise InputError(f"{expected}; this one is not well formed.") from error
    if not known:
        raise InputError(f"{expected}, got one that begins with {url.partition(':')[0][:20]!r}.")
    return parts
