"""The localiser that comes with faceprint, on photos of people whom it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from faceprint import Detection, Faceprint
from faceprint.geometry import iou_matrix
from faceprint.media.video import Video
from faceprint.types import Image


@pytest.fixture(scope="module")
def localizer() -> Iterator[Faceprint]:
    with Faceprint(detector="localizer") as made:
        yield made


@pytest.fixture(scope="module")
def yunet() -> Iterator[Faceprint]:
    with Faceprint(detector="yunet") as made:
        yield made


def photos(root: Path, count: int) -> list[Path]:
    """A photo of each of some people of peopleDevTest, of whom none is in peopleDevTrain."""
    lines = (root / "peopleDevTest.txt").read_text("utf-8").splitlines()[1:]
    paths = [root / line.split()[0] / f"{line.split()[0]}_0001.jpg" for line in lines]
    return [path for path in paths if path.is_file()][:: max(1, len(paths) // (2 * count))][:count]


def overlaps(mine: list[Detection], theirs: list[Detection]) -> np.ndarray:
    """Of my only find with the nearest of theirs, for each photo with one of theirs; 0 without a find."""
    found = []
    for one, other in zip(mine, theirs, strict=True):
        assert len(one.faces) <= 1
        if other.faces:
            boxes = [
                np.stack([face.box for face in each.faces]) for each in (one, other) if each.faces
            ]
            found.append(float(iou_matrix(*boxes).max()) if one.faces else 0.0)
    return np.array(found)


def detected(faceprint: Faceprint, some: list[Path] | list[Image]) -> list[Detection]:
    results = list(faceprint.detect_many(some))
    assert all(isinstance(one, Detection) for one in results)
    return [one for one in results if isinstance(one, Detection)]


def test_it_finds_faces_of_people_it_has_never_seen(
    data_root: Path, localizer: Faceprint, yunet: Faceprint
) -> None:
    some = photos(data_root / "lfw", 60)
    assert len(some) >= 50
    found = overlaps(detected(localizer, some), detected(yunet, some))
    assert (found >= 0.5).mean() >= 0.95
    assert found.mean() >= 0.75


def test_it_finds_somebody_before_a_camera(
    data_root: Path, localizer: Faceprint, yunet: Faceprint
) -> None:
    with Video(data_root / "video" / "interview.mp4") as video:
        frames = [frame.pixels for frame in video.frames(every_s=1.0)]
    found = overlaps(detected(localizer, frames), detected(yunet, frames))
    assert len(found) == len(frames)
    assert found.min() >= 0.75


def test_where_there_is_no_face_it_finds_none(localizer: Faceprint) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    some = [
        *(np.ascontiguousarray(one) for one in (data.coffee(), data.chelsea(), data.rocket())),
        *(np.full((240, 320, 3), level, np.uint8) for level in (0, 128, 255)),
        noise,
        np.zeros((3, 500, 3), np.uint8),
    ]
    assert [len(one.faces) for one in detected(localizer, some)] == [0] * len(some)
