"""Fetching from a server that behaves, and from servers that do not."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import FetchError, InputError, OutputError
from faceprint.media.video import FetchOptions, Video, VideoWriter, fetch, list_videos

pytest.importorskip("yt_dlp")

# yt-dlp leaves the sockets of broken transfers to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

QUICK = FetchOptions(timeout_s=1, retries=2, sleep=lambda _: None)
PAGE = "<html><head><title>An interview</title></head><body>{}</body></html>"


class Server:
    """Serves one clip in many ways; counts what was asked for."""

    def __init__(self, clip: bytes) -> None:
        self.clip = clip
        self.asked: list[tuple[str, str | None]] = []
        self.resets_left = 0
        self.slow = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                outer.answer(self, body=False)

            def do_GET(self) -> None:
                outer.answer(self, body=True)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        span = request.headers.get("Range")
        if body:
            self.asked.append((request.path, span))
        path = request.path
        if path == "/moved.mp4":
            request.send_response(302)
            request.send_header("Location", "/clip.mp4")
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path == "/away.mp4":
            request.send_response(302)
            request.send_header("Location", "file:///etc/passwd")
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path == "/page":
            self.send(request, PAGE.format('<video src="/clip.mp4"></video>').encode(), "text/html")
        elif path == "/list":
            videos = "".join(f'<video src="/clip.mp4?{n}"></video>' for n in range(3))
            self.send(request, PAGE.format(videos).encode(), "text/html")
        elif path == "/words":
            self.send(request, PAGE.format("Nothing to see.").encode(), "text/html")
        elif path == "/false.mp4":
            self.send(request, PAGE.format("Not found, politely.").encode() * 99, "video/mp4")
        elif path.partition("?")[0].rpartition("/")[2] in ("clip.mp4", "..%2F..%2Fclip.mp4"):
            self.send_clip(request, span, body=body)
        else:
            request.send_error(404)

    def send(self, request: BaseHTTPRequestHandler, data: bytes, kind: str) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        if request.command == "GET":
            request.wfile.write(data)

    def send_clip(self, request: BaseHTTPRequestHandler, span: str | None, *, body: bool) -> None:
        start = int(span.removeprefix("bytes=").split("-")[0]) if span else 0
        request.send_response(206 if span else 200)
        request.send_header("Content-Type", "video/mp4")
        request.send_header("Accept-Ranges", "bytes")
        request.send_header("Content-Length", str(len(self.clip) - start))
        if span:
            request.send_header(
                "Content-Range", f"bytes {start}-{len(self.clip) - 1}/{len(self.clip)}"
            )
        request.end_headers()
        if not body:
            return
        half = start + (len(self.clip) - start) // 2
        if "stall" in request.path and not self.slow.is_set():
            half = max(start, len(self.clip) // 2)
        try:
            request.wfile.write(self.clip[start:half])
            request.wfile.flush()
            if "stall" in request.path:
                self.slow.wait(20)
            if self.resets_left and "reset" in request.path:
                self.resets_left -= 1
                # Unread data in the socket's buffer makes the system send a reset.
                request.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
                )
                request.connection.close()
                return
            request.wfile.write(self.clip[half:])
        except OSError:
            pass


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("served") / "clip.mp4"
    noise = np.random.default_rng(0)
    with VideoWriter(path, width=320, height=240, fps=25) as writer:
        for number in range(20):
            pixels = noise.integers(0, 256, (240, 320, 3), dtype=np.uint8)
            writer.write(pixels, number / 25)
    return path.read_bytes()


@pytest.fixture
def server(clip: bytes) -> Iterator[Server]:
    made = Server(clip)
    yield made
    made.slow.set()
    made.http.shutdown()
    made.http.server_close()
    # What yt-dlp left is collected here, where it is no error, and not in some later test.
    gc.collect()


@pytest.mark.parametrize("place", ["/clip.mp4", "/moved.mp4", "/page"])
def test_a_file_a_redirect_and_a_page_are_fetched(
    server: Server, tmp_path: Path, place: str
) -> None:
    told: list[tuple[int, int | None]] = []
    folder = tmp_path / "new" / "folder"
    got = fetch(
        server.address + place,
        folder,
        on_progress=lambda done, total: told.append((done, total)),
        options=QUICK,
    )
    assert got.path.read_bytes() == server.clip
    assert got.path.parent == folder
    assert list(folder.iterdir()) == [got.path]
    assert (got.info.width, got.size_bytes) == (320, len(server.clip))
    assert told[-1] == (len(server.clip), len(server.clip))
    written = got.path.stat().st_mtime_ns
    assert fetch(server.address + place, folder, options=QUICK).path == got.path
    assert got.path.stat().st_mtime_ns == written


def test_names_from_the_web_stay_in_the_folder(server: Server, tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    got = fetch(f"{server.address}/a/..%2F..%2Fclip.mp4", folder, options=QUICK)
    assert got.path.parent == folder
    assert all(c.isascii() and (c.isalnum() or c in "._-") for c in got.path.name)
    assert sorted(tmp_path.iterdir()) == [folder]


def test_a_playlist_asks_for_a_choice(server: Server, tmp_path: Path) -> None:
    address = f"{server.address}/list"
    assert len(list_videos(address, options=QUICK)) == 3
    with pytest.raises(FetchError, match=r"lists 3 videos: 1 .*--entry N"):
        fetch(address, tmp_path, options=QUICK)
    with pytest.raises(FetchError, match="no entry 4"):
        fetch(address, tmp_path, entry=4, options=QUICK)
    first = fetch(address, tmp_path, entry=1, options=QUICK)
    second = fetch(address, tmp_path, entry=2, options=QUICK)
    assert first.path != second.path
    assert server.asked[-1][0] == "/clip.mp4?1"


def test_a_transfer_that_breaks_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    # Looking at the address takes two requests, which meet a reset each and do not mind.
    # Each of the others brings half of the rest, and is not counted against the two retries.
    server.resets_left = 10
    pauses: list[float] = []
    patient = replace(QUICK, sleep=pauses.append)
    got = fetch(f"{server.address}/reset/clip.mp4", tmp_path, options=patient)
    assert got.path.read_bytes() == server.clip
    assert server.resets_left == 0
    assert set(pauses) == {0.5}
    assert any(span not in (None, "bytes=0-") for _, span in server.asked)


def test_a_server_that_stalls_is_given_up_and_continued_later(
    server: Server, tmp_path: Path
) -> None:
    address = f"{server.address}/stall/clip.mp4"
    start = time.monotonic()
    pauses: list[float] = []
    with pytest.raises(FetchError, match="continues a transfer where it stopped"):
        fetch(
            address, tmp_path, options=FetchOptions(timeout_s=0.3, retries=4, sleep=pauses.append)
        )
    assert time.monotonic() - start < 15
    assert pauses[0] == 0.5
    assert 2.0 in pauses
    gc.collect()
    (part,) = tmp_path.iterdir()
    assert part.name.endswith(".part")
    here = part.stat().st_size
    assert 0 < here < len(server.clip)
    server.slow.set()
    got = fetch(address, tmp_path, options=QUICK)
    assert got.path.read_bytes() == server.clip
    assert any(span == f"bytes={here}-" for _, span in server.asked)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("/none.mp4", "404"),
        ("/words", "There is no video at"),
        ("/false.mp4", "is no video, and was removed"),
        ("/away.mp4", "could not be fetched"),
    ],
)
def test_what_is_no_video_is_refused_and_removed(
    server: Server, tmp_path: Path, place: str, words: str
) -> None:
    with pytest.raises(FetchError, match=words) as raised:
        fetch(server.address + place, tmp_path, options=QUICK)
    assert not any(noise in str(raised.value) for noise in ("[generic]", "caused by", "ERROR"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://127.0.0.1/a", "clip.mp4", "ytsearch:a", "http://", ""]
)
def test_other_addresses_are_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(InputError, match="expected one that starts with http"):
        fetch(address, tmp_path)


def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="refused"):
        fetch(f"http://127.0.0.1:{port}/clip.mp4", tmp_path, options=QUICK)


def test_a_file_over_the_limit_is_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="larger than allowed"):
        fetch(
            f"{server.address}/clip.mp4",
            tmp_path,
            options=FetchOptions(timeout_s=1, max_bytes=1000),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be made"):
        fetch(f"{server.address}/clip.mp4", tmp_path / "file" / "below", options=QUICK)


def test_home_stays_as_it_is_and_its_settings_unread(server: Server, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "out"
    for place in (home / "yt-dlp.conf", home / ".config" / "yt-dlp" / "config"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("--output /nowhere/%(id)s\n--exec 'touch run'\n")
    plugin = home / ".config" / "yt-dlp" / "plugins" / "p" / "yt_dlp_plugins" / "extractor"
    plugin.mkdir(parents=True)
    (plugin / "loud.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w').close()\n")
    before = sorted(home.rglob("*"))
    program = (
        "import sys\nfrom pathlib import Path\nfrom faceprint.media.video import fetch\n"
        "print(fetch(sys.argv[1], Path(sys.argv[2])).path)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, f"{server.address}/clip.mp4", folder],
        env={**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent == folder
    assert done.stderr == ""
    assert sorted(home.rglob("*")) == before
    assert sorted(item.name for item in tmp_path.iterdir()) == ["home", "out"]


def test_ctrl_c_keeps_the_part_and_says_how_to_go_on(server: Server, tmp_path: Path) -> None:
    address = f"{server.address}/stall/clip.mp4"
    program = (
        "import sys\nimport typer\nfrom faceprint.cli import app, video\n"
        "if not any(g.name == 'video' for g in app.app.registered_groups):\n"
        "    app.app.add_typer(video.app, name='video')\n"
        "app.run()"
    )
    command = [sys.executable, "-c", program, "video", "fetch", address, "--out", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        _wait_for(lambda: any(item.stat().st_size for item in tmp_path.glob("*.part")))
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "the same command continues there" in told
    server.slow.set()
    again = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    with Video(json.loads(again.stdout)["path"]) as video:
        assert len(list(video.frames())) == 20
    assert any(span and span != "bytes=0-" for _, span in server.asked)


def _wait_for(met: Callable[[], bool]) -> None:
    for _ in range(400):
        if met():
            return
        time.sleep(0.05)
    raise AssertionError("waited 20 s in vain")
