"""A live source over videos that are made up: dropping, looping, pacing, reconnecting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np
import pytest

from faceprint.errors import VideoError, VideoNotFoundError
from faceprint.media.video import Frame
from faceprint.pipeline.live.address import SourceAddress
from faceprint.pipeline.live.source import LiveSource, Patience, SourceState, SourceStatus

QUICK = Patience(stall_s=1, first_retry_s=0.01, longest_retry_s=0.04)
STREAM = "rtsp://ana:secret9@door.example/main"


def picture(number: int) -> np.ndarray:
    return np.full((4, 4, 3), number % 256, np.uint8)


@dataclass
class FakeVideo:
    """Gives numbered pictures; `before` runs ahead of each."""

    count: int
    fps: float = 0.0
    before: Callable[[int], object] = lambda _: None
    cut_short: str | None = None
    damaged: int = 0

    def frames(self) -> Iterator[Frame]:
        for number in range(self.count):
            self.before(number)
            yield Frame(number, number / self.fps if self.fps else 0.0, picture(number))

    def __enter__(self) -> FakeVideo:
        return self

    def __exit__(
        self, a: type[BaseException] | None, b: BaseException | None, c: TracebackType | None
    ) -> None:
        self.closed = True


@dataclass
class Opener:
    """Opens one made-up video after the other; an error stands for a failed try."""

    plan: list[FakeVideo | VideoError]
    opened_at: list[float] = field(default_factory=list)

    def __call__(
        self, address: SourceAddress, timeout_s: float
    ) -> AbstractContextManager[FakeVideo]:
        self.opened_at.append(time.monotonic())
        step = self.plan.pop(0) if self.plan else FakeVideo(1, before=lambda _: time.sleep(0.2))
        if isinstance(step, VideoError):
            raise step
        return step


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)


@pytest.fixture
def film(tmp_path: Path) -> str:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")
    return str(path)


def test_only_the_newest_picture_waits() -> None:
    released = threading.Event()
    stream = FakeVideo(500, before=lambda n: released.wait(5) if n == 499 else None)
    source = LiveSource(STREAM, open_video=Opener([stream]), patience=QUICK)
    source.start()
    until(lambda: source.status.frames == 499)
    frame = source.take(1)
    assert frame is not None
    assert (frame.index, frame.pixels[0, 0, 0]) == (498, 498 % 256)
    assert source.status.dropped == 498
    assert source.take(0) is None
    released.set()
    source.close()


def test_a_stream_that_drops_comes_back_with_growing_waits() -> None:
    said: list[SourceStatus] = []
    gone = VideoNotFoundError(f"{STREAM} cannot be reached: ana:secret9 was refused")
    opener = Opener([FakeVideo(3), gone, gone, gone, FakeVideo(2), FakeVideo(1)])
    source = LiveSource(STREAM, open_video=opener, patience=QUICK, on_status=said.append)
    source.start()
    until(lambda: source.status.reconnects == 2)
    source.close()
    waits = np.diff(opener.opened_at[:5])
    assert (waits >= [0.01, 0.01, 0.02, 0.04]).all()
    states = [status.state for status in said]
    assert states[:3] == [SourceState.CONNECTING, SourceState.LIVE, SourceState.LOST]
    assert states[-1] is SourceState.ENDED
    reasons = {status.reason for status in said}
    assert "rtsp://door.example/main cannot be reached: *** was refused" in reasons
    assert "secret9" not in repr(said)


def test_reasons_are_sentences_and_a_loss_is_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    said: list[SourceStatus] = []
    opener = Opener([FakeVideo(1, cut_short="Input/output error")])
    source = LiveSource(STREAM, open_video=opener, patience=QUICK, on_status=said.append)
    source.start()
    until(lambda: source.status.reconnects == 1)
    source.close()
    assert "Input/output error." in {status.reason for status in said}
    assert [one for one in caplog.records if one.levelname == "WARNING"] == []


def test_times_go_on_rising_over_a_reconnect() -> None:
    opener = Opener([FakeVideo(2, before=lambda _: time.sleep(0.01)) for _ in range(3)])
    source = LiveSource(STREAM, open_video=opener, patience=QUICK)
    source.start()
    seen: list[Frame] = []
    while len(seen) < 5:
        frame = source.take(1)
        assert frame is not None
        seen.append(frame)
    source.close()
    assert [frame.index for frame in seen] == sorted(frame.index for frame in seen)
    assert (np.diff([frame.time_s for frame in seen]) > 0).all()


def test_a_file_plays_at_its_real_speed_and_ends(film: str) -> None:
    source = LiveSource(film, open_video=Opener([FakeVideo(6, fps=50)]))
    began = time.monotonic()
    source.start()
    until(lambda: source.ended)
    assert 0.1 <= time.monotonic() - began < 0.5
    assert source.status.frames == 6
    assert (source.status.state, source.status.reason) == (SourceState.ENDED, "")
    source.close()


def test_a_stream_that_comes_in_bursts_is_shown_by_its_times() -> None:
    opener = Opener([FakeVideo(6, fps=50)])
    source = LiveSource("http://tv.example/live.m3u8", open_video=opener, patience=QUICK)
    began = time.monotonic()
    source.start()
    until(lambda: source.status.frames == 6)
    assert time.monotonic() - began >= 0.1
    source.close()


def test_a_file_begins_again(film: str) -> None:
    opener = Opener([FakeVideo(3, fps=200)])
    source = LiveSource(film, loop=True, open_video=opener)
    source.start()
    until(lambda: source.status.frames >= 12)
    source.close()
    assert len(opener.opened_at) == 1
    assert source.status.reconnects == 0


def test_a_late_file_is_not_played_in_a_hurry(film: str) -> None:
    """After a pause of the machine the rest keeps its speed."""
    now = [0.0]
    video = FakeVideo(4, fps=1000, before=lambda n: now.__setitem__(0, now[0] + 9 * (n == 2)))
    source = LiveSource(film, open_video=Opener([video]), clock=lambda: now[0])
    source.start()
    until(lambda: source.ended)
    source.close()
    assert source.status.frames == 4


def test_a_broken_file_is_an_error(film: str) -> None:
    source = LiveSource(film, open_video=Opener([VideoError("film.mp4 is empty.")]))
    source.start()
    until(lambda: source.ended)
    assert (source.status.state, source.status.reason) == (SourceState.ENDED, "film.mp4 is empty.")
    with pytest.raises(VideoError, match="is empty"):
        source.close()


def test_a_truncated_file_says_so(film: str) -> None:
    source = LiveSource(film, open_video=Opener([FakeVideo(2, cut_short="It was cut off.")]))
    source.start()
    until(lambda: source.ended)
    source.close()
    assert source.status.reason == "It was cut off."


def test_a_camera_that_never_was_there_is_an_error_and_one_that_drops_is_not() -> None:
    gone = VideoNotFoundError("There is no camera 0.")
    missing = LiveSource("0", open_video=Opener([gone]), patience=QUICK)
    missing.start()
    until(lambda: missing.ended)
    with pytest.raises(VideoNotFoundError):
        missing.close()
    dropped = LiveSource("0", open_video=Opener([FakeVideo(2), gone, FakeVideo(2)]), patience=QUICK)
    dropped.start()
    until(lambda: dropped.status.reconnects == 1)
    dropped.close()


def test_closing_does_not_wait_for_a_read_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("faceprint.pipeline.live.source._LET_GO_S", 0.05)
    hangs = threading.Event()
    source = LiveSource(
        STREAM, open_video=Opener([FakeVideo(2, before=lambda n: n and hangs.wait(5))])
    )
    source.start()
    until(lambda: source.status.frames == 1)
    began = time.monotonic()
    source.close()
    assert time.monotonic() - began < 1
    hangs.set()
