"""The calibrate command on real photos."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceprint.cli.app import run
from faceprint.match import load_calibration

Run = Callable[..., tuple[int, str, str]]
SFACE = "sface:fb143eea0783:1"
PEOPLE = 40


@pytest.fixture(scope="module")
def album(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photos of each of forty people; one photo stands under two names, one shows nobody."""
    album = tmp_path_factory.mktemp("album")
    folders = [f for f in sorted((data_root / "lfw").iterdir()) if len(list(f.glob("*.jpg"))) > 1]
    for folder in folders[:PEOPLE]:
        for photo in sorted(folder.glob("*.jpg"))[:2]:
            shutil.copyfile(photo, _inside(album, folder.name) / photo.name)
    first, second = (album / folder.name for folder in folders[:2])
    shutil.copyfile(next(first.iterdir()), second / "again.jpg")
    (second / "torn.jpg").write_bytes(b"not a photo")
    _inside(album, "Nobody")
    return album


def _inside(album: Path, name: str) -> Path:
    folder = album / name
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def calibrate(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    cache_root: Path,
    album: Path,
) -> Run:
    """Runs the command on the album: exit code, standard output, standard error."""
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache_root))
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "data" / "weights"))
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        words = ["faceprint", "calibrate", str(album), "--out", str(tmp_path), *arguments]
        monkeypatch.setattr(sys, "argv", [str(word) for word in words])
        with pytest.raises(SystemExit) as stopped:
            run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


def test_people_read_what_was_measured_and_what_was_left_out(calibrate: Run) -> None:
    code, out, err = calibrate("--suspects", "2", "--dataset", "an album")
    assert code == 0
    shipped = load_calibration("yunet", f"{SFACE}+onet")
    assert shipped is not None
    for words in (
        "95 % interval",
        "shipped",
        f"{shipped.points[0].score:.3f}",
        "The photos support false match rates down to 0.0",
        "a forecast, and not promised",
        "Cllr",
        "one person in two folders?",
        "two people in one folder?",
        "40 people, 79 photos",
    ):
        assert words in out
    assert "1 photo gave no face" in err
    assert err.count("byte for byte: left out") == 2
    assert "1 person has no photos: Nobody" in err


def test_programs_read_all_of_it(calibrate: Run, tmp_path: Path) -> None:
    code, out, _ = calibrate(
        "--json", "--method", "logistic", "--flip", "--suspects", "1", "--no-cache"
    )
    assert code == 0
    record = json.loads(out)
    assert (record["people"], record["photos"], record["failures"]) == (PEOPLE, 79, 1)
    assert record["model_id"] == f"{SFACE}+flip+onet"
    assert record["evidence"]["method"] == "logistic"
    assert record["supported_fmr"] == record["points"][-1]["fmr"]
    assert record["tail"]["points"][-1]["fmr"] < record["supported_fmr"]
    assert [one["kind"] for one in record["suspects"]] == ["impostor", "genuine"]
    assert len(record["duplicate_photos"]) == 2
    assert record["people_without_photos"] == ["Nobody"]
    assert record["shipped"]
    saved = load_calibration("yunet", f"{SFACE}+flip+onet", folder=tmp_path)
    assert saved is not None
    assert str(tmp_path) in record["path"]
    assert saved.threshold(0.1).score == record["points"][0]["score"]


def test_embeddings_of_an_earlier_run_are_used_again(calibrate: Run, cache_root: Path) -> None:
    first = json.loads(calibrate("--json")[1])
    stored = {path: path.stat().st_size for path in (cache_root / "evaluation").glob("*.db")}
    assert stored
    again = json.loads(calibrate("--json")[1])
    assert again["points"] == first["points"]
    assert {p: p.stat().st_size for p in (cache_root / "evaluation").glob("*.db")} == stored


def test_a_damaged_list_of_people_is_named(calibrate: Run, tmp_path: Path) -> None:
    code, _, err = calibrate("--people", tmp_path / "nowhere.txt")
    assert code == 2
    assert "list of people" in err
