"""Estimates of how faces look, on real photos: the façade and the command line."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from skimage import data
from typer.testing import CliRunner

from faceprint import Analysis, Call, Consent, Faceprint, Failure, Looks
from faceprint.cli import analysing
from faceprint.errors import InputError, MissingExtraError, UnknownModelError
from faceprint.media import read_image
from faceprint.pipeline.labels import APPEARANCE_NOTE
from faceprint.zoo import WeightStore

MODELS = ("dlib-age", "dlib-gender")


@pytest.fixture(autouse=True)
def _dlib_is_here(tmp_path: Path, cache_root: Path) -> None:
    store = WeightStore(tmp_path, cache_root, offline=True)
    try:
        store.files(store.card("dlib-age"))
    except MissingExtraError as error:
        pytest.skip(str(error))


@pytest.fixture
def faceprint(tmp_path: Path, cache_root: Path) -> Iterator[Faceprint]:
    gallery = str(tmp_path / "gallery.db")
    with Faceprint(gallery=gallery, cache=cache_root, weights=tmp_path / "weights") as made:
        yield made


@pytest.fixture
def two(data_root: Path) -> Path:
    return data_root / "people" / "test" / "kit_with_rose.jpg"


def said(found: Analysis) -> list[float]:
    """Years, and the probability of female, of each face; batches of other sizes differ a little."""
    ages = [face.age.years for face in found.faces if face.age is not None]
    return [*ages, *(face.female_probability or 0.0 for face in found.faces)]


def test_a_man_and_a_woman_look_like_it(faceprint: Faceprint, two: Path) -> None:
    found = faceprint.analyze(two, models=MODELS)
    shares = sorted(face.female_probability or 0 for face in found.faces)
    assert shares[0] < 0.1
    assert shares[-1] > 0.9
    for face in found.faces:
        assert face.age is not None
        assert 20 < face.age.years < 50
        assert face.face.quality is not None
    assert not (Path(faceprint.settings.gallery)).exists()


def test_a_stream_gives_what_single_photos_give(
    faceprint: Faceprint, two: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    photos = [two, broken, data.astronaut(), np.zeros((50, 50, 3), np.uint8)]
    first, failed, astronaut, none = faceprint.analyze_many(photos, models=MODELS)
    assert isinstance(failed, Failure)
    assert isinstance(first, Analysis)
    assert isinstance(none, Analysis)
    assert isinstance(astronaut, Analysis)
    assert none.faces == ()
    assert len(said(first)) == 4
    assert said(first) == pytest.approx(said(faceprint.analyze(two, models=MODELS)), abs=0.05)
    assert len(faceprint.analyze(two, models=MODELS, largest=True).faces) == 1


def test_faces_that_were_identified_look_the_same(faceprint: Faceprint, two: Path) -> None:
    named = faceprint.identify(two, call=Call("test", "identify"))
    found = faceprint.analyze_embedded(named.embedded, models=MODELS)
    assert said(found) == pytest.approx(said(faceprint.analyze(two, models=MODELS)), abs=0.05)


def test_heads_turn_where_they_look_and_names_come_when_asked(
    faceprint: Faceprint, two: Path, data_root: Path
) -> None:
    consent = Consent.given("Public figure, for tests.", "tests", by="test")
    call = Call("test", "analyse")
    photos = sorted((data_root / "people" / "train" / "rose_leslie").iterdir())
    faceprint.enrol("Rose Leslie", photos, call=call, consent=consent)
    without = Looks(appearance=False)
    found = faceprint.analyze(two, looks=without, call=call)
    man, woman = sorted(found.faces, key=lambda item: -float(item.face.box[0]))
    assert woman.who is not None
    assert (woman.who.name, man.who and man.who.name) == ("Rose Leslie", None)
    assert found.models == ()
    # He looks to his right, which is the left of the photo; she looks into the camera.
    assert man.pose is not None
    assert woman.pose is not None
    assert man.pose.yaw < -8
    assert abs(woman.pose.yaw) < 8
    mirrored = faceprint.analyze(read_image(two).pixels[:, ::-1].copy(), looks=without)
    turned = [face.pose.yaw for face in mirrored.faces if face.pose is not None]
    assert max(turned) > 8
    assert all(face.who is None for face in mirrored.faces)


def test_an_unknown_model_is_refused_before_any_photo_is_read(faceprint: Faceprint) -> None:
    with pytest.raises(UnknownModelError, match="dlib-age"):
        faceprint.analyze_many(iter(()), models=("yunet",))


def run(tmp_path: Path, cache: Path, *words: str | Path, **settings: str) -> Any:
    app = typer.Typer()
    analysing.register(app)
    environment = {
        "FACEPRINT_GALLERY": str(tmp_path / "gallery.db"),
        "FACEPRINT_CACHE": str(cache),
        "FACEPRINT_WEIGHTS": str(tmp_path / "weights"),
        "FACEPRINT_OFFLINE": "1",
        "FACEPRINT_ATTRIBUTES": ",".join(MODELS),
        "COLUMNS": "120",
        **settings,
    }
    done = CliRunner(env=environment).invoke(
        app, [str(word) for word in words], catch_exceptions=False, standalone_mode=False
    )
    return done, int(done.return_value or 0)


def test_the_command_tells_it_in_plain_words_and_draws_it(
    two: Path, cache_root: Path, tmp_path: Path
) -> None:
    done, code = run(tmp_path, cache_root, two, "--out", tmp_path / "marked")
    assert code == 0
    assert "2 faces" in done.stdout
    assert "looks like a woman" in done.stdout
    assert "looks like a man" in done.stdout
    assert " years (" in done.stdout
    assert APPEARANCE_NOTE in done.stderr
    assert "By dlib-age, dlib-gender." in done.stderr
    drawn = np.asarray(Pillow.open(tmp_path / "marked" / two.with_suffix(".jpg").name))
    assert np.abs(drawn.astype(int) - np.asarray(Pillow.open(two))).max() > 100


def test_a_failed_photo_is_reported_and_the_rest_done(
    two: Path, cache_root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    shutil.copy(two, folder / "b.jpg")
    (folder / "a.jpg").write_bytes(b"no photo")
    done, code = run(tmp_path, cache_root, folder, "--json", "--largest", "--models", "dlib-gender")
    assert code == 2
    failed, found = (json.loads(line) for line in done.stdout.splitlines())
    assert failed["error"]["code"] == "not_an_image"
    (face,) = found["faces"]
    assert face["appearance"]["age"] is None
    assert 0 <= face["appearance"]["female_probability"] <= 1
    assert [model.split(":")[0] for model in found["models"]] == ["dlib-gender"]
    assert APPEARANCE_NOTE not in done.stderr


def test_what_is_missing_is_told_and_the_rest_comes(
    two: Path, cache_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceprint.pipeline.attribute_choice.CARDS", {})
    done, code = run(tmp_path, cache_root, two, "--parts", FACEPRINT_ATTRIBUTES="auto")
    assert code == 0
    assert "their right" in done.stdout
    assert "hair" in done.stdout
    assert "looks like" not in done.stdout
    assert "Left out: No model that estimates age" in done.stderr
    assert "Left out: No test of liveness" in done.stderr
    assert APPEARANCE_NOTE not in done.stderr


def test_names_come_with_the_analysis_and_the_search_is_noted(
    two: Path, cache_root: Path, tmp_path: Path, data_root: Path
) -> None:
    gallery, weights = str(tmp_path / "gallery.db"), tmp_path / "weights"
    with Faceprint(gallery=gallery, cache=cache_root, weights=weights) as made:
        photos = sorted((data_root / "people" / "train" / "rose_leslie").iterdir())
        consent = Consent.given("Public figure, for tests.", "tests", by="test")
        made.enrol("Rose Leslie", photos, call=Call("test", "enrol"), consent=consent)
    words = ("--names", "--by", "Ada", "--purpose", "door", "--no-appearance", "--json")
    done, code = run(tmp_path, cache_root, two, *words)
    assert code == 0
    found = json.loads(done.stdout)
    assert {face["who"]["name"] for face in found["faces"]} == {"Rose Leslie", None}
    assert [face["appearance"] for face in found["faces"]] == [None, None]
    with sqlite3.connect(tmp_path / "gallery.db") as database:
        noted = " ".join(str(row) for row in database.iterdump())
    database.close()
    assert "cli:Ada" in noted
    assert "door" in noted


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--by", "Ada"], "add --names"), (["--no-appearance", "--models", "x"], "leave one out")],
)
def test_options_that_do_not_go_together_are_refused(
    cache_root: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        run(tmp_path, cache_root, "photo.jpg", *words)
