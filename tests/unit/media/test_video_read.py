"""Frames come upright, in their true colours, each with its exact time and place."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from faceprint.errors import VideoError
from faceprint.media.video import Video, VideoWriter
from faceprint.types import Image

RED, GREEN = (255, 0, 0), (0, 255, 0)


def picture(width: int, height: int, shade: int = 0) -> Image:
    """Red in the top left corner, green in the bottom right one, a shade in the middle."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 4, : width // 4] = RED
    pixels[-(height // 4) :, -(width // 4) :] = GREEN
    pixels[height // 3 : -height // 3, width // 3 : -width // 3] = shade
    return pixels


def write_video(
    path: Path,
    *,
    frames: int = 30,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    size: tuple[int, int] = (96, 64),
    format: str | None = None,
    rotation: Any = None,
    aspect: Fraction | None = None,
) -> Path:
    """A clip at 25 frames a second, made by PyAV alone."""
    with av.open(str(path), "w", format=format) as container:
        stream: Any = container.add_stream(codec, rate=25, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(*rotation)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(*size, shade=8 * number % 256), "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def corners(pixels: Image) -> str:
    """The corners, row by row: R, G or a dot for black."""
    found = (pixels[4, 4], pixels[4, -5], pixels[-5, 4], pixels[-5, -5])
    return "".join("RGB"[int(np.argmax(c))] if c.max() > 100 else "." for c in found)


@pytest.mark.parametrize(
    ("rotation", "degrees", "shape", "expected"),
    [
        ((0,), 0, (64, 96), "R..G"),
        ((90,), 270, (96, 64), ".GR."),
        ((180,), 180, (64, 96), "G..R"),
        ((-90,), 90, (96, 64), ".RG."),
        ((0, True, False), 0, (64, 96), ".RG."),
    ],
)
def test_a_turned_camera_is_turned_back(
    tmp_path: Path,
    rotation: tuple[float, ...],
    degrees: int,
    shape: tuple[int, int],
    expected: str,
) -> None:
    path = write_video(tmp_path / "turned.mp4", frames=3, rotation=rotation)
    with Video(path) as video:
        frame = next(video.frames())
    assert video.info.rotation_deg == degrees
    assert (video.info.height, video.info.width) == frame.pixels.shape[:2] == shape
    assert corners(frame.pixels) == expected


@pytest.mark.parametrize(
    ("aspect", "shape"), [(Fraction(16, 11), (64, 140)), (Fraction(1, 2), (128, 96))]
)
def test_pixels_are_made_square(tmp_path: Path, aspect: Fraction, shape: tuple[int, int]) -> None:
    path = write_video(tmp_path / "wide.mp4", frames=2, aspect=aspect)
    with Video(path) as video:
        assert next(video.frames()).pixels.shape[:2] == shape


@pytest.mark.parametrize("codec", ["libx264", "ffv1"])
def test_odd_sizes_come_whole(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "odd.mkv"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 61, 47, "yuv444p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(61, 47), "rgb24")))
        container.mux(stream.encode())
    with Video(path) as video:
        pixels = next(video.frames()).pixels
    assert pixels.shape == (47, 61, 3)
    assert pixels.flags.c_contiguous
    assert corners(pixels) == "R..G"


@pytest.mark.parametrize("space", [Colorspace.ITU709, Colorspace.ITU601])
@pytest.mark.parametrize("span", [ColorRange.MPEG, ColorRange.JPEG])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_colours_are_true(
    tmp_path: Path, space: Colorspace, span: ColorRange, pixel_format: str
) -> None:
    colour = (200, 90, 40)
    path = tmp_path / "colour.mp4"
    tag = 1 if space is Colorspace.ITU709 else 6
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 64, pixel_format
        stream.codec_context.colorspace = tag
        stream.codec_context.color_range = int(span)
        flat = av.VideoFrame.from_ndarray(np.full((64, 64, 3), colour, np.uint8), "rgb24")
        frame = flat.reformat(
            format=pixel_format, dst_colorspace=space, dst_color_range=span, src_color_range=2
        )
        frame.colorspace, frame.color_range, frame.pts = tag, int(span), 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with Video(path) as video:
        got = next(video.frames()).pixels[32, 32].astype(int)
    assert np.abs(got - colour).max() <= 4


@pytest.mark.parametrize(
    ("format", "codec", "options"),
    [
        ("mp4", "libx264", {"g": "10", "x264-params": "open-gop=1"}),
        ("mp4", "mpeg4", {"bf": "2"}),
        ("matroska", "libx264", {"g": "10"}),
        ("mpegts", "libx264", {"g": "10"}),
        ("h264", "libx264", {"g": "10"}),
        ("avi", "mpeg4", {}),
        ("webm", "libvpx", {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}),
        ("gif", "gif", {}),
    ],
)
def test_every_way_in_gives_the_same_places_and_times(
    tmp_path: Path, format: str, codec: str, options: dict[str, str]
) -> None:
    if codec == "gif":
        path = tmp_path / "clip"
        with av.open(str(path), "w", format="gif") as container:
            stream: Any = container.add_stream("gif", rate=25)
            stream.width, stream.height, stream.pix_fmt = 96, 64, "rgb8"
            for number in range(60):
                frame = av.VideoFrame.from_ndarray(picture(96, 64, number), "rgb24")
                frame.pts, frame.time_base = number, Fraction(1, 25)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    else:
        path = write_video(
            tmp_path / "clip", frames=60, codec=codec, options=options, format=format
        )
    with Video(path) as video:
        every = [(frame.index, round(frame.time_s, 3)) for frame in video.frames()]
        assert [index for index, _ in every] == list(range(60))
        assert [time_s for _, time_s in every] == pytest.approx(np.arange(60) / 25, abs=0.002)
        assert (video.damaged, video.cut_short) == (0, None)
        late = [(f.index, round(f.time_s, 2)) for f in video.frames(start_s=1.5, end_s=1.61)]
        assert late == [(38, 1.52), (39, 1.56), (40, 1.6)]
        assert video.damaged == 0
        steps = [f.index for f in video.frames(every_s=0.5)]
        assert steps == [0, 13, 25, 38, 50]
        assert video.damaged == 0


def test_a_step_takes_the_frame_at_or_after_it_and_jumps_where_that_saves_work(
    tmp_path: Path,
) -> None:
    path = write_video(tmp_path / "long.mp4", frames=400, options={"g": "10"})
    with Video(path) as video:
        taken = [(frame.index, frame.time_s) for frame in video.frames(every_s=3.01)]
        again = [frame.index for frame in video.frames(every_s=0.04)]
    assert taken == [(0, 0.0), (76, 3.04), (151, 6.04), (226, 9.04), (301, 12.04), (377, 15.08)]
    assert again == list(range(400))


def test_variable_rates_keep_their_times(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.11, 0.12, 0.5, 0.503, 1.2, 3.0]
    path = tmp_path / "variable.mp4"
    with VideoWriter(path, width=96, height=64, fps=10) as writer:
        for time_s in times:
            writer.write(picture(96, 64), 7 + time_s)
    with Video(path) as video:
        assert [f.time_s for f in video.frames()] == pytest.approx(times, abs=1e-4)
        assert [f.index for f in video.frames(every_s=0.5)] == [0, 4, 6, 7]
        assert video.info.duration_s == pytest.approx(3.1, abs=0.01)


def test_the_first_frame_is_time_zero_wherever_the_container_begins(tmp_path: Path) -> None:
    path = write_video(tmp_path / "broadcast.ts", format="mpegts")
    with av.open(str(path)) as container:
        assert (container.start_time or 0) > 0
    with Video(path) as video:
        assert next(video.frames()).time_s == 0.0
        assert video.zero_s > 0


def test_a_new_pass_ends_the_one_before(tmp_path: Path) -> None:
    with Video(write_video(tmp_path / "clip.mp4")) as video:
        first = video.frames()
        next(first)
        second = video.frames(start_s=0.4)
        assert next(second).index == 10
        assert list(first) == []
        assert next(second).index == 11


def test_a_file_object_will_do(tmp_path: Path) -> None:
    data = write_video(tmp_path / "clip.mp4").read_bytes()
    with Video(io.BytesIO(data)) as video:
        assert video.info.name == "video"
        assert len(list(video.frames())) == 30
        assert next(video.frames(start_s=1)).index == 25


def test_what_the_container_says_is_told(tmp_path: Path) -> None:
    with Video(write_video(tmp_path / "clip.mp4")) as video:
        info = video.info
    assert (info.width, info.height, info.frames, info.codec) == (96, 64, 30, "h264")
    assert info.fps == 25
    assert info.duration_s == pytest.approx(1.2)
    assert not info.has_audio
    assert info.to_dict()["rotation_deg"] == 0


@pytest.mark.parametrize(
    "asked", [{"start_s": -1}, {"start_s": 2, "end_s": 1}, {"every_s": 0}, {"start_s": np.nan}]
)
def test_times_that_make_no_sense_are_refused(tmp_path: Path, asked: dict[str, float]) -> None:
    with Video(write_video(tmp_path / "clip.mp4", frames=2)) as video, pytest.raises(VideoError):
        video.frames(**asked)


def test_past_the_end_there_is_nothing(tmp_path: Path) -> None:
    with Video(write_video(tmp_path / "clip.mp4")) as video:
        assert list(video.frames(start_s=60)) == []


def test_the_videos_of_the_data_folder(data_root: Path) -> None:
    for name, frames, fps in (
        ("hamilton", 275, 29.97),
        ("interview", 200, 25),
        ("street", 105, 25),
    ):
        with Video(data_root / "video" / f"{name}.mp4") as video:
            assert (video.info.frames, video.info.has_audio) == (frames, True)
            taken = [(frame.index, frame.time_s) for frame in video.frames(every_s=1)]
            assert video.damaged == 0
            assert video.cut_short is None
        assert [index for index, _ in taken] == [
            pytest.approx(index_s * fps, abs=1.01) for index_s in range(len(taken))
        ]
        assert all(0 <= time_s - second < 1.001 / fps for second, (_, time_s) in enumerate(taken))
