"""Audits of real photos, from the command line to the report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faceprint.cli import app as command_line
from faceprint.cli import auditing

Run = Callable[..., tuple[int, str, str]]
PEOPLE = 24


@pytest.fixture
def audit(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    cache_root: Path,
) -> Run:
    """Runs `faceprint audit …`: exit code, standard output, standard error."""
    commands = command_line.app.registered_commands
    if not any(command.callback is auditing.audit for command in commands):
        monkeypatch.setattr(command_line.app, "registered_commands", [*commands])
        auditing.register(command_line.app)
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
        monkeypatch.setattr(sys, "argv", ["faceprint", "audit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            command_line.run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


@pytest.fixture
def people(data_root: Path, tmp_path: Path) -> Path:
    """The first people of LFW with two photos, two of each."""
    root = tmp_path / "people"
    found = (sorted(folder.glob("*.jpg"))[:2] for folder in sorted((data_root / "lfw").iterdir()))
    pairs = [photos for photos in found if len(photos) == 2][:PEOPLE]
    for photos in pairs:
        (root / photos[0].parent.name).mkdir(parents=True)
        for photo in photos:
            (root / photos[0].parent.name / photo.name).symlink_to(photo)
    return root


@pytest.fixture
def labels(people: Path, tmp_path: Path) -> Path:
    path = tmp_path / "labels.csv"
    names = sorted(folder.name for folder in people.iterdir())
    lines = [f"{name};{'first' if k % 2 == 0 else 'second'}" for k, name in enumerate(names)]
    path.write_text("person;turn\n" + "\n".join(lines), "utf-8-sig")
    return path


def test_a_folder_with_labels_made_worse(
    audit: Run, people: Path, labels: Path, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    options = ("--labels", labels, "--slices", "blur", "--slice-photos", "6", "--out", out)
    code, printed, said = audit(people, *options)
    assert code == 0, said
    assert "FMR by turn: " in printed
    assert "beyond chance: " not in printed.replace("no difference shown beyond chance: ", "")
    page = (out / "report.html").read_text("utf-8")
    assert "What blur looks like" in page
    assert len(list((out / "samples").glob("blur_*.jpg"))) == 6
    code, printed, _ = audit(people, "--labels", labels, "--slices", "none", "--json")
    record = json.loads(printed)
    assert code == 0
    assert [group["photos"] for group in record["labels"][0]["groups"]] == [PEOPLE, PEOPLE]
    assert record["overall"]["fnmr"]["trials"] == PEOPLE
    assert record["overall"]["fnmr"]["value"] < 0.2
    assert record["slices"] == []


def test_blur_makes_misses(audit: Run, people: Path) -> None:
    code, printed, _ = audit(people, "--slices", "blur", "--slice-photos", "10", "--json")
    levels = json.loads(printed)["slices"][0]["levels"]
    assert code == 0
    assert levels[-1]["fnmr"]["value"] > levels[0]["fnmr"]["value"] + 0.3


def test_names_of_utkface(audit: Run, data_root: Path) -> None:
    faces = data_root / "utkface"
    options = ("--layout", "utkface", "--limit", "60", "--by", "sex", "--json")
    code, printed, _ = audit(faces, *options)
    record = json.loads(printed)
    assert code == 0
    assert {group["group"] for group in record["labels"][0]["groups"]} == {"female", "male"}
    assert record["overall"]["fnmr"] is None
