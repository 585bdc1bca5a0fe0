"""dlib's models through faceprint and directly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.detect.dlib_hog import build as build_detector
from faceprint.embed.dlib_resnet import build as build_embedder
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import WeightStore, card


@pytest.fixture(scope="module")
def dlib() -> Any:
    return pytest.importorskip("dlib", reason="needs the extra dlib")


@pytest.fixture(scope="module")
def astronaut() -> Image:
    data = pytest.importorskip("skimage.data", reason="needs scikit-image for its packaged photo")
    photo: Image = data.astronaut()
    return photo[:300, 100:400]


def test_the_detector_gives_what_dlib_gives(dlib: Any, astronaut: Image, tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, offline=True)
    (faces,) = build_detector(card("dlib-hog"), store, RuntimeOptions()).detect([astronaut])
    (wanted,) = dlib.get_frontal_face_detector()(np.ascontiguousarray(astronaut), 1)
    (face,) = faces
    assert face.box.tolist() == [
        wanted.left(),
        wanted.top(),
        wanted.right() + 1,
        wanted.bottom() + 1,
    ]
    assert face.score > 0.5


def test_embeddings_are_those_of_dlib_at_length_one(dlib: Any, tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, offline=True)
    dlib_card = card("dlib-resnet")
    embedder = build_embedder(dlib_card, store, RuntimeOptions())
    crops = np.random.default_rng(6).integers(0, 256, (2, 150, 150, 3), dtype=np.uint8)
    found = embedder.embed(crops).vectors
    network = dlib.face_recognition_model_v1(str(store.files(dlib_card)[0]))
    for crop, vector in zip(crops, found, strict=True):
        wanted = np.array(network.compute_face_descriptor(crop))
        np.testing.assert_allclose(vector, wanted / np.linalg.norm(wanted), atol=1e-4)
