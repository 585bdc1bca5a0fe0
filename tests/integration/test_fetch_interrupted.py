"""Ctrl-C in the middle of work on a video keeps what is done, and marks it as partial."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceprint.media.video import Video, VideoWriter

PROGRAM = """
from faceprint.cli import app, video
if not any(group.name == "video" for group in app.app.registered_groups):
    app.app.add_typer(video.app, name="video")
app.run()
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mp4"
    noise = np.random.default_rng(0).integers(0, 256, (360, 640, 3), dtype=np.uint8)
    with VideoWriter(path, width=640, height=360, fps=25) as writer:
        for number in range(250):
            writer.write(np.roll(noise, 8 * number, axis=1), number / 25)
    return path


def interrupt(*arguments: str | Path, when: Callable[[], bool]) -> str:
    """Runs `faceprint video …`, presses Ctrl-C once a condition is met; standard error."""
    command = [sys.executable, "-c", PROGRAM, "video", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while running.poll() is None and not when():
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    return told


def test_frames_are_kept_and_marked(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    told = interrupt(
        *("frames", clip, "--every", "frame", "--out", folder, "--format", "png"),
        when=lambda: bool(list(folder.glob("frame-000003*.png"))),
    )
    assert f"The frames so far are kept in {folder}" in told
    listed = json.loads((folder / "frames.json").read_text())
    assert listed["partial"] == "interrupted"
    assert 3 <= len(listed["frames"]) < 250
    assert {path.name for path in folder.glob("*.png")} >= {i["file"] for i in listed["frames"]}
    assert list(folder.glob(".*")) == []


def test_a_cut_is_kept_as_partial(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "cuts"
    folder.mkdir()
    told = interrupt(
        *("trim", clip, folder / "cut.mp4"),
        when=lambda: any(draft.stat().st_size > 100_000 for draft in folder.glob(".*.part")),
    )
    assert "cut.partial.mp4" in told
    assert [path.name for path in folder.iterdir()] == ["cut.partial.mp4"]
    with Video(folder / "cut.partial.mp4") as video:
        assert 10 < len(list(video.frames())) < 250
        assert video.cut_short is None
