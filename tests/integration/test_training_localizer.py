"""A localiser from photos to a detector that is served: a tiny network, a few steps."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint import Faceprint
from faceprint.detect import load_detector, lowered
from faceprint.errors import InputError, TrainingError
from faceprint.evaluate.report import read_report
from faceprint.media import read_image
from faceprint.pipeline.models import runtime_options
from faceprint.train.callbacks import read_checkpoint
from faceprint.train.data.records import PARTS
from faceprint.train.localizer.loop import look
from faceprint.train.localizer.network import build_localizer
from faceprint.train.localizer.run import (
    FinishedLocalizer,
    LocalizerRequest,
    held_out_crops,
    train_localizer,
)
from faceprint.train.recipes import read_any_recipe
from faceprint.train.recipes.localizer import LocalizerRecipe
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.finding import find_scenes
from faceprint.zoo import WeightStore
from faceprint.zoo.own import read_folder

TINY = (
    *("epochs=2", "batch=8", 'precision="32"', "side_px=32"),
    *("network.slimness=16", "network.hidden=8"),
    *("crops.epoch=32", "crops.validation=16", "crops.test=24"),
)


@pytest.fixture(scope="module")
def faceprint() -> Iterator[Faceprint]:
    with Faceprint() as made:
        yield made


@pytest.fixture(scope="module")
def recipe() -> LocalizerRecipe:
    found = read_any_recipe("localizer-small", changes=TINY)
    assert isinstance(found, LocalizerRecipe)
    return found


@pytest.fixture(scope="module")
def scenes(
    data_root: Path, faceprint: Faceprint, tmp_path_factory: pytest.TempPathFactory
) -> Scenes:
    """A few photos of people and a few without any, some of each in every part."""
    folder = tmp_path_factory.mktemp("scenes")
    for name, paths in (
        ("people", sorted((data_root / "lfw").glob("*/*_0001.jpg"))[:90:10]),
        ("empty", sorted((data_root / "negatives").iterdir())[:6]),
    ):
        (folder / name).mkdir()
        for path in paths:
            (folder / name / path.name).symlink_to(path)
    found = find_scenes(faceprint, [folder / "people"], [folder / "empty"])
    dealt = (replace(one, part=PARTS[k % 3]) for k, one in enumerate(found.scenes))
    return replace(found, scenes=tuple(dealt))


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    return WeightStore(tmp_path / "weights", tmp_path / "cache", offline=True)


def train(
    recipe: LocalizerRecipe, scenes: Scenes, out: Path, store: WeightStore, *, resume: bool = False
) -> FinishedLocalizer:
    return train_localizer(
        recipe, LocalizerRequest(scenes, out, resume=resume, devices="cpu"), store
    )


def test_an_interrupted_run_goes_on_to_the_same_detector(
    recipe: LocalizerRecipe,
    scenes: Scenes,
    store: WeightStore,
    tmp_path: Path,
    faceprint: Faceprint,
) -> None:
    out, whole = tmp_path / "stopped" / "mine", tmp_path / "whole" / "mine"

    def stop(what: str, done: int, total: int) -> None:
        if what == "Training" and done == 6:
            assert total == 8
            raise KeyboardInterrupt

    request = LocalizerRequest(scenes, out, devices="cpu")
    with pytest.raises(KeyboardInterrupt):
        train_localizer(recipe, request, store, progress=stop)
    with pytest.raises(InputError, match="--resume"):
        train(recipe, scenes, out, store)
    with pytest.raises(InputError, match="another recipe"):
        train(recipe.model_copy(update={"seed": 5}), scenes, out, store, resume=True)
    run = train(recipe, scenes, out, store, resume=True)
    assert run.epochs == 2
    train(recipe, scenes, whole, store)
    assert read_folder(out).digest == read_folder(whole).digest

    with run.folder.metrics.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert {"train_face_loss", "train_box_loss", "validation_iou", "validation_accuracy"} <= set(
        rows[0]
    )
    report = read_report(run.folder.report)
    assert [figure.name for figure in report.figures][:2] == [
        "Mean IoU",
        "Right on face or no face",
    ]
    assert any("from scratch" in warning for warning in report.warnings)
    check_detector(run, recipe, scenes, store, faceprint)


def check_detector(
    run: FinishedLocalizer,
    recipe: LocalizerRecipe,
    scenes: Scenes,
    store: WeightStore,
    faceprint: Faceprint,
) -> None:
    """What is served says what was trained, and bears bad input."""
    card = store.card(str(run.folder.path), kind="detector")
    assert (card.implementation, card.input_size_px) == ("localizer", 32)
    assert "from scratch" in card.summary
    assert card.data_licence == scenes.terms
    detector = load_detector(str(run.folder.model), store, runtime_options(faceprint.settings))
    built = build_localizer(recipe, store)
    built.network.load_state_dict(read_checkpoint(run.folder.best)["state_dict"])
    crops = held_out_crops(recipe, scenes, "test")
    expected = look(built.network, built, crops)
    finds = lowered(detector, 0).detect(list(crops.pixels))
    assert sum(map(len, finds)) > len(crops) / 2
    for k, faces in enumerate(finds):
        for face in faces:
            assert face.score == pytest.approx(float(expected.scores[k]), abs=1e-4)
            assert np.abs(face.box - np.clip(expected.boxes[k] * 32, 0, 32)).max() < 0.01
    odd = [
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((90, 400, 3), np.uint8),
        read_image(scenes.scenes[0].path).pixels,
    ]
    assert [len(faces) for faces in detector.detect(odd)][:2] == [0, 0]
    with Faceprint(detector=str(run.folder.path)) as served:
        found = served.detect(scenes.scenes[0].path)
    assert len(found.faces) <= 1


def test_a_part_without_faces_is_told_before_a_folder_is_made(
    recipe: LocalizerRecipe, scenes: Scenes, store: WeightStore, tmp_path: Path
) -> None:
    kept = tuple(one for one in scenes.scenes if one.part != "validation")
    with pytest.raises(TrainingError, match="photos for validation"):
        train(recipe, replace(scenes, scenes=kept), tmp_path / "run", store)
    assert not (tmp_path / "run").exists()
