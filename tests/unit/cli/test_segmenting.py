"""The command `segment`, over an engine that finds a face in the middle of every photo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from PIL import Image as PillowImage
from typer.testing import CliRunner

from faceprint.cli import segmenting
from faceprint.errors import InputError, OutputError
from faceprint.media import read_image, write_image
from faceprint.parse.classes import CLASSES, number_of
from faceprint.pipeline.results import Detection, Failure
from faceprint.pipeline.segmenting import FaceParts, Segmentation
from faceprint.types import Face, Photo

SKIN, HAIR = number_of("skin"), number_of("hair")


class Engine:
    """The upper half of every photo is hair, the lower half skin; photos called bad cannot be read."""

    asked: dict[str, Any]
    areas: dict[str, float] = {"hair": 0.5, "skin": 0.5}  # noqa: RUF012

    def __init__(self, **settings: Any) -> None:
        Engine.asked = settings

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def segment_many(self, photos: Iterator[Photo], **how: Any) -> Iterator[Segmentation | Failure]:
        Engine.asked |= how
        for photo in photos:
            assert isinstance(photo, Path)
            if photo.stem == "bad":
                yield Failure.of(str(photo), InputError("It cannot be read."))
                continue
            pixels = read_image(photo).pixels
            labels = np.full(pixels.shape[:2], SKIN, np.uint8)
            labels[: len(labels) // 2] = HAIR
            face = Face(np.array([0, 0, 9, 9], np.float32), 0.9)
            height, width = pixels.shape[:2]
            found = Detection(str(photo), width, height, (face,), pixels, "0")
            parts = FaceParts(face, self.areas, labels, (0, 0), 0.25)
            yield Segmentation(found, (parts,), labels, "halves:1")


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setattr(segmenting, "Faceprint", Engine)
    app = typer.Typer()
    segmenting.register(app)
    return app


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.jpg", "a.png", "deep/b.jpg"):
        write_image(folder / name, np.full((12, 10, 3), 90, np.uint8))
    return folder


def run(app: typer.Typer, *words: str | Path) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], standalone_mode=False)


def test_each_photo_gets_a_mask_an_overlay_and_a_cut_out(
    app: typer.Typer, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = run(app, photos, "--out", out, "--parser", "halves", "--largest")
    assert result.return_value == 0, result.output
    assert Engine.asked == {"parser": "halves", "largest": True, "thorough": False}
    stems = ("a", "a-2", "deep/b")
    ends = ("mask.png", "overlay.jpg", "cutout.png")
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert written == {f"{stem}-{end}" for stem in stems for end in ends}
    with PillowImage.open(out / "a-mask.png") as mask:
        assert mask.mode == "P"
        assert np.unique(np.asarray(mask)).tolist() == [SKIN, HAIR]
    with PillowImage.open(out / "a-cutout.png") as cut:
        assert cut.mode == "RGBA"
        assert np.asarray(cut)[..., 3].min() == 255
    assert "50.0%" in result.output
    assert "25%" in result.output


def test_some_classes_alone(app: typer.Typer, photos: Path, tmp_path: Path) -> None:
    result = run(app, photos / "a.jpg", "--out", tmp_path, "--only", "Hair, eyes")
    assert result.return_value == 0, result.output
    with PillowImage.open(tmp_path / "a-mask.png") as mask:
        assert np.unique(np.asarray(mask)).tolist() == [0, HAIR]
    with PillowImage.open(tmp_path / "a-cutout.png") as cut:
        assert (np.asarray(cut)[9, :, 3] == 0).all()
    assert "hair" in result.output
    assert "skin" not in result.output


def test_json_tells_areas_and_files(app: typer.Typer, photos: Path, tmp_path: Path) -> None:
    result = run(app, photos / "a.jpg", "--out", tmp_path, "--json")
    record = json.loads(result.output)
    assert record["faces"][0]["areas"] == {"hair": 0.5, "skin": 0.5}
    assert record["faces"][0]["occlusion"] == 0.25
    assert record["model"] == "halves:1"
    assert [Path(path).exists() for path in record["files"]] == [True] * 3


def test_a_failed_photo_is_told_and_the_rest_is_done(
    app: typer.Typer, photos: Path, tmp_path: Path
) -> None:
    (photos / "bad.jpg").write_bytes(b"no photo")
    result = run(app, photos, "--out", tmp_path / "out")
    assert result.return_value == 2
    assert (tmp_path / "out" / "deep" / "b-mask.png").exists()


@pytest.mark.parametrize("only", ["beard", "", " , "])
def test_unknown_classes_are_refused(
    only: str, app: typer.Typer, photos: Path, tmp_path: Path
) -> None:
    result = run(app, photos / "a.jpg", "--out", tmp_path, "--only", only)
    assert isinstance(result.exception, InputError)
    assert "right brow" in str(result.exception)


def test_originals_are_never_written_over(app: typer.Typer, photos: Path, tmp_path: Path) -> None:
    write_image(photos / "a-mask.png", np.full((12, 10, 3), 90, np.uint8))
    result = run(app, photos / "a.jpg", photos / "a-mask.png", "--out", photos, "--force")
    assert isinstance(result.exception, InputError)
    assert "would write over a photo" in str(result.exception)
    assert (read_image(photos / "a-mask.png").pixels == 90).all()


@pytest.mark.parametrize("inside", [".", "parts", "../photos/parts"])
def test_results_do_not_go_among_the_photos(inside: str, app: typer.Typer, photos: Path) -> None:
    before = sorted(photos.rglob("*"))
    result = run(app, photos, "--out", photos / inside, "--force")
    assert isinstance(result.exception, InputError)
    assert "Choose another folder" in str(result.exception)
    assert sorted(photos.rglob("*")) == before


def test_results_that_are_there_are_written_over_only_by_force(
    app: typer.Typer, photos: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(app, photos, "--out", out).return_value == 0
    (out / "a-mask.png").write_bytes(b"kept")
    again = run(app, photos, "--out", out)
    assert isinstance(again.exception, OutputError)
    assert "a-mask.png is there already, and so are 8 more" in str(again.exception)
    assert (out / "a-mask.png").read_bytes() == b"kept"
    assert run(app, photos, "--out", out, "--force").return_value == 0
    assert (out / "a-mask.png").read_bytes() != b"kept"


def test_the_table_of_all_columns_keeps_its_words_at_80_columns(
    app: typer.Typer, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = dict.fromkeys(CLASSES[1:], 0.012) | {"skin": 0.35, "hair": 0.15, "neck": 0.12}
    monkeypatch.setattr(Engine, "areas", areas)
    monkeypatch.setenv("COLUMNS", "80")
    result = run(app, photos / "a.jpg", "--out", tmp_path)
    assert result.return_value == 0, result.output
    _, head, row = result.output.splitlines()
    assert head.split() == ["face", *segmenting._COLUMNS, "covered"]
    assert row.split()[:5] == ["0", "35.0%", "15.0%", "1.2%", "1.2%"]


def test_a_folder_that_cannot_be_made_fails_that_photo(
    app: typer.Typer, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    result = run(app, photos / "a.jpg", "--out", tmp_path / "file" / "out")
    assert result.return_value == 2
