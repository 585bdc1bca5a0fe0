"""The commands on videos, as people and programs use them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer

from faceprint.cli import app as command_line
from faceprint.cli.video import app, parse_time
from faceprint.media import read_image
from faceprint.media.video import Video, VideoWriter

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds; the picture changes once a second."""
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    with VideoWriter(path, width=160, height=90, fps=20) as writer:
        for number in range(60):
            writer.write(np.full((90, 160, 3), 80 * (number // 20), np.uint8), number / 20)
    return path


@pytest.fixture
def video(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `faceprint video …`: exit code, standard output, standard error."""
    if not any(group.name == "video" for group in command_line.app.registered_groups):
        monkeypatch.setattr(
            command_line.app, "registered_groups", [*command_line.app.registered_groups]
        )
        command_line.app.add_typer(app, name="video")
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", "video", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            command_line.run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("0.5s", 0.5),
        (".5", 0.5),
        ("250ms", 0.25),
        ("2m", 120),
        ("1h", 3600),
        ("1:30", 90),
        ("90:00", 5400),
        ("00:01:30.5", 90.5),
    ],
)
def test_times_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "1:99", "1:61:00", "1:2:3:4", "nan", "1e3", "٣"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time"):
        parse_time(text)


@pytest.mark.parametrize("name", ["info", "fetch", "trim", "frames", "sheet"])
def test_help_shows_an_example(video: Run, name: str) -> None:
    code, out, _ = video(name, "--help")
    assert code == 0
    assert f"Example: faceprint video {name} " in out
    assert "--json" in out


def test_info(video: Run, clip: Path) -> None:
    code, out, _ = video("info", clip)
    assert code == 0
    assert "160 x 90" in out
    assert "0:03.000" in out
    code, out, _ = video("info", clip, "--json")
    told = json.loads(out)
    assert (told["frames"], told["fps"], told["codec"]) == (60, 20.0, "h264")


def test_frames_with_their_times_and_a_sheet(video: Run, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    code, out, _ = video(
        "frames", clip, "--every", "0.5s", "--start", "0.7", "--end", "0:02.5", "--out", folder,
        "--sheet", "--json",
    )  # fmt: skip
    assert code == 0
    times = [0.7, 1.2, 1.7, 2.2]
    told: dict[str, Any] = json.loads(out)
    assert told == json.loads((folder / "frames.json").read_text())
    assert [item["time_s"] for item in told["frames"]] == pytest.approx(times)
    assert [item["index"] for item in told["frames"]] == [14, 24, 34, 44]
    assert told["partial"] is None
    for item in told["frames"]:
        shade = 80 * (item["index"] // 20)
        assert abs(int(read_image(folder / item["file"]).pixels[40, 80, 0]) - shade) < 4
    assert read_image(folder / "sheet.jpg").pixels.shape[1] > 900
    code, _, err = video("frames", clip, "--out", folder)
    assert (code, "--force" in err) == (2, True)
    assert video("frames", clip, "--out", folder, "--force")[0] == 0


def test_frames_that_changed(video: Run, clip: Path, tmp_path: Path) -> None:
    code, out, _ = video(
        "frames", clip, "--every", "frame", "--skip-alike", "0.02", "--out", tmp_path,
        "--format", "png", "--json",
    )  # fmt: skip
    assert code == 0
    assert [item["index"] for item in json.loads(out)["frames"]] == [0, 20, 40]
    assert len(list(tmp_path.glob("*.png"))) == 3


def test_a_truncated_video_gives_what_it_has_and_exit_code_2(
    video: Run, clip: Path, tmp_path: Path
) -> None:
    short = tmp_path / "short.mp4"
    data = clip.read_bytes()
    short.write_bytes(data[: data.index(b"mdat") + (len(data) - data.index(b"mdat")) // 2])
    code, out, err = video("frames", short, "--every", "0.1", "--out", tmp_path / "f", "--json")
    told = json.loads(out)
    assert code == 2
    assert len(told["frames"]) > 3
    assert "cut short" in told["partial"]
    assert "Partial" in err


def test_trim_and_its_refusals(video: Run, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "cut.mp4"
    code, out, _ = video("trim", clip, target, "--start", "0.5s", "--end", "0:01.5", "--json")
    told = json.loads(out)
    assert (code, told["frames"], told["start_s"], told["copied"]) == (0, 20, 0.5, False)
    with Video(target) as made:
        assert len(list(made.frames())) == 20
    code, _, err = video("trim", clip, target, "--end", "1")
    assert (code, "is there already" in err) == (2, True)
    code, out, _ = video("trim", clip, target, "--start", "1", "--copy", "--force")
    assert code == 0
    assert "s early, at the keyframe before" in out
    code, out, _ = video("trim", clip, tmp_path / "x.mp4", "--start", "99", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "bad_video")
    code, out, _ = video("trim", clip, tmp_path / "x.mp4", "--start", "soon", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "usage")


def test_sheet(video: Run, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    code, out, _ = video("sheet", clip, "--out", target, "--count", "6", "--columns", "3", "--json")
    assert code == 0
    assert json.loads(out)["times_s"] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5])
    assert read_image(target).pixels.shape == (2 * 139 + 4, 3 * 244 + 4, 3)
    code, _, err = video("sheet", clip, "--out", tmp_path / "sheet.gif")
    assert (code, "expected .jpg or .png" in err) == (2, True)


@pytest.mark.parametrize(
    ("name", "said"),
    [("none.mp4", "There is no file"), ("empty.mp4", "is empty"), ("text.mp4", "not a video")],
)
def test_what_is_no_video(video: Run, tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("words " * 500)
    for arguments in (["info"], ["frames", "--out", tmp_path / "out"]):
        code, _, err = video(arguments[0], tmp_path / name, *arguments[1:])
        assert code == 2
        assert said in err
    assert not (tmp_path / "out").exists()
