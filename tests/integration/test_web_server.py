"""The web app as a process on a real port, with the real models and gallery."""

from __future__ import annotations

import contextlib
import io
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow

from faceprint.errors import InputError
from faceprint.parse.classes import CLASSES
from faceprint.pipeline import Faceprint
from faceprint.web import serve

SERVE = """
import sys
from faceprint import Faceprint
from faceprint.web import serve
limits = {"max_upload_bytes": 5_000_000, "max_pixels": 20_000_000}
places = {"gallery": sys.argv[1], "cache": sys.argv[2], "jobs": f"{sys.argv[1]}.jobs"}
with Faceprint(**places, **limits) as engine:
    serve(engine, port=0, on_ready=lambda address: print(address, flush=True))
print("closed", flush=True)
"""


@contextlib.contextmanager
def served(gallery: Path, cache: Path) -> Iterator[str]:
    command = [sys.executable, "-c", SERVE, str(gallery), str(cache)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline().strip() == "closed"
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, cache_root: Path) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("web") / "gallery.db", cache_root) as made:
        yield made


def enrol(address: str, name: str, photos: list[Path], **fields: str) -> httpx.Response:
    files = [("photos", (photo.name, photo.read_bytes())) for photo in photos]
    data = {"name": name, "consent": "Public figure, for tests."} | fields
    return httpx.post(f"{address}/api/v1/enrol", data=data, files=files, timeout=60)


def test_names_come_back(address: str, data_root: Path) -> None:
    people = data_root / "people"
    for name in ("obama", "biden"):
        answer = enrol(address, name, sorted((people / "train" / name).iterdir()))
        assert answer.status_code == 200, answer.text
    photo = people / "test" / "obama_and_biden.jpg"
    files = {"photo": (photo.name, photo.read_bytes())}
    found = httpx.post(f"{address}/api/v1/identify", files=files, timeout=60).json()
    assert {"obama", "biden"} <= {face["name"] for face in found["faces"]}
    picture = httpx.post(f"{address}/api/v1/identify/picture", files=files, timeout=60)
    assert picture.content.startswith(b"\xff\xd8\xff")


def test_a_ready_embedding_is_named(address: str, data_root: Path) -> None:
    enrol(address, "obama", [data_root / "people" / "train" / "obama" / "obama.jpg"])
    photo = data_root / "people" / "test" / "obama1.jpg"
    files = {"photo": (photo.name, photo.read_bytes())}
    found = httpx.post(f"{address}/api/v1/embed", files=files, timeout=60).json()
    ready = {"embedding": found["faces"][0]["embedding"], "model_id": found["model_id"]}
    results = httpx.post(f"{address}/api/v1/identify", json=ready, timeout=60).json()["results"]
    assert results[0]["name"] == "obama"
    other = httpx.post(f"{address}/api/v1/identify", json=ready | {"model_id": "other"})
    assert (other.status_code, other.json()["error"]["code"]) == (422, "bad_embedding")
    for vector in ([0.0] * 128, [1e300] * 128, [1.0], [1.0] * 128):
        answer = httpx.post(f"{address}/api/v1/identify", json=ready | {"embedding": vector})
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_embedding")


def test_an_erased_person_is_gone(address: str, data_root: Path) -> None:
    photo = data_root / "people" / "train" / "rose_leslie" / "img1.jpg"
    person = enrol(address, "rose_leslie", [photo]).json()["person_id"]
    (face,) = httpx.get(f"{address}/api/v1/people/{person}").json()["faces"]
    assert httpx.get(address + face["picture"]).status_code == 200
    assert httpx.delete(f"{address}/api/v1/people/{person}").json()["templates"] == 1
    assert httpx.get(address + face["picture"]).status_code == 404
    assert httpx.get(f"{address}/api/v1/people/{person}").status_code == 404


def test_a_photo_is_analysed_and_its_heads_are_told_apart(address: str, data_root: Path) -> None:
    photo = data_root / "people" / "test" / "kit_with_rose.jpg"
    files = {"photo": (photo.name, photo.read_bytes())}
    fields = {"parts": "1"}
    found = httpx.post(f"{address}/api/v1/analyze", data=fields, files=files, timeout=60).json()
    man, woman = sorted(found["faces"], key=lambda face: -face["box"][0])
    # He looks towards the left of the photo, she into the camera.
    assert man["pose"]["yaw"] < -8
    assert abs(woman["pose"]["yaw"]) < 8
    assert woman["parts"]["areas"]["hair"] > 0.2
    assert woman["appearance"] is None
    assert "FACEPRINT_WEB_ATTRIBUTES" in found["notes"]["appearance"]
    mask = httpx.post(f"{address}/api/v1/segment", files=files, timeout=60)
    labels = np.asarray(Pillow.open(io.BytesIO(mask.content)))
    assert labels.shape == (found["height"], found["width"])
    nose = np.rint(woman["landmarks"][2]).astype(int)
    assert CLASSES[labels[nose[1], nose[0]]] in ("nose", "skin")
    assert labels[-1, -1] == 0


@pytest.mark.parametrize("announced", [True, False])
def test_large_uploads_are_answered_early(address: str, announced: bool) -> None:
    """The refusal comes before the body has been sent, with and without a Content-Length."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as line:
        length = "Content-Length: 99000000" if announced else "Transfer-Encoding: chunked"
        head = (
            f"POST /api/v1/detect HTTP/1.1\r\nHost: {parts.netloc}\r\n{length}\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        line.sendall(head.encode())
        start = b'--b\r\nContent-Disposition: form-data; name="photo"; filename="x"\r\n\r\n'
        block = start + b"x" * 1_000_000
        with contextlib.suppress(ConnectionError):
            for _ in range(8):
                prefix = b"" if announced else f"{len(block):x}\r\n".encode()
                line.sendall(prefix + block + (b"" if announced else b"\r\n"))
        assert line.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_pixel_bomb_is_refused(address: str) -> None:
    buffer = io.BytesIO()
    Pillow.new("1", (30_000, 30_000)).save(buffer, "PNG")
    files = {"photo": ("bomb.png", buffer.getvalue())}
    answer = httpx.post(f"{address}/api/v1/detect", files=files, timeout=60)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET /../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /static/../../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"NONSENSE\r\n\r\n",
    ],
)
def test_hostile_requests_get_a_refusal(address: str, raw: bytes) -> None:
    parts = urlsplit(address)
    assert parts.hostname is not None
    with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as line:
        line.sendall(raw)
        answer = line.recv(65536)
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"root:" not in answer
    assert b"Traceback" not in answer


def test_a_taken_port_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="--port"):
            serve(Faceprint(), port=port)
