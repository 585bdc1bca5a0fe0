"""`faceprint video identify`, `people` and `name`, as people run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faceprint.cli.output import stoppable
from faceprint.media.video import Video


@pytest.fixture
def environment(tmp_path: Path, cache_root: Path) -> dict[str, str]:
    return os.environ | {
        "FACEPRINT_GALLERY": str(tmp_path / "gallery.db"),
        "FACEPRINT_CACHE": str(cache_root),
        "FACEPRINT_WEIGHTS": str(tmp_path / "weights"),
        "COLUMNS": "160",
    }


def run(
    environment: dict[str, str], folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "faceprint", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_from_a_file_to_a_named_person(
    data_root: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    video = str(data_root / "video" / "hamilton.mp4")
    done = run(environment, tmp_path, "video", "identify", video, "--start", "3", "--end", "4.5")
    assert done.returncode == 0, done.stderr
    assert "Person 1" in done.stdout
    folder = tmp_path / "hamilton-people"
    assert {p.name for p in folder.iterdir()} == {
        "faces",
        "labelled.mp4",
        "timeline.csv",
        "timeline.html",
        "timeline.json",
    }
    page = (folder / "timeline.html").read_text("utf-8")
    assert 'src="labelled.mp4"' in page
    named = run(
        environment,
        tmp_path,
        *("video", "name", "hamilton-people", "Person 1", "Lin-Manuel Miranda"),
        *("--consent", "signed form"),
    )
    assert named.returncode == 0, named.stderr
    assert "New person Lin-Manuel Miranda" in named.stdout
    people = run(environment, tmp_path, "video", "people", "hamilton-people", "--json")
    assert json.loads(people.stdout)[0]["name"] == "Lin-Manuel Miranda"
    again = run(
        environment,
        tmp_path,
        *("video", "identify", video, "--end", "0.6", "--no-labelled", "--json"),
    )
    record = json.loads(again.stdout)
    assert record["people"][0]["name"] == "Lin-Manuel Miranda"
    assert record["analysed"]["partial"] is None


def test_what_a_cut_off_file_shows_is_kept(
    data_root: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    whole = run(
        environment, tmp_path, "video", "trim", str(data_root / "video/interview.mp4"), "all.mp4"
    )
    assert whole.returncode == 0, whole.stderr
    data = (tmp_path / "all.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    done = run(environment, tmp_path, "video", "identify", "cut.mp4", "--json")
    record = json.loads(done.stdout)
    assert done.returncode == 2, done.stderr
    assert record["analysed"]["partial"][0].isupper()
    assert 3 < record["analysed"]["to_s"] < 6
    assert len(record["people"]) == 1


def test_the_first_interruption_asks_and_the_second_ends() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as stop:
        assert not stop()
        signal.raise_signal(signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to another process")
def test_an_interrupted_run_keeps_what_it_found(
    data_root: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    video = str(data_root / "video" / "street.mp4")
    started = subprocess.Popen(
        [sys.executable, "-m", "faceprint", "video", "identify", video, "--out", "out"],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while started.poll() is None and not any(
            part.stat().st_size > 100_000 for part in (tmp_path / "out").glob(".*.part")
        ):
            time.sleep(0.01)  # until the video with names is being written, which takes seconds
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=60)
    finally:
        started.kill()
    assert started.returncode == 130
    assert "kept" in err
    assert {p.name for p in (tmp_path / "out").iterdir()} == {
        "faces",
        "labelled.partial.mp4",
        "timeline.csv",
        "timeline.html",
        "timeline.json",
    }
    page = (tmp_path / "out" / "timeline.html").read_text("utf-8")
    assert 'src="labelled.partial.mp4"' in page
    with Video(tmp_path / "out" / "labelled.partial.mp4") as written:
        assert 0 < sum(1 for _ in written.frames()) < 105


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("identify", "nowhere.mp4"), "no file nowhere.mp4"),
        (("identify", "."), "folder"),
        (("identify", "text.mp4"), "not a video"),
        (("identify", "text.mp4", "--out", "text.mp4"), "is a file"),
        (("identify", "text.mp4", "--out", "."), "holds other files"),
        (("people", "nowhere"), "timeline.json"),
        (("name", "nowhere", "Person 1", "Ada"), "timeline.json"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    tmp_path: Path, environment: dict[str, str], arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "text.mp4").write_text("This is no video. " * 100)
    done = run(environment, tmp_path, "video", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
