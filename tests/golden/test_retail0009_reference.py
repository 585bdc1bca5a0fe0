"""Both landmarkers on LFW photos, against each other and the landmarks of MTCNN."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceprint.detect import load_detector, load_landmarker
from faceprint.runtime import RuntimeOptions
from faceprint.types import Face, Image
from faceprint.zoo import WeightStore, card

OPTIONS = RuntimeOptions(precision="f32", device="cpu", threads=1)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, weights_root: Path) -> WeightStore:
    folder = tmp_path_factory.mktemp("weights")
    for file in card("retail-0009").files:
        stem, _, suffix = file.name.rpartition(".")
        shutil.copyfile(weights_root / f"{stem}-fp16.{suffix}", folder / file.name)
    return WeightStore(folder, folder / "cache", offline=True)


@pytest.fixture(scope="module")
def photos(store: WeightStore, data_root: Path) -> tuple[list[Image], list[Face]]:
    images = []
    for path in sorted((data_root / "lfw").glob("*/*_0001.jpg"))[::150]:
        bgr = cv2.imread(str(path))
        assert bgr is not None
        images.append(np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8, copy=False))
    found = load_detector("mtcnn", store, OPTIONS).detect(images)
    centre = np.array([125, 125])
    faces = [
        min(some, key=lambda face: float(np.abs(face.box.reshape(2, 2).mean(0) - centre).sum()))
        for some in found
    ]
    return images, faces


@pytest.mark.parametrize(("name", "bound"), [("onet", 0.035), ("retail-0009", 0.055)])
def test_landmarks_are_near_those_of_mtcnn(
    name: str, bound: float, store: WeightStore, photos: tuple[list[Image], list[Face]]
) -> None:
    images, faces = photos
    bare = [(Face(face.box, face.score),) for face in faces]
    located = load_landmarker(name, store, OPTIONS).locate(images, bare)
    shares = []
    for face, (other,) in zip(faces, located, strict=True):
        assert face.landmarks is not None
        assert other.landmarks is not None
        eyes = np.linalg.norm(face.landmarks[0] - face.landmarks[1])
        shares.append(np.linalg.norm(face.landmarks - other.landmarks, axis=1).mean() / eyes)
    assert len(shares) > 15
    assert np.mean(shares) < bound
