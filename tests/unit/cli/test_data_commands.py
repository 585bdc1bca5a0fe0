"""faceprint data prepare, split, show: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from faceprint.cli import data
from faceprint.errors import DatasetError, InputError
from faceprint.media import write_image
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.data.splits import read_split


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten people of two photos each, a broken photo and a stray one."""
    root = tmp_path / "photos"
    rng = np.random.default_rng(0)
    for person in range(10):
        (root / f"person-{person}").mkdir(parents=True)
        for number in range(2):
            pixels = rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            write_image(root / f"person-{person}" / f"{number}.png", pixels)
    (root / "person-3" / "2.png").write_bytes(b"")
    write_image(root / "stray.png", np.zeros((40, 40, 3), dtype=np.uint8))
    return root


def run(*words: object) -> Result:
    result = CliRunner().invoke(data.app, [str(word) for word in words], standalone_mode=False)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def made(photos: Path) -> Path:
    out = photos.parent / "data"
    run("prepare", photos, "--out", out, "--crops", "whole", "--size", 32, "--json")
    return out


def record(result: Result) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_prepare_says_what_it_made_and_what_failed(photos: Path) -> None:
    out = photos.parent / "data"
    words = ("prepare", photos, "--out", out, "--crops", "whole", "--size", 32)
    result = run(*words)
    assert result.return_value == 0
    assert "20 crops of 10 people from 21 photos (folders)" in result.stdout
    assert "No crop: 1 photo person-3/2.png: person-3/2.png is empty" in result.stderr
    assert "stray.png: it lies in no person's folder" in result.stderr
    assert f"All are listed in {out / 'failures.csv'}" in result.stderr
    assert "21 photos had been done before." in run(*words).stdout


def test_prepare_prints_json(photos: Path) -> None:
    out = photos.parent / "data"
    result = run("prepare", photos, "--out", out, "--crops", "whole", "--format", "png", "--json")
    told = record(result)
    assert (told["photos"], told["crops"], told["people"], told["made"]) == (21, 20, 10, 21)
    assert [one["code"] for one in told["failures"]] == ["not_an_image"]
    assert told["digest"] == PreparedDataset(out).digest
    assert (out / "shard-00000.tar").is_file()


def test_prepare_takes_a_list_of_people(photos: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("2\nperson-1\t2\nperson-4\t2\n")
    out = tmp_path / "data"
    words = ("prepare", photos, "--out", out, "--crops", "whole", "--people", listed, "--json")
    assert record(run(*words))["crops"] == 4
    assert PreparedDataset(out).people == ("person-1", "person-4")
    listed.write_text("Ada Lovelace\n")
    with pytest.raises(InputError, match="None of the 1 people"):
        run(*words)


def test_prepare_by_what_the_source_gives_needs_that(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The source gives no landmarks"):
        run("prepare", photos, "--out", tmp_path / "data", "--given")


def test_prepare_refuses_other_options_than_before(photos: Path) -> None:
    out = made(photos)
    with pytest.raises(DatasetError, match="side_px 32, now 48"):
        run("prepare", photos, "--out", out, "--crops", "whole", "--size", 48)


def test_split_writes_parts_and_says_how_large_they_are(photos: Path, tmp_path: Path) -> None:
    out, path = made(photos), tmp_path / "split.json"
    result = run("split", out, "--out", path, "--seed", 3)
    assert result.return_value == 0
    assert f"Split: {path}" in result.stdout
    split = read_split(path)
    assert (split.by, split.seed, split.shares) == ("identity", 3, (0.6, 0.2, 0.2))
    assert [len(names) for names in split.parts.values()] == [12, 4, 4]
    split.check(PreparedDataset(out))


def test_split_prints_json(photos: Path, tmp_path: Path) -> None:
    out = made(photos)
    words = ("split", out, "--out", tmp_path / "s.json", "--shares", ".8,.1,.1", "--json")
    told = record(run(*words))
    several = {"photos": 16, "people": 8, "people_with_several_photos": 8}
    assert told["parts"]["train"] == several
    assert told["left_out"] == {}


def test_split_warns_where_nobody_has_two_photos(photos: Path, tmp_path: Path) -> None:
    for person in range(10):
        (photos / f"person-{person}" / "1.png").unlink()
    result = run("split", made(photos), "--out", tmp_path / "split.json")
    assert "nobody in train has two photos" in result.stderr


def test_split_does_not_write_over_a_file_unasked(photos: Path, tmp_path: Path) -> None:
    out, path = made(photos), tmp_path / "split.json"
    path.write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        run("split", out, "--out", path)
    assert path.read_text() == "mine"
    run("split", out, "--out", path, "--force", "--by", "photo")
    assert read_split(path).by == "photo"
    with pytest.raises(InputError, match="is a folder"):
        run("split", out, "--out", tmp_path)


@pytest.mark.parametrize("shares", ["0.5,0.5", "a,b,c", "1", ""])
def test_split_refuses_shares_that_are_not_three_numbers(
    photos: Path, tmp_path: Path, shares: str
) -> None:
    with pytest.raises(InputError, match="--shares takes three numbers"):
        run("split", made(photos), "--out", tmp_path / "split.json", "--shares", shares)


def test_show_says_what_is_in_a_dataset(photos: Path) -> None:
    out = made(photos)
    told = record(run("show", out, "--json"))
    assert (told["photos"], told["people"], told["failed"], told["side_px"]) == (20, 10, 1, 32)
    assert told["photos_of_a_person"] == {"least": 2, "median": 2.0, "most": 2}
    assert told["terms"].endswith("commercial use: undocumented")
    assert told["not_of_the_source"] == 1
    shown = run("show", out).stdout
    assert told["digest"][:12] in shown
    assert "photos of a person" in shown


def test_show_refuses_what_is_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no prepared dataset"):
        run("show", tmp_path)


def test_every_command_shows_an_example() -> None:
    for name in ("prepare", "split", "show"):
        assert f"Example: faceprint data {name} " in run(name, "--help").stdout


def test_photos_of_ones_own_carry_the_terms_that_are_given(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    words = ("prepare", photos, "--out", out, "--crops", "whole", "--kind", "folders")
    result = run(*words, "--terms", "ours, with consent", "--commercial", "allowed")
    assert result.exit_code == 0
    found = PreparedDataset(out).terms
    assert (found.name, found.commercial) == ("ours, with consent", "allowed")
    with pytest.raises(InputError, match="belongs to --terms"):
        run(*words, "--commercial", "allowed")
