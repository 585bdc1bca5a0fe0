"""The façade on real photos."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from faceprint import (
    Call,
    Consent,
    Decision,
    Detection,
    Embeddings,
    Faceprint,
    Failure,
    Identification,
)
from faceprint.errors import (
    ConsentError,
    EmbeddingError,
    FaceCountError,
    ImageNotFoundError,
    InputError,
)
from faceprint.types import Photo

CALL = Call("test", "identify")
CONSENT = Consent("yes", "tests", datetime(2026, 1, 1, tzinfo=UTC), "test")
PEOPLE = ["alex_lacamoire", "biden", "kit_harington", "obama", "rose_leslie"]


@pytest.fixture
def faceprint(tmp_path: Path, cache_root: Path) -> Iterator[Faceprint]:
    with Faceprint(
        gallery=str(tmp_path / "gallery.db"), cache=cache_root, weights=tmp_path / "weights"
    ) as made:
        yield made


@pytest.fixture(scope="module")
def known(
    data_root: Path, tmp_path_factory: pytest.TempPathFactory, cache_root: Path
) -> Iterator[Faceprint]:
    """A gallery of the five public figures."""
    folder = tmp_path_factory.mktemp("gallery")
    with Faceprint(gallery=str(folder / "gallery.db"), cache=cache_root, weights=folder) as made:
        for name in PEOPLE:
            photos = sorted((data_root / "people" / "train" / name).iterdir())
            made.enrol(name, photos, call=CALL, consent=CONSENT)
        yield made


@pytest.mark.parametrize(
    ("photo", "names"),
    [
        ("alex_lacamoire1.jpg", ["alex_lacamoire"]),
        ("johnsnow_test1.jpg", ["kit_harington"]),
        ("kit_with_rose.jpg", ["kit_harington", "rose_leslie"]),
        ("obama1.jpg", ["obama"]),
        ("obama_and_biden.jpg", ["biden", "obama"]),
    ],
)
def test_people_are_named_and_others_are_unknown(
    photo: str, names: list[str], known: Faceprint, data_root: Path
) -> None:
    result = known.identify(data_root / "people" / "test" / photo, call=CALL)
    assert sorted(f.name for f in result.faces if f.name) == names
    assert all(f.decision is Decision.UNKNOWN for f in result.faces if not f.name)


def test_strangers_are_unknown(known: Faceprint, data_root: Path) -> None:
    strangers = [*sorted((data_root / "people" / "celebrities").glob("*.jpg")), data.astronaut()]
    faces = [f for r in known.identify_many(strangers, call=CALL) for f in r.faces]  # type: ignore[union-attr]
    assert len(faces) >= len(strangers)
    assert {f.decision for f in faces} == {Decision.UNKNOWN}
    assert {f.name for f in faces} == {None}
    assert all(f.candidates for f in faces)


def test_a_stream_keeps_order_and_reports_failures(
    known: Faceprint, data_root: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 not much of a photo")
    lfw = sorted((data_root / "lfw").glob("A*/*_0001.jpg"))[:30]
    photos: list[Photo] = [
        *lfw[:9],
        broken,
        *lfw[9:],
        tmp_path / "missing.jpg",
        np.zeros((2, 2)),
        lfw[0],
    ]
    results = list(known.identify_many(photos, call=CALL))
    assert len(results) == len(photos)
    failed = [k for k, r in enumerate(results) if isinstance(r, Failure)]
    assert failed[:2] == [9, 31]
    for photo, result in zip(photos, results, strict=True):
        if isinstance(result, Identification):
            assert result.detection.image == (str(photo) if isinstance(photo, Path) else "photo")
    one = known.identify(lfw[5], call=CALL)
    same = results[5]
    assert isinstance(same, Identification)
    assert (
        float(np.abs(one.embedded.embeddings.vectors - same.embedded.embeddings.vectors).max())
        < 0.02
    )


def test_a_stream_that_is_dropped_stops_reading(known: Faceprint, data_root: Path) -> None:
    taken = 0

    def photos() -> Iterator[Path]:
        nonlocal taken
        for path in sorted((data_root / "lfw").glob("*/*_0001.jpg")):
            taken += 1
            yield path

    stream = known.detect_many(photos())
    assert isinstance(next(stream), Detection)
    stream.close()  # type: ignore[attr-defined]
    assert taken < 100


def test_photos_come_as_paths_bytes_files_and_arrays(faceprint: Faceprint, data_root: Path) -> None:
    path = data_root / "people" / "obama.jpg"
    content = path.read_bytes()
    forms = [path, str(path), content, io.BytesIO(content)]
    boxes = [faceprint.detect(form).faces[0].box.tolist() for form in forms]  # type: ignore[arg-type]
    assert all(box == boxes[0] for box in boxes)
    assert faceprint.detect(data.astronaut()).faces


def test_verify_says_same_and_different(faceprint: Faceprint, data_root: Path) -> None:
    people = data_root / "people"
    same = faceprint.verify(people / "obama.jpg", people / "obama2.jpg")
    assert same.same is True
    assert same.threshold is not None
    assert same.to_dict()["fmr"] == pytest.approx(1e-3)
    other = faceprint.verify(people / "obama.jpg", people / "biden.jpg", fmr=1e-4)
    assert other.same is False
    assert other.decision is Decision.UNKNOWN
    assert other.threshold is not None
    assert other.threshold.score > same.threshold.score


def test_verify_names_the_photo_with_the_wrong_number_of_faces(
    faceprint: Faceprint, data_root: Path
) -> None:
    people = data_root / "people"
    with pytest.raises(FaceCountError, match=r"two_people\.jpg shows 2 faces"):
        faceprint.verify(people / "obama.jpg", people / "two_people.jpg")
    with pytest.raises(FaceCountError, match="No face"):
        faceprint.verify(np.zeros((64, 64, 3), np.uint8), people / "obama.jpg")
    assert faceprint.verify(people / "obama.jpg", people / "two_people.jpg", largest=True).images


def test_enrolment_needs_consent_and_one_face(faceprint: Faceprint, data_root: Path) -> None:
    people = data_root / "people"
    with pytest.raises(ConsentError):
        faceprint.enrol("obama", [people / "obama.jpg"], call=CALL)
    with pytest.raises(FaceCountError):
        faceprint.enrol("both", [people / "two_people.jpg"], call=CALL, consent=CONSENT)
    with pytest.raises(InputError, match="no face 7"):
        faceprint.enrol("both", [people / "two_people.jpg"], call=CALL, consent=CONSENT, face=7)
    with pytest.raises(InputError, match="at least one photo"):
        faceprint.enrol("nobody", [], call=CALL, consent=CONSENT)
    with pytest.raises(ImageNotFoundError):
        faceprint.enrol("nobody", [people / "nobody.jpg"], call=CALL, consent=CONSENT)
    assert faceprint.gallery.people() == []
    second = faceprint.enrol(
        "second", [people / "two_people.jpg"], call=CALL, consent=CONSENT, face=1
    )
    assert second.receipt.person.template_count == 1


def test_enrolment_reports_bad_photos_and_warns(faceprint: Faceprint, data_root: Path) -> None:
    train = data_root / "people" / "train"
    mixed = [train / "obama" / "obama.jpg", data_root / "people" / "two_people.jpg"]
    result = faceprint.enrol("obama", mixed, call=CALL, consent=CONSENT)
    assert [f.code for f in result.failures] == ["face_count"]
    again = faceprint.enrol("obama", mixed[:1], call=CALL)
    assert again.receipt.already_enrolled == 1
    assert not again.receipt.created
    double = faceprint.enrol("barack", [train / "obama" / "obama2.jpg"], call=CALL, consent=CONSENT)
    assert "obama" in double.warnings[0]
    assert "merge" in double.warnings[0]
    small = data.astronaut()[40:220, 140:300][::5, ::5]
    poor = faceprint.enrol("tiny", [np.ascontiguousarray(small)], call=CALL, consent=CONSENT)
    assert any("poor photo" in text for text in poor.warnings)


def test_a_photo_of_somebody_else_is_noticed(faceprint: Faceprint, data_root: Path) -> None:
    people = data_root / "people"
    faceprint.enrol("obama", [people / "obama.jpg"], call=CALL, consent=CONSENT)
    same = faceprint.enrol("obama", [people / "obama2.jpg"], call=CALL)
    other = faceprint.enrol("obama", [people / "biden.jpg"], call=CALL)
    assert not same.warnings
    assert any("no other photo of obama" in text for text in other.warnings)


@pytest.mark.parametrize(
    ("keep", "kind"), [("crop", "crop"), ("photo", "photo"), ("nothing", None)]
)
def test_what_is_kept_is_what_was_asked(keep: str, kind: str | None, faceprint: Faceprint) -> None:
    result = faceprint.enrol("eileen", [data.astronaut()], call=CALL, consent=CONSENT, keep=keep)  # type: ignore[arg-type]
    (template,) = faceprint.gallery.templates(result.receipt.person.person_id)
    if kind is None:
        assert template.picture_digest is None
        return
    assert template.picture_kind == kind
    assert template.picture_digest is not None
    picture = faceprint.detect(faceprint.gallery.picture(template.picture_digest))
    assert (picture.width, picture.height) == ((224, 224) if keep == "crop" else (512, 512))
    assert picture.faces


def test_ready_embeddings_are_checked(known: Faceprint, data_root: Path) -> None:
    embedded = known.embed(data_root / "people" / "obama.jpg")
    ready = embedded.embeddings
    (named,) = known.identify_embeddings(ready, call=CALL)
    assert named.name == "obama"
    assert known.verify_embeddings(ready, ready).score == pytest.approx(1, abs=1e-4)
    with pytest.raises(EmbeddingError, match="other:1"):
        known.identify_embeddings(Embeddings(ready.vectors, "other:1"), call=CALL)
    for wrong in (
        ready.vectors[:, :7],
        ready.vectors * 3,
        ready.vectors * np.nan,
        ready.vectors[0],
    ):
        with pytest.raises(EmbeddingError):
            known.identify_embeddings(replace(ready, vectors=wrong), call=CALL)


def test_an_empty_gallery_knows_nobody(faceprint: Faceprint) -> None:
    result = faceprint.identify(data.astronaut(), call=CALL)
    assert [f.decision for f in result.faces] == [Decision.UNKNOWN]
    assert result.threshold is None
    assert result.to_dict()["faces"][0]["score"] is None


def test_a_stricter_rate_raises_the_threshold_and_says_what_it_cannot_keep(
    known: Faceprint, data_root: Path
) -> None:
    photo = data_root / "people" / "test" / "obama1.jpg"
    loose, strict = (known.identify(photo, call=CALL, fpir=rate) for rate in (0.05, 1e-7))
    assert loose.threshold is not None
    assert strict.threshold is not None
    assert loose.threshold.score < strict.threshold.score
    assert loose.threshold.supported
    assert not strict.threshold.supported


def test_a_model_without_calibration_gives_scores_and_no_decision(
    tmp_path: Path, cache_root: Path, data_root: Path
) -> None:
    with Faceprint(
        gallery=str(tmp_path / "g.db"), cache=cache_root, weights=tmp_path / "w", detector="yunet"
    ) as turned:
        turned.models.__dict__["calibration"] = None
        verdict = turned.verify(
            data_root / "people" / "obama.jpg", data_root / "people" / "obama2.jpg"
        )
        assert (verdict.same, verdict.decision, verdict.threshold) == (None, None, None)
        assert verdict.score > 0.5
        turned.enrol("obama", [data_root / "people" / "obama.jpg"], call=CALL, consent=CONSENT)
        result = turned.identify(data_root / "people" / "obama2.jpg", call=CALL)
        assert [f.decision for f in result.faces] == [None]
        assert result.faces[0].candidates[0].name == "obama"


def test_a_thorough_look_enrols_the_face_that_it_counted(
    faceprint: Faceprint, data_root: Path
) -> None:
    photo = data_root / "groups" / "img3.jpg"
    faces = faceprint.detect(photo, thorough=True).faces
    for number in (3, len(faces) - 1):
        done = faceprint.enrol(
            f"face {number}", [photo], call=CALL, consent=CONSENT, face=number, thorough=True
        )
        (template,) = faceprint.gallery.templates(done.receipt.person.person_id)
        assert template.box == pytest.approx(faces[number].box, abs=1)


@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg", "two_people.jpg"])
def test_a_thorough_look_finds_no_faces_in_faces(
    name: str, faceprint: Faceprint, data_root: Path
) -> None:
    photo = data_root / "people" / name
    plain, thorough = (faceprint.detect(photo, thorough=look).faces for look in (False, True))
    assert len(plain) == len(thorough)


def test_a_panorama_keeps_its_faces(faceprint: Faceprint, data_root: Path) -> None:
    panorama = np.zeros((1200, 30_000, 3), np.uint8)
    portrait = faceprint.detect(data_root / "people" / "obama.jpg")
    panorama[: portrait.height, 17_000 : 17_000 + portrait.width] = portrait.pixels[:1200]
    (face,) = faceprint.detect(panorama).faces
    assert face.box == pytest.approx(
        portrait.faces[0].box + np.array([17_000, 0, 17_000, 0]), abs=25
    )


def test_misspelt_settings_are_refused() -> None:
    with pytest.raises(InputError, match="detecter"):
        Faceprint(detecter="mtcnn")
    with pytest.raises(InputError, match="list of photos"):
        Faceprint().enrol("ada", "ada.jpg", call=CALL)


def test_sixty_faces_in_one_photo(known: Faceprint, data_root: Path) -> None:
    result = known.identify(data_root / "groups" / "8.jpg", call=CALL)
    assert len(result.faces) >= 60
    assert not any(face.name for face in result.faces)
