"""Landmarkers that look at boxes, around stand-ins for their networks."""

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from faceprint.detect.landmarking import breadths_of, rolls_of
from faceprint.detect.onet_landmarks import OnetLandmarker
from faceprint.detect.retail0009 import Retail0009
from faceprint.types import Array, Face, FloatArray, Image, Landmarker

POINTS = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], dtype=np.float32)


class _Network:
    engine: Literal["openvino"] = "openvino"
    device = "cpu"
    precision: Literal["f32"] = "f32"

    def __init__(self) -> None:
        self.batches: list[Array] = []


class RetailNetwork(_Network):
    """Gives the same shares for every crop, x and y in turn."""

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.batches.append(batch)
        return (np.tile(POINTS.reshape(1, 10, 1, 1), (len(batch), 1, 1, 1)),)


class Onet(_Network):
    """Gives the same shares for every crop, the five x first, and moves each box to the right."""

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.batches.append(batch)
        moves = np.array([[0.5, 0, 0.5, 0]] * len(batch), dtype=np.float32)
        points = np.tile(POINTS.T.reshape(1, 10), (len(batch), 1))
        return moves, points, np.ones((len(batch), 1), np.float32)


def face(*box: float, score: float = 0.9) -> Face:
    return Face(np.array(box, dtype=np.float32), score)


IMAGES: list[Image] = [np.full((100, 120, 3), value, dtype=np.uint8) for value in (50, 90, 130)]
FACES = [
    (face(10, 10, 40, 50), face(60, 20, 90, 60, score=0.4)),
    (),
    (face(-10, 5, 30, 45),),
]


@pytest.mark.parametrize(
    "landmarker", [OnetLandmarker(Onet()), Retail0009(RetailNetwork())], ids=lambda one: one.name
)
def test_faces_keep_their_order_boxes_and_scores(landmarker: Landmarker) -> None:
    found = landmarker.locate(IMAGES, FACES)
    assert [len(some) for some in found] == [2, 0, 1]
    for before, after in zip(FACES, found, strict=True):
        for old, new in zip(before, after, strict=True):
            assert new.box is old.box
            assert new.score == old.score
            assert new.landmarks is not None
            assert new.landmarks.shape == (5, 2)
            assert new.landmarks.dtype == np.float32


@pytest.mark.parametrize(
    "landmarker", [OnetLandmarker(Onet()), Retail0009(RetailNetwork())], ids=lambda one: one.name
)
def test_no_faces_need_no_network(landmarker: Landmarker) -> None:
    assert landmarker.locate(IMAGES, [(), (), ()]) == [(), (), ()]
    assert landmarker.locate([], []) == []


def test_retail_looks_at_the_box_itself() -> None:
    network = RetailNetwork()
    ((found,),) = Retail0009(network).locate(IMAGES[:1], [FACES[0][:1]])
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, POINTS * [30, 40] + 10, rtol=1e-6)
    (batch,) = network.batches
    assert batch.shape == (1, 48, 48, 3)
    assert (batch == 50).all()


def test_onet_looks_again_where_it_put_the_box() -> None:
    network = Onet()
    ((found,),) = OnetLandmarker(network).locate(IMAGES[:1], [(face(20, 30, 40, 50),)])
    assert len(network.batches) == 2
    # The first look is 18 pixels wide (0.9 of the box) from (21, 31) and moves by 9 to the right;
    # the second is 16 pixels wide (0.9 of 18) from (31, 32).
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, POINTS * 16 + [31, 32], rtol=1e-6)


def test_many_faces_go_through_in_batches() -> None:
    network = Onet()
    faces = tuple(face(k, k, k + 20, k + 20) for k in range(40))
    (found,) = OnetLandmarker(network).locate(IMAGES[:1], [faces])
    assert len(found) == 40
    assert max(len(batch) for batch in network.batches) < 40
    right_eyes = np.array([one.landmarks[0] for one in found if one.landmarks is not None])
    np.testing.assert_allclose(np.diff(right_eyes, axis=0), 1, atol=1e-4)


class UprightFace(_Network):
    """Gives the same shares for every crop, as for a face that stands upright in it."""

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.batches.append(batch)
        points = np.tile(POINTS.T.reshape(1, 10), (len(batch), 1))
        return np.zeros((len(batch), 4), np.float32), points, np.ones((len(batch), 1), np.float32)


def tilted(degrees: float, *, said: float | None = None) -> tuple[Image, Face, FloatArray]:
    """A photo with a bright dot at the right eye of a tilted face, the face, and where its points are.

    Its landmarks say a tilt of their own.
    """
    middle = np.array([60.0, 55.0])
    points = turned(degrees) * 40 + middle
    image = np.zeros((110, 120, 3), dtype=np.uint8)
    x, y = np.round(points[0]).astype(int)
    image[y - 2 : y + 2, x - 2 : x + 2] = 255
    half = 20 / 0.9  # O-Net looks at 0.9 of a box
    box = np.array([*(middle - half), *(middle + half)], dtype=np.float32)
    said_points = turned(degrees if said is None else said) * 40 + middle
    return image, Face(box, 0.9, said_points.astype(np.float32)), points.astype(np.float32)


def turned(degrees: float) -> FloatArray:
    turn = np.exp(1j * np.deg2rad(degrees))
    away = (POINTS - 0.5) @ np.array([1, 1j]) * turn
    return np.stack([away.real, away.imag], axis=1).astype(np.float32)


@pytest.mark.parametrize("degrees", [0, 20, -50, 90, 180])
def test_refining_sees_the_face_turned_upright(degrees: float) -> None:
    network = UprightFace()
    image, one, points = tilted(degrees)
    ((found,),) = OnetLandmarker(network).refine([image], [[one]])
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, points, atol=1e-3)
    (batch,) = network.batches
    assert batch.shape == (1, 48, 48, 3)
    bright = (
        np.argwhere(np.asarray(batch[0, :, :, 0], dtype=np.int64) > 100).mean(axis=0)[::-1] + 0.5
    )
    assert bright == pytest.approx(POINTS[0] * 48, abs=1.2)


class Compass(UprightFace):
    """Sees a face tilted by 30 degrees at the first look, and upright at the second."""

    def run(self, batch: Array) -> tuple[FloatArray, ...]:
        self.batches.append(batch)
        tilt = 30 if len(self.batches) == 1 else 0
        points = np.tile((turned(tilt) + 0.5).T.reshape(1, 10), (len(batch), 1))
        return np.zeros((len(batch), 4), np.float32), points, np.ones((len(batch), 1), np.float32)


def test_refining_looks_again_where_the_tilt_was_wrong() -> None:
    network = Compass()
    image, wrong, points = tilted(45, said=15)
    ((found,),) = OnetLandmarker(network).refine([image], [[wrong]])
    assert [len(batch) for batch in network.batches] == [1, 1]
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, points, atol=1e-3)


def test_refining_keeps_order_boxes_and_scores() -> None:
    landmarker = OnetLandmarker(UprightFace())
    faces = [tuple(replace(one, landmarks=POINTS * 20) for one in some) for some in FACES]
    found = landmarker.refine(IMAGES, faces)
    assert [len(some) for some in found] == [2, 0, 1]
    for before, after in zip(faces, found, strict=True):
        for old, new in zip(before, after, strict=True):
            assert new.box is old.box
            assert new.score == old.score
            assert new.landmarks is not None
            assert new.landmarks.dtype == np.float32
    assert landmarker.refine([], []) == []


def test_rolls_go_by_all_but_the_nose() -> None:
    profile = np.array([[5, 0], [5, 0], [0, 5], [5, 10], [5, 10]], dtype=np.float32)
    half = turned(30)
    half[2] += 100
    rolls = np.rad2deg(rolls_of(np.stack([profile, turned(-170), half])))
    np.testing.assert_allclose(rolls, [0, -170, 30], atol=1e-4)


def test_profiles_keep_their_landmarks_and_need_no_network() -> None:
    network = UprightFace()
    profile = POINTS * np.array([0.2, 1], dtype=np.float32) * 40
    faces = [replace(face(0, 0, 40, 40), landmarks=profile)]
    ((found,),) = OnetLandmarker(network).refine(IMAGES[:1], [faces])
    assert found.landmarks is not None
    np.testing.assert_array_equal(found.landmarks, profile)
    assert network.batches == []


def test_breadths_do_not_depend_on_tilt_or_size() -> None:
    # Eyes 0.4 apart, mouth corners 0.3, the mouth 0.4 below the eyes.
    points = np.stack([turned(0), 9 * turned(50), turned(180) + 100])
    np.testing.assert_allclose(breadths_of(points), 0.35 / 0.4, rtol=1e-4)
    assert breadths_of(points * np.array([-1, 1], dtype=np.float32))[0] < 0
