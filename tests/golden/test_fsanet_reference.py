"""FSA-Net's prepared networks against the published files, run as its demonstration runs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import pytest

from faceprint.pose import load_pose
from faceprint.runtime import RuntimeOptions
from faceprint.types import Face, FloatArray, Image, PoseEstimator
from faceprint.zoo import WeightStore, card

CARD = card("fsanet")
BOX = np.array([374, 95, 605, 416], np.float32)
"""The face of people/obama.jpg, which looks nearly straight into the camera."""


@pytest.fixture(scope="module")
def store(
    weights_root: Path, cache_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> WeightStore:
    folder = tmp_path_factory.mktemp("weights")
    for file in CARD.files:
        shutil.copy(weights_root / file.name, folder / file.name)
    return WeightStore(folder, cache_root, offline=True)


@pytest.fixture(scope="module")
def model(store: WeightStore) -> PoseEstimator:
    return load_pose("fsanet", store, RuntimeOptions(threads=1))


@pytest.fixture(scope="module")
def photo(data_root: Path) -> Image:
    picture = cv2.imread(str(data_root / "people" / "obama.jpg"))
    assert picture is not None
    return np.array(picture[..., ::-1], dtype=np.uint8)


def published(store: WeightStore, photo: Image) -> FloatArray:
    """Yaw, pitch and roll as the published networks give them for the same square, which lies inside."""
    side = 1.5 * (BOX[3] - BOX[1])
    left, top = np.round((BOX[:2] + BOX[2:]) / 2 - side / 2).astype(int)
    part = photo[top : top + round(side), left : left + round(side), ::-1]
    crop = cv2.resize(part, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    batch = ((crop - 127.5) / 128).transpose(2, 0, 1)[None]
    angles = [
        onnxruntime.InferenceSession(path).run(["output"], {"input": batch})[0][0]
        for path in store.files(CARD)
    ]
    return np.asarray(np.mean(angles, axis=0), np.float32)


def test_angles_are_the_published_ones_with_yaw_the_other_way(
    store: WeightStore, model: PoseEstimator, photo: Image
) -> None:
    yaw, pitch, roll = published(store, photo)
    (found,) = model.estimate([photo], [[Face(BOX, 1.0)]])
    assert found.dtype == np.float32
    # Both shrink the square in ways of their own, and angles this small are the same in any order.
    np.testing.assert_allclose(found[0], [-yaw, pitch, roll], atol=1.0)


def test_mirrored_and_turned_photos(model: PoseEstimator, photo: Image) -> None:
    width = photo.shape[1]
    mirrored_box = np.array([width - BOX[2], BOX[1], width - BOX[0], BOX[3]], np.float32)
    middle = ((BOX[:2] + BOX[2:]) / 2).tolist()
    matrix = cv2.getRotationMatrix2D(middle, -20, 1)
    turned = cv2.warpAffine(photo, matrix, (width, photo.shape[0]))
    images = [photo, np.ascontiguousarray(photo[:, ::-1]), np.asarray(turned, np.uint8)]
    boxes = (BOX, mirrored_box, BOX)
    straight, mirror, tilted = (
        angles[0] for angles in model.estimate(images, [[Face(box, 1.0)] for box in boxes])
    )
    np.testing.assert_allclose(mirror, straight * np.array([-1, 1, -1]), atol=3)
    np.testing.assert_allclose(tilted, straight + np.array([0, 0, 20]), atol=4)


def test_a_batch_gives_what_its_faces_give_alone(model: PoseEstimator, photo: Image) -> None:
    shifts = [np.float32(step) for step in (-30, 0, 30)]
    faces = [Face(BOX + shift, 1.0) for shift in shifts]
    (together,) = model.estimate([photo], [faces])
    alone = np.concatenate([model.estimate([photo], [[face]])[0] for face in faces])
    np.testing.assert_allclose(together, alone, atol=1e-3)
