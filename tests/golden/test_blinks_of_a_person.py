"""Blinks of a person who talks, counted by eye on a sheet of the frames, and of a photo that cannot blink."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprint.detect import load_detector, load_refiner
from faceprint.liveness.blinks import BlinkWatch
from faceprint.liveness.signals import read_signals
from faceprint.media.video import Video
from faceprint.pose.landmarks import pose_of
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import WeightStore

BLINKS = (9, 25, 33, 55, 79, 96, 109, 128, 149, 176)
"""The first frame of each."""
LONGEST = 9
"""Frames from the first that is not open to the first that is open again, for the slowest blink."""


@pytest.fixture(scope="module")
def frames(data_root: Path) -> list[Image]:
    with Video(data_root / "video" / "interview.mp4") as video:
        return [
            np.asarray(cv2.resize(one.pixels, (256, 256), interpolation=cv2.INTER_AREA), np.uint8)
            for one in video.frames()
        ]


def blinks(frames: list[Image], cache_root: Path) -> list[int]:
    """The frames with which blinks end, at 12.5 frames a second."""
    store, options = WeightStore(cache_root, cache_root, offline=True), RuntimeOptions(threads=1)
    detector, refiner = load_detector("yunet", store, options), load_refiner(store, options)
    watch, found = BlinkWatch(), []
    for k in range(0, len(frames), 2):
        (faces,) = refiner.refine([frames[k]], detector.detect([frames[k]]))
        points = faces[0].landmarks
        assert points is not None
        signals = read_signals(frames[k], faces[0], pose_of(points[None])[0])
        assert signals is not None
        if watch.update(k / 25, signals):
            found.append(k)
    return found


def test_most_blinks_are_found_and_none_that_is_not_there(
    frames: list[Image], cache_root: Path
) -> None:
    found = blinks(frames, cache_root)
    seen = {first for first in BLINKS if any(first < k <= first + LONGEST for k in found)}
    assert len(seen) >= 7
    assert all(any(first < k <= first + LONGEST for first in BLINKS) for k in found)


def test_a_photo_in_a_hand_does_not_blink(frames: list[Image], cache_root: Path) -> None:
    still = frames[0]
    rng = np.random.default_rng(0)
    moved = []
    for k in range(100):
        angle, zoom = 6 * np.sin(k / 9), 0.85 + 0.05 * np.sin(k / 13)
        matrix = cv2.getRotationMatrix2D((128, 128), angle, zoom)
        matrix[:, 2] += 6 * np.array([np.sin(k / 7), np.cos(k / 5)])
        frame = cv2.warpAffine(still, matrix, (256, 256), borderValue=(110, 105, 100))
        moved.append(np.clip(frame + rng.normal(0, 3, frame.shape), 0, 255).astype(np.uint8))
    assert blinks(moved, cache_root) == []
