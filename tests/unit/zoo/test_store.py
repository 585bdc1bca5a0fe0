import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faceprint.errors import (
    LicenceRefusedError,
    MissingExtraError,
    ModelError,
    UnknownModelError,
    WeightsCorruptError,
    WeightsMissingError,
)
from faceprint.zoo import (
    CARDS,
    Licence,
    ModelCard,
    PackageResource,
    Url,
    WeightFile,
    WeightStore,
    card,
)

CONTENT = bytes(range(256)) * 1000


class Server(ThreadingHTTPServer):
    """A server of one file that can cut off, lie, or know nothing of ranges."""

    content = CONTENT
    cut_after: int | None = None
    pause_after: int | None = None
    ranges = True
    status = 200
    requests: list[str | None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/weights.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        self.server.requests.append(asked)
        start = int(asked[6:-1]) if asked and self.server.ranges else 0
        body = self.server.content[start:]
        if self.server.status != 200:
            self.send_error(self.server.status)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut, self.server.cut_after = self.server.cut_after, None
        pause = self.server.pause_after or 0
        self.wfile.write(body[:pause])
        if pause:
            time.sleep(0.1)  # the two parts arrive as blocks of their own
        self.wfile.write(body[pause:cut])

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.requests = []
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def card_of(
    *sources: PackageResource | Url, content: bytes = CONTENT, algorithm: str = "sha256"
) -> ModelCard:
    digest = f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
    file = WeightFile("weights.bin", digest, len(content), sources)
    return replace(CARDS["sface"], name="made-up", files=(file,))


def store_in(folder: Path, **options: object) -> WeightStore:
    return WeightStore(folder / "weights", folder / "cache", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("algorithm", ["sha256", "sha384"])
def test_a_file_is_pulled_with_progress(server: Server, tmp_path: Path, algorithm: str) -> None:
    seen: list[tuple[str, int, int]] = []
    made = card_of(Url(server.url), algorithm=algorithm)
    (path,) = store_in(tmp_path).pull(made, progress=lambda *step: seen.append(step))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("weights.bin", len(CONTENT), len(CONTENT))
    assert [p.name for p in path.parent.iterdir() if p.suffix != ".lock"] == ["weights.bin"]


def test_what_is_here_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        store_in(tmp_path).files(card_of(Url(server.url)))
    assert len(server.requests) == 1


def test_a_cut_download_continues(server: Server, tmp_path: Path) -> None:
    server.cut_after = 100_000
    (path,) = store_in(tmp_path).files(card_of(Url(server.url)))
    assert path.read_bytes() == CONTENT
    assert server.requests[0] is None
    assert server.requests[1] is not None
    assert 0 < int(server.requests[1][6:-1]) <= 100_000


def test_a_part_of_an_earlier_run_continues(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "weights.bin.part").write_bytes(CONTENT[:5000])
    (path,) = store_in(tmp_path).files(card_of(Url(server.url)))
    assert path.read_bytes() == CONTENT
    assert server.requests == ["bytes=5000-"]


def test_a_server_without_ranges_starts_anew(server: Server, tmp_path: Path) -> None:
    server.ranges, server.cut_after = False, 70_000
    (path,) = store_in(tmp_path).files(card_of(Url(server.url)))
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("wrong", [CONTENT[::-1], CONTENT + b"more"])
def test_another_file_is_refused_and_not_kept(server: Server, tmp_path: Path, wrong: bytes) -> None:
    server.content = wrong
    with pytest.raises(WeightsCorruptError, match="No address gave"):
        store_in(tmp_path).files(card_of(Url(server.url)))
    assert not [p for p in (tmp_path / "weights").iterdir() if p.suffix != ".lock"]


def test_a_longer_file_is_refused_wherever_its_blocks_end(server: Server, tmp_path: Path) -> None:
    server.content, server.pause_after = CONTENT + b"more", len(CONTENT)
    with pytest.raises(WeightsCorruptError, match="No address gave"):
        store_in(tmp_path).files(card_of(Url(server.url)))


def test_after_another_file_the_next_address_is_tried(server: Server, tmp_path: Path) -> None:
    other = Server(("127.0.0.1", 0), Handler)
    other.requests, other.content = [], CONTENT[::-1]
    thread = threading.Thread(target=other.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        (path,) = store_in(tmp_path).files(card_of(Url(other.url), Url(server.url)))
    finally:
        other.shutdown()
        other.server_close()
        thread.join()
    assert path.read_bytes() == CONTENT


def test_a_damaged_part_is_thrown_away_and_fetched_anew(server: Server, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "weights.bin.part").write_bytes(b"!" * 5000)
    (path,) = store_in(tmp_path).files(card_of(Url(server.url)))
    assert path.read_bytes() == CONTENT
    assert server.requests == ["bytes=5000-", None]


def test_folders_that_cannot_be_written_are_named(server: Server, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    store = WeightStore(blocked / "weights", blocked / "cache")
    with pytest.raises(ModelError, match="FACEPRINT_WEIGHTS"):
        store.files(card_of(Url(server.url)))
    with pytest.raises(ModelError, match="FACEPRINT_CACHE"):
        store.made(CARDS["yunet"], "x.onnx", lambda files: files[0].read_bytes())


def test_a_shorter_file_is_refused(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[:-1]
    with pytest.raises((WeightsCorruptError, WeightsMissingError)):
        store_in(tmp_path).files(card_of(Url(server.url)))
    assert not (tmp_path / "weights" / "weights.bin").exists()


def test_an_address_that_knows_nothing_is_named(server: Server, tmp_path: Path) -> None:
    server.status = 404
    with pytest.raises(WeightsMissingError, match=r"404.*put it at"):
        store_in(tmp_path).files(card_of(Url(server.url)))


def test_the_second_address_is_tried(server: Server, tmp_path: Path) -> None:
    made = card_of(Url("http://127.0.0.1:9/closed"), Url(server.url))
    assert store_in(tmp_path).files(made)[0].read_bytes() == CONTENT


def test_offline_names_file_digest_and_place(tmp_path: Path) -> None:
    made = card_of(Url("http://127.0.0.1:9/closed"))
    with pytest.raises(WeightsMissingError) as caught:
        store_in(tmp_path, offline=True).files(made)
    for part in ("weights.bin", str(made.files[0].digest), str(tmp_path / "weights"), "offline"):
        assert part in str(caught.value)


def test_a_corrupt_file_is_refused_until_pulled_again(server: Server, tmp_path: Path) -> None:
    made = card_of(Url(server.url))
    (path,) = store_in(tmp_path).files(made)
    path.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(WeightsCorruptError, match="models pull"):
        store_in(tmp_path).files(made)
    assert store_in(tmp_path).status(made)[0].state == "corrupt"
    assert store_in(tmp_path).pull(made)[0].read_bytes() == CONTENT


def test_a_missing_distribution_names_its_extra(tmp_path: Path) -> None:
    made = card_of(PackageResource("no-such-distribution", "x.bin", extra="dlib"))
    with pytest.raises(MissingExtraError, match=r"faceprint\[dlib\]"):
        store_in(tmp_path).files(made)


PROGRAM = """
import sys, time
from pathlib import Path
from faceprint.zoo import CARDS, WeightStore
root = Path(sys.argv[1])
store = WeightStore(root / "weights", root / "cache")
(root / sys.argv[2]).touch()
while len(list(root.glob("ready-*"))) < 3:
    time.sleep(0.005)
def make(files):
    (root / f"made-by-{sys.argv[2]}").touch()
    time.sleep(0.2)
    return files[0].read_bytes() * 20
print(len(store.made(CARDS["yunet"], "test.bin", make).read_bytes()))
"""


def test_processes_that_start_at_once_make_one_file(tmp_path: Path) -> None:
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), f"ready-{k}"], stdout=subprocess.PIPE
        )
        for k in range(3)
    ]
    sizes = [int(run.communicate(timeout=60)[0]) for run in runs]
    assert sizes == [CARDS["yunet"].files[0].size_bytes * 20] * 3
    assert len(list(tmp_path.glob("made-by-*"))) == 1
    kept = [p.name for p in (tmp_path / "cache" / "models").iterdir() if p.suffix != ".lock"]
    assert kept == [f"yunet-{CARDS['yunet'].digest}-test.bin"]


def test_making_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(_: object) -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store_in(tmp_path).made(CARDS["yunet"], "x.onnx", fail)
    assert not list((tmp_path / "cache" / "models").glob("*.onnx"))


TERMS = [
    ("allowed", "yes", True),
    ("allowed", "strict", True),
    ("undocumented", "yes", True),
    ("undocumented", "strict", False),
    ("forbidden", "yes", False),
    ("forbidden", "strict", False),
    ("forbidden", "no", True),
]


@pytest.mark.parametrize(("terms", "setting", "allowed"), TERMS)
def test_commercial_only(terms: str, setting: str, allowed: bool, tmp_path: Path) -> None:
    made = replace(card_of(), data_licence=Licence("terms", terms))  # type: ignore[arg-type]
    store = store_in(tmp_path, commercial_only=setting)
    if allowed:
        store.check_licence(made)
    else:
        with pytest.raises(LicenceRefusedError, match="made-up"):
            store.check_licence(made)


def test_unknown_names_list_the_known(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match="yunet"):
        card("nosuch", kind="detector")
    with pytest.raises(UnknownModelError):
        card("sface", kind="detector")
