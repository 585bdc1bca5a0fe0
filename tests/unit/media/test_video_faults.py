"""Whatever the bytes are, there come frames, or a VideoError that says what to do."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as Pillow

from faceprint.errors import VideoError, VideoFormatError, VideoNotFoundError
from faceprint.media.video import Video, VideoWriter

FRAMES = 50


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with VideoWriter(path, width=160, height=120, fps=25) as writer:
        for number in range(FRAMES):
            pixels = np.zeros((120, 160, 3), np.uint8)
            pixels[:, (3 * number) % 150 :][:, :10] = 255
            pixels[::2] += np.uint8(number)
            writer.write(pixels, number / 25)
    return path


def write_format(path: Path, format: str, codec: str) -> bytes:
    with av.open(str(path), "w", format=format) as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for number in range(FRAMES):
            pixels = np.full((120, 160, 3), 5 * number % 256, np.uint8)
            pixels[number : number + 40, number : number + 40] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


def write_sound(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libmp3lame" if path.suffix == ".mp3" else "aac", 44100)
        silence = av.AudioFrame.from_ndarray(np.zeros((2, 44100), np.float32), "fltp", "stereo")
        silence.sample_rate = 44100
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return path


def test_what_is_no_video_is_told_apart(tmp_path: Path) -> None:
    empty, text, photo = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "photo.mp4"
    empty.touch()
    text.write_text("Dear reader,\n" * 500)
    Pillow.new("RGB", (64, 64), "red").save(photo, "JPEG")
    avif = tmp_path / "avif.mp4"
    Pillow.new("RGB", (64, 64), "red").save(avif, "AVIF")
    expected: list[tuple[str | Path, type[VideoError], str]] = [
        (tmp_path / "none.mp4", VideoNotFoundError, "There is no file"),
        (text / "below.mp4", VideoNotFoundError, "There is no file"),
        ("", VideoFormatError, "folder"),
        (tmp_path, VideoFormatError, "folder; expected one video"),
        ("/dev/zero", VideoFormatError, "not a file"),
        (empty, VideoFormatError, r"empty \(0 bytes\)"),
        (text, VideoFormatError, "not a video that can be read"),
        (photo, VideoFormatError, "not a video that can be read"),
        (avif, VideoFormatError, "is a photo"),
        (write_sound(tmp_path / "sound.mp4"), VideoFormatError, "sound only"),
        (write_sound(tmp_path / "sound.mp3"), VideoFormatError, "sound only"),
        ("https://example.org/a.mp4", VideoNotFoundError, "faceprint video fetch"),
        ("a" * 5000, VideoError, "cannot be read"),
        ("nul\0.mp4", VideoError, "cannot be read"),
    ]
    for source, kind, words in expected:
        with pytest.raises(kind, match=words):
            Video(source)


def test_a_recording_without_its_table_says_so(clip: Path, tmp_path: Path) -> None:
    data = clip.read_bytes()
    at = data.index(b"moov") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    path = tmp_path / "broken off.mp4"
    path.write_bytes(data[:at] + data[at + size :])
    with pytest.raises(VideoFormatError, match="moov atom"):
        Video(path)


@pytest.mark.parametrize(
    ("share", "said"), [(0.4, "The file ends"), (0.95, "The file ends"), (1.0, None)]
)
def test_a_truncated_file_gives_what_it_has(
    clip: Path, tmp_path: Path, share: float, said: str | None
) -> None:
    data = clip.read_bytes()
    path = tmp_path / "short.mp4"
    path.write_bytes(data[: int(len(data) * share)])
    with Video(path) as video:
        given = [frame.index for frame in video.frames()]
        assert given == list(range(len(given)))
        assert (video.cut_short or "").startswith(said or "")
        assert (video.cut_short is None) == (said is None)
        assert 10 < len(given) < FRAMES or said is None
        list(video.frames(end_s=0.2))
        assert video.cut_short is None


def test_a_truncated_matroska_says_so(tmp_path: Path) -> None:
    data = write_format(tmp_path / "clip.mkv", "matroska", "mpeg4")
    path = tmp_path / "short.mkv"
    path.write_bytes(data[: int(len(data) * 0.6)])
    with Video(path) as video:
        assert 5 < len(list(video.frames())) < FRAMES
        assert (video.cut_short or "").endswith(" s before its stated end: it was cut short.")


def test_broken_frames_are_left_out_counted_and_keep_their_places(
    clip: Path, tmp_path: Path
) -> None:
    data = bytearray(clip.read_bytes())
    with av.open(str(clip)) as container:
        spans = [(p.pos or 0, p.size) for p in container.demux(video=0) if p.size]
    for number in (20, 21, 22):
        start, size = spans[number]
        data[start : start + size] = bytes(size)
    path = tmp_path / "broken.mp4"
    path.write_bytes(data)
    with Video(path) as video:
        given = [(frame.index, frame.time_s) for frame in video.frames()]
        assert video.damaged == FRAMES - len(given) >= 3
    lost = set(range(FRAMES)) - {index for index, _ in given}
    assert {20, 21, 22} <= lost <= set(range(20, 30))
    assert [index for index, _ in given] == [n for n in range(FRAMES) if n not in lost]
    assert [time_s for _, time_s in given] == pytest.approx([n / 25 for n, _ in given])


@pytest.mark.parametrize(
    ("format", "codec"),
    [("mp4", "libx264"), ("matroska", "mpeg4"), ("mpegts", "libx264"), ("avi", "mpeg4")],
)
def test_flipped_bits_never_raise_anything_else(tmp_path: Path, format: str, codec: str) -> None:
    data = write_format(tmp_path / "clip", format, codec)
    rng = np.random.default_rng(7)
    opened = 0
    for number in range(25):
        broken = bytearray(data)
        for place in rng.integers(0, len(broken), rng.integers(1, 30)):
            broken[place] = rng.integers(0, 256)
        if number % 3 == 0:
            del broken[rng.integers(1, len(broken)) :]
        try:
            with Video(io.BytesIO(bytes(broken))) as video:
                times = [frame.time_s for frame in video.frames()]
                assert times == sorted(set(times))
                assert video.damaged >= 0
                list(video.frames(start_s=1, every_s=0.3))
                opened += 1
        except VideoError:
            pass
    assert opened > 3


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{clip}\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{clip}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
    ],
)
@pytest.mark.parametrize("live", [False, True])
def test_a_file_never_makes_ffmpeg_open_another(
    clip: Path, tmp_path: Path, playlist: str, live: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        for name in ("list.m3u8", "list.mp4", "list.ffconcat"):
            path = tmp_path / name
            path.write_text(playlist.format(clip=clip, port=server.getsockname()[1]))
            with pytest.raises(VideoFormatError):
                Video(path, live=live)
            with pytest.raises(VideoFormatError):
                Video(io.BytesIO(path.read_bytes()), live=live)
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    "name", ["concat:{clip}|{clip}", "subfile,,start,0,end,0,,:{clip}", "file:{clip}"]
)
def test_a_path_is_only_ever_a_path(clip: Path, name: str) -> None:
    with pytest.raises(VideoNotFoundError, match="There is no file"):
        Video(name.format(clip=clip))


def test_names_with_odd_characters_open(clip: Path, tmp_path: Path) -> None:
    for name in ("a:b%03d?#.mp4", "-dash.mp4", "ü 日本 '\".mp4"):
        path = tmp_path / name
        path.write_bytes(clip.read_bytes())
        with Video(path) as video:
            assert len(list(video.frames())) == FRAMES


def test_too_many_pixels_are_refused_before_decoding(clip: Path) -> None:
    with pytest.raises(VideoError, match=r"160 × 120 pixels, over the limit of 1,000"):
        Video(clip, max_pixels=1000)


def test_nothing_is_written_to_standard_error(clip: Path, tmp_path: Path) -> None:
    broken = bytearray(clip.read_bytes())
    for place in range(2000, len(broken), 97):
        broken[place] ^= 0xFF
    path = tmp_path / "broken.mp4"
    path.write_bytes(broken)
    code = (
        "import sys\nfrom faceprint.media.video import Video\n"
        "with Video(sys.argv[1]) as video:\n    print(len(list(video.frames())), video.damaged)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert int(done.stdout.split()[1]) > 0


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def test_a_live_stream_that_stalls_ends_in_time(tmp_path: Path) -> None:
    data = write_format(tmp_path / "clip.ts", "mpegts", "libx264")
    done = threading.Event()

    class Stalling(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            if self.path != "/silent":
                self.wfile.write(data)
                self.wfile.flush()
            done.wait(10)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Stalling) as address:
        start = time.monotonic()
        with Video(address + "live.ts", live=True, timeout_s=1) as video:
            given = [frame.index for frame in video.frames()]
            assert video.info.duration_s is None
            assert re.fullmatch(r"Reading failed: .*[^.]\.", video.cut_short or "")
            with pytest.raises(VideoError, match="once only"):
                next(video.frames())
        assert len(given) > 40
        with pytest.raises(VideoNotFoundError, match="did not answer in time"):
            Video(address + "silent", live=True, timeout_s=0.5)
        assert time.monotonic() - start < 6
        done.set()


def test_a_camera_that_serves_mjpeg_is_read() -> None:
    buffer = io.BytesIO()
    Pillow.new("RGB", (64, 48), (200, 30, 30)).save(buffer, "JPEG")
    part = b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n"

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            for _ in range(30):
                self.wfile.write(part % (len(buffer.getvalue()), buffer.getvalue()))

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Camera) as address, Video(address, live=True, timeout_s=3) as video:
        frames = list(video.frames())
    assert len(frames) > 20
    assert abs(int(frames[0].pixels[20, 20, 0]) - 200) < 8


def test_a_live_source_that_is_not_there_is_not_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"http://127.0.0.1:{port}/", f"rtsp://user:secret@127.0.0.1:{port}/cam"):
        with pytest.raises(VideoNotFoundError) as told:
            Video(address, live=True, timeout_s=2)
        assert "secret" not in str(told.value)
    with pytest.raises(VideoNotFoundError, match="expected http://"):
        Video("ftp://127.0.0.1/x", live=True)
    if not os.path.exists("/dev/video77"):  # noqa: PTH110 - says in one line what is meant
        with pytest.raises(VideoNotFoundError):
            Video("77", live=True)
