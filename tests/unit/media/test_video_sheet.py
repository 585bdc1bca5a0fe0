"""Frames as files, frames that change, and frames at a glance."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import OutputError, VideoError
from faceprint.media import read_image
from faceprint.media.video import Frame, VideoInfo, contact_sheet, format_time, skip_alike
from faceprint.media.video.save import FrameFolder

INFO = VideoInfo("clip.mp4", 90, 60, 1.2, 25.0, 30, 0, "h264", False)


def frame(index: int, value: int = 0) -> Frame:
    return Frame(index, index / 25, np.full((60, 90, 3), value, np.uint8))


def test_frames_that_show_the_same_are_left_out() -> None:
    values = [10, 10, 12, 14, 16, 60, 60, 10]
    given = list(skip_alike((frame(n, v) for n, v in enumerate(values)), min_change=0.02))
    # 16 differs from the last one given, 10, by 6/255; its neighbours differ by less.
    assert [f.index for f in given] == [0, 4, 5, 7]
    exact = list(skip_alike((frame(n, v) for n, v in enumerate(values)), min_change=0))
    assert [f.index for f in exact] == [0, 2, 3, 4, 5, 7]
    with pytest.raises(ValueError, match="from 0 to 1"):
        skip_alike([], min_change=2)


def test_noise_is_no_change_and_a_moved_thing_is() -> None:
    noise = np.random.default_rng(0).integers(-3, 4, (2, 360, 640, 3))
    scene = np.full((360, 640, 3), 120)
    noisy = [Frame(n, n / 25, (scene + noise[n]).astype(np.uint8)) for n in (0, 1)]
    moved = scene.copy()
    moved[50:250, 100:300] = 20
    frames = [*noisy, Frame(2, 0.08, moved.astype(np.uint8))]
    assert [f.index for f in skip_alike(frames, min_change=0.02)] == [0, 2]


@pytest.mark.parametrize(
    ("time_s", "text"),
    [(0, "0:00.000"), (4.1, "0:04.100"), (59.9996, "1:00.000"), (3723.5, "1:02:03.500")],
)
def test_times_read_as_people_write_them(time_s: float, text: str) -> None:
    assert format_time(time_s) == text


def test_a_contact_sheet_is_a_grid_in_order() -> None:
    taken: list[int] = []

    def frames() -> Iterator[Frame]:
        for number in range(7):
            taken.append(number)
            yield frame(number, 30 * number)

    sheet = contact_sheet(frames(), columns=3, tile_px=90)
    assert taken == list(range(7))
    assert sheet.shape == (3 * 64 + 4, 3 * 94 + 4, 3)
    middles = [sheet[4 + 64 * (n // 3) + 10, 4 + 94 * (n % 3) + 45, 0] for n in range(7)]
    assert middles == [30 * n for n in range(7)]
    # The time stands in the lower left corner: light letters on a dark plate.
    assert sheet[4 + 45 : 4 + 60, 4:40].max() > 200
    assert sheet[4 : 4 + 40, 4:94].max() == 0
    with pytest.raises(VideoError, match="at least one frame"):
        contact_sheet([])


@pytest.mark.parametrize("format", ["jpg", "png"])
def test_pictures_carry_place_and_time_in_their_names(tmp_path: Path, format: str) -> None:
    with FrameFolder(tmp_path / "out", INFO, format=format) as folder:  # type: ignore[arg-type]
        for _ in folder.save([frame(0, 80), frame(123, 90)]):
            pass
    names = [f"frame-000000-0.000s.{format}", f"frame-000123-4.920s.{format}"]
    listed = json.loads((tmp_path / "out" / "frames.json").read_text())
    assert listed["video"]["name"] == "clip.mp4"
    assert [item["file"] for item in listed["frames"]] == names
    assert [item["time_s"] for item in listed["frames"]] == [0, 123 / 25]
    assert listed["partial"] is None
    with (tmp_path / "out" / "frames.csv").open(newline="") as file:
        assert [float(row["time_s"]) for row in csv.DictReader(file)] == [0, 123 / 25]
    assert abs(int(read_image(tmp_path / "out" / names[1]).pixels[5, 5, 0]) - 90) < 3
    assert len(list((tmp_path / "out").iterdir())) == 4


@pytest.mark.parametrize(
    ("error", "said"),
    [(KeyboardInterrupt(), "interrupted"), (VideoError("The camera left."), "The camera left.")],
)
def test_what_was_saved_is_kept_and_marked(tmp_path: Path, error: BaseException, said: str) -> None:
    def frames() -> Iterator[Frame]:
        yield frame(0)
        raise error

    with pytest.raises(type(error)), FrameFolder(tmp_path, INFO) as folder:
        for _ in folder.save(frames()):
            pass
    listed = json.loads((tmp_path / "frames.json").read_text())
    assert listed["partial"] == said
    assert [item["file"] for item in listed["frames"]] == ["frame-000000-0.000s.jpg"]


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    (tmp_path / "frame-000000-0.000s.jpg").write_bytes(b"mine")
    with (
        pytest.raises(OutputError, match="is there already"),
        FrameFolder(tmp_path, INFO) as folder,
    ):
        list(folder.save([frame(0)]))
    assert (tmp_path / "frame-000000-0.000s.jpg").read_bytes() == b"mine"
    assert "is there already" in json.loads((tmp_path / "frames.json").read_text())["partial"]
    with pytest.raises(OutputError, match="holds frames already"):
        FrameFolder(tmp_path, INFO)
    with FrameFolder(tmp_path, INFO, replace=True) as folder:
        list(folder.save([frame(0)]))
    assert (tmp_path / "frame-000000-0.000s.jpg").read_bytes() != b"mine"
