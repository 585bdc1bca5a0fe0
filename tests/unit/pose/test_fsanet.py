from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from faceprint.pose.fsanet import FsaNet
from faceprint.types import Array, Face, FloatArray, Image


class FakeSession:
    """Gives the same angles for every crop, and keeps the crops."""

    engine: Literal["onnxruntime"] = "onnxruntime"
    device = "cpu"
    precision: Literal["f32"] = "f32"

    def __init__(self, *angles: float) -> None:
        self.angles = angles
        self.crops: list[Image] = []

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        assert batch.flags.c_contiguous
        self.crops.extend(batch.astype(np.uint8))
        return (np.tile(np.array(self.angles, np.float32), (len(batch), 1)),)


def face(*box: float) -> Face:
    return Face(np.array(box, np.float32), 1.0)


def test_averages_the_networks_and_turns_their_signs() -> None:
    model = FsaNet([FakeSession(-10, 4, 3), FakeSession(-20, 4, 3)])
    image = np.zeros((100, 100, 3), np.uint8)
    (found,) = model.estimate([image], [[face(20, 20, 60, 70)]])
    assert found.dtype == np.float32
    # Nearly the same angles, about axes that are turned in another order.
    np.testing.assert_allclose(found, [[15, 4, 3]], atol=1.2)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [((-40, 0, 0), (40, 0, 0)), ((0, 25, 0), (0, 25, 0)), ((0, 0, -30), (0, 0, -30))],
)
def test_single_angles_are_kept(theirs: tuple[float, ...], ours: tuple[float, ...]) -> None:
    model = FsaNet([FakeSession(*theirs)])
    (found,) = model.estimate([np.zeros((50, 50, 3), np.uint8)], [[face(10, 10, 30, 30)]])
    np.testing.assert_allclose(found, [ours], atol=1e-3)


def test_crops_are_squares_half_as_wide_again() -> None:
    session = FakeSession(0, 0, 0)
    image = np.zeros((300, 300, 3), np.uint8)
    image[75:225, 75:225] = 200  # 1.5 times the longer side of the box
    FsaNet([session]).estimate([image], [[face(110, 100, 190, 200)]])
    (crop,) = session.crops
    assert crop.shape == (64, 64, 3)
    assert crop[2:-2, 2:-2].min() > 195
    image[:] = 0
    image[100:200, 100:200] = 200
    FsaNet([session]).estimate([image], [[face(110, 100, 190, 200)]])
    assert (session.crops[1] > 100).mean() == pytest.approx(1 / 1.5**2, abs=0.03)


@pytest.mark.parametrize("side", [20, 90, 700])
def test_the_border_is_repeated(side: int) -> None:
    session = FakeSession(0, 0, 0)
    image = np.full((side, side, 3), 130, np.uint8)
    FsaNet([session]).estimate([image], [[face(-0.3 * side, 0, 0.7 * side, side)]])
    assert np.abs(session.crops[0].astype(int) - 130).max() <= 1


def test_boxes_that_hold_nothing_have_no_pose() -> None:
    session = FakeSession(5, 5, 5)
    image = np.zeros((40, 40, 3), np.uint8)
    outside = [
        face(50, 50, 60, 60),
        face(10, 10, 10, 30),
        face(30, 10, 20, 30),
        face(np.nan, 0, 10, 10),
        face(0, 0, 1e30, 10),
    ]
    found = FsaNet([session]).estimate([image, image], [outside, [face(39, 39, 45, 45)]])
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    assert len(session.crops) == 1


def test_more_faces_than_a_batch_and_none() -> None:
    model = FsaNet([FakeSession(1, 2, 3)])
    image = np.zeros((1, 1, 3), np.uint8)
    found = model.estimate([image, image], [[face(0, 0, 1, 1)] * 150, []])
    assert [len(one) for one in found] == [150, 0]
    assert np.isfinite(found[0]).all()
    assert model.estimate([], []) == []
