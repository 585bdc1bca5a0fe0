"""From a folder of photos to a model in use, as docs/training.md has it, through the command line."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

_SMALL = (
    "network.name=tiny",
    "network.dimension=32",
    "side_px=48",
    "batch=16",
    "sampling.pairs=64",
    "sampling.test_pairs=100",
    "optimiser.average=0.9",
)


@pytest.fixture(scope="module")
def home(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos of thirty people, four of each, an unreadable one, and no model of anybody."""
    folder = tmp_path_factory.mktemp("training")
    people = [
        person
        for person in sorted((data_root / "lfw").iterdir())
        if person.is_dir() and len(list(person.glob("*.jpg"))) >= 4
    ]
    for person in people[:30]:
        (folder / "photos" / person.name).mkdir(parents=True)
        for photo in sorted(person.glob("*.jpg"))[:4]:
            shutil.copy(photo, folder / "photos" / person.name)
    (folder / "photos" / people[0].name / "broken.jpg").write_bytes(b"no photo")
    return folder


def _environment(home: Path) -> dict[str, str]:
    own = {
        "FACEPRINT_WEIGHTS": str(home / "data" / "weights"),
        "FACEPRINT_CACHE": str(home / "cache"),
        "FACEPRINT_GALLERY": str(home / "gallery.db"),
        "FACEPRINT_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    return {**os.environ, **own}


def _command(*words: object) -> list[str]:
    return [sys.executable, "-m", "faceprint", *map(str, words)]


def _run(home: Path, *words: object, code: int = 0) -> str:
    done = subprocess.run(
        _command(*words),
        cwd=home,
        env=_environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def prepared(home: Path) -> Path:
    made = json.loads(_run(home, "data", "prepare", "photos", "--out", "prepared", "--json"))
    assert made["crops"] == 120
    _run(home, "data", "split", "prepared", "--by", "identity", "--out", "split.json")
    return home / "prepared"


def _train(home: Path, recipe: str, out: str, *more: str, code: int = 0) -> str:
    changes = [word for change in _SMALL for word in ("--set", change)]
    return _run(
        home,
        *("train", recipe, "--data", "prepared", "--split", "split.json", "--out", out),
        *changes,
        *more,
        *("--devices", "cpu", "--json"),
        code=code,
    )


@pytest.mark.slow
def test_a_newcomer_gets_from_photos_to_names(home: Path, prepared: Path) -> None:
    made = json.loads(_train(home, "arcface-small", "runs/mine", "--set", "epochs=2"))
    assert made["epochs"] == 2
    run = home / "runs" / "mine"
    report = (run / "report" / "report.html").read_text("utf-8")
    for words in ("Genuine", "onfusion", "ROC", "Pairs to look at", "new weights"):
        assert words in report, words
    with (run / "metrics.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    card = json.loads((run / "model" / "card.json").read_text())
    assert card["data_licence"]["commercial"] == "forbidden"
    assert (run / "tensorboard").is_dir()
    assert "mine" in _run(home, "models", "add", "runs/mine", "--name", "mine")
    person = sorted((home / "photos").iterdir())[3]
    first, second = sorted(person.glob("*.jpg"))[:2]
    _run(home, "enrol", "Ada Lovelace", first, "--embedder", "mine", "--consent", "yes")
    found = json.loads(_run(home, "identify", first, "--embedder", "mine", "--json"))
    assert found["faces"][0]["candidates"][0]["name"] == "Ada Lovelace"
    assert found["model"].startswith("mine:")
    _run(home, "explain", first, "--other", second, "--model", "mine", "--out", "seen")
    assert (home / "seen" / "occlusion.png").exists()


@pytest.mark.slow
def test_a_siamese_model_says_how_sure_its_classifier_is(home: Path, prepared: Path) -> None:
    _train(home, "siamese-small", "runs/siamese", "--set", "epochs=1")
    first, second = sorted((home / "photos").rglob("*_0001.jpg"))[:2]
    words = ("predict-pair", first, second, "--model", "runs/siamese", "--json")
    done = subprocess.run(
        _command(*words),
        cwd=home,
        env=_environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in (0, 1, 2), done.stderr
    assert 0 <= json.loads(done.stdout)["head_probability"] <= 1


@pytest.mark.slow
def test_a_run_stopped_by_ctrl_c_goes_on(home: Path, prepared: Path) -> None:
    changes = [word for change in _SMALL for word in ("--set", change)]
    words = _command(
        *("train", "triplet-small", "--data", "prepared", "--split", "split.json"),
        *(
            "--out",
            "runs/stopped",
            "--devices",
            "cpu",
            "--set",
            "epochs=400",
            "--set",
            "sampling.people=6",
        ),
        *changes,
    )
    running = subprocess.Popen(
        words, cwd=home, env=_environment(home), stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    metrics = home / "runs" / "stopped" / "metrics.csv"
    end = time.monotonic() + 200
    while not metrics.exists() and time.monotonic() < end:
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=100)
    assert running.returncode == 130, said
    assert "--resume" in said
    with metrics.open() as file:
        assert len(list(csv.DictReader(file))) >= 1
    refused = _run(home, *words[3:], code=2)
    assert "--resume" in refused


@pytest.mark.slow
def test_transfer_starts_as_the_embedder_that_it_learns_on(home: Path, prepared: Path) -> None:
    made = json.loads(
        _run(
            home,
            *("train", "transfer", "--data", "prepared", "--split", "split.json"),
            *("--out", "runs/transfer", "--set", "epochs=1", "--set", "sampling.test_pairs=100"),
            *("--devices", "cpu", "--json"),
        )
    )
    assert made["start"].startswith("sface")
    accuracy = next(one for one in made["figures"] if one["name"] == "accuracy")
    assert accuracy["value"] > 0.95
    person = sorted((home / "photos").iterdir())[5]
    first, second = sorted(person.glob("*.jpg"))[:2]
    # Six people to validate on give no threshold, and so no decision.
    said = _run(home, "predict-pair", first, second, "--model", "runs/transfer", "--json", code=2)
    found, _ = json.JSONDecoder().raw_decode(said)
    assert found["score"] > 0.3


@pytest.mark.slow
def test_what_cannot_be_trained_on_is_said_before_a_folder_is_made(
    home: Path, prepared: Path
) -> None:
    split = json.loads((home / "split.json").read_text())
    split["parts"]["test"].append(split["parts"]["train"][0])
    (home / "leaking.json").write_text(json.dumps(split))
    words = ("--data", "prepared", "--out", "runs/none", "--json")
    for more, said in (
        (("arcface", *words, "--split", "leaking.json"), "leak"),
        (("arcface", *words, "--split", "missing.json"), "missing.json"),
        (("archface", *words), "archface"),
        (("arcface", *words, "--set", "epochs=none"), "epochs"),
        (("age-gender", *words, "--split", "split.json"), "age"),
        (("resnet.toml", *words), "resnet.toml"),
        (("arcface", "--data", "nowhere", "--out", "runs/none", "--json"), "nowhere"),
        (
            ("distil", *words, "--set", "network.dimension=7", "--set", 'loss.teachers=["sface"]'),
            "128",
        ),
    ):
        assert said in _run(home, "train", *more, code=2)
    only = home / "only"
    (only / "Ada Lovelace").mkdir(parents=True)
    for photo in sorted((home / "photos").rglob("*_0001.jpg"))[:4]:
        shutil.copy(photo, only / "Ada Lovelace")
    _run(home, "data", "prepare", "only", "--out", "one", "--kind", "folders", "--json")
    assert "people" in _run(home, "train", "arcface", "--data", "one", "--out", "runs/none", code=2)
