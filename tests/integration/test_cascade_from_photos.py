"""A tiny cascade, from a folder of photos to a detector and its report."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faceprint import Faceprint
from faceprint.errors import InputError
from faceprint.evaluate.report import Pictures, read_report

pytest.importorskip("numba", reason="needs the extra train")

from faceprint.train.cascade.run import CascadeRequest, FinishedCascade, train_cascade
from faceprint.train.recipes.cascade import (
    BackgroundConfig,
    CascadeRecipe,
    FaceConfig,
    TuningConfig,
)
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.finding import find_scenes

pytestmark = pytest.mark.slow

PEOPLE = 60
RECIPE = CascadeRecipe(
    name="tiny",
    task="cascade",
    stages=3,
    detection=0.98,
    false_positives=0.4,
    stumps=12,
    features=800,
    faces=FaceConfig(count=300, copies=1),
    backgrounds=BackgroundConfig(
        count=400, held_out=150, fewest=20, per_photo=30, rounds=2, step=3, beside=0.0
    ),
    tuning=TuningConfig(photos=10),
)


@pytest.fixture(scope="module")
def scenes(data_root: Path, cache_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Scenes:
    """Some people of LFW, and three photos of the backgrounds."""
    folder = tmp_path_factory.mktemp("scenes")
    everybody = (data_root / "lfw" / "peopleDevTrain.txt").read_text().splitlines()[1:]
    listed = folder / "people.txt"
    listed.write_text("\n".join(everybody[: 10 * PEOPLE : 10]))
    none = folder / "none"
    none.mkdir()
    for photo in sorted((data_root / "negatives").glob("winter*"))[:3]:
        (none / photo.name).symlink_to(photo)
    with Faceprint(gallery=str(folder / "gallery.db"), cache=cache_root) as teacher:
        return find_scenes(teacher, [data_root / "lfw"], [none], people=listed)


@pytest.fixture(scope="module")
def finished(scenes: Scenes, tmp_path_factory: pytest.TempPathFactory) -> FinishedCascade:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    return train_cascade(RECIPE, CascadeRequest(scenes, out, command="faceprint train tiny"))


def test_scenes_of_real_photos(scenes: Scenes, data_root: Path) -> None:
    assert scenes.teacher == "yunet onet"
    assert scenes.terms.commercial == "forbidden"
    assert scenes.problems == ()
    people = {one.path.parent.name for one in scenes.scenes if not one.background}
    listed = (data_root / "lfw" / "peopleDevTrain.txt").read_text()
    assert 10 < len(people) <= PEOPLE
    assert all(f"{name}\t" in listed for name in people)
    # Next to all photos of LFW show the face in the middle that they are of.
    shown = [
        any(box[0] < 125 < box[2] and box[1] < 125 < box[3] for box in one.boxes)
        for one in scenes.scenes
        if not one.background
    ]
    assert np.mean(shown) > 0.95


def test_the_model_is_a_detector_like_any_other(
    finished: FinishedCascade, scenes: Scenes, cache_root: Path, tmp_path: Path
) -> None:
    assert 1 <= len(finished.cascade.stages) <= 3
    test = scenes.part("test")
    number = next(k for k, one in enumerate(test.scenes) if len(one.boxes))
    model, gallery = str(finished.folder.model), str(tmp_path / "gallery.db")
    with Faceprint(detector=model, gallery=gallery, cache=cache_root) as faces:
        found = faces.models.detect([test.read(number)], thorough=False, min_score=0.01)[0]
    (box,) = test.scenes[number].boxes[:1]
    middle = (box[:2] + box[2:]) / 2
    assert any((face.box[:2] < middle).all() and (middle < face.box[2:]).all() for face in found)


def test_the_report_shows_what_was_trained(finished: FinishedCascade) -> None:
    report = read_report(finished.folder.report)
    assert report.kind == "cascade training"
    titles = [section.title for section in report.sections]
    assert titles[:5] == [
        "The run",
        "What it looks at",
        "Stages",
        "Early rejection",
        "Held-out photos",
    ]
    galleries = [
        block for s in report.sections for block in s.blocks if isinstance(block, Pictures)
    ]
    features = next(one for one in galleries if "features" in one.title)
    assert len(features.items) > 2
    figures = {figure.name: figure.value for figure in report.figures}
    assert figures["Features"] == len(finished.cascade.stumps)
    page = (finished.folder.report / "report.html").read_text()
    assert page.count("data:image/jpeg") > 10


def test_other_photos_are_another_run(finished: FinishedCascade, scenes: Scenes) -> None:
    request = CascadeRequest(scenes.of(range(100)), finished.folder.path, resume=True)
    with pytest.raises(InputError):
        train_cascade(RECIPE, request)
