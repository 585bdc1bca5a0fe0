"""Age, gender and emotion from photos to a model that is served: a tiny network, a few steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint import Faceprint
from faceprint.attributes import load_attributes
from faceprint.attributes.serving import estimates, read_serving
from faceprint.errors import MissingExtraError
from faceprint.evaluate.report import read_report
from faceprint.pipeline.models import runtime_options
from faceprint.train.augment.shapes import resize
from faceprint.train.callbacks import read_checkpoint
from faceprint.train.data import PreparedDataset, read_split
from faceprint.train.data.prepare import prepare
from faceprint.train.data.readers import read_source
from faceprint.train.launch import RunRequest, launch
from faceprint.train.recipes import Recipe, read_recipe
from faceprint.train.results.attribute_comparison import ready_made_estimates
from faceprint.train.tasks.attributes import attribute_task
from faceprint.zoo import WeightStore

TINY = (
    *("epochs=1", "batch=16", 'precision="32"', "side_px=32"),
    *("attributes.widths=[4, 8]", "attributes.blocks=1", "optimiser.average=0.5"),
)


@pytest.fixture(scope="module")
def faceprint() -> Iterator[Faceprint]:
    with Faceprint() as made:
        yield made


def prepared(root: Path, every: int, folder: Path, faceprint: Faceprint, alignment: str) -> Path:
    """A dataset of some of the photos of a source."""
    source = read_source(root)
    few = replace(source, samples=source.samples[::every])
    prepare(few, folder, faceprint=faceprint, alignment=alignment, side_px=40, workers=1)
    return folder


@pytest.fixture(scope="module")
def ages(data_root: Path, faceprint: Faceprint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ages") / "utkface"
    return prepared(data_root / "utkface", 90, folder, faceprint, "arcface-112")


def run(recipe: Recipe, data: Path, out: Path, faceprint: Faceprint) -> Path:
    launch(recipe, RunRequest(data, out, devices="cpu", bar=False), faceprint)
    return out


@pytest.fixture(scope="module")
def trained(ages: Path, faceprint: Faceprint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = read_recipe("age-gender", changes=TINY)
    return run(recipe, ages, tmp_path_factory.mktemp("runs") / "tiny-ages", faceprint)


def test_a_run_leaves_figures_of_ages_and_gender(trained: Path) -> None:
    names = {figure.name for figure in read_report(trained / "report").figures}
    assert {
        "Mean error of age (MAE)",
        "Ages inside the interval",
        "Gender as labelled sex",
    } <= names
    serving = read_serving(trained / "model" / "attributes.json")
    assert serving.outputs == "age:101 female:1"
    assert serving.age_low_level != 0.1


def test_the_exported_model_says_what_the_trained_network_does(
    trained: Path, ages: Path, tmp_path: Path
) -> None:
    data = PreparedDataset(ages)
    rows = read_split(trained / "split.json").rows(data, "test")[:8]
    recipe = read_recipe("age-gender", changes=TINY)
    task = attribute_task(recipe)
    task.load_state_dict(read_checkpoint(trained / "checkpoints" / "best.ckpt")["state_dict"])
    serving = read_serving(trained / "model" / "attributes.json")
    expected = estimates(task.outputs(data, rows), serving)
    store = WeightStore(tmp_path / "weights", tmp_path / "cache", offline=True)
    with Faceprint() as faceprint:
        options = runtime_options(faceprint.settings)
    model = load_attributes(str(trained / "model"), store, options)
    said = model.predict(resize(data.read(rows), recipe.side_px))
    for name in ("age_years", "age_interval", "female_probability"):
        found, wanted = getattr(said, name), getattr(expected, name)
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-2)


def test_a_head_on_embeddings_is_trained_and_reported_but_has_no_model(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    root = data_root / "utkface"
    source = read_source(root)
    few = replace(source, samples=source.samples[::180])
    prepare(few, tmp_path / "data", faceprint=faceprint, workers=1)
    recipe = read_recipe("age-gender-head", changes=("epochs=2", "batch=16"))
    out = run(recipe, tmp_path / "data", tmp_path / "head", faceprint)
    assert not (out / "model").exists()
    assert any("age" in figure.name for figure in read_report(out / "report").figures)


def test_emotions_are_learnt_from_grey_photos(
    data_root: Path, faceprint: Faceprint, tmp_path: Path
) -> None:
    data = prepared(data_root / "fer2013", 50, tmp_path / "data", faceprint, "dlib-chip")
    recipe = read_recipe("emotion", changes=TINY)
    out = run(recipe, data, tmp_path / "moods", faceprint)
    names = {figure.name for figure in read_report(out / "report").figures}
    assert {"Emotion as labelled", "Macro F1 of emotion"} <= names
    assert (
        read_serving(out / "model" / "attributes.json").emotions
        == PreparedDataset(data).classes["emotion"]
    )


def test_ready_made_models_look_at_the_photos_themselves(
    data_root: Path, faceprint: Faceprint
) -> None:
    photos = sorted((data_root / "utkface").glob("*.jpg"))[::3000]
    try:
        age, gender = ready_made_estimates(faceprint, photos, ("dlib-age", "dlib-gender"))
    except MissingExtraError as error:
        pytest.skip(str(error))
    assert age.estimates.age_years is not None
    assert age.estimates.female_probability is None
    assert gender.estimates.age_years is None
    assert len(age.estimates.age_years) == len(photos)
