"""Events to a real receiver on this machine that is slow, busy, gone, or says no."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from faceprint.errors import InputError
from faceprint.pipeline.live.events import EventKind, WatchEvent
from faceprint.pipeline.live.webhook import SIGNATURE_HEADER, Webhook, WebhookPatience
from faceprint.types import Decision

QUICK = WebhookPatience(
    timeout_s=0.3, tries=4, first_retry_s=0.01, longest_retry_s=0.02, queue=3, end_s=0.5
)


def event(track: int) -> WatchEvent:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return WatchEvent(
        EventKind.APPEARED, at, "camera 0", track, "p1", "Zoë", Decision.MATCH, 0.5, 0.97, 0.0
    )


class Receiver:
    """Takes posts and answers what the plan says, 204 at its end."""

    def __init__(self) -> None:
        self.plan: list[int] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.before: Callable[[], object] = lambda: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.before()
                receiver.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.headers.append({k.lower(): v for k, v in self.headers.items()})
                self.send_response(receiver.plan.pop(0) if receiver.plan else 204)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    @property
    def tracks(self) -> list[int]:
        return [json.loads(body)["track"] for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


def test_events_arrive_in_order_and_signed(receiver: Receiver) -> None:
    hook = Webhook(receiver.url, secret="shared", patience=QUICK)
    for track in (1, 2, 3):
        hook.send(event(track))
    assert hook.close() == ""
    assert receiver.tracks == [1, 2, 3]
    assert hook.counts.sent == 3
    digest = hmac.new(b"shared", receiver.bodies[0], hashlib.sha256).hexdigest()
    assert receiver.headers[0][SIGNATURE_HEADER.lower()] == f"sha256={digest}"
    assert receiver.headers[0]["content-type"] == "application/json"
    assert json.loads(receiver.bodies[0])["name"] == "Zoë"


def test_without_a_secret_nothing_is_signed(receiver: Receiver) -> None:
    hook = Webhook(receiver.url, secret="", patience=QUICK)
    hook.send(event(1))
    hook.close()
    assert SIGNATURE_HEADER.lower() not in receiver.headers[0]


def test_a_busy_receiver_gets_the_same_event_again(receiver: Receiver) -> None:
    receiver.plan = [503, 429, 500]
    hook = Webhook(receiver.url, patience=QUICK)
    hook.send(event(1))
    until(lambda: hook.counts.sent == 1)
    assert hook.close() == ""
    assert len(receiver.bodies) == 4
    assert len({json.loads(body)["id"] for body in receiver.bodies}) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302])
def test_a_refusal_is_final_and_counted(receiver: Receiver, status: int) -> None:
    receiver.plan = [status]
    hook = Webhook(receiver.url, patience=QUICK)
    hook.send(event(1))
    hook.send(event(2))
    until(lambda: hook.counts.sent == 1)
    assert hook.close().startswith("1 events did not reach http://127.0.0.1:")
    assert receiver.tracks == [1, 2]
    assert hook.counts.reason == f"It answered {status}."


def test_a_receiver_that_is_gone_is_given_up_after_some_tries() -> None:
    hook = Webhook("http://127.0.0.1:1/hook", patience=QUICK)
    hook.send(event(1))
    until(lambda: hook.counts.failed == 1)
    assert "1 events did not reach" in hook.close()


def test_a_stalled_receiver_delays_nobody_and_the_oldest_give_way(receiver: Receiver) -> None:
    stalled = threading.Event()
    receiver.before = lambda: stalled.wait(5)
    hook = Webhook(receiver.url, patience=QUICK)
    began = time.monotonic()
    for track in range(100):
        hook.send(event(track))
    assert time.monotonic() - began < 0.2
    assert hook.counts.waiting <= 3
    assert hook.counts.dropped >= 96
    began = time.monotonic()
    assert "did not reach" in hook.close()
    assert time.monotonic() - began < 2
    counts = hook.counts
    assert counts.sent + counts.failed + counts.dropped >= 99
    stalled.set()


def test_what_waits_at_the_end_is_still_delivered(receiver: Receiver) -> None:
    receiver.before = lambda: time.sleep(0.02)
    hook = Webhook(receiver.url, patience=QUICK)
    for track in (1, 2, 3):
        hook.send(event(track))
    assert hook.close() == ""
    assert receiver.tracks == [1, 2, 3]


def test_a_hook_without_events_ends_at_once() -> None:
    assert Webhook("https://example.org/x").close() == ""


@pytest.mark.parametrize(
    "url", ["", "hook", "ftp://x/y", "file:///etc/passwd", "http://", "http://[::1", "http://x:0/"]
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(InputError, match="http://"):
        Webhook(url)


def test_a_password_is_sent_and_never_shown(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.plan = [404]
    hook = Webhook(receiver.url.replace("//", "//ana:hidden9@"), patience=QUICK)
    hook.send(event(1))
    until(lambda: hook.counts.failed == 1)
    assert "hidden9" not in hook.close() + hook.name + caplog.text
    assert receiver.headers[0]["authorization"].startswith("Basic ")
