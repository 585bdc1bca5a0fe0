"""The functions of face_recognition with dlib's real models: odd images, borders and threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from faceprint.compat import face_recognition
from faceprint.compat.face_recognition import models as loading
from faceprint.compat.face_recognition.models import DlibModels
from faceprint.settings import Settings

pytest.importorskip("dlib", reason="needs the extra dlib")


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, cache_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = DlibModels(Settings(weights=tmp_path, cache=cache_root, offline=True))
    monkeypatch.setattr(loading, "_models", made)


@pytest.fixture
def photo(data_root: Path) -> np.ndarray:
    path = data_root / "lfw" / "Aaron_Peirsol" / "Aaron_Peirsol_0001.jpg"
    image: np.ndarray = face_recognition.load_image_file(path)
    return image


def encode(image: np.ndarray) -> np.ndarray:
    (encoding,) = face_recognition.face_encodings(image)
    return encoding


def test_other_kinds_of_arrays_give_the_same_face(photo: np.ndarray) -> None:
    wanted = encode(photo)
    opaque = np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])
    for same in (opaque, photo / 255, photo.astype(np.uint16) * 257, np.asfortranarray(photo)):
        np.testing.assert_allclose(encode(same), wanted, atol=1e-6)
    grey = photo.mean(axis=2).astype(np.uint8)
    assert face_recognition.face_distance([encode(grey)], wanted)[0] < 0.4
    assert encode(grey[:, :, None]) == pytest.approx(encode(grey))


@pytest.mark.parametrize("model", ["hog", "cnn"])
@pytest.mark.parametrize("size", [(1, 1), (5, 300), (300, 5), (40, 40)], ids=str)
def test_images_too_small_for_a_face_hold_none(model: str, size: tuple[int, int]) -> None:
    for image in (np.zeros((*size, 3), np.uint8), np.full(size, 255, np.uint8)):
        assert face_recognition.face_locations(image, model=model) == []
    assert face_recognition.face_landmarks(image) == []
    assert face_recognition.face_encodings(image) == []


def test_faces_cut_by_the_border_are_found_inside_it(photo: np.ndarray) -> None:
    ((top, right, bottom, left),) = face_recognition.face_locations(photo)
    fifth = (right - left) // 5
    cut = photo[:, left + fifth :]
    found = face_recognition.face_locations(cut, model="cnn")
    assert len(found) == 1
    assert all(
        0 <= side <= limit
        for side, limit in zip(found[0], (250, *cut.shape[1::-1], 250), strict=True)
    )
    # Places may reach beyond the image: what lies there is black.
    (encoding,) = face_recognition.face_encodings(
        cut, [(top, right - left - fifth, bottom, -fifth)]
    )
    assert face_recognition.face_distance([encode(photo)], encoding)[0] < 0.6
    with pytest.raises(ValueError, match="outside the image"):
        face_recognition.face_encodings(photo, [(-500, -400, -400, -500)])


def test_threads_get_what_one_alone_gets(data_root: Path) -> None:
    folder = data_root / "lfw" / "George_W_Bush"
    photos = [face_recognition.load_image_file(path) for path in sorted(folder.iterdir())[:6]]
    places = [face_recognition.face_locations(photo) for photo in photos]
    wanted = [face_recognition.face_encodings(*pair) for pair in zip(photos, places, strict=True)]
    landmarks = [
        face_recognition.face_landmarks(*pair) for pair in zip(photos, places, strict=True)
    ]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(face_recognition.face_locations, photos)) == places
        assert list(pool.map(face_recognition.face_landmarks, photos, places)) == landmarks
        found = list(pool.map(face_recognition.face_encodings, photos, places))
    for batch in (found, face_recognition.batch_face_encodings(photos, places)):
        for some, same in zip(batch, wanted, strict=True):
            np.testing.assert_allclose(some, same, atol=1e-6)
    assert sum(map(len, places)) >= 6
