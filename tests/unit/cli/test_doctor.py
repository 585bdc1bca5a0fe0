"""What doctor says of models that an extra runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from faceprint.cli.doctor import doctor


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("gallery", "weights", "cache"):
        monkeypatch.setenv(f"FACEPRINT_{name.upper()}", str(tmp_path / name))


def findings(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    code = doctor(json=True)
    said = json.loads(capsys.readouterr().out)
    assert code == (0 if said["ok"] else 2)
    return {check["what"]: check for check in said["checks"]}


def test_a_detector_whose_library_is_missing_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FACEPRINT_DETECTOR", "dlib-hog")
    monkeypatch.setitem(sys.modules, "dlib", None)
    found = findings(capsys)
    assert found["detector"]["state"] == "wrong"
    assert found["detector"]["finding"] == "dlib-hog runs in dlib: pip install 'faceprint[dlib]'"
    assert found["extra dlib"]["state"] in ("absent", "ok")


def test_it_is_fine_where_the_library_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("dlib", reason="needs the extra dlib")
    monkeypatch.setenv("FACEPRINT_DETECTOR", "dlib-hog")
    assert findings(capsys)["detector"]["state"] == "ok"
