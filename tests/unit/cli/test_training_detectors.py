"""What the command says of a detector's training once it has ended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faceprint.cli.training_detectors import DetectorRun, train_detector
from faceprint.detect.viola_jones.cascade import Cascade, Stage
from faceprint.evaluate.report import Environment, Report
from faceprint.train.folders import RunFolder
from faceprint.train.recipes.cascade import CascadeRecipe

pytest.importorskip("numba", reason="needs the extra train")

from faceprint.train.cascade.run import FinishedCascade
from faceprint.train.cascade.training import Ending
from faceprint.train.cascade.tuning import Tuned

RECIPE = CascadeRecipe(name="small", task="cascade", stages=3)
ENVIRONMENT = Environment("faceprint train small", "2026-07-01", "0", {}, (), {}, {})
REPORT = Report("cascade training", "small", "small", (), (), ENVIRONMENT)


def trained(folder: Path, ending: Ending, monkeypatch: pytest.MonkeyPatch, *, as_json: bool) -> int:
    stages = 3 if ending == "all stages" else 2
    finished = FinishedCascade(
        RunFolder(folder),
        REPORT,
        Cascade((Stage((), 0.0),) * stages),
        ending,
        Tuned(0.5, 0.9, 0.0, 1),
    )
    monkeypatch.setenv("FACEPRINT_GALLERY", str(folder / "gallery.db"))
    monkeypatch.setenv("FACEPRINT_CACHE", str(folder / "cache"))
    monkeypatch.setattr("faceprint.train.scenes.finding.find_scenes", lambda *_, **__: None)
    monkeypatch.setattr("faceprint.train.cascade.run.train_cascade", lambda *_, **__: finished)
    run = DetectorRun((), (), None, folder, resume=False, devices="auto", threads=1)
    return train_detector(RECIPE, run, json=as_json)


@pytest.mark.parametrize("ending", ["all stages", "no backgrounds left"])
def test_it_says_where_training_ended_early(
    ending: Ending,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert trained(tmp_path, ending, monkeypatch, as_json=False) == 0
    said = capsys.readouterr()
    early = "Training ended early, after 2 of 3 stages: no backgrounds left."
    assert (early in said.err) == (ending != "all stages")
    assert early not in said.out


@pytest.mark.parametrize("ending", ["all stages", "no backgrounds left"])
def test_the_record_says_why_training_ended(
    ending: Ending,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert trained(tmp_path, ending, monkeypatch, as_json=True) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["ending"] == ending
    assert said.err == ""
