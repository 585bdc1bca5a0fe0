"""The functions of face_recognition beside the real ones, on the same photos."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceprint.compat import face_recognition
from faceprint.compat.face_recognition import models as loading
from faceprint.compat.face_recognition.models import DlibModels
from faceprint.settings import Settings

SCRIPT = Path(__file__).with_name("face_recognition_run.py")
SAME_DISTANCE = 1e-3
NEEDED = ("dlib", "face_recognition", "face_recognition_models", "pkg_resources")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        any(find_spec(name) is None for name in NEEDED),
        reason="needs face_recognition 1.3.0, dlib and setuptools below 82",
    ),
]


@pytest.fixture(scope="module")
def photos(data_root: Path) -> list[str]:
    """Those of people, each once, and one of LFW at the end."""
    people = data_root / "people"
    some = [*people.glob("train/*/*"), *people.glob("test/*"), *people.glob("celebrities/*/*")]
    small = data_root / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg"
    return [*map(str, sorted(some)), str(people / "two_people.jpg"), str(small)]


@pytest.fixture(scope="module")
def reference(photos: list[str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("reference")
    asked, results = folder / "asked.json", folder / "results.json"
    asked.write_text(json.dumps(photos))
    subprocess.run([sys.executable, str(SCRIPT), str(asked), str(results)], check=True)
    found: dict[str, Any] = json.loads(results.read_text())
    return found


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = DlibModels(Settings(weights=tmp_path, cache=cache_root, offline=True))
    monkeypatch.setattr(loading, "_models", made)


def as_lists(values: Any) -> Any:
    return json.loads(json.dumps(values))


def check_encodings(found: list[Any], wanted: list[list[float]]) -> None:
    assert len(found) == len(wanted)
    for vector, reference in zip(found, wanted, strict=True):
        assert vector.shape == (128,)
        assert vector.dtype == np.float64
        assert np.linalg.norm(vector - reference) < SAME_DISTANCE


def test_photos_and_faces_are_the_same(photos: list[str], reference: dict[str, Any]) -> None:
    faces = 0
    for photo in photos:
        wanted = reference["photos"][photo]
        image = face_recognition.load_image_file(photo)
        assert list(image.shape) == wanted["shape"], photo
        assert int(image.sum(dtype="int64")) == wanted["sum"], photo
        grey = face_recognition.load_image_file(photo, mode="L")
        assert int(grey.sum(dtype="int64")) == wanted["grey_sum"], photo
        assert grey.shape == image.shape[:2]
        places = face_recognition.face_locations(image)
        assert as_lists(places) == wanted["places"], photo
        assert as_lists(face_recognition.face_locations(image, 0)) == wanted["plain_places"], photo
        assert as_lists(face_recognition.face_locations(grey, 0)) == wanted["grey_places"], photo
        for model in ("large", "small"):
            points = face_recognition.face_landmarks(image, places, model)
            assert as_lists(points) == wanted[f"{model}_landmarks"], photo
        faces += len(places)
    assert faces > len(photos)


def test_encodings_are_the_same(photos: list[str], reference: dict[str, Any]) -> None:
    images = [face_recognition.load_image_file(photo) for photo in photos]
    for photo, image, found in zip(
        photos, images, face_recognition.batch_face_encodings(images), strict=True
    ):
        wanted = reference["photos"][photo]
        check_encodings(found, wanted["encodings"])
        places = [tuple(place) for place in wanted["places"]]
        large = face_recognition.face_encodings(image, places, model="large")
        check_encodings(large, wanted["large_encodings"])


def test_the_slow_ways_are_the_same(photos: list[str], reference: dict[str, Any]) -> None:
    small = face_recognition.load_image_file(photos[-1])
    wanted = reference["small"]
    found = face_recognition.face_locations(small, model="cnn")
    assert found
    assert as_lists(found) == wanted["cnn"]
    assert as_lists(face_recognition.face_locations(small, 0, "cnn")) == wanted["cnn_plain"]
    batch = face_recognition.batch_face_locations([small, small[:, ::-1]], 0)
    assert as_lists(batch) == wanted["batch"]


JITTERED = """
import json, sys
from faceprint.compat import face_recognition
image = face_recognition.load_image_file(sys.argv[1])
print(json.dumps([v.tolist() for v in face_recognition.face_encodings(image, num_jitters=3)]))
"""


def test_moved_copies_are_the_same(
    photos: list[str], reference: dict[str, Any], cache_root: Path
) -> None:
    # dlib moves them by its own row of random numbers, which begins with the process.
    run = subprocess.run(
        [sys.executable, "-c", JITTERED, photos[-1]],
        env={**os.environ, "FACEPRINT_CACHE": str(cache_root)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [np.array(vector) for vector in json.loads(run.stdout)]
    check_encodings(found, reference["small"]["jittered"])
