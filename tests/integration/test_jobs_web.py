"""Background jobs of the web app as a process, with the real models, through kills and large uploads."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

SERVE = """
import sys
from faceprint import Faceprint
from faceprint.web import serve
folder, cache = sys.argv[1:]
places = {"gallery": f"{folder}/gallery.db", "jobs": f"{folder}/jobs", "cache": cache}
with Faceprint(**places) as engine:
    serve(engine, port=0, on_ready=lambda address: print(address, flush=True))
print("closed", flush=True)
"""


@dataclass
class Server:
    """One running app."""

    process: subprocess.Popen[str]
    address: str

    def jobs(self, path: str = "") -> dict[str, Any]:
        answer = httpx.get(f"{self.address}/api/v1/jobs{path}", timeout=30)
        assert answer.status_code == 200, answer.text
        return cast(dict[str, Any], answer.json())

    def send(self, video: Path, **fields: str) -> str:
        with video.open("rb") as file:
            files = {"video": (video.name, file)}
            answer = httpx.post(
                f"{self.address}/api/v1/videos", data=fields, files=files, timeout=60
            )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["job_id"])

    def until(self, job_id: str, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while not good(job := self.jobs(f"/{job_id}")):
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        return job

    def file(self, job_id: str, name: str) -> httpx.Response:
        return httpx.get(f"{self.address}/api/v1/jobs/{job_id}/files/{name}", timeout=30)

    def peak_bytes(self) -> int:
        """The most memory that the process has held."""
        status = Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            pytest.skip("needs /proc to see the memory of a process")
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        assert found
        return int(found[1]) * 1024


@contextlib.contextmanager
def served(folder: Path, cache: Path) -> Iterator[Server]:
    command = [sys.executable, "-c", SERVE, str(folder), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process, process.stdout.readline().strip())
        finally:
            process.kill()


def stop(server: Server) -> None:
    server.process.send_signal(signal.SIGINT)
    assert server.process.stdout is not None
    assert server.process.stdout.readline().strip() == "closed"
    assert server.process.wait(20) == 0


def test_a_video_from_upload_to_names(tmp_path: Path, cache_root: Path, data_root: Path) -> None:
    video = data_root / "video" / "hamilton.mp4"
    with served(tmp_path, cache_root) as server:
        job_id = server.send(video, start="7", end="9")
        job = server.until(job_id, lambda job: job["ended"])
        assert job["state"] == "done", job["message"]
        timeline = server.file(job_id, "timeline.json").json()
        assert timeline["analysed"]["from_s"] >= 6.9
        assert timeline["people"]
        assert server.file(job_id, "labelled.mp4").content[4:8] == b"ftyp"
        person = timeline["people"][0]
        answer = httpx.post(
            f"{server.address}/api/v1/jobs/{job_id}/people/{person['key']}",
            data={"name": "Somebody", "consent": "Public figure, for tests."},
            files={"unused": ("", b"")},
            timeout=60,
        )
        assert answer.status_code == 200, answer.text
        again = server.until(server.send(video, start="7", end="9"), lambda job: job["ended"])
        assert again["summary"]["named"] >= 1
        stop(server)


def test_a_killed_app_leaves_an_interrupted_job(
    tmp_path: Path, cache_root: Path, data_root: Path
) -> None:
    video = data_root / "video" / "interview.mp4"
    with served(tmp_path, cache_root) as server:
        job_id = server.send(video, every="1")
        server.until(job_id, lambda job: job["progress"]["share"])
        server.process.kill()
        server.process.wait(10)
    with served(tmp_path, cache_root) as server:
        job = server.jobs(f"/{job_id}")
        assert (job["state"], job["files"]) == ("interrupted", [])
        assert not (tmp_path / "jobs" / job_id / "input").exists()
        page = httpx.get(f"{server.address}/jobs/{job_id}").text
        assert "The program ended while this was being worked on" in page
        stop(server)


def test_a_stopped_app_keeps_what_was_found(
    tmp_path: Path, cache_root: Path, data_root: Path
) -> None:
    video = data_root / "video" / "interview.mp4"
    with served(tmp_path, cache_root) as server:
        job_id = server.send(video, every="1")
        server.until(job_id, lambda job: (job["progress"]["share"] or 0) > 0.02)
        stop(server)
    with served(tmp_path, cache_root) as server:
        job = server.jobs(f"/{job_id}")
        assert job["state"] == "interrupted"
        assert "It was stopped at" in job["message"]
        assert server.file(job_id, "timeline.json").json()["analysed"]["partial"]
        stop(server)


def test_a_large_upload_is_never_held_in_memory(tmp_path: Path, cache_root: Path) -> None:
    large = tmp_path / "large.mp4"
    large.write_bytes(bytes(192 * 2**20))
    with served(tmp_path, cache_root) as server:
        before = server.peak_bytes()
        job = server.until(server.send(large), lambda job: job["ended"])
        assert server.peak_bytes() - before < 96 * 2**20
        assert (job["state"], job["code"]) == ("failed", "not_a_video")
        assert not list((tmp_path / "jobs").glob("*/input"))
        stop(server)


def test_a_broken_upload_leaves_nothing(tmp_path: Path, cache_root: Path) -> None:
    with served(tmp_path, cache_root) as server:
        parts = urlsplit(server.address)
        head = (
            f"POST /api/v1/videos?name=a.mp4 HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            "Content-Type: video/mp4\r\nContent-Length: 9000000\r\n\r\n"
        )
        with socket.create_connection((str(parts.hostname), parts.port or 0), timeout=20) as line:
            line.sendall(head.encode() + b"x" * 2_000_000)
            wait(lambda: server.jobs()["total"] == 1)
        wait(lambda: server.jobs()["total"] == 0)
        assert [p.name for p in (tmp_path / "jobs").iterdir()] == [".owners"]
        stop(server)


def wait(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
