"""What the default embedder sees in photos of people, on the command line and in pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as Pillow

from faceprint import Faceprint
from faceprint.cli import explaining
from faceprint.errors import FaceCountError, OutputError
from faceprint.train.explain.photo import explain_photo

Command = Callable[..., int]


@pytest.fixture(autouse=True)
def _places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache_root: Path) -> None:
    monkeypatch.setenv("FACEPRINT_GALLERY", str(tmp_path / "gallery.db"))
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache_root))
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "weights"))


@pytest.fixture
def explain() -> Command:
    """Runs the command, and gives its exit code."""
    app = typer.Typer()
    explaining.register(app)
    command = typer.main.get_command(app)

    def run(*arguments: object) -> int:
        return int(command.main(list(map(str, arguments)), standalone_mode=False))

    return run


def test_a_match_is_explained(
    explain: Command, data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people, out = data_root / "people", tmp_path / "seen"
    first, second = people / "obama.jpg", people / "obama2.jpg"
    assert explain(first, "--other", second, "--out", out, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["image"] == str(first)
    assert found["other"] == str(second)
    assert found["model"].startswith("sface:")
    assert found["score"] == pytest.approx(0.756, abs=0.02)
    assert found["lowest"] < found["score"] < found["highest"]
    assert found["notes"] == []
    assert (found["patch_px"], found["crop_px"]) == (16, 112)
    sizes = ["features-112px", "features-56px", "features-28px", "features-14px", "features-7px"]
    assert list(found["files"]) == ["occlusion", "filters", *sizes]
    pictures = {name: np.asarray(Pillow.open(path)) for name, path in found["files"].items()}
    assert all(p.ndim == 3 and p.std() > 10 for p in pictures.values())
    # Two crops, each beside its map.
    assert pictures["occlusion"].shape == (448, 4 * 448 + 3 * 3, 3)
    reds = pictures["occlusion"][:, 451 : 2 * 448 + 3].astype(int)
    eyes, corner = reds[180:260, 100:350], reds[380:, :60]
    assert (eyes[..., 0] - eyes[..., 2]).mean() > (corner[..., 0] - corner[..., 2]).mean() + 10


def test_one_face_is_explained_to_people(
    explain: Command, data_root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = data_root / "people" / "obama.jpg"
    assert explain(photo, "--out", tmp_path / "seen", "--model", "sface") == 0
    printed = capsys.readouterr().out
    assert "to the whole one" in printed
    assert "occlusion.png" in printed
    assert (tmp_path / "seen" / "occlusion.png").stat().st_size > 10_000


def test_embedders_without_layers_to_show_say_so(data_root: Path, tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    photo = data_root / "people" / "obama.jpg"
    with Faceprint(embedder="dlib-resnet") as faces:
        found = explain_photo(faces, photo, tmp_path / "seen")
    assert list(found.files) == ["occlusion"]
    assert found.other is None
    assert found.score == pytest.approx(1, abs=1e-4)
    assert "dlib-resnet is no ONNX network" in found.notes[0]


def test_photos_that_cannot_be_used_are_told(data_root: Path, tmp_path: Path) -> None:
    people = data_root / "people"
    with Faceprint() as faces:
        with pytest.raises(FaceCountError, match=r"two_people\.jpg shows 2 faces"):
            explain_photo(
                faces, people / "obama.jpg", tmp_path / "a", other=people / "two_people.jpg"
            )
        (tmp_path / "file").write_text("taken")
        with pytest.raises(OutputError, match="--out"):
            explain_photo(faces, people / "obama.jpg", tmp_path / "file")
    assert not (tmp_path / "a").exists()
