"""dlib's models through faceprint and directly."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.detect.dlib_cnn import build as build_cnn
from faceprint.detect.dlib_hog import build as build_detector
from faceprint.detect.dlib_landmarks import build as build_landmarker
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


@pytest.mark.parametrize("doublings", [0, 1])
def test_the_cnn_finds_what_it_finds_in_dlib(
    dlib: Any, astronaut: Image, tmp_path: Path, cache_root: Path, doublings: int
) -> None:
    store = WeightStore(tmp_path, cache_root, offline=True)
    cnn_card = card("dlib-cnn")
    detector = build_cnn(cnn_card, store, RuntimeOptions())
    reference = dlib.cnn_face_detection_model_v1(str(store.files(cnn_card)[0]))
    image = np.ascontiguousarray(astronaut[20:220, 60:270])
    faces, wanted = detector.find(image, doublings=doublings), reference(image, doublings)
    assert faces
    for face, other in zip(faces, wanted, strict=True):
        rectangle = other.rect
        sides = [rectangle.left(), rectangle.top(), rectangle.right() + 1, rectangle.bottom() + 1]
        assert face.box.tolist() == sides
        assert np.log(face.score / (1 - face.score)) == pytest.approx(other.confidence, abs=1e-3)


def test_landmarks_lie_where_dlib_puts_them(dlib: Any, astronaut: Image, tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, offline=True)
    landmarks_card = card("dlib-68")
    faces = build_detector(card("dlib-hog"), store, RuntimeOptions()).detect([astronaut])
    ((found,),) = build_landmarker(landmarks_card, store, RuntimeOptions()).locate(
        [astronaut], faces
    )
    predictor = dlib.shape_predictor(str(store.files(landmarks_card)[0]))
    left, top, right, bottom = found.box.astype(int).tolist()
    box = dlib.rectangle(left, top, right - 1, bottom - 1)
    points = np.array([(p.x, p.y) for p in predictor(np.ascontiguousarray(astronaut), box).parts()])
    assert found.landmarks is not None
    # The second look, in a box of its own, moves points by a pixel or two.
    eyes = np.linalg.norm(found.landmarks[0] - found.landmarks[1])
    wanted = [points[36:42].mean(axis=0), points[42:48].mean(axis=0), *points[[30, 48, 54]]]
    assert np.linalg.norm(found.landmarks - np.stack(wanted), axis=1).max() < 0.08 * eyes


def test_embeddings_are_those_of_dlib(dlib: Any, tmp_path: Path) -> None:
    store = WeightStore(tmp_path, tmp_path, offline=True)
    dlib_card = card("dlib-resnet")
    embedder = build_embedder(dlib_card, store, RuntimeOptions())
    crops = np.random.default_rng(6).integers(0, 256, (2, 150, 150, 3), dtype=np.uint8)
    found = embedder.embed(crops)
    assert found.lengths is not None
    network = dlib.face_recognition_model_v1(str(store.files(dlib_card)[0]))
    for crop, vector, length in zip(crops, found.vectors, found.lengths, strict=True):
        wanted = np.array(network.compute_face_descriptor(crop))
        np.testing.assert_allclose(vector, wanted / np.linalg.norm(wanted), atol=1e-5)
        assert length == pytest.approx(np.linalg.norm(wanted), rel=1e-4)
