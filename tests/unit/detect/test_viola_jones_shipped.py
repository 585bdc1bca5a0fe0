"""The cascade that comes with faceprint, on real photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceprint.detect import load_detector
from faceprint.detect.viola_jones import ViolaJones
from faceprint.media import read_image
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import WeightStore


@pytest.fixture(scope="module")
def detector(cache_root: Path) -> ViolaJones:
    store = WeightStore(cache_root / "weights", cache_root)
    found = load_detector("viola-jones", store, RuntimeOptions(cache=cache_root))
    assert isinstance(found, ViolaJones)
    return found


def test_it_has_the_stages_and_features_that_are_promised(detector: ViolaJones) -> None:
    cascade = detector.cascade
    assert len(cascade.stages) >= 15
    assert cascade.features is not None
    assert sum(cascade.features.values()) == 162_336
    assert len(cascade.stages[0].stumps) <= 10
    assert all(stage.detection_rate >= 0.998 for stage in cascade.stages)
    assert np.prod([stage.false_positive_rate for stage in cascade.stages]) < 1e-5
    assert sum(stage.seconds for stage in cascade.stages) < 40 * 60


@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg"])
def test_the_surest_find_is_the_face(data_root: Path, detector: ViolaJones, name: str) -> None:
    photo = read_image(data_root / "people" / name).pixels
    (faces,) = detector.detect([photo])
    height, width = photo.shape[:2]
    x1, y1, x2, y2 = faces[0].box
    assert 0.1 * width < x1 < x2 < 0.9 * width
    assert 0 < y1 < y2 < height
    assert faces[0].score > 0.8
    # In large photos it looks at millions of windows, and takes a few for faces that are none.
    assert all(face.score < 0.5 for face in faces[1:])


def test_most_faces_of_lfw_and_few_elsewhere(data_root: Path, detector: ViolaJones) -> None:
    # Of people on neither side of the list that it was trained on.
    names = (data_root / "lfw" / "peopleDevTest.txt").read_text("utf-8").split()[1::2]
    photos = [p for name in names for p in sorted((data_root / "lfw" / name).glob("*_0001.jpg"))]
    found = detector.detect([read_image(photo).pixels for photo in photos[:40]])
    central = [
        any(face.box[0] < 125 < face.box[2] and face.box[1] < 125 < face.box[3] for face in faces)
        for faces in found
    ]
    assert len(central) == 40
    assert sum(central) >= 37
    assert sum(len(faces) for faces in found) - sum(central) <= 8


def test_none_in_noise_and_stripes(detector: ViolaJones) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 260, 3), dtype=np.uint8)
    stripes = np.zeros((200, 260, 3), dtype=np.uint8)
    stripes[::8] = 255
    black = np.zeros((200, 260, 3), dtype=np.uint8)
    assert detector.detect([noise, stripes, black]) == [(), (), ()]
