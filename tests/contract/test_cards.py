"""Every card keeps the contracts of its kind; a new card is picked up by itself."""

import shutil
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skimage import data

from faceprint.align import ALIGNMENTS, BOX_ALIGNMENTS, crop
from faceprint.attributes import load_attributes
from faceprint.detect import load_detector, load_landmarker
from faceprint.embed import load_embedder
from faceprint.errors import MissingExtraError, WeightsMissingError
from faceprint.liveness import load_liveness
from faceprint.parse import load_parser
from faceprint.parse.classes import CLASSES, number_of
from faceprint.pose import load_pose
from faceprint.runtime import RuntimeOptions
from faceprint.types import Face, Image
from faceprint.zoo import CARDS, OwnResource, PackageResource, Url, WeightStore
from faceprint.zoo.files import file_digest
from faceprint.zoo.own import completed, write_folder

ASTRONAUT_BOX = np.array([175, 60, 270, 195])
ALL = sorted(CARDS)
ROOMS = {
    "embedder": "embed",
    "attributes": "attributes",
    "parser": "parse",
    "pose": "pose",
    "liveness": "liveness",
}
ATTRIBUTES = [name for name in ALL if CARDS[name].kind == "attributes"]
DETECTORS = [name for name in ALL if CARDS[name].kind == "detector"]
EMBEDDERS = [*(name for name in ALL if CARDS[name].kind == "embedder"), "own"]
LANDMARKERS = [name for name in ALL if CARDS[name].kind == "landmarker"]
LIVENESS = [name for name in ALL if CARDS[name].kind == "liveness"]
PARSERS = [name for name in ALL if CARDS[name].kind == "parser"]
POSES = [name for name in ALL if CARDS[name].kind == "pose"]


@pytest.fixture(scope="module")
def astronaut() -> Image:
    return np.ascontiguousarray(data.astronaut())


@pytest.fixture(scope="module")
def store(cache_root: Path, tmp_path_factory: pytest.TempPathFactory) -> WeightStore:
    """A store that never downloads, with what the weights folder has, told by digest."""
    folder = tmp_path_factory.mktemp("weights")
    published = Path(__file__).parents[3] / "shared" / "weights"
    files = (file for card in CARDS.values() for file in card.files)
    known = {file.digest: file.name for file in files if file.digest is not None}
    for path in published.iterdir() if published.is_dir() else ():
        for algorithm in ("sha256", "sha384"):
            if name := known.get(file_digest(path, algorithm)):
                shutil.copy(path, folder / name)
    store = WeightStore(folder, cache_root, offline=True)
    add_own_embedder(store, folder / "made")
    return store


def add_own_embedder(store: WeightStore, folder: Path) -> None:
    """Adds a model as training leaves them: colours of a face, from top to bottom."""
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["in"], ["grid"], kernel_shape=[7, 112], strides=[7, 112]
            ),
            helper.make_node("Flatten", ["grid"], ["out"]),
        ],
        "own",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, ["batch", 3, 112, 112])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 48])],
    )
    opset = helper.make_opsetid("", 15)
    content = helper.make_model(graph, opset_imports=[opset], ir_version=8).SerializeToString()
    onnx.checker.check_model(content)
    card = replace(
        CARDS["sface"],
        name="own",
        dimension=48,
        mean=(127.5, 127.5, 127.5),
        std=(128.0, 128.0, 128.0),
    )
    contents = {"own.onnx": content}
    write_folder(folder, completed(card, contents), contents, calibration=None)
    store.add(folder)


def options(cache_root: Path) -> RuntimeOptions:
    return RuntimeOptions(cache=cache_root)


def skip_without_weights(name: str, store: WeightStore) -> None:
    try:
        store.files(store.card(name))
    except (WeightsMissingError, MissingExtraError) as error:
        pytest.skip(f"no weights of {name} here: {str(error)[:80]}")


@pytest.mark.parametrize("name", ALL)
def test_cards_are_complete(name: str) -> None:
    card = CARDS[name]
    assert card.name == name
    assert card.summary.endswith(".")
    assert card.paper
    assert card.training_data
    assert find_spec(f"faceprint.{ROOMS.get(card.kind, 'detect')}.{card.implementation}")
    for file in card.files:
        assert file.sources
        if file.digest is None:  # pulled from its publisher, and accepted by the user
            assert file.size_bytes == 0
            assert all(isinstance(source, Url) for source in file.sources)
        else:
            algorithm, _, digits = file.digest.partition(":")
            assert len(digits) == {"sha256": 64, "sha384": 96}[algorithm]
            assert int(digits, 16) > 0
            assert file.size_bytes > (100 if file.name.endswith(".json") else 1000)
        for source in file.sources:
            if isinstance(source, Url):
                assert source.address.startswith("https://")
            else:
                assert isinstance(source, PackageResource | OwnResource)
    if card.kind == "attributes":
        assert card.alignment in ALIGNMENTS
        assert card.input_size_px > 0
    if card.kind == "embedder":
        assert card.dimension > 0
        assert card.input_size_px > 0
        assert card.alignment in {*ALIGNMENTS, *BOX_ALIGNMENTS}


def test_no_two_files_share_a_name_in_the_store() -> None:
    files = {
        file.digest or file.name: file for card in CARDS.values() for file in card.files
    }.values()
    names = [file.name for file in files if any(isinstance(s, Url) for s in file.sources)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ALL)
def test_sizes_are_right_where_the_weights_are_here(name: str, store: WeightStore) -> None:
    skip_without_weights(name, store)
    for file, path in zip(CARDS[name].files, store.files(CARDS[name]), strict=True):
        assert path.stat().st_size == file.size_bytes


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors(name: str, store: WeightStore, cache_root: Path, astronaut: Image) -> None:
    skip_without_weights(name, store)
    detector = load_detector(name, store, options(cache_root))
    black = np.zeros((80, 120, 3), np.uint8)
    dot = np.zeros((1, 1, 3), np.uint8)
    found = detector.detect([black, astronaut, dot, astronaut])
    assert [len(faces) for faces in found][::2] == [0, 0]
    for faces in (found[1], found[3]):
        best = faces[0]
        assert 0.5 < best.score <= 1.0001 or name.startswith("dlib")
        assert best.box.dtype == np.float32
        assert np.abs(best.box - ASTRONAUT_BOX).max() < 45
        assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)
        if best.landmarks is not None:
            check_landmarks(best.landmarks)
    assert detector.detect([]) == []


def check_landmarks(points: np.ndarray) -> None:
    """Right eye, left eye, nose, right and left mouth corner of an upright face, the subject's own sides."""
    right_eye, left_eye, nose, right_mouth, left_mouth = points
    assert right_eye[0] < left_eye[0]
    assert right_mouth[0] < left_mouth[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
    assert points.shape == (5, 2)


@pytest.mark.parametrize("name", LANDMARKERS)
def test_landmarkers(name: str, store: WeightStore, cache_root: Path, astronaut: Image) -> None:
    skip_without_weights(name, store)
    (reference,) = load_detector("yunet", store, options(cache_root)).detect([astronaut])
    bare = [Face(face.box, face.score) for face in reference]
    (faces,) = load_landmarker(name, store, options(cache_root)).locate([astronaut], [bare])
    assert len(faces) == len(bare)
    points, expected = faces[0].landmarks, reference[0].landmarks
    assert points is not None
    assert expected is not None
    check_landmarks(points)
    eyes = np.linalg.norm(expected[0] - expected[1])
    assert np.linalg.norm(points - expected, axis=1).max() < 0.35 * eyes


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("name", EMBEDDERS)
def test_embedders(
    name: str, flip: bool, store: WeightStore, cache_root: Path, astronaut: Image
) -> None:
    skip_without_weights(name, store)
    embedder = load_embedder(name, store, options(cache_root), flip=flip)
    (faces,) = load_detector("yunet", store, options(cache_root)).detect([astronaut])
    assert faces[0].landmarks is not None
    side = embedder.crop_size_px
    one = crop(
        astronaut, faces[0].landmarks[None], alignment=ALIGNMENTS[embedder.alignment], size_px=side
    )
    noise = np.random.default_rng(0).integers(0, 255, (9, side, side, 3), dtype=np.uint8)
    batch = np.concatenate([one, noise, one[:, :, ::-1]])
    result = embedder.embed(batch)
    assert result.model_id == embedder.model_id
    card = store.card(name, kind="embedder")
    assert card.digest in result.model_id
    assert result.model_id.endswith("+flip") is flip
    assert result.vectors.shape == (11, card.dimension)
    assert result.vectors.dtype == np.float32
    assert np.linalg.norm(result.vectors, axis=1) == pytest.approx(1, abs=1e-4)
    alone = embedder.embed(one).vectors[0]
    assert float(alone @ result.vectors[0]) > 0.999
    mirrored = float(result.vectors[0] @ result.vectors[-1])
    assert mirrored > 0.995 if flip else mirrored > 0.8
    assert abs(float(result.vectors[0] @ result.vectors[1])) < mirrored
    assert embedder.embed(batch[:0]).vectors.shape == (0, card.dimension)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_attribute_models(
    name: str, store: WeightStore, cache_root: Path, astronaut: Image
) -> None:
    skip_without_weights(name, store)
    model = load_attributes(name, store, options(cache_root))
    (faces,) = load_detector("yunet", store, options(cache_root)).detect([astronaut])
    assert faces[0].landmarks is not None
    side = model.crop_size_px
    one = crop(
        astronaut, faces[0].landmarks[None], alignment=ALIGNMENTS[model.alignment], size_px=side
    )
    noise = np.random.default_rng(0).integers(0, 255, (20, side, side, 3), dtype=np.uint8)
    found = model.predict(np.concatenate([one, noise]))
    alone, nobody = model.predict(one), model.predict(noise[:0])
    assert found.model_id == model.model_id
    assert CARDS[name].digest in found.model_id
    given = 0
    for some, first, none in (
        (found.age_years, alone.age_years, nobody.age_years),
        (found.female_probability, alone.female_probability, nobody.female_probability),
    ):
        if some is None or first is None or none is None:
            assert some is first is none is None
            continue
        given += 1
        assert some.shape == (21,)
        assert some.dtype == np.float32
        assert float(some[0]) == pytest.approx(float(first[0]), abs=0.05)
        assert none.shape == (0,)
    if found.emotion is not None and alone.emotion is not None:
        given += 1
        assert found.emotion.shape == (21, len(found.emotions))
        np.testing.assert_allclose(found.emotion.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(found.emotion[0], alone.emotion[0], atol=0.01)
        assert found.emotions[int(found.emotion[0].argmax())] == "happy"  # she smiles
    assert given > 0
    if found.age_years is not None:  # Eileen Collins was 36
        assert 25 < found.age_years[0] < 50
    if found.age_interval is not None:
        assert found.age_interval.shape == (21, 2)
        assert (found.age_interval[:, 0] <= found.age_interval[:, 1]).all()
    if found.female_probability is not None:
        assert 0.8 < found.female_probability[0] <= 1
        assert found.female_probability.min() >= 0


@pytest.mark.parametrize("name", PARSERS)
def test_parsers(name: str, store: WeightStore, cache_root: Path, astronaut: Image) -> None:
    skip_without_weights(name, store)
    parser = load_parser(name, store, options(cache_root))
    card = store.card(name)
    assert parser.alignment == card.alignment
    assert {"background", "skin", "hair"} <= set(parser.classes) <= set(CLASSES)
    (faces,) = load_detector("yunet", store, options(cache_root)).detect([astronaut])
    assert faces[0].landmarks is not None
    side = parser.crop_size_px
    alignment = ALIGNMENTS[parser.alignment]
    one = crop(astronaut, faces[0].landmarks[None], alignment=alignment, size_px=side)
    noise = np.random.default_rng(0).integers(0, 255, (1, side, side, 3), dtype=np.uint8)
    labels = parser.parse(np.concatenate([one, noise, np.zeros_like(one)]))
    assert labels.shape == (3, side, side)
    assert labels.dtype == np.uint8
    known = {number_of(one) for one in parser.classes}
    assert set(np.unique(labels).tolist()) <= known
    # Between the eyes and the mouth there is face; the middle of the top is no face.
    points = alignment.template * (side / alignment.size_px)
    x, y = points[2].astype(int)
    assert CLASSES[labels[0, y, x]] in ("skin", "nose")
    assert CLASSES[labels[0, 1, side // 2]] not in ("skin", "nose")
    np.testing.assert_array_equal(parser.parse(one)[0], labels[0])
    assert parser.parse(one[:0]).shape == (0, side, side)


@pytest.mark.parametrize("name", POSES)
def test_estimators_of_head_pose(
    name: str, store: WeightStore, cache_root: Path, astronaut: Image
) -> None:
    skip_without_weights(name, store)
    estimator = load_pose(name, store, options(cache_root))
    detector = load_detector("yunet", store, options(cache_root))
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    (faces,), (turned,) = detector.detect([astronaut]), detector.detect([mirrored])
    black = np.zeros((80, 120, 3), np.uint8)
    found, other, none = estimator.estimate([astronaut, mirrored, black], [faces, turned, ()])
    assert found.shape == (len(faces), 3)
    assert found.dtype == np.float32
    assert none.shape == (0, 3)
    yaw, pitch, roll = found[0]
    assert np.abs([yaw, pitch]).max() < 35
    assert abs(roll) < 25
    # The mirrored head turns and tilts the other way.
    assert other[0] == pytest.approx([-yaw, pitch, -roll], abs=8)
    assert estimator.estimate([], []) == []


@pytest.mark.parametrize("name", LIVENESS)
def test_tests_of_liveness(
    name: str, store: WeightStore, cache_root: Path, astronaut: Image
) -> None:
    skip_without_weights(name, store)
    model = load_liveness(name, store, options(cache_root))
    (faces,) = load_detector("yunet", store, options(cache_root)).detect([astronaut])
    beyond = Face(np.array([-40, -30, 60, 80], np.float32), 0.9)
    black = np.zeros((80, 120, 3), np.uint8)
    found, none = model.score([astronaut, black], [(*faces, beyond), ()])
    assert found.shape == (len(faces) + 1,)
    assert found.dtype == np.float32
    assert ((found >= 0) & (found <= 1)).all()
    assert none.shape == (0,)
    (alone,) = model.score([astronaut], [faces])
    np.testing.assert_allclose(alone, found[:-1], atol=2e-3)
    assert model.score([], []) == []
