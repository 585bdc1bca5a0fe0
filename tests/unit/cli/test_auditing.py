"""What `faceprint audit` refuses before any work goes into it."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from faceprint.cli import auditing
from faceprint.errors import ImageNotFoundError, InputError

PIXEL = b"not a photo"


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    auditing.register(made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ada", "bob"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        (tmp_path / "photos" / name / "1.jpg").write_bytes(PIXEL)
    return tmp_path / "photos"


def test_the_help_shows_an_example(app: typer.Typer) -> None:
    found = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert found.exit_code == 0
    assert "Example: faceprint audit" in found.stdout


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        (["--slices", "fog"], InputError, "no disturbance 'fog'"),
        (["--by", "sex"], InputError, "--labels FILE.csv"),
        (["--limit", "5"], InputError, "--limit belongs to --layout utkface"),
        (["--layout", "utkface", "--labels", "x.csv"], InputError, "UTKFace names are the labels"),
        (["--layout", "utkface"], InputError, "None of the 2 photos"),
        (["--labels", "gone.csv"], InputError, "gone.csv cannot be read"),
    ],
)
def test_bad_input_is_refused_in_words(
    app: typer.Typer, folder: Path, options: list[str], error: type[Exception], said: str
) -> None:
    found = CliRunner().invoke(app, [str(folder), *options])
    assert isinstance(found.exception, error)
    assert said in str(found.exception)


def test_a_folder_without_people(app: typer.Typer, tmp_path: Path) -> None:
    found = CliRunner().invoke(app, [str(tmp_path)])
    assert isinstance(found.exception, ImageNotFoundError)


def test_a_report_goes_nowhere_else(app: typer.Typer, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    found = CliRunner().invoke(app, [str(folder), "--out", str(tmp_path / "out")])
    assert isinstance(found.exception, InputError)
    assert "a report needs a folder" in str(found.exception)
