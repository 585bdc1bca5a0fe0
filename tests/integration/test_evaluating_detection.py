"""Detection measured on real photos with Pascal VOC labels, on the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from faceprint import Faceprint
from faceprint.cli import evaluating_detection
from faceprint.evaluate.detection import evaluate_detection, read_set
from faceprint.geometry import iou_matrix

Evaluate = Callable[..., dict[str, Any]]
PHOTOS = 20


@pytest.fixture(scope="module")
def masks(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty photos with their labels, and things that go wrong."""
    folder = tmp_path_factory.mktemp("masks")
    for photo in sorted((data_root / "detection").glob("*.jpg"))[:PHOTOS]:
        shutil.copy(photo, folder)
        shutil.copy(photo.with_suffix(".xml"), folder)
    first = sorted(folder.glob("*.jpg"))[0]
    shutil.copy(first, folder / "zz_unlabelled.jpg")
    (folder / "zz_damaged.jpg").write_bytes(b"no photo")
    shutil.copy(first.with_suffix(".xml"), folder / "zz_damaged.xml")
    return folder


@pytest.fixture
def evaluate(monkeypatch: pytest.MonkeyPatch, cache_root: Path) -> Evaluate:
    """Runs the command on a folder with --json."""
    app = typer.Typer()
    evaluating_detection.register(app)
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache_root))
    monkeypatch.setenv("FACEPRINT_OFFLINE", "1")

    def command(root: Path, *more: str) -> dict[str, Any]:
        done = CliRunner().invoke(app, ["voc", "--root", str(root), "--json", *more])
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return command


def recall_by_hand(root: Path, cache_root: Path) -> tuple[int, int]:
    """Labelled faces, and those that some find overlaps by half: nearly those that are found."""
    faces = found = 0
    with Faceprint(cache=cache_root) as faceprint:
        for photo in read_set("voc", root).photos:
            faces += len(photo.boxes)
            if photo.path.name.startswith("zz"):
                continue
            boxes = [face.box for face in faceprint.detect(photo.path).faces]
            if boxes:
                overlaps = iou_matrix(np.stack(boxes), photo.boxes)
                found += int((overlaps.max(axis=0) >= 0.5).sum())
    return faces, found


def test_yunet_on_twenty_photos(
    evaluate: Evaluate, masks: Path, cache_root: Path, tmp_path: Path
) -> None:
    result = evaluate(masks, "--out", str(tmp_path / "report"))
    assert result["photos"] == PHOTOS + 1
    assert {one["image"] for one in result["failures"]} == {"zz_unlabelled.jpg", "zz_damaged.jpg"}
    faces, found = recall_by_hand(masks, cache_root)
    assert result["faces"] == faces
    assert result["recall"]["value"] == pytest.approx(found / faces, abs=0.02)
    assert 0.3 < result["recall"]["value"] <= 1
    assert result["precision"]["value"] > 0.6
    assert result["mean_average_precision"]["value"] < result["average_precision"]["value"]
    for name in ("average_precision", "recall", "precision"):
        assert result[name]["low"] <= result[name]["value"] <= result[name]["high"]
    assert {part["name"] for part in result["labels"]} >= {"con_mascarilla", "sin_mascarilla"}
    assert sum(part["faces"] for part in result["sizes"]) == faces
    page = (tmp_path / "report" / "report.html").read_text("utf-8")
    assert "Precision and recall" in page
    assert "zz_unlabelled.jpg" in page


def test_another_run_looks_at_nothing_again(
    evaluate: Evaluate, masks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FACEPRINT_CACHE", str(tmp_path / "cache"))
    first = evaluate(masks)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("looked again")

    monkeypatch.setattr("faceprint.pipeline.models.Search", refuse)
    (masks / "zz_damaged.jpg").replace(tmp_path / "damaged.jpg")
    try:
        again = evaluate(masks)
    finally:
        (tmp_path / "damaged.jpg").replace(masks / "zz_damaged.jpg")
    assert again["average_precision"]["value"] >= first["average_precision"]["value"]
    assert again["finds"] == first["finds"]


@pytest.mark.parametrize("detector", ["mtcnn", "dlib-hog"])
def test_the_curve_goes_through_what_the_product_finds(
    detector: str, masks: Path, cache_root: Path
) -> None:
    if detector == "dlib-hog":
        pytest.importorskip("dlib", reason="needs the extra dlib")
    labelled = read_set("voc", masks)
    with Faceprint(detector=detector, cache=cache_root) as faceprint:
        result = evaluate_detection(faceprint, labelled)
    curve = result.curves["all faces"]
    assert len(curve.scores) > 5
    assert curve.scores.min() < result.lowest_usual_score
    place = np.flatnonzero(curve.scores >= result.lowest_usual_score - 1e-6)[-1]
    assert curve.recall[place] == pytest.approx(result.recall.value, abs=0.02)
    assert curve.precision[place] == pytest.approx(result.precision.value, abs=0.05)
