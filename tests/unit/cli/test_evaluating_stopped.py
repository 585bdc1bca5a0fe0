"""Ctrl-C in the evaluations that keep their own results."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
import typer
from PIL import Image as Pillow

from faceprint.cli import evaluating_attributes, evaluating_detection

XML = (
    "<annotation><object><name>face</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax>"
    "<ymax>40</ymax></bndbox></object></annotation>"
)


def stop(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("cache", "said"),
    [("--cache", "the same command goes on from here"), ("--no-cache", "nothing is kept")],
)
@pytest.mark.parametrize("command", ["detection", "attributes"])
def test_what_is_said_is_true(
    command: str,
    cache: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Pillow.new("RGB", (100, 80)).save(tmp_path / "20_0_0_2017.jpg")
    (tmp_path / "20_0_0_2017.xml").write_text(XML)
    monkeypatch.setattr("faceprint.evaluate.detection.evaluate_detection", stop)
    monkeypatch.setattr("faceprint.evaluate.attributes.evaluate_attributes", stop)
    app = typer.Typer()
    app.callback()(lambda: None)
    evaluating_detection.register(app)
    evaluating_attributes.register(app)
    words = [command, *(["voc"] if command == "detection" else [])]
    # The program ends here: whoever called the command knows nothing of what was kept.
    with pytest.raises(SystemExit) as stopped:
        app([*words, "--root", str(tmp_path), cache], standalone_mode=False)
    assert stopped.value.code == 130
    assert said in capsys.readouterr().err
