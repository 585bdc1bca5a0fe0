"""Videos are written whole, in time with their sound, or kept as what they are: partial."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from faceprint.errors import ImageError, OutputError, VideoError, VideoFormatError
from faceprint.media.video import Video, VideoWriter, trim
from faceprint.types import Image

RATE = 44100


def shade(value: int, width: int = 96, height: int = 64) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def write_clip(path: Path, *, audio: str | None = "aac", seconds: float = 4) -> Path:
    """White from second 1 on, and with it one click a second."""
    with av.open(str(path), "w") as container:
        video: Any = container.add_stream(
            "libx264", rate=25, options={"g": "25", "bf": "2", "sc_threshold": "0"}
        )
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        track: Any = container.add_stream(audio, rate=RATE) if audio else None
        for number in range(round(25 * seconds)):
            value = 255 if number % 25 < 3 and number >= 25 else 0
            frame = av.VideoFrame.from_ndarray(shade(value), "rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if track is not None:
            wave = np.zeros(round(RATE * seconds), np.float32)
            for second in range(1, round(seconds)):
                wave[second * RATE : second * RATE + 600] = np.sin(np.arange(600) * 0.3) * 0.9
            planes = np.stack([wave, wave])
            for start in range(0, len(wave), 1024):
                sound = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(planes[:, start : start + 1024]), "fltp", "stereo"
                )
                sound.sample_rate, sound.pts = RATE, start
                container.mux(track.encode(sound))
            container.mux(track.encode(None))
    return path


def clicks(path: Path) -> list[float]:
    """When the sound goes from silence to loud, in seconds."""
    found: list[float] = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                loud = np.flatnonzero(np.abs(piece.to_ndarray()[0]) > 0.3)
                for at in loud:
                    time_s = (piece.time or 0.0) + at / RATE
                    if not found or time_s - found[-1] > 0.3:
                        found.append(time_s)
    return found


def flashes(path: Path) -> list[float]:
    """When the picture goes from dark to bright, in seconds."""
    found: list[float] = []
    bright = False
    with Video(path) as video:
        for frame in video.frames():
            now = frame.pixels.mean() > 128
            if now and not bright:
                found.append(frame.time_s)
            bright = bool(now)
    return found


def leftovers(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir() if item.name.startswith("."))


def test_pictures_come_back_as_they_went_in(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 96).astype(np.uint8)
    pixels = np.stack([np.tile(ramp, (64, 1)), np.tile(ramp[::-1], (64, 1)), shade(90)[..., 0]], 2)
    path = tmp_path / "ramp.mp4"
    with VideoWriter(path, width=96, height=64, fps=25) as writer:
        for number in range(5):
            writer.write(pixels, number / 25)
    with Video(path) as video:
        back = list(video.frames())
        assert video.info.codec == "h264"
    assert len(back) == 5
    assert np.abs(back[2].pixels.astype(int) - pixels).mean() < 5
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert leftovers(tmp_path) == []


def test_odd_sizes_grow_by_one(tmp_path: Path) -> None:
    path = tmp_path / "odd.mp4"
    with VideoWriter(path, width=61, height=47, fps=25) as writer:
        writer.write(shade(200, 61, 47), 0)
    with Video(path) as video:
        pixels = next(video.frames()).pixels
    assert pixels.shape == (48, 62, 3)
    assert np.abs(pixels.astype(int) - 200).max() < 6


@pytest.mark.parametrize("audio", ["aac", "libmp3lame", "ac3", "pcm_s16le"])
def test_sound_stays_in_time(tmp_path: Path, audio: str) -> None:
    suffix = ".mkv" if audio == "pcm_s16le" else ".mp4"
    source = write_clip(tmp_path / f"source{suffix}", audio=audio)
    assert flashes(source) == pytest.approx([1, 2, 3], abs=0.001)
    path = tmp_path / "cut.mp4"
    made = trim(source, path, start_s=0.52, end_s=2.6)
    assert made.start_s == pytest.approx(0.52)
    assert made.frames == 52
    assert flashes(path) == pytest.approx([0.48, 1.48], abs=0.001)
    offset = clicks(source)[0] - 1
    assert clicks(path) == pytest.approx([0.48 + offset, 1.48 + offset], abs=0.003)
    with av.open(str(path)) as container:
        name = container.streams.audio[0].codec_context.name
        assert name == (
            "aac" if audio.startswith("pcm") else audio.replace("libmp3lame", "mp3float")
        )
        assert (container.duration or 0) / 1e6 == pytest.approx(2.08, abs=0.06)


def test_copying_starts_at_the_keyframe_before_and_says_so(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "source.mp4")
    path = tmp_path / "cut.mp4"
    made = trim(source, path, start_s=1.6, end_s=3.2, copy=True)
    assert made.copied
    assert made.start_s == pytest.approx(1.0)
    assert flashes(path) == pytest.approx([0.0, 1.0, 2.0], abs=0.001)
    offset = clicks(source)[0] - 1
    assert clicks(path)[-1] == pytest.approx(2.0 + offset, abs=0.003)
    with Video(path) as video:
        assert len(list(video.frames())) == made.frames == pytest.approx(55, abs=4)
        assert video.cut_short is None
    assert leftovers(tmp_path) == []


def test_copying_keeps_the_turn_of_the_camera(tmp_path: Path) -> None:
    source = tmp_path / "turned.mp4"
    with av.open(str(source), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.set_display_rotation(90)
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(shade(50), "rgb24")))
        container.mux(stream.encode())
    trim(source, tmp_path / "copied.mp4", copy=True)
    trim(source, tmp_path / "encoded.mp4")
    for name, turned in (("copied", 270), ("encoded", 0)):
        with Video(tmp_path / f"{name}.mp4") as video:
            assert (video.info.width, video.info.height) == (64, 96)
            assert video.info.rotation_deg == turned


def test_a_trim_that_makes_no_sense_writes_nothing(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "source.mp4", audio=None, seconds=1)
    with pytest.raises(VideoError, match=r"no frame from 9 s on.*it lasts 1.000 s"):
        trim(source, tmp_path / "cut.mp4", start_s=9)
    with pytest.raises(OutputError, match="is the video itself"):
        trim(source, source, end_s=0.5)
    with pytest.raises(OutputError, match=r"expected \.mp4"):
        trim(source, tmp_path / "cut.gif")
    with pytest.raises(OutputError, match="There is no folder"):
        trim(source, tmp_path / "none" / "cut.mp4")
    with pytest.raises(OutputError, match="There is no folder"):
        trim(source, tmp_path / "none" / "cut.mp4", copy=True)
    assert [item.name for item in tmp_path.iterdir()] == ["source.mp4"]


def test_leaving_early_keeps_what_can_be_played(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    path.write_bytes(b"from before")
    writer = VideoWriter(path, width=96, height=64, fps=25)

    def write_and_stop() -> None:
        with writer:
            for number in range(30):
                writer.write(shade(number), number / 25)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        write_and_stop()
    assert path.read_bytes() == b"from before"
    assert writer.kept == tmp_path / "video.partial.mp4"
    assert "video.partial.mp4" in stopped.value.__notes__[0]
    with Video(writer.kept) as video:
        assert len(list(video.frames())) == 30
    assert leftovers(tmp_path) == []


def test_leaving_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(KeyError),
        VideoWriter(tmp_path / "a.mp4", width=96, height=64, fps=25) as writer,
    ):
        raise KeyError
    assert writer.kept is None
    with (
        pytest.raises(OutputError, match="got no frame"),
        VideoWriter(tmp_path / "b.mp4", width=96, height=64, fps=25),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_wrong_frames_and_sound_are_refused(tmp_path: Path) -> None:
    with (
        pytest.raises(ImageError, match="does not fit a video of 96 × 64"),
        VideoWriter(tmp_path / "a.mp4", width=96, height=64, fps=25) as writer,
    ):
        writer.write(shade(0, 64, 96), 0)
    text = tmp_path / "text.txt"
    text.write_text("no sound")
    with pytest.raises(VideoFormatError):
        VideoWriter(tmp_path / "a.mp4", width=96, height=64, fps=25, sound_from=text)
    with pytest.raises(OutputError, match="There is no folder"):
        VideoWriter(tmp_path / "none" / "a.mp4", width=96, height=64, fps=25)
    assert [item.name for item in tmp_path.iterdir()] == ["text.txt"]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes there")
@pytest.mark.parametrize("limit", [1_500_000, 3_000])
def test_a_full_disk_keeps_what_can_be_played(tmp_path: Path, limit: int) -> None:
    program = """
import json, resource, sys
from pathlib import Path
import numpy as np
from faceprint.errors import OutputError
from faceprint.media.video import VideoWriter
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
noise = np.random.default_rng(0)
try:
    with VideoWriter(Path(sys.argv[1]) / "v.mp4", width=160, height=120, fps=5) as writer:
        for number in range(300):
            writer.write(noise.integers(0, 256, (120, 160, 3), dtype=np.uint8), number / 5)
except OutputError as error:
    print(json.dumps([str(error), str(writer.kept)]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path, str(limit)],
        capture_output=True,
        text=True,
        check=True,
    )
    message, kept = json.loads(done.stdout)
    assert "the disk is full" in message
    assert "Make room" in message
    assert done.stderr == ""
    if limit < 100_000:
        assert kept == "None"
        assert list(tmp_path.iterdir()) == []
        return
    assert kept in message
    with Video(kept) as video:
        frames = [frame.index for frame in video.frames()]
    assert frames == list(range(len(frames)))
    assert len(frames) > 20
    assert [item.name for item in tmp_path.iterdir()] == ["v.partial.mp4"]
