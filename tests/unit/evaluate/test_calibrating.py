"""Folders of photos to a calibration."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from faceprint.errors import CalibrationError, ImageNotFoundError
from faceprint.evaluate.calibrating import (
    LabelledFaces,
    calibrate,
    embed_folders,
    read_people_list,
)
from faceprint.pipeline import Faceprint
from faceprint.pipeline.results import Detection, EmbeddedPhoto, Failure
from faceprint.types import Embeddings, Face

SIZE = 16
MODEL = "fake:abc:1"


def vector(person: int, photo: int, spread: float = 0.5) -> np.ndarray:
    centre = np.random.default_rng(person).normal(size=SIZE)
    found = centre + spread * np.random.default_rng((person, photo)).normal(size=SIZE)
    unit: np.ndarray = (found / np.linalg.norm(found)).astype(np.float32)
    return unit


class Fake:
    """Embeds files that hold the number of a person and of a photo; others show no face."""

    settings = SimpleNamespace(detector="yunet")
    models = SimpleNamespace(dimension=SIZE)
    model_id = MODEL

    def embed_many(self, photos: Iterable[Path]) -> Iterator[EmbeddedPhoto | Failure]:
        for path in photos:
            words = path.read_text().split()
            if words == ["broken"]:
                yield Failure(str(path), "not_an_image", "It is not a photo.")
                continue
            vectors = [vector(int(words[0]), int(words[1]))] if words else []
            faces = tuple(Face(np.array([10, 10, 50, 50], np.float32), 0.9) for _ in vectors)
            pixels = np.zeros((60, 60, 3), np.uint8)
            yield EmbeddedPhoto(
                Detection(str(path), 60, 60, faces, pixels, "digest"),
                Embeddings(np.array(vectors, np.float32).reshape(-1, SIZE), MODEL),
                np.zeros((len(vectors), 112, 112, 3), np.uint8),
            )


FAKE = cast(Faceprint, Fake())


def write(root: Path, photos: dict[str, str]) -> Path:
    for name, text in photos.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def faces_of(people: int, photos: int) -> LabelledFaces:
    owners = np.repeat(np.arange(people), photos)
    rows = [vector(int(person), photo) for photo, person in enumerate(owners)]
    return LabelledFaces(
        vectors=np.array(rows),
        people=owners,
        names=tuple(f"person {k}" for k in range(people)),
        photos=tuple(f"photo {k}.jpg" for k in range(len(owners))),
        failures=(),
    )


def test_each_folder_is_a_person_and_each_failure_is_counted(tmp_path: Path) -> None:
    photos = {"Ada Lovelace/a.jpg": "1 1", "Ada Lovelace/b.jpg": "1 2", "Bob/x.jpg": "2 1"}
    spoiled = {"Bob/nobody.jpg": "", "Bob/torn.jpg": "broken", "Eve/readme.txt": "none"}
    found = embed_folders(FAKE, write(tmp_path, photos | spoiled))
    assert found.names == ("Ada Lovelace", "Bob")
    assert found.people.tolist() == [0, 0, 1]
    assert [Path(photo).name for photo in found.photos] == ["a.jpg", "b.jpg", "x.jpg"]
    assert found.vectors == pytest.approx(np.array([vector(1, 1), vector(1, 2), vector(2, 1)]))
    assert sorted(failure.code for failure in found.failures) == ["face_count", "not_an_image"]
    assert found.empty == ("Eve",)
    assert found.duplicates == ()


def test_copies_are_left_out(tmp_path: Path) -> None:
    photos = {
        "Ada/1.jpg": "1 1",
        "Ada/2.jpg": "1 2",
        "Ada/2 copy.jpg": "1 2",
        "Ada/3.jpg": "1 3",
        "Bob/1.jpg": "2 1",
        "Bob/who.jpg": "1 3",
    }
    found = embed_folders(FAKE, write(tmp_path, photos))
    assert [Path(photo).name for photo in found.photos] == ["1.jpg", "2 copy.jpg", "1.jpg"]
    twice = {Path(one.image).name: one.message for one in found.duplicates}
    assert set(twice) == {"2.jpg", "3.jpg", "who.jpg"}
    assert "is there twice" in twice["2.jpg"]
    assert "under Ada and Bob" in twice["who.jpg"]
    assert {one.code for one in found.duplicates} == {"duplicate"}


def test_a_list_picks_people(tmp_path: Path) -> None:
    root = write(tmp_path, {"Ada/1.jpg": "1 1", "Bob/1.jpg": "2 1", "Eve/1.jpg": "3 1"})
    found = embed_folders(FAKE, root, people=["Eve", "Ada", "Zoe"])
    assert found.names == ("Ada", "Eve")
    assert found.empty == ("Zoe",)
    with pytest.raises(ImageNotFoundError, match="list of people"):
        embed_folders(FAKE, root, people=["Zoe"])


def test_people_lists_of_several_kinds(tmp_path: Path) -> None:
    path = tmp_path / "people.txt"
    path.write_text("﻿3\nAda_Lovelace\t2\n\n Grace Hopper 14\r\nHenry 8 Tudor\n", "utf-8")
    assert read_people_list(path) == ("Ada_Lovelace", "Grace Hopper", "Henry 8 Tudor")
    path.write_text("17\n")
    with pytest.raises(CalibrationError, match="names nobody"):
        read_people_list(path)
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_people_list(tmp_path / "nowhere.txt")


def test_folders_without_photos_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match="not a folder"):
        embed_folders(FAKE, tmp_path / "nowhere")
    (tmp_path / "Ada").mkdir()
    with pytest.raises(ImageNotFoundError, match="no folder with photos"):
        embed_folders(FAKE, tmp_path)


def test_a_calibration_has_all_its_parts() -> None:
    run = calibrate(FAKE, faces_of(80, 3), dataset="made up", command=["faceprint", "a b"])
    result = run.calibration
    assert (result.people, result.photos, result.genuine_count) == (80, 240, 240)
    assert result.impostor_count == 240 * 239 // 2 - 240
    assert result.command == "faceprint 'a b'"
    assert (result.detector, result.model_id) == ("yunet", MODEL)
    assert result.tail is not None
    assert result.evidence is not None
    genuine, impostor = result.log10_ratio([0.9, 0.0])
    assert genuine > 0.5 > -0.5 > impostor
    assert result.searches
    assert {point.people for point in result.searches} == {10}


def test_few_people_with_two_photos_give_thresholds_and_no_ratios() -> None:
    faces = faces_of(60, 1)
    people = faces.people.copy()
    people[-2:] = people[-3]
    lean = LabelledFaces(faces.vectors, people, faces.names, faces.photos, ())
    result = calibrate(FAKE, lean, dataset="x", command=["x"]).calibration
    assert result.people == 58
    assert result.evidence is None
    assert result.points


def test_suspects_are_one_person_in_two_folders_and_two_in_one() -> None:
    faces = faces_of(60, 3)
    rows = faces.vectors.copy()
    rows[3:6] = [vector(0, 100 + k, 0.1) for k in range(3)]
    rows[0:3] = [vector(0, 200 + k, 0.1) for k in range(3)]
    rows[32] = -rows[30]
    mixed = LabelledFaces(rows, faces.people, faces.names, faces.photos, ())
    alike, unlike = calibrate(FAKE, mixed, dataset="x", command=["x"]).suspects(1)
    assert (alike.kind, set(alike.names)) == ("impostor", {"person 0", "person 1"})
    assert alike.score > 0.9
    assert (unlike.kind, unlike.names) == ("genuine", ("person 10", "person 10"))
    assert unlike.photos == ("photo 30.jpg", "photo 32.jpg")
    assert unlike.to_dict()["score"] == -1


def test_sets_that_cannot_be_calibrated_are_refused() -> None:
    def attempt(faces: LabelledFaces) -> None:
        calibrate(FAKE, faces, dataset="x", command=["x"])

    with pytest.raises(CalibrationError, match="many people, got 1"):
        attempt(faces_of(1, 5))
    with pytest.raises(CalibrationError, match="None of the 40 people has two photos"):
        attempt(faces_of(40, 1))
    with pytest.raises(CalibrationError, match="Too few people"):
        attempt(faces_of(6, 3))
    with pytest.raises(CalibrationError, match="many people, got 0"):
        attempt(LabelledFaces(np.zeros((0, SIZE), np.float32), np.zeros(0, int), (), (), ()))
    spoiled = faces_of(40, 2)
    spoiled.vectors[5, 3] = np.nan
    with pytest.raises(CalibrationError, match=r"photo 5\.jpg is not finite"):
        attempt(spoiled)
