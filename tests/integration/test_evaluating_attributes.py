"""Estimated ages and genders measured on real photos, on the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from faceprint.cli import evaluating_attributes
from faceprint.errors import MissingExtraError, UnknownModelError
from faceprint.zoo import WeightStore, card

PHOTOS = 60


@pytest.fixture(scope="module")
def faces(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of all ages, a copy, and a name that says nothing."""
    folder = tmp_path_factory.mktemp("faces")
    photos = sorted((data_root / "utkface").glob("*.jpg"))
    for photo in photos[:: len(photos) // PHOTOS][:PHOTOS]:
        shutil.copy(photo, folder)
    first = sorted(folder.glob("*.jpg"))[0]
    age, sex = first.name.split("_")[:2]
    shutil.copy(first, folder / f"{age}_{sex}_0_copy.jpg")
    shutil.copy(first, folder / "somebody.jpg")
    return folder


def run(cache: Path, *words: str) -> Any:
    app = typer.Typer()
    evaluating_attributes.register(app)
    environment = {"FACEPRINT_CACHE": str(cache), "FACEPRINT_OFFLINE": "1"}
    return CliRunner(env=environment).invoke(app, list(words), catch_exceptions=False)


def test_ages_and_genders_are_told_better_than_by_chance(
    faces: Path, cache_root: Path, tmp_path: Path
) -> None:
    try:
        WeightStore(tmp_path, cache_root, offline=True).files(card("dlib-age"))
    except MissingExtraError as error:
        pytest.skip(str(error))
    out = tmp_path / "report"
    done = run(cache_root, "--root", str(faces), "--out", str(out), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["duplicates"] == 1
    assert found["drawn"] == PHOTOS + 1
    assert "somebody.jpg" in {one["image"] for one in found["failures"]}
    (age,), (gender,) = found["age"], found["gender"]
    assert age["mean_error_years"]["value"] < 14
    assert age["r2"]["value"] > 0.4
    assert gender["accuracy"]["value"] > 0.7
    assert found["not_found"]["errors"] < 10
    assert "Estimated and labelled age" in (out / "report.html").read_text("utf-8")
    again = json.loads(run(cache_root, "--root", str(faces), "--json").stdout)
    assert again == found


def test_another_kind_of_model_is_refused(faces: Path, cache_root: Path) -> None:
    with pytest.raises(UnknownModelError, match="dlib-age"):
        run(cache_root, "--root", str(faces), "--model", "yunet")
