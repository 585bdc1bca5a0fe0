"""What `faceprint evaluate verification` and `identification` refuse, and what they say when stopped."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from faceprint.cli.evaluating import app
from faceprint.errors import InputError


def stop(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["verification", "cfp", "--root", ".", "--view", "2"], "--view belongs to lfw"),
        (["verification", "pairs", "--pairs", "x.csv", "--view", "1"], "--view belongs to lfw"),
        (["verification", "lfw", "--root", ".", "--part", "FP"], "--part belongs to cfp"),
        (["identification", ".", "--share", "0"], "ends excluded"),
        (["identification", ".", "--share", "1"], "ends excluded"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: list[str], said: str) -> None:
    found = CliRunner().invoke(app, options)
    assert isinstance(found.exception, InputError)
    assert said in str(found.exception)


@pytest.mark.parametrize(
    ("cache", "said"),
    [("--cache", "the same command goes on from here"), ("--no-cache", "nothing is kept")],
)
@pytest.mark.parametrize("command", ["verification", "identification"])
def test_what_is_said_is_true(
    command: str,
    cache: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("ada/1.jpg", "ada/2.jpg", "bob/1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Pillow.new("RGB", (20, 20)).save(tmp_path / name)
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("ada/1.jpg,ada/2.jpg,1\nada/1.jpg,bob/1.jpg,0\n")
    monkeypatch.setattr("faceprint.evaluate.photos.embed_photos", stop)
    places = ["pairs", "--pairs", str(pairs)] if command == "verification" else [str(tmp_path)]
    # The program ends here: whoever called the command knows nothing of what was kept.
    with pytest.raises(SystemExit) as stopped:
        app([command, *places, cache], standalone_mode=False)
    assert stopped.value.code == 130
    assert said in capsys.readouterr().err
