"""The functions of face_recognition around stand-ins for dlib's models."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from faceprint.compat import face_recognition
from faceprint.compat.face_recognition import models as loading
from faceprint.compat.face_recognition.models import DlibModels
from faceprint.errors import ImageError, InputError, LicenceRefusedError, MissingExtraError
from faceprint.settings import Settings
from faceprint.types import Face, Image

IMAGE = np.zeros((100, 120, 3), np.uint8)
INSIDE = np.array([10, 20, 61, 71], np.float32)
CUT_OFF = np.array([-8, 60, 30, 140], np.float32)


@dataclass
class Point:
    x: int
    y: int


class Shape:
    def __init__(self, box: list[int], count: int) -> None:
        self.box, self._count = box, count

    def parts(self) -> list[Point]:
        return [Point(k, 10 * k) for k in range(self._count)]


class Finder:
    def __init__(self) -> None:
        self.doublings: list[int] = []

    def find(self, image: Image, *, doublings: int) -> tuple[Face, ...]:
        self.doublings.append(doublings)
        return (Face(INSIDE, 0.9), Face(CUT_OFF, 0.7)) if image.any() else ()


class Predictor:
    def __init__(self, count: int) -> None:
        self._count = count

    def shapes(self, image: Image, boxes: npt.NDArray[np.int64]) -> list[Shape]:
        return [Shape(box, self._count) for box in boxes.tolist()]


class FakeModels:
    max_pixels = 1_000_000

    def __init__(self) -> None:
        self.hog, self.cnn = Finder(), Finder()
        self.pool = ThreadPoolExecutor(2)
        self.jitters: list[int] = []
        self.boxes: list[list[int]] = []

    def max_doubled_pixels(self, model: str) -> int:
        return self.max_pixels

    def predictor(self, model: str) -> Predictor:
        return Predictor(5 if model == "small" else 68)

    def chips(
        self, image: Image, shapes: Sequence[Shape], *, size_px: int, padding: float
    ) -> list[list[int]]:
        assert (size_px, padding) == (150, 0.25)
        self.boxes += [shape.box for shape in shapes]
        return [shape.box for shape in shapes]

    def encode(
        self, chips: Sequence[list[int]], *, jitters: int
    ) -> Iterator[npt.NDArray[np.float64]]:
        self.jitters.append(jitters)
        return (np.full(128, float(chip[0])) for chip in chips)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModels]:
    made = FakeModels()
    monkeypatch.setattr(loading, "_models", made)
    with made.pool:
        yield made


def bright() -> Image:
    return np.full((100, 120, 3), 9, np.uint8)


def test_names_and_arguments_are_those_of_face_recognition() -> None:
    wanted = {
        "load_image_file": "(file, mode='RGB')",
        "face_locations": "(img, number_of_times_to_upsample=1, model='hog')",
        "batch_face_locations": "(images, number_of_times_to_upsample=1, batch_size=128)",
        "face_landmarks": "(face_image, face_locations=None, model='large')",
        "face_encodings": "(face_image, known_face_locations=None, num_jitters=1, model='small')",
        "compare_faces": "(known_face_encodings, face_encoding_to_check, tolerance=0.6)",
        "face_distance": "(face_encodings, face_to_compare)",
    }
    for name, arguments in wanted.items():
        signature = inspect.signature(getattr(face_recognition, name))
        bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
        assert str(inspect.Signature(bare)) == arguments
        assert name in face_recognition.__all__


def test_importing_it_loads_neither_dlib_nor_an_engine() -> None:
    program = (
        "import sys; from faceprint.compat import face_recognition; "
        "print({'dlib', 'openvino', 'onnxruntime'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.stdout == "set()\n", run.stderr


def test_places_have_their_order_and_stay_inside(fake: FakeModels) -> None:
    # As in face_recognition, the right and the bottom of a face inside are its last pixels.
    assert face_recognition.face_locations(bright()) == [(20, 60, 70, 10), (60, 29, 100, 0)]
    assert all(
        type(side) is int for place in face_recognition.face_locations(bright()) for side in place
    )
    assert face_recognition.face_locations(IMAGE) == []


def test_the_model_and_the_doublings_are_handed_on(fake: FakeModels) -> None:
    face_recognition.face_locations(bright(), 2, model="cnn")
    face_recognition.face_locations(bright(), number_of_times_to_upsample=0)
    assert (fake.cnn.doublings, fake.hog.doublings) == ([2], [0])
    with pytest.raises(InputError, match="hog or cnn"):
        face_recognition.face_locations(bright(), model="yunet")
    with pytest.raises(InputError, match="at least 0"):
        face_recognition.face_locations(bright(), -1)
    with pytest.raises(ImageError, match="doubled 4 times"):
        face_recognition.face_locations(bright(), 4)


def test_batches_may_hold_images_of_different_sizes(fake: FakeModels) -> None:
    found = face_recognition.batch_face_locations([bright(), IMAGE, bright()[:50]], 0)
    assert [len(places) for places in found] == [2, 0, 2]
    assert found[2][1] == (60, 29, 50, 0)
    assert fake.cnn.doublings == [0, 0, 0]
    assert face_recognition.batch_face_locations([]) == []
    with pytest.raises(InputError, match="batch_size"):
        face_recognition.batch_face_locations([bright()], batch_size=0)


def test_landmarks_by_their_names(fake: FakeModels) -> None:
    (large, _) = face_recognition.face_landmarks(bright())
    assert {part: len(points) for part, points in large.items()} == {
        "chin": 17,
        "left_eyebrow": 5,
        "right_eyebrow": 5,
        "nose_bridge": 4,
        "nose_tip": 5,
        "left_eye": 6,
        "right_eye": 6,
        "top_lip": 12,
        "bottom_lip": 12,
    }
    assert large["nose_tip"][0] == (31, 310)
    assert large["top_lip"][6:8] == [(54, 540), (64, 640)]
    (small,) = face_recognition.face_landmarks(bright(), [(1, 9, 8, 2)], "small")
    assert small == {
        "nose_tip": [(4, 40)],
        "left_eye": [(2, 20), (3, 30)],
        "right_eye": [(0, 0), (1, 10)],
    }
    with pytest.raises(ValueError, match="small or large"):
        face_recognition.face_landmarks(bright(), model="medium")


def test_encodings_of_known_places_keep_their_order(fake: FakeModels) -> None:
    places = [(5, 40, 30, 7), (1, 9, 8, 2)]
    found = face_recognition.face_encodings(bright(), places)
    assert [vector[0] for vector in found] == [7, 2]
    assert fake.boxes == [[7, 5, 40, 30], [2, 1, 9, 8]]
    assert fake.hog.doublings == []
    assert face_recognition.face_encodings(bright(), []) == []


def test_faces_that_are_looked_for_are_not_trimmed(fake: FakeModels) -> None:
    # face_recognition trims places that it gives out, and not those it goes on with.
    face_recognition.face_encodings(bright(), num_jitters=7)
    assert fake.boxes == [[10, 20, 60, 70], [-8, 60, 29, 139]]
    assert fake.hog.doublings == [1]
    assert fake.jitters == [7]
    assert face_recognition.face_encodings(IMAGE) == []


def test_encodings_of_several_images(fake: FakeModels) -> None:
    found = face_recognition.batch_face_encodings(iter([bright(), IMAGE, bright()]))
    assert [len(vectors) for vectors in found] == [2, 0, 2]
    places: list[Any] = [[(5, 40, 30, 7)], None, []]
    found = face_recognition.batch_face_encodings([bright()] * 3, places)
    assert [len(vectors) for vectors in found] == [1, 2, 0]
    assert found[0][0][0] == 7
    with pytest.raises(InputError, match="2 lists of locations for 3 images"):
        face_recognition.batch_face_encodings([bright()] * 3, places[:2])


def test_wrong_numbers_of_copies_are_refused(fake: FakeModels) -> None:
    with pytest.raises(InputError, match="num_jitters"):
        face_recognition.face_encodings(bright(), num_jitters=-1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: face_recognition.face_locations("photo.jpg"),  # type: ignore[arg-type]
        lambda: face_recognition.face_locations(None),  # type: ignore[arg-type]
        lambda: face_recognition.face_locations(bright() * 1.0),
        lambda: face_recognition.face_locations(bright(), 40),
        lambda: face_recognition.face_landmarks(bright(), 7),  # type: ignore[arg-type]
        lambda: face_recognition.face_encodings(bright(), [(1, 2, 3)]),
        lambda: face_recognition.face_encodings(bright(), [(5000, 6000, 6000, 5000)]),
        lambda: face_recognition.batch_face_locations(None),  # type: ignore[arg-type]
        lambda: face_recognition.batch_face_locations([None]),  # type: ignore[list-item]
        lambda: face_recognition.batch_face_encodings(np.array(3)),
        lambda: face_recognition.batch_face_encodings([bright()], 7),  # type: ignore[arg-type]
    ],
)
def test_wrong_arguments_are_errors_of_both_kinds(
    fake: FakeModels, call: Callable[[], object]
) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert isinstance(caught.value, ValueError)


def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    made = DlibModels(Settings(weights=tmp_path, cache=tmp_path, offline=True, **settings))
    monkeypatch.setattr(loading, "_models", made)


def test_without_dlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real(tmp_path, monkeypatch)
    monkeypatch.setitem(sys.modules, "dlib", None)
    for function in (
        face_recognition.face_locations,
        face_recognition.face_landmarks,
        face_recognition.face_encodings,
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'faceprint\[dlib\]'") as caught:
            function(bright())
        assert caught.value.extra == "dlib"


def test_commercial_only_refuses_what_it_forbids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real(tmp_path, monkeypatch, commercial_only="yes")
    with pytest.raises(LicenceRefusedError, match="dlib-68"):
        face_recognition.face_landmarks(bright(), [(10, 60, 60, 10)])
    with pytest.raises(LicenceRefusedError, match="dlib-cnn"):
        face_recognition.face_locations(bright(), model="cnn")
