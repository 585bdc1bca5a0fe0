"""What the lessons look at: real photos and video where they are, else the packaged samples.

With the data folder (`FACEPRINT_DATA`, or `shared/data` beside the checkout) the lessons use photos of
public figures and a music video. Without it they use what scikit-image carries: the portrait of the
astronaut Eileen Collins (NASA, public domain), a video made from it, and small faces of strangers.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from skimage import data

from faceprint.media import read_image
from faceprint.media.video import VideoWriter
from faceprint.types import Image

__all__ = ["data_folder", "empty_gallery", "group_photo", "people", "portrait", "video"]

_NAMES = {
    "alex_lacamoire": "Alex Lacamoire",
    "biden": "Joe Biden",
    "kit_harington": "Kit Harington",
    "obama": "Barack Obama",
    "rose_leslie": "Rose Leslie",
}
_FPS = 24
_STRANGERS = (0, 1, 2, 3, 5, 6, 7)
"""Of the packaged faces, some that a detector finds in spite of their size."""


def data_folder() -> Path | None:
    """The folder of real photos and videos, if this machine has it."""
    named = os.environ.get("FACEPRINT_DATA")
    beside = [folder / "shared" / "data" for folder in Path.cwd().resolve().parents]
    places = [Path(named)] if named else beside
    return next((place for place in places if (place / "people").is_dir()), None)


def empty_gallery() -> str:
    """The path of a new gallery in a temporary folder: lessons leave your own gallery alone."""
    return str(Path(tempfile.mkdtemp(prefix="faceprint-lesson-")) / "gallery.db")


def portrait() -> Image:
    """Eileen Collins in her orange suit: (512, 512, 3) uint8 RGB."""
    return np.asarray(data.astronaut(), dtype=np.uint8)


def group_photo() -> Image:
    """Joe Biden and Barack Obama where there is the photo, else the portrait beside a stranger."""
    folder = data_folder()
    if folder is not None:
        photo = read_image(folder / "people" / "test" / "obama_and_biden.jpg").pixels
        return np.ascontiguousarray(photo[:1000, 400:1550])
    stranger = np.asarray(cv2.resize(_stranger(8), (512, 512)), dtype=np.uint8)
    return np.concatenate([portrait(), stranger], axis=1)


def people() -> dict[str, list[Image]]:
    """Some photos of each of some people, by name."""
    folder = data_folder()
    if folder is None:
        return {"Eileen Collins": _changed(portrait())} | _strangers()
    found: dict[str, list[Image]] = {}
    for key, name in _NAMES.items():
        paths = sorted((folder / "people" / "train" / key).iterdir())
        found[name] = [read_image(path).pixels for path in paths]
    for test, name in {"obama1": "obama", "alex_lacamoire1": "alex_lacamoire"}.items():
        path = folder / "people" / "test" / f"{test}.jpg"
        found[_NAMES[name]].append(read_image(path).pixels)
    return found


@cache
def video() -> Path:
    """A short video with cuts, in which a face comes and goes."""
    folder = data_folder()
    if folder is not None:
        return folder / "video" / "hamilton.mp4"
    path = Path(tempfile.mkdtemp(prefix="faceprint-lesson-")) / "portrait.mp4"
    shots = (portrait(), np.asarray(data.coffee(), dtype=np.uint8), portrait()[:, ::-1])
    with VideoWriter(path, width=480, height=360, fps=_FPS) as writer:
        for number, picture in enumerate(shot for shot in shots for _ in range(2 * _FPS)):
            share = number % (2 * _FPS) / (2 * _FPS)
            writer.write(_closer(picture, share), number / _FPS)
    return path


def _closer(picture: Image, share: float) -> Image:
    """A 480 by 360 part of a picture, smaller and further to the side as the share grows."""
    height = round(360 - 120 * share)
    left = round(20 * share)
    part = picture[:height, left : left + height * 4 // 3]
    return np.asarray(cv2.resize(part, (480, 360)), dtype=np.uint8)


def _changed(picture: Image) -> list[Image]:
    """The picture as it is, mirrored, darker, smaller, and tilted."""
    height, width = picture.shape[:2]
    tilt = cv2.getRotationMatrix2D((width / 2, height / 2), 12, 1.0)
    changed = [
        picture,
        picture[:, ::-1],
        picture // 3,
        cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA),
        cv2.warpAffine(picture, tilt, (width, height)),
    ]
    return [np.ascontiguousarray(one, dtype=np.uint8) for one in changed]


def _strangers() -> dict[str, list[Image]]:
    return {f"Stranger {k}": [_stranger(number)] for k, number in enumerate(_STRANGERS, 1)}


def _stranger(number: int) -> Image:
    """A face of 25 by 25 pixels, enlarged, on a border."""
    small = np.load(Path(data.__file__).parent / "lfw_subset.npy")[number]
    grey = np.asarray(small * 255, dtype=np.uint8)
    large = cv2.resize(grey, (150, 150), interpolation=cv2.INTER_CUBIC)
    framed = cv2.copyMakeBorder(large, 50, 50, 50, 50, cv2.BORDER_REPLICATE)
    return np.asarray(np.dstack([framed] * 3), dtype=np.uint8)
