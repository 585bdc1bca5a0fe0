"""From found faces to estimates, over models that say what they are told; and which models are meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from faceprint.attributes import AttributeEstimates
from faceprint.errors import InputError, LicenceRefusedError, MissingExtraError, WeightsMissingError
from faceprint.pipeline import segmenting
from faceprint.pipeline.analysing import analyse_faces, attributes_here
from faceprint.pipeline.analysis_picture import analysis_pixels
from faceprint.pipeline.appearance import AnalysedFace, Analysis, EstimatedAge, Looks, Pose
from faceprint.pipeline.attribute_choice import attribute_names
from faceprint.pipeline.labels import analysis_marks, appearance_words, parts_words
from faceprint.pipeline.results import Detection, NamedEmbedding
from faceprint.pipeline.segmenting import FaceParts, Segmentation
from faceprint.types import Decision, Face, FloatArray, Image, Quality
from faceprint.zoo import CARDS, FileStatus, ModelCard, WeightStore


class Turned:
    """Every head is turned by as many degrees as its box is px from the left; unknown beyond 15 px."""

    name = "turned"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def estimate(
        self, images: Sequence[Image], faces: Sequence[Sequence[Face]]
    ) -> list[FloatArray]:
        self.batches.append(len(images))
        return [
            np.array([(f.box[0], 5, -5) if f.box[0] < 15 else [np.nan] * 3 for f in some]).reshape(
                -1, 3
            )
            for some in faces
        ]


class Alive:
    """The score is one hundredth of the photo's first red."""

    name = "alive"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def score(self, images: Sequence[Image], faces: Sequence[Sequence[Face]]) -> list[FloatArray]:
        self.batches.append(len(images))
        return [
            np.full(len(some), image[0, 0, 0] / 100, np.float32)
            for image, some in zip(images, faces, strict=True)
        ]


class Models:
    """Cuts faces by their box, and notes what was asked for."""

    def __init__(self, *, liveness: Alive | None = None) -> None:
        self.cuts: list[tuple[str, int]] = []
        self.located = 0
        self.pose = Turned()
        self.liveness = liveness
        self.parser = SimpleNamespace(model_id="halves:1")

    def attribute_models(self, names: Sequence[str]) -> tuple[Any, ...]:
        raise WeightsMissingError("There is none here.")

    def all_with_landmarks(
        self, images: list[Image], faces: list[tuple[Face, ...]], *, alignment: str
    ) -> list[tuple[Face, ...]]:
        assert alignment == "arcface-112"
        self.located += 1
        return faces

    def cut(self, image: Image, faces: tuple[Face, ...], *, alignment: str, size_px: int) -> Image:
        self.cuts.append((alignment, size_px))
        crops = [np.full((size_px, size_px, 3), image[0, int(f.box[0])], np.uint8) for f in faces]
        return np.array(crops, np.uint8).reshape(-1, size_px, size_px, 3)


class Attribute:
    """Takes the red of a crop for an age, the green for a percentage of female."""

    def __init__(self, name: str, says: Sequence[str], *, alignment: str = "arcface-112") -> None:
        self.name, self.model_id = name, f"{name}:1"
        self.alignment, self.crop_size_px = alignment, 64
        self._says = says
        self.batches: list[int] = []

    def predict(self, crops: Image) -> AttributeEstimates:
        self.batches.append(len(crops))
        red, green, _ = crops[:, 0, 0].T.astype(np.float32)
        one = np.ones_like(red)
        given = {
            "age_years": red,
            "age_interval": np.stack([red - 5, red + 7], axis=1),
            "female_probability": green / 100,
            "emotion": np.stack([0.2 * one, 0.7 * one, 0.1 * one], axis=1),
        }
        return AttributeEstimates(
            self.model_id,
            **{name: given[name] for name in self._says},
            emotions=("angry", "happy", "surprise") if "emotion" in self._says else (),
        )


def photo(name: str, *colours: tuple[int, int, int]) -> Detection:
    """A photo with a face of 10 px for each colour."""
    pixels = np.zeros((10, 10 * max(1, len(colours)), 3), np.uint8)
    for i, colour in enumerate(colours):
        pixels[:, 10 * i : 10 * i + 10] = colour
    points = np.array([[3, 3], [7, 3], [5, 5], [3, 8], [7, 8]], np.float32)
    faces = tuple(
        Face(
            np.array([10 * i, 0, 10 * i + 10, 10], np.float32),
            0.9,
            points + np.array([10 * i, 0], np.float32),
        )
        for i in range(len(colours))
    )
    return Detection(name, pixels.shape[1], 10, faces, pixels, "digest")


def analysed(
    models: Models, attributes: Sequence[Attribute], *found: Detection, **more: Any
) -> list[Analysis]:
    given: Any = (models, attributes, found)
    return analyse_faces(*given, detector="yunet", **more)


def test_each_face_gets_its_own_estimates_in_one_batch_of_all_photos() -> None:
    models = Models()
    ages = Attribute("ages", ["age_years", "age_interval"])
    genders = Attribute("genders", ["female_probability"])
    mood = Attribute("mood", ["emotion"], alignment="dlib-chip-padding-20")
    photos = [photo("a", (20, 80, 0), (30, 10, 0)), photo("b"), photo("c", (40, 50, 0))]
    first, none, last = analysed(models, [ages, genders, mood], *photos)
    assert ages.batches == genders.batches == mood.batches == [3]
    assert [face.age.years for face in first.faces if face.age] == [20, 30]
    assert [face.female_probability for face in first.faces] == pytest.approx([0.8, 0.1])
    assert none.faces == ()
    assert last.faces[0].age == EstimatedAge(40, 35, 47, "40 to 49 years")
    assert list(last.faces[0].emotion) == ["happy", "angry", "surprise"]
    assert last.models == ("ages:1", "genders:1", "mood:1")
    assert [face.quality is not None for face in first.detection.faces] == [True, True]
    assert first.faces[1].face is first.detection.faces[1]
    # Two models of one alignment and size share their crops; 112 px are for the quality.
    assert set(models.cuts) == {
        ("arcface-112", 64),
        ("dlib-chip-padding-20", 64),
        ("arcface-112", 112),
    }
    assert len(models.cuts) == 9


def test_faces_that_are_located_are_not_located_again() -> None:
    models = Models()
    analysed(models, [Attribute("a", ["age_years"])], photo("a", (20, 0, 0)), located=True)
    assert models.located == 0
    analysed(models, [Attribute("a", ["age_years"])], photo("a", (20, 0, 0)))
    assert models.located == 1


def test_what_no_model_estimates_is_null_in_json() -> None:
    (found,) = analysed(Models(), [Attribute("g", ["female_probability"])], photo("a", (20, 33, 0)))
    (face,) = found.to_dict()["faces"]
    assert face["appearance"] == {"age": None, "female_probability": 0.33, "emotion": None}
    assert {"box", "score", "landmarks", "quality"} <= set(face)
    assert found.to_dict()["models"] == ["g:1"]


def test_pose_and_liveness_are_told_of_all_photos_in_one_batch() -> None:
    models = Models(liveness=Alive())
    photos = [photo("a", (20, 0, 0), (30, 0, 0), (40, 0, 0)), photo("b"), photo("c", (90, 0, 0))]
    first, none, last = analysed(models, [], *photos)
    assert models.pose.batches == [3]
    assert [face.pose for face in first.faces] == [Pose(0, 5, -5), Pose(10, 5, -5), None]
    assert [face.liveness for face in first.faces] == pytest.approx([0.2] * 3)
    assert last.faces[0].liveness == pytest.approx(0.9)
    assert none.faces == ()
    assert dict(last.by) == {"pose": "turned", "liveness": "alive"}
    assert not last.notes
    assert first.crops is not None
    assert first.crops[:, 0, 0, 0].tolist() == [20, 30, 40]


def test_what_is_not_wanted_is_not_asked_for() -> None:
    models, ages = Models(liveness=Alive()), Attribute("a", ["age_years"])
    looks = Looks(pose=False, liveness=False, appearance=False)
    (found,) = analysed(models, [ages], photo("a", (20, 0, 0)), looks=looks)
    assert models.pose.batches == ages.batches == []
    assert models.liveness is not None
    assert models.liveness.batches == []
    (face,) = found.faces
    assert (face.pose, face.liveness, face.age, found.models) == (None, None, None, ())
    assert face.face.quality is not None
    assert (dict(found.by), dict(found.notes)) == ({}, {})


def test_a_test_of_liveness_that_is_not_here_is_noted() -> None:
    (found,) = analysed(Models(), [], photo("a", (20, 0, 0)))
    assert found.faces[0].liveness is None
    assert "faceprint models pull" in found.notes["liveness"]
    record = found.to_dict()
    assert record["notes"] == dict(found.notes)
    assert record["by"] == {"pose": "turned"}
    (face,) = record["faces"]
    assert face["pose"] == {"yaw": 0, "pitch": 5, "roll": -5}
    told = ("liveness", "parts", "appearance", "who")
    assert [face[name] for name in told] == [None] * 4


def test_weights_that_have_yet_to_be_converted_are_noted() -> None:
    class Unconverted(Models):
        @property
        def liveness(self) -> Any:
            raise MissingExtraError("Converting weights", extra="torch")

        @liveness.setter
        def liveness(self, _: object) -> None: ...

    (found,) = analysed(Unconverted(), [], photo("a", (20, 0, 0)))
    assert "faceprint[torch]" in found.notes["liveness"]
    assert found.faces[0].pose is not None


def test_parts_are_told_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def halves(models: Any, found: Sequence[Detection], *, located: bool) -> list[Segmentation]:
        assert located
        return [
            Segmentation(
                one,
                tuple(FaceParts(face, areas, labels, (0, 0), 0.1234) for face in one.faces),
                labels,
                "halves:1",
            )
            for one in found
        ]

    areas, labels = {"hair": 0.51239, "skin": 0.48761}, np.zeros((2, 2), np.uint8)
    monkeypatch.setattr(segmenting, "segment_faces", halves)
    photos = [photo("a", (20, 0, 0)), photo("b")]
    first, none = analysed(Models(), [], *photos, looks=Looks(parts=True))
    assert first.to_dict()["faces"][0]["parts"] == {
        "areas": {"hair": 0.5124, "skin": 0.4876},
        "occlusion": 0.123,
    }
    assert parts_words(first.faces[0].parts) == "hair 51 %, skin 49 %, face covered 12 %"
    assert first.by["parts"] == "halves:1"
    assert none.segmentation is not None
    (without,) = analysed(Models(), [], photos[0])
    assert without.segmentation is None
    assert without.faces[0].parts is None


def test_crops_and_quality_that_are_there_are_not_made_again() -> None:
    models, same = Models(), Attribute("same", ["age_years"])
    same.crop_size_px = 112
    found = photo("a", (20, 0, 0))
    quality = Quality(0.5, 0.5, 0.5, 0.5, 0.5)
    weighed = replace(found, faces=tuple(replace(face, quality=quality) for face in found.faces))
    crops = {("arcface-112", 112): np.full((1, 112, 112, 3), 70, np.uint8)}
    (told,) = analysed(models, [same], weighed, located=True, crops=crops)
    assert models.cuts == []
    assert told.faces[0].age is not None
    assert told.faces[0].age.years == 70
    assert told.faces[0].face.quality is quality


def test_models_of_appearance_may_be_missing_unless_they_are_named() -> None:
    models: Any = Models()
    assert attributes_here(models, automatic=True) == ((), {"appearance": "There is none here."})
    for names, automatic in ((("mine",), True), ((), False)):
        with pytest.raises(WeightsMissingError):
            attributes_here(models, names, automatic=automatic)


def test_an_age_lies_in_its_interval_however_skewed() -> None:
    class Skewed(Attribute):
        def predict(self, crops: Image) -> AttributeEstimates:
            wide = np.array([[1, 2], [50, 60]], np.float32)
            return AttributeEstimates("s:1", np.array([3, 45], np.float32), wide)

    (found,) = analysed(Models(), [Skewed("s", [])], photo("a", (0, 0, 0), (1, 0, 0)))
    ages = [face.age for face in found.faces]
    assert [(age.low, age.high) for age in ages if age] == [(1, 3), (45, 60)]


def looks(**given: Any) -> AnalysedFace:
    face = Face(np.array([0, 0, 9, 9], np.float32), 0.9)
    fields = {"age": None, "female_probability": None, "emotion": {}} | given
    return AnalysedFace(face, **fields)


@pytest.mark.parametrize(
    ("face", "words", "label"),
    [
        (
            looks(
                age=EstimatedAge(34.2, 26.8, 41.3, "30 to 39 years"),
                female_probability=0.97,
                emotion={"surprise": 0.81, "fear": 0.19},
            ),
            "about 34 years (27 to 41), looks like a woman 97 %, surprised 81 %",
            "looks 34 (27-41), woman 97 %, surprised 81 %",
        ),
        (
            looks(age=EstimatedAge(1.2, None, None, "0 to 2 years"), female_probability=0.004),
            "about 1 year, looks like a man over 99 %",
            "looks 1, man over 99 %",
        ),
        (looks(), "", ""),
    ],
    ids=["all", "some", "none"],
)
def test_estimates_are_told_in_plain_words(face: AnalysedFace, words: str, label: str) -> None:
    assert appearance_words(face) == words
    detection = photo("a", (0, 0, 0))
    (mark,) = analysis_marks(Analysis(detection, (face,), ("m:1",)))
    assert mark.label == label


def test_labels_tell_who_it_is_or_the_number() -> None:
    detection = photo("a", (0, 0, 0), (0, 0, 0))
    known = NamedEmbedding(Decision.MATCH, "Ada", "p1", 0.9, (), None)
    nobody = NamedEmbedding(Decision.UNKNOWN, None, None, 0.1, (), None)
    named = (looks(who=known, female_probability=0.97), looks(who=nobody))
    marks = analysis_marks(Analysis(detection, named, ()))
    assert [mark.label for mark in marks] == ["Ada: looks woman 97 %", "Unknown"]
    assert marks[0].colour != marks[1].colour
    marks = analysis_marks(Analysis(detection, (looks(), looks()), ()))
    assert [mark.label for mark in marks] == ["0", "1"]


def test_axes_are_drawn_where_the_pose_is_known() -> None:
    detection = photo("a", (0, 0, 0), (0, 0, 0), (0, 0, 0))
    faces = [replace(looks(), face=face) for face in detection.faces]
    turned = replace(faces[1], pose=Pose(0, 0, 0))
    drawn = analysis_pixels(Analysis(detection, (faces[0], turned, faces[2]), ()))
    touched = np.flatnonzero((drawn != detection.pixels).any(axis=(0, 2)))
    assert touched.min() >= 10
    assert 15 <= touched.max() < 25
    assert analysis_pixels(Analysis(detection, tuple(faces), ())) is detection.pixels


class Store(WeightStore):
    """Has the weights of some models."""

    def __init__(self, folder: Path, *here: str, commercial_only: Any = "no") -> None:
        super().__init__(folder, folder, offline=True, commercial_only=commercial_only)
        self._here = here

    def status(self, card: ModelCard) -> tuple[FileStatus, ...]:
        state: Any = "ready" if card.name in self._here else "missing"
        return tuple(FileStatus(file, state, None) for file in card.files)


DLIB = ("dlib-age", "dlib-gender")


def test_names_are_taken_as_they_are(tmp_path: Path) -> None:
    assert attribute_names(" b, a ,b", Store(tmp_path)) == ("b", "a")
    with pytest.raises(InputError, match="No attribute model is named"):
        attribute_names(" , ", Store(tmp_path))


def test_auto_takes_what_is_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert attribute_names("auto", Store(tmp_path, *DLIB)) == DLIB
    with pytest.raises(WeightsMissingError, match=r"faceprint\[attributes\]"):
        attribute_names("auto", Store(tmp_path))
    assert attribute_names("auto", Store(tmp_path, "dlib-age")) == ("dlib-age",)
    names = ("faceprint-age-gender", "faceprint-emotion")
    ours = {name: replace(CARDS["dlib-age"], name=name) for name in names}
    monkeypatch.setattr("faceprint.pipeline.attribute_choice.CARDS", dict(CARDS) | ours)
    assert attribute_names("auto", Store(tmp_path, *DLIB, *ours)) == tuple(ours)
    some = Store(tmp_path, *DLIB, "faceprint-emotion")
    assert attribute_names("auto", some) == (*DLIB, "faceprint-emotion")


def test_auto_takes_nothing_that_is_refused(tmp_path: Path) -> None:
    assert attribute_names("auto", Store(tmp_path, *DLIB, commercial_only="yes")) == DLIB
    with pytest.raises(LicenceRefusedError, match="dlib-age, dlib-gender"):
        attribute_names("auto", Store(tmp_path, *DLIB, commercial_only="strict"))
