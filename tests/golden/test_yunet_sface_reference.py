"""YuNet and SFace against other implementations that read the published files."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from skimage import data

from faceprint.align import ALIGNMENTS, crop
from faceprint.detect import load_detector
from faceprint.embed import load_embedder
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import CARDS, WeightStore


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="module")
def crops(astronaut: Image, cache_root: Path) -> Image:
    """The astronaut's face at ten small turns of the head."""
    store = WeightStore(cache_root, cache_root, offline=True)
    (faces,) = load_detector("yunet", store, RuntimeOptions(cache=cache_root)).detect([astronaut])
    assert faces[0].landmarks is not None
    moved = faces[0].landmarks + np.random.default_rng(0).normal(0, 2, (10, 5, 2))
    return crop(
        astronaut, moved.astype(np.float32), alignment=ALIGNMENTS["arcface-112"], size_px=112
    )


def test_sface_equals_onnx_runtime_on_the_published_file(crops: Image, cache_root: Path) -> None:
    store = WeightStore(cache_root, cache_root, offline=True)
    (path,) = store.files(CARDS["sface"])
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 4
    content = runnable(path.read_bytes())
    reference = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    name = reference.get_inputs()[0].name
    planes = crops.transpose(0, 3, 1, 2).astype(np.float32)
    expected = np.concatenate([reference.run(None, {name: p[None]})[0] for p in planes])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    precise = load_embedder("sface", store, RuntimeOptions(precision="f32", cache=cache_root))
    assert precise.embed(crops).vectors == pytest.approx(expected, abs=1e-4)


def runnable(content: bytes) -> bytes:
    """The published file without what ONNX Runtime refuses: a ratio's shape, and inputs nobody reads."""
    model = onnx.load_model_from_string(content)
    for node in model.graph.node:
        if node.op_type == "Constant":
            value = numpy_helper.to_array(node.attribute[0].t)
            if value.shape == (1,):
                node.attribute[0].t.CopyFrom(numpy_helper.from_array(value.reshape(())))
    for value_info in [v for v in model.graph.input if v.name != "data"]:
        model.graph.input.remove(value_info)
    runnable_content: bytes = model.SerializeToString()
    return runnable_content


def test_lower_precision_changes_little(crops: Image, cache_root: Path) -> None:
    store = WeightStore(cache_root, cache_root, offline=True)
    precise, auto = (
        load_embedder("sface", store, RuntimeOptions(precision=p, cache=cache_root)).embed(crops)
        for p in ("f32", "auto")
    )
    assert np.sum(precise.vectors * auto.vectors, axis=1).min() >= 0.9995
    assert precise.model_id == auto.model_id


def test_yunet_equals_opencv(astronaut: Image, weights_root: Path, cache_root: Path) -> None:
    store = WeightStore(weights_root, cache_root, offline=True)
    picture = np.zeros((640, 640, 3), np.uint8)
    picture[:512, :512] = astronaut
    path = str(store.files(CARDS["yunet-f32"])[0])
    reference = cv2.FaceDetectorYN.create(path, "", (640, 640), 0.7, 0.3)
    _, rows = reference.detect(np.ascontiguousarray(picture[:, :, ::-1]))
    detector = load_detector("yunet-f32", store, RuntimeOptions(cache=cache_root))
    (faces,) = detector.detect([picture])
    assert len(faces) == len(rows)
    for face, row in zip(faces, sorted(rows, key=lambda r: -r[14]), strict=True):
        box = [row[0], row[1], row[0] + row[2], row[1] + row[3]]
        assert face.box == pytest.approx(box, abs=0.5)
        assert face.score == pytest.approx(row[14], abs=1e-3)
        assert face.landmarks is not None
        assert face.landmarks.ravel() == pytest.approx(row[4:14], abs=0.5)
