from __future__ import annotations

import numpy as np
import pytest

from faceprint.evaluate.audit.slices import SLICES
from faceprint.types import Face, Image

POINTS = np.array([[40, 50], [72, 50], [56, 68], [44, 84], [68, 84]], np.float32)
FACE = Face(np.array([30, 30, 82, 100], np.float32), 0.9, POINTS)


def photo() -> Image:
    return np.random.default_rng(3).integers(0, 255, (120, 110, 3), dtype=np.uint8)


LEVELS = [(name, level) for name, slice_ in SLICES.items() for level in slice_.levels]


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_each_level_changes_the_face_and_leaves_the_original(name: str, level: float) -> None:
    image = photo()
    before = image.copy()
    made = SLICES[name].apply(image, FACE, level)
    assert (image == before).all()
    assert made.dtype == np.uint8
    assert made.ndim == 3
    if name == "size":
        assert made.shape[1] == pytest.approx(image.shape[1] * min(1, level / 32), abs=1)
    else:
        assert made.shape == image.shape
        assert (made[30:100, 30:82] != before[30:100, 30:82]).any()


@pytest.mark.parametrize("name", [n for n in SLICES if n not in ("size", "rotation")])
def test_levels_go_from_mild_to_bad(name: str) -> None:
    image = np.repeat(np.repeat(photo()[::6, ::6], 6, axis=0), 6, axis=1)[:120, :110]
    away = [
        float(np.abs(SLICES[name].apply(image, FACE, level).astype(float) - image).mean())
        for level in SLICES[name].levels
    ]
    assert away == sorted(away)


def test_size_never_enlarges() -> None:
    image = photo()
    assert SLICES["size"].apply(image, FACE, 64).shape == image.shape


@pytest.mark.parametrize("name", list(SLICES))
def test_a_face_without_landmarks_or_beyond_the_border(name: str) -> None:
    beyond = Face(np.array([-20, -15, 40, 60], np.float32), 0.9, None)
    for level in SLICES[name].levels:
        assert SLICES[name].apply(photo(), beyond, level).size
