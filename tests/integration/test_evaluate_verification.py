"""Verification and identification on real photos, from the command line to the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from faceprint.cli import app as command_line
from faceprint.cli.evaluating import app

Run = Callable[..., tuple[int, str, str]]
PAIRS = 25


@pytest.fixture
def evaluate(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    cache_root: Path,
) -> Run:
    """Runs `faceprint evaluate …`: exit code, standard output, standard error."""
    if not any(group.name == "evaluate" for group in command_line.app.registered_groups):
        groups = [*command_line.app.registered_groups]
        monkeypatch.setattr(command_line.app, "registered_groups", groups)
        command_line.app.add_typer(app, name="evaluate")
    cache = tmp_path / "cache"
    cache.mkdir()
    for part in cache_root.iterdir():
        if part.name != "evaluation":
            (cache / part.name).symlink_to(part)
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache))
    monkeypatch.setenv("FACEPRINT_GALLERY", str(tmp_path / "gallery.db"))
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "data" / "weights"))
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            command_line.run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


@pytest.fixture
def lfw(data_root: Path, tmp_path: Path) -> Path:
    """LFW with the first pairs of each kind of view 1."""
    root = tmp_path / "lfw"
    root.mkdir()
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt"):
        lines = (data_root / "lfw" / name).read_text("utf-8").splitlines()
        half = int(lines[0])
        kept = [*lines[1 : PAIRS + 1], *lines[half + 1 : half + PAIRS + 1]]
        (root / name).write_text("\n".join([str(PAIRS), *kept]) + "\n")
        for person in {word for line in kept for word in line.split() if not word.isdigit()}:
            link = root / person
            if not link.exists():
                link.symlink_to(data_root / "lfw" / person)
    return root


def test_lfw_is_measured_and_reported_and_the_second_run_uses_the_cache(
    evaluate: Run, lfw: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    code, printed, errors = evaluate("verification", "lfw", "--root", lfw, "--out", out)
    assert code == 0, errors
    assert "Verification on LFW view 1" in printed
    assert f"threshold from {2 * PAIRS} training pairs" in printed
    page = (out / "report.html").read_text("utf-8")
    assert "Least alike of one person" in page
    kept = list((tmp_path / "cache" / "evaluation").glob("*.db"))
    assert len(kept) == 1
    before = kept[0].stat().st_size
    code, printed, _ = evaluate("verification", "lfw", "--root", lfw, "--json")
    record = json.loads(printed)
    assert code == 0
    assert record["figures"]["accuracy"]["value"] >= 0.96
    assert record["figures"]["genuine_pairs"] == PAIRS
    assert record["failures"] == []
    assert kept[0].stat().st_size == before


def test_pairs_of_ones_own_with_a_photo_that_is_missing(
    evaluate: Run, data_root: Path, tmp_path: Path
) -> None:
    photos = sorted((data_root / "lfw" / "Abdullah").iterdir())
    strangers = sorted((data_root / "lfw" / "Abdullah_Gul").iterdir())[:2]
    pairs = tmp_path / "my pairs.csv"
    pairs.write_text(
        "photo a;photo b;same\n"
        f"{photos[0]};{photos[0].with_name('gone.jpg')};genuine\n"
        f"{strangers[0]};{strangers[1]};genuine\n"
        f"{photos[0]};{strangers[0]};impostor\n"
    )
    code, printed, errors = evaluate(
        "verification", "pairs", "--pairs", pairs, "--no-cache", "--json"
    )
    assert code == 0, errors
    record = json.loads(printed)
    assert [record["failed_genuine_pairs"], record["failed_impostor_pairs"]] == [0, 0]
    assert record["figures"]["genuine_pairs"] == 1
    assert record["figures_without_failures"] is None
    assert any("1 pair of files that are missing left out" in note for note in record["notes"])
    assert not (tmp_path / "cache" / "evaluation").exists()


def test_identification_and_forgetting(evaluate: Run, data_root: Path, tmp_path: Path) -> None:
    people = tmp_path / "people"
    people.mkdir()
    found = (folder for folder in sorted((data_root / "lfw").iterdir()) if folder.is_dir())
    chosen = [folder for folder in found if 3 <= len(list(folder.iterdir())) <= 4][:16]
    for folder in chosen:
        (people / folder.name).symlink_to(folder)
    out = tmp_path / "report"
    code, printed, errors = evaluate("identification", people, "--enrol", "2", "--out", out)
    assert code == 0, errors
    assert "rank-1 identification rate" in printed
    assert "only 8 enrolled and 8 unknown people" in errors
    assert (out / "report.md").is_file()
    code, printed, _ = evaluate("identification", people, "--enrol", "2", "--json")
    record = json.loads(printed)
    assert record["figures"]["rank1"]["value"] > 0.9
    assert record["figures"]["at_product_threshold"]["fpir"]["value"] < 0.1
    code, printed, _ = evaluate("forget", "--json")
    assert json.loads(printed)["bytes"] > 0
    assert not list((tmp_path / "cache" / "evaluation").iterdir())
    code, printed, _ = evaluate("forget")
    assert printed.startswith("No embeddings were kept")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verification", "lfw"), "--root DIR"),
        (("verification", "lfw", "--root", "nowhere"), "nowhere is not a folder"),
        (("verification", "pairs"), "--pairs FILE"),
        (("verification", "pairs", "--pairs", "none.csv"), "none.csv cannot be read"),
        (("verification", "cfp", "--root", ".", "--unrestricted"), "view 2 of lfw"),
        (("verification", "lfw", "--root", ".", "--unrestricted"), "view 2 of LFW"),
        (("verification", "lfw", "--root", ".", "--fmr", "2"), "--fmr lies between"),
        (("verification", "cfp", "--root", ".", "--view", "2"), "--view belongs to lfw"),
        (("verification", "pairs", "--pairs", "x.csv", "--part", "FF"), "--part belongs to cfp"),
        (("identification", ".", "--share", "1"), "ends excluded"),
        (("identification", "nowhere"), "nowhere is not a folder"),
        (("identification", ".", "--share", "0"), "share of people"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_any_work(
    evaluate: Run, arguments: tuple[str, ...], message: str
) -> None:
    code, printed, errors = evaluate(*arguments)
    assert code == 2
    assert message in errors
    assert not printed


def test_a_folder_of_other_files_is_not_written_over(
    evaluate: Run, lfw: Path, tmp_path: Path
) -> None:
    out = tmp_path / "mine"
    out.mkdir()
    (out / "report.html").write_text("mine")
    code, _, errors = evaluate("verification", "lfw", "--root", lfw, "--out", out)
    assert code == 2
    assert "report.html of something else" in errors
    assert (out / "report.html").read_text() == "mine"


@pytest.mark.slow
def test_an_interrupted_run_keeps_its_embeddings(
    data_root: Path, tmp_path: Path, cache_root: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    for part in cache_root.iterdir():
        if part.name != "evaluation":
            (cache / part.name).symlink_to(part)
    code = (
        "import sys; from faceprint.cli import app as a; from faceprint.cli.evaluating import app\n"
        "if not any(g.name == 'evaluate' for g in a.app.registered_groups):\n"
        "    a.app.add_typer(app, name='evaluate')\n"
        "a.run()"
    )
    arguments = ["evaluate", "identification", str(data_root / "lfw")]
    environment = os.environ | {"FACEPRINT_CACHE": str(cache)}
    running = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stderr=subprocess.PIPE, text=True, env=environment
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if any(path.stat().st_size > 100_000 for path in (cache / "evaluation").glob("*.db-wal")):
            break
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "the same command goes on from here" in errors
    (kept,) = (cache / "evaluation").glob("*.db")
    assert kept.stat().st_size > 50_000
