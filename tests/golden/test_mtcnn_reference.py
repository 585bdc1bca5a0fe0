"""MTCNN's networks against plain NumPy, and the cascade against another implementation's answer."""

from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from faceprint.detect.mtcnn import build, read_weights
from faceprint.detect.mtcnn_network import STAGES, Stage, StageWeights, build_graph, from_keras
from faceprint.geometry import iou_matrix
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Detector, Image
from faceprint.zoo import WeightStore, card
from faceprint.zoo.arrays import read_joblib

Floats = npt.NDArray[Any]
FILES = {"propose": "pnet", "refine": "rnet", "finish": "onet"}
PRECISE = RuntimeOptions(precision="f32", device="cpu", threads=1)


def published(stage: Stage) -> StageWeights:
    name = f"{FILES[stage.name]}.lz4"
    path = metadata.distribution("mtcnn").locate_file(f"mtcnn/assets/weights/{name}")
    return from_keras(stage, read_joblib(Path(str(path)).read_bytes(), name=name))


def windows(maps: Floats, side: int, step: int) -> Floats:
    view = np.lib.stride_tricks.sliding_window_view(maps, (side, side), axis=(2, 3))
    return view[:, :, ::step, ::step]


def convolve(maps: Floats, weights: Mapping[str, Floats], name: str) -> Floats:
    kernel = weights[f"{name}.weight"]
    patches = windows(maps, kernel.shape[2], 1)
    maps = np.asarray(np.einsum("nchwij,ocij->nohw", patches, kernel))
    return np.asarray(maps + weights[f"{name}.bias"][:, None, None])


def bend(values: Floats, slopes: Floats) -> Floats:
    slopes = slopes.reshape(-1, *[1] * (values.ndim - 2))
    return np.where(values > 0, values, values * slopes)


def pool(maps: Floats, side: int) -> Floats:
    """The last window may hang over the edge, where nothing counts."""
    room = [(-(n - side)) % 2 for n in maps.shape[2:]]
    edges = ((0, 0), (0, 0), (0, room[0]), (0, room[1]))
    padded = np.pad(maps, edges, constant_values=-np.inf)
    return np.asarray(windows(padded, side, 2).max(axis=(4, 5)))


def softmax_of_face(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray((shares / shares.sum(axis=1, keepdims=True))[:, 1:])


def by_hand(stage: Stage, weights: Mapping[str, Floats], pixels: Image) -> list[Floats]:
    maps = ((pixels.astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2)
    for name, side in zip(stage.layers, stage.pools, strict=False):
        maps = bend(convolve(maps, weights, name), weights[f"{name}.slope"])
        maps = pool(maps, side) if side else maps
    if not stage.dense:
        return [convolve(maps, weights, "box"), softmax_of_face(convolve(maps, weights, "score"))]
    flat = maps.transpose(0, 3, 2, 1).reshape(len(maps), -1)
    hidden = flat @ weights["dense.weight"].T + weights["dense.bias"]
    hidden = bend(hidden, weights["dense.slope"])
    heads = [name for name, _ in stage.heads] + ["score"]
    *values, logits = (hidden @ weights[f"{h}.weight"].T + weights[f"{h}.bias"] for h in heads)
    return [*values, softmax_of_face(logits)]


@pytest.mark.parametrize("stage", STAGES, ids=list(FILES))
@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_networks_equal_plain_numpy(stage: Stage, engine: str, tmp_path: Path) -> None:
    weights = published(stage)
    path = tmp_path / "network.onnx"
    path.write_bytes(build_graph(weights, card("mtcnn")))
    options = RuntimeOptions(engine=engine, precision="f32", device="cpu", threads=1)  # type: ignore[arg-type]
    size = (stage.input_px, stage.input_px) if stage.dense else (31, 44)
    pixels = np.random.default_rng(2).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    found = open_session(path, options).run(pixels)
    wanted = by_hand(stage, weights.arrays, pixels)
    assert len(found) == len(wanted)
    for output, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(output, reference, atol=1e-4)


@pytest.mark.parametrize("stage", STAGES, ids=list(FILES))
def test_both_publishers_give_the_same_arrays(stage: Stage, weights_root: Path) -> None:
    ours = published(stage)
    theirs = read_weights(stage, weights_root / f"mtcnn_{FILES[stage.name]}.pt")
    assert theirs.arrays.keys() == ours.arrays.keys()
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(theirs.arrays[name], array)


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Detector:
    folder = tmp_path_factory.mktemp("mtcnn")
    store = WeightStore(folder / "weights", folder / "cache", offline=True)
    return build(card("mtcnn"), store, PRECISE)


def test_the_astronaut_is_where_facenet_pytorch_finds_her(detector: Detector) -> None:
    """Reference: facenet-pytorch 2.6.0, MTCNN(keep_all=True, min_face_size=20), the same weights.

    It cuts its crops a pixel larger and rounds otherwise, so the tolerance is that of pixels: a
    twentieth of the distance between the eyes.
    """
    data = pytest.importorskip("skimage.data", reason="needs scikit-image for its packaged photo")
    (faces,) = detector.detect([data.astronaut()])
    (face,) = faces
    box = np.array([[181.051, 62.156, 267.747, 172.050]], dtype=np.float32)
    points = [
        [205.011, 101.727],
        [246.763, 103.714],
        [224.671, 128.965],
        [201.716, 139.246],
        [245.265, 141.857],
    ]
    assert face.score > 0.99
    assert iou_matrix(face.box[None], box)[0, 0] > 0.9
    assert face.landmarks is not None
    distances = np.linalg.norm(face.landmarks - np.array(points), axis=1)
    assert distances.mean() < 0.05 * np.linalg.norm(np.subtract(points[0], points[1]))


def test_finds_the_faces_of_lfw(detector: Detector, data_root: Path) -> None:
    paths = sorted((data_root / "lfw").glob("*/*_0001.jpg"))[::80]
    images = []
    for path in paths:
        bgr = cv2.imread(str(path))
        assert bgr is not None
        images.append(np.ascontiguousarray(bgr[:, :, ::-1]).astype(np.uint8, copy=False))
    found = detector.detect(images)
    centre = np.array([125, 125])
    hit = [
        any((f.box[:2] < centre).all() and (centre < f.box[2:]).all() for f in faces)
        for faces in found
    ]
    assert len(hit) > 30
    assert np.mean(hit) >= 0.995
