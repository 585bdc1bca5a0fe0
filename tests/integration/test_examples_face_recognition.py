"""The programs in examples/face_recognition, each run as its docstring says, on real photos and a video."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from faceprint.media import read_image, write_image
from faceprint.media.video import Video, trim

EXAMPLES = Path(__file__).parents[2] / "examples" / "face_recognition"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("dlib") is None, reason="needs the extra dlib"),
]


@pytest.fixture
def people(data_root: Path) -> Path:
    return data_root / "people"


@pytest.fixture
def group(people: Path, tmp_path: Path) -> Path:
    """Two people in one photo, at a size at which nobody has to wait."""
    path = tmp_path / "group.png"
    write_image(path, read_image(people / "test" / "obama_and_biden.jpg").pixels[::2, ::2])
    return path


def run(name: str, *arguments: object, cache: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *map(str, arguments)],
        env={**os.environ, "FACEPRINT_CACHE": str(cache), "FACEPRINT_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def changed(before: Path, after: Path) -> np.ndarray:
    """Where two pictures of one size differ by more than saving does."""
    pixels = [read_image(path).pixels.astype(int) for path in (before, after)]
    assert pixels[0].shape == pixels[1].shape
    found: np.ndarray = np.abs(pixels[0] - pixels[1]).max(axis=2) > 24
    return found


def test_every_program_imports_no_other_library_for_faces() -> None:
    programs = sorted(EXAMPLES.glob("*.py"))
    assert len(programs) == 5
    for program in programs:
        text = program.read_text()
        assert "from faceprint.compat import face_recognition\n" in text
        assert f"examples/face_recognition/{program.name}" in text
        assert "cv2" not in text


def test_faces_of_a_photo_are_named(
    people: Path, group: Path, tmp_path: Path, cache_root: Path
) -> None:
    out = tmp_path / "named.png"
    said = run("name_faces.py", people / "train", group, out, cache=cache_root)
    names = [line.split(" at ")[0] for line in said.splitlines()]
    assert {"obama", "biden"} <= set(names)
    assert names.count("obama") == names.count("biden") == 1
    assert changed(group, out).any()


def test_faces_of_a_video_are_named(people: Path, tmp_path: Path, cache_root: Path) -> None:
    source = people.parent / "video" / "hamilton.mp4"
    known, clip, out = tmp_path / "known", tmp_path / "clip.mp4", tmp_path / "named.mp4"
    for name in ("singer", "obama"):
        (known / name).mkdir(parents=True)
    shutil.copy(people / "obama.jpg", known / "obama")
    with Video(source) as video:
        write_image(known / "singer" / "later.png", next(video.frames(start_s=6.5)).pixels)
    trim(source, clip, start_s=5.1, end_s=5.9)
    said = run("name_faces_in_video.py", known, clip, out, "--every", 6, cache=cache_root)
    with Video(clip) as before, Video(out) as after:
        pairs = list(zip(before.frames(), after.frames(), strict=True))
        assert (before.info.width, before.info.height) == (after.info.width, after.info.height)
        assert before.info.has_audio is after.info.has_audio is True
    (line,) = said.splitlines()
    assert line.startswith("singer in ")
    assert len(pairs) == 24
    assert int(line.split()[2]) >= 18
    differences = [np.abs(a.pixels.astype(int) - b.pixels).max(axis=2) > 60 for a, b in pairs]
    assert sum(difference.sum() > 500 for difference in differences) >= 18


def test_people_are_told_apart_by_their_neighbours(people: Path, cache_root: Path) -> None:
    photos = [people / "test" / f"{name}.jpg" for name in ("obama1", "johnsnow_test1")]
    stranger = people / "celebrities" / "kate_siegel" / "1.jpg"
    said = run("classify_faces.py", people / "train", *photos, stranger, cache=cache_root)
    names = [line.split(": ")[1].split(" at ")[0] for line in said.splitlines()]
    assert names == ["obama", "kit_harington", "unknown"]


def test_faces_are_blurred(group: Path, tmp_path: Path, cache_root: Path) -> None:
    out = tmp_path / "blurred.png"
    count = int(run("blur_faces.py", group, out, cache=cache_root).split()[0])
    assert count >= 2
    where = changed(group, out)
    assert 0.005 < where.mean() < 0.3
    assert not where[-40:].any()


def test_faces_are_painted(group: Path, tmp_path: Path, cache_root: Path) -> None:
    out = tmp_path / "painted.png"
    count = int(run("make_up.py", group, out, cache=cache_root).split()[0])
    assert count >= 2
    assert 0.0005 < changed(group, out).mean() < 0.05
