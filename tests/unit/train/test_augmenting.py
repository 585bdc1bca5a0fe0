"""Augmentation: seeded, of the right shape, and each change does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from faceprint.train.augment import Augmenter
from faceprint.train.recipes.config import AugmentConfig
from faceprint.types import Image

_CHANGES: list[dict[str, Any]] = [
    {"turn_degrees": 20.0},
    {"scale": 0.3},
    {"shift": 0.2},
    {"stretch": 0.4},
    {"colour": 1.0},
    {"grey": 1.0},
    {"jpeg": 1.0},
    {"blur": 1.0},
    {"shrink": 1.0},
    {"occlude": 1.0},
    {"flip": 1.0},
]


@pytest.fixture
def crops() -> Image:
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (6, 12, 12, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


@pytest.mark.parametrize("change", _CHANGES, ids=lambda change: next(iter(change)))
def test_a_change_changes_every_crop_and_is_seeded(crops: Image, change: dict[str, Any]) -> None:
    augmenter = Augmenter(AugmentConfig(**({"flip": 0.0} | change)), side_px=48)
    before = crops.copy()
    once = augmenter(crops, rng=np.random.default_rng(1))
    again = augmenter(crops, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(crops, before)
    assert once.shape == crops.shape
    assert once.dtype == np.uint8
    assert all((one != old).any() for one, old in zip(once, crops, strict=True))
    other = augmenter(crops, rng=np.random.default_rng(2))
    if change not in ({"flip": 1.0}, {"grey": 1.0}):
        assert (other != once).any()


def test_nothing_asked_is_nothing_done(crops: Image) -> None:
    out = Augmenter(AugmentConfig(flip=0.0), side_px=48)(crops, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(out, crops)
    assert not np.shares_memory(out, crops)


def test_a_mirrored_crop_is_mirrored(crops: Image) -> None:
    out = Augmenter(AugmentConfig(flip=1.0), side_px=48)(crops, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(out, crops[:, :, ::-1])


def test_grey_keeps_the_light_and_leaves_no_colour_but_the_mean(crops: Image) -> None:
    augmenter = Augmenter(AugmentConfig(flip=0.0, grey=1.0), side_px=48)
    out = augmenter(crops, rng=np.random.default_rng(0)).astype(float)
    luma = crops @ np.array([0.299, 0.587, 0.114])
    for channel in range(3):
        moved = out[..., channel] - luma
        inside = (out[..., channel] > 0) & (out[..., channel] < 255)
        for crop, where in zip(moved, inside, strict=True):
            assert np.ptp(crop[where]) <= 1.5


@pytest.mark.parametrize("side_px", [24, 32, 48, 64])
def test_crops_come_out_at_the_asked_side(crops: Image, side_px: int) -> None:
    for config in (AugmentConfig(), AugmentConfig(turn_degrees=5.0, colour=0.3)):
        out = Augmenter(config, side_px=side_px)(crops, rng=np.random.default_rng(0))
        assert out.shape == (6, side_px, side_px, 3)


def test_half_are_mirrored_where_half_are_asked() -> None:
    crops = np.zeros((2000, 32, 32, 3), dtype=np.uint8)
    crops[:, :, 0] = 255
    out = Augmenter(AugmentConfig(flip=0.5), side_px=32)(crops, rng=np.random.default_rng(0))
    assert 0.45 < (out[:, 0, 0, 0] == 0).mean() < 0.55
