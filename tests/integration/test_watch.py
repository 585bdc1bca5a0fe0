"""Watching for real: a looping file, a stream that is cut off, stalls and comes back, the command."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import httpx
import pytest

from faceprint.gallery.records import Call, Consent
from faceprint.media import encode_image
from faceprint.media.video import Video
from faceprint.pipeline import Faceprint
from faceprint.pipeline.live.events import WatchEvent
from faceprint.pipeline.live.source import LiveSource, Patience, SourceState, SourceStatus
from faceprint.pipeline.live.watcher import Watcher

CALL = Call("test", "watch")
AUDIENCE_S = (7.0, 9.0)
"""Barack Obama sits in the audience."""


class MjpegCamera:
    """A camera on the network: pictures as multipart/x-mixed-replace, with faults on demand."""

    def __init__(self, pictures: list[bytes], *, port: int = 0, password: str = "") -> None:
        self.pictures = pictures
        self.password = password
        self.stalled = threading.Event()
        self.cut = threading.Event()
        self._place = 0
        camera = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if camera.password and self.headers.get("Authorization") != camera.password:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="camera"')
                    self.end_headers()
                    return
                self.send_response(200)
                self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
                self.end_headers()
                with contextlib.suppress(OSError):
                    while not camera.cut.is_set():
                        if camera.stalled.is_set():
                            time.sleep(0.02)
                            continue
                        self.wfile.write(camera.part())
                        time.sleep(1 / 25)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def part(self) -> bytes:
        self._place = (self._place + 1) % len(self.pictures)
        jpeg = self.pictures[self._place]
        head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        return head.encode() + jpeg + b"\r\n"

    def switch_off(self) -> None:
        self.cut.set()
        self.server.shutdown()
        self.server.server_close()


class Kept:
    """Keeps events."""

    def __init__(self) -> None:
        self.events: list[WatchEvent] = []

    def send(self, event: WatchEvent) -> None:
        self.events.append(event)

    def close(self) -> str:
        return ""

    def of(self, kind: str) -> list[str | None]:
        return [event.name for event in self.events if event.kind == kind]


def until(condition: Callable[[], object], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def audience(data_root: Path) -> list[bytes]:
    """JPEGs of a shot of the audience."""
    start_s, end_s = AUDIENCE_S
    with Video(data_root / "video" / "hamilton.mp4") as video:
        return [
            encode_image(frame.pixels, quality=88)
            for frame in video.frames(start_s=start_s, end_s=end_s)
        ]


@pytest.fixture(scope="module")
def gallery(data_root: Path, cache_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A gallery with Barack Obama and the pianist of the video."""
    path = tmp_path_factory.mktemp("watch") / "gallery.db"
    with Faceprint(gallery=str(path), cache=cache_root) as engine:
        for name in ("obama", "alex_lacamoire"):
            photos = sorted((data_root / "people" / "train" / name).iterdir())
            consent = Consent.given("Public figure, for tests.", "tests", by="test")
            engine.enrol(name, photos, call=CALL, consent=consent)
    return path


@pytest.fixture
def engine(gallery: Path, cache_root: Path) -> Iterator[Faceprint]:
    with Faceprint(gallery=str(gallery), cache=cache_root) as made:
        yield made


def test_a_looping_file_names_who_is_in_it(engine: Faceprint, data_root: Path) -> None:
    kept = Kept()
    source = LiveSource(str(data_root / "video" / "hamilton.mp4"), loop=True)
    watcher = Watcher(engine, source, call=CALL, sinks=[kept])
    watcher.start()
    both = {"obama", "alex_lacamoire"}
    try:
        # A busy machine sees few frames of each round, and needs more of them.
        until(lambda: both <= set(kept.of("appeared") + kept.of("named")), seconds=150)
        until(lambda: watcher.status.source.frames > 300, seconds=60)
    finally:
        watcher.close()
    names = set(kept.of("appeared") + kept.of("named"))
    assert names == {"obama", "alex_lacamoire", None}
    assert len({event.event_id for event in kept.events}) == len(kept.events)
    ins, outs = len(kept.of("appeared")), len(kept.of("left"))
    assert ins == outs, "whoever has come has left at the end"
    assert watcher.status.source.state is SourceState.ENDED


@pytest.mark.parametrize("fault", ["cut", "stall"])
def test_a_camera_that_drops_comes_back(
    engine: Faceprint, audience: list[bytes], fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    password = f"Basic {base64.b64encode(b'ana:hidden9').decode()}"
    camera = MjpegCamera(audience, password=password)
    said: list[SourceStatus] = []
    kept = Kept()
    source = LiveSource(
        f"http://ana:hidden9@127.0.0.1:{camera.port}/view.mjpg?token=hidden8",
        patience=Patience(stall_s=1.0, first_retry_s=0.1, longest_retry_s=0.4),
        on_status=said.append,
    )
    watcher = Watcher(engine, source, call=CALL, sinks=[kept])
    watcher.start()
    until(lambda: "obama" in kept.of("appeared") + kept.of("named"))
    if fault == "cut":
        camera.switch_off()
    else:
        camera.stalled.set()
    until(lambda: watcher.status.source.state is SourceState.LOST)
    until(lambda: "obama" in kept.of("left"), seconds=10)
    if fault == "cut":
        camera = MjpegCamera(audience, port=camera.port, password=password)
    else:
        camera.stalled.clear()
    until(lambda: watcher.status.source.reconnects >= 1)
    until(lambda: (kept.of("appeared") + kept.of("named")).count("obama") == 2)
    watcher.close()
    camera.switch_off()
    shown = repr(said) + repr(watcher.status) + repr([event.to_dict() for event in kept.events])
    assert "hidden" not in shown + caplog.text
    if fault == "stall":
        assert "Nothing came for 1 s." in {status.reason for status in said}
    assert {status.state for status in said} == set(SourceState)


def test_an_address_where_nothing_answers_is_tried_again(engine: Faceprint) -> None:
    source = LiveSource("http://127.0.0.1:1/view.mjpg", patience=Patience(1.0, first_retry_s=0.05))
    watcher = Watcher(engine, source, call=CALL)
    watcher.start()
    until(lambda: "127.0.0.1:1" in watcher.status.source.reason)
    assert watcher.status.source.state in (SourceState.LOST, SourceState.CONNECTING)
    watcher.close()


WATCH = """
import sys
import typer
from faceprint.cli import watch
from faceprint.cli.app import run
from faceprint.cli import app
if "watch" not in [command.callback.__name__ for command in app.app.registered_commands]:
    watch.register(app.app)
run()
"""


@contextlib.contextmanager
def watching(
    gallery: Path, cache: Path, *arguments: str | Path, **more: str
) -> Iterator[subprocess.Popen[str]]:
    settings = {"FACEPRINT_GALLERY": str(gallery), "FACEPRINT_CACHE": str(cache), "COLUMNS": "200"}
    command = [sys.executable, "-c", WATCH, "watch", *map(str, arguments)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | settings | more,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(stream: IO[str] | None, wanted: str) -> str:
    assert stream is not None
    seen = ""
    while wanted not in seen:
        line = stream.readline()
        assert line, seen
        seen += line
    return seen


def test_the_command_prints_json_lines_and_ends_cleanly(
    gallery: Path, cache_root: Path, data_root: Path, tmp_path: Path
) -> None:
    film, kept = data_root / "video" / "hamilton.mp4", tmp_path / "events.jsonl"
    before = searches(gallery)
    with watching(
        gallery, cache_root, film, "--loop", "--no-page", "--json", "--events", kept
    ) as process:
        printed = read_until(process.stdout, '"obama"')
        process.send_signal(signal.SIGINT)
        rest, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
    events = [json.loads(line) for line in (printed + rest).splitlines()]
    assert {"appeared", "left"} <= {event["event"] for event in events}
    assert [json.loads(line) for line in kept.read_text().splitlines()] == events
    assert "Watching hamilton.mp4" in said
    assert "gave way to newer ones; 0 reconnects" in said
    frames = int(said.partition(" pictures came")[0].split()[-1])
    made = searches(gallery) - before
    assert 0 < made < frames / 2, "a search for each decision, not for each picture"


@pytest.mark.parametrize("options", [["--json"], []])
def test_the_command_ends_when_nobody_reads_any_more(
    gallery: Path, cache_root: Path, data_root: Path, options: list[str]
) -> None:
    film = data_root / "video" / "hamilton.mp4"
    with watching(gallery, cache_root, film, "--loop", "--no-page", *options) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(30) == 0, said
    assert "cannot be" not in said
    assert "Exception ignored" not in said


def searches(gallery: Path) -> int:
    with contextlib.closing(sqlite3.connect(gallery)) as database:
        (count,) = database.execute("SELECT count(*) FROM accesses").fetchone()
    return int(count)


def test_a_file_ends_the_command(gallery: Path, cache_root: Path, data_root: Path) -> None:
    film = data_root / "video" / "interview.mp4"
    with watching(gallery, cache_root, film, "--port", "0") as process:
        printed, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert "Somebody unknown appeared" in printed
    assert "Ended." in said


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["nothing.mp4"], "number of a camera"),
        (["7"], "There is no camera"),
        ([__file__], "is not a video"),
        (["0", "--webhook", "ftp://x"], "http:// or https://"),
    ],
)
@pytest.mark.parametrize("page", [["--no-page"], ["--port", "0"]])
def test_the_command_says_once_what_is_wrong(
    gallery: Path, cache_root: Path, arguments: list[str], expected: str, page: list[str]
) -> None:
    with watching(gallery, cache_root, *arguments, *page) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.count(expected) == 1
    assert "The view" not in said
    assert "Ended" not in said
    assert "Traceback" not in said


def test_page_and_webhook(gallery: Path, cache_root: Path, audience: list[bytes]) -> None:
    posts: list[tuple[str, bytes]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posts.append((self.headers["X-Faceprint-Signature"], body))
            self.send_response(200 if len(posts) > 1 else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    camera = MjpegCamera(audience)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    with watching(
        gallery,
        cache_root,
        f"http://127.0.0.1:{camera.port}/view.mjpg",
        *("--port", "0", "--webhook", f"http://127.0.0.1:{server.server_port}/"),
        FACEPRINT_WEBHOOK_SECRET="shared",
    ) as process:
        said = read_until(process.stderr, "/live")
        address = said.split("The view: ")[1].strip()
        read_until(process.stdout, "obama appeared")
        assert "view.mjpg" in httpx.get(address).text
        with httpx.stream("GET", f"{address}/view.mjpg", timeout=20) as view:
            assert view.headers["content-type"].startswith("multipart/x-mixed-replace")
            parts = b""
            for piece in view.iter_bytes():
                parts += piece
                if parts.count(b"\xff\xd8\xff") > 3:
                    break
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=20)
        assert process.returncode == 0, said
    camera.switch_off()
    server.shutdown()
    server.server_close()
    events = [json.loads(body) for _, body in posts]
    assert events[0]["id"] == events[1]["id"], "the first was refused and came again"
    assert {"appeared", "left"} <= {event["event"] for event in events if event["name"] == "obama"}
    for signature, body in posts:
        digest = hmac.new(b"shared", body, hashlib.sha256).hexdigest()
        assert signature == f"sha256={digest}"
