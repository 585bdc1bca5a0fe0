"""The lessons, run from start to end by the interpreter that runs the tests."""

from __future__ import annotations

import os
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = Path(__file__).parents[2] / "docs" / "notebooks"
LESSONS = sorted(path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.py"))

FIGURES = {
    "01_video_to_frames": 5,
    "02_detection": 6,
    "03_recognition": 5,
    "04_web_api": 2,
    "05_responsible_use": 4,
    "06_training": 12,
    "07_viola_jones": 12,
}
SAID = {
    "01_video_to_frames": ["cuts at [", "frames kept"],
    "02_detection": [
        "face 0: probability",
        "min_scores 0.1",
        "min_face_px 20: 0, min_face_px 12: 0, with the search: 1",
        "faces in noise: 0",
        "yunet:",
    ],
    "03_recognition": ["threshold at FMR 0.001", "people left: 0"],
    "04_web_api": ["422 {'code': 'consent'", "not_an_image", "left: []", "the app has ended"],
    "05_responsible_use": [
        "consent none: refused (consent)",
        "consent expired: refused (consent)",
        "left to find: 0",
        "clear: score 1.000, matches",
        "light blur: score",
        "mask: score",
        "J in",
    ],
    "06_training": [
        "drawn: 1000, genuine: 500",
        ", 0 at the end",
        "people in two parts: 0",
        "10 epochs, the best one was number",
        "AUC: 0.",
        "gone on with: 4 epochs in all",
        "mine: added as mine:",
        "mine: the same person: score",
        "sface: the same person: score",
    ],
    "07_viola_jones": [
        "D - B - C + A =",
        "checker           20,736",
        "all              162,336",
        "features chosen in",
        "stage 1:",
        "trained in",
        "faces found:",
        "black: 0 faces",
        "10 x 10: 0 faces",
    ],
}
NAMED = {"03_recognition": "Barack Obama (match)", "04_web_api": "Barack Obama: match"}
NAMED_OF_SAMPLE = {
    "03_recognition": "Eileen Collins (match)",
    "04_web_api": "Eileen Collins: match",
}


def execute(lesson: str, folder: Path, environment: dict[str, str]) -> tuple[str, int]:
    """What a lesson printed, and how many figures it drew."""
    jupytext = pytest.importorskip("jupytext", reason="needs the extra notebooks")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra notebooks")
    pytest.importorskip("ipykernel", reason="needs the extra notebooks")
    pytest.importorskip("matplotlib", reason="needs the extra notebooks")
    for path in (NOTEBOOKS / f"{lesson}.py", NOTEBOOKS / "material.py"):
        shutil.copy(path, folder)
    notebook = jupytext.read(folder / f"{lesson}.py")
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    with warnings.catch_warnings():
        # The client's own event loop and sockets, which it leaves to the collector.
        warnings.simplefilter("ignore")
        client.execute(env=environment)
    outputs: list[Any] = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    text = "".join(out["text"] for out in outputs if out["output_type"] == "stream")
    return text, sum("image/png" in out.get("data", {}) for out in outputs)


@pytest.fixture
def environment(tmp_path: Path, cache_root: Path) -> dict[str, str]:
    """An empty home and gallery, and settings that a lesson must not trip over."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("FACEPRINT_")}
    return kept | {
        "HOME": str(home),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "TMPDIR": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "FACEPRINT_CACHE": str(cache_root),
        "FACEPRINT_GALLERY": str(home / "own" / "gallery.db"),
        "FACEPRINT_API_KEY": "a-key-of-the-user-that-no-lesson-needs",
    }


def check(lesson: str, text: str, figures: int, named: dict[str, str]) -> None:
    wanted = [*SAID[lesson], *([named[lesson]] if lesson in named else [])]
    missing = [words for words in wanted if words not in text]
    assert not missing, text
    assert figures == FIGURES[lesson]


def test_every_lesson_is_checked() -> None:
    assert set(LESSONS) == set(FIGURES) == set(SAID)


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS)
def test_lessons_run_on_real_photos(
    lesson: str, data_root: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["FACEPRINT_DATA"] = str(data_root)
    text, figures = execute(lesson, tmp_path, environment)
    check(lesson, text, figures, NAMED)
    assert not (tmp_path / "home" / "own").exists()


@pytest.mark.slow
@pytest.mark.parametrize("lesson", LESSONS)
def test_lessons_run_on_the_packaged_sample(
    lesson: str, environment: dict[str, str], tmp_path: Path
) -> None:
    environment["FACEPRINT_DATA"] = str(tmp_path / "none")
    text, figures = execute(lesson, tmp_path, environment)
    check(lesson, text, figures, NAMED_OF_SAMPLE)
