"""The command line, as people and programs use it."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage import data

from faceprint.cli.app import app, run

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def faceprint(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    cache_root: Path,
) -> Run:
    """Runs a command: exit code, standard output, standard error."""
    monkeypatch.setenv("FACEPRINT_GALLERY", str(tmp_path / "gallery.db"))
    monkeypatch.setenv("FACEPRINT_CACHE", str(cache_root))
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "data" / "weights"))
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


@pytest.fixture
def astronaut(tmp_path: Path) -> Path:
    path = tmp_path / "astronaut.png"
    Pillow.fromarray(data.astronaut()).save(path)
    return path


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def commands() -> list[list[str]]:
    import typer

    top = typer.main.get_command(app)
    names = []
    for name, command in top.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        names += [[name, sub] for sub in inner] if inner else [[name]]
    return names


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_has_help_with_an_example_and_json(words: list[str], faceprint: Run) -> None:
    code, out, _ = faceprint(*words, "--help")
    assert code == 0
    assert f"Example: faceprint {words[0]}" in out
    assert words == ["serve"] or "--json" in out


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_is_documented(words: list[str]) -> None:
    text = (Path(__file__).parents[2] / "docs" / "cli.md").read_text("utf-8")
    assert f"faceprint {' '.join(words)}" in text


def test_detect_prints_the_documented_json(faceprint: Run, astronaut: Path) -> None:
    code, out, _ = faceprint("detect", astronaut, "--json")
    record = json.loads(out)
    assert code == 0
    assert set(record) == {"image", "width", "height", "faces"}
    assert (record["width"], record["height"]) == (512, 512)
    face = record["faces"][0]
    assert len(face["box"]) == 4
    assert np.array(face["landmarks"]).shape == (5, 2)
    assert 0 < face["score"] <= 1


def test_a_newcomer_enrols_and_identifies(faceprint: Run, astronaut: Path, tmp_path: Path) -> None:
    code, _, err = faceprint("identify", astronaut)
    assert code == 0
    assert "Nobody is enrolled" in err
    code, out, err = faceprint("enrol", "Eileen Collins", astronaut)
    assert code == 2
    assert "onsent" in err
    code, out, _ = faceprint(
        "enrol", "Eileen Collins", astronaut, "--consent", "public domain", "--expires", "2y"
    )
    assert code == 0
    assert "New person Eileen Collins" in out
    code, out, _ = faceprint("identify", astronaut, "--out", tmp_path / "named")
    assert code == 0
    assert "Eileen Collins" in out
    named = np.asarray(Pillow.open(tmp_path / "named" / "astronaut.jpg"))
    assert named.shape == (512, 512, 3)
    assert np.abs(named.astype(int) - data.astronaut()).max() > 100


def test_identify_json_has_the_documented_fields(faceprint: Run, astronaut: Path) -> None:
    faceprint("enrol", "Eileen", astronaut, "--consent", "x", "--json")
    _, out, _ = faceprint("identify", astronaut, "--json", "--by", "test", "--purpose", "door")
    record = json.loads(out)
    face = record["faces"][0]
    assert {"name", "person_id", "decision", "score", "candidates", "box"} <= set(face)
    assert (face["name"], face["decision"]) == ("Eileen", "match")
    assert face["candidates"][0]["person_id"] == face["person_id"]


def test_a_failed_photo_among_many_is_reported_and_the_rest_done(
    faceprint: Run, astronaut: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    code, out, _ = faceprint(
        "detect", astronaut, tmp_path / "broken.jpg", tmp_path / "gone.jpg", "--json"
    )
    records = lines(out)
    assert code == 2
    assert [len(r.get("faces", [])) > 0 for r in records] == [True, False, False]
    assert records[1]["error"]["code"] == "not_an_image"
    assert records[2]["error"]["code"] == "not_found"
    code, out, err = faceprint("detect", astronaut, tmp_path / "broken.jpg")
    assert code == 2
    assert "1 face" in out
    assert "broken.jpg" in err
    assert "1 of 2 photos failed" in err


def test_verify_exit_codes(faceprint: Run, data_root: Path) -> None:
    people = data_root / "people"
    assert faceprint("verify", people / "obama.jpg", people / "obama2.jpg")[0] == 0
    code, out, _ = faceprint("verify", people / "obama.jpg", people / "biden.jpg", "--json")
    record = json.loads(out)
    assert code == 1
    assert {"same", "decision", "score", "threshold", "fmr", "model"} <= set(record)
    assert record["same"] is False
    assert faceprint("verify", people / "obama.jpg", "nowhere.jpg")[0] == 2
    assert faceprint("verify", people / "obama.jpg")[0] == 2
    code, out, _ = faceprint("verify", people / "obama.jpg", people / "two_people.jpg", "--json")
    assert code == 2
    assert json.loads(out)["error"]["code"] == "face_count"


def test_a_folder_of_people_is_enrolled_and_one_bad_folder_reported(
    faceprint: Run, data_root: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "people"
    for name in ("obama", "biden"):
        (folder / name).mkdir(parents=True)
        for photo in (data_root / "people" / "train" / name).iterdir():
            (folder / name / photo.name).write_bytes(photo.read_bytes())
    (folder / "nobody").mkdir()
    code, out, err = faceprint("enrol", "--folder", folder, "--consent", "public figures")
    assert code == 2
    assert out.count("New person") == 2
    assert "nobody" in err
    _, out, _ = faceprint("identify", data_root / "people" / "test", "--json")
    names = {face["name"] for record in lines(out) for face in record["faces"]}
    assert names == {"obama", "biden", None}


def test_people_from_list_to_erasure(faceprint: Run, astronaut: Path, tmp_path: Path) -> None:
    faceprint("enrol", "eileen", astronaut, "--consent", "x")
    _, out, _ = faceprint("people", "list", "--json")
    (person,) = json.loads(out)
    assert faceprint("people", "rename", "eileen", "Eileen Collins")[0] == 0
    assert faceprint("people", "note", "Eileen Collins", "shuttle commander")[0] == 0
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF-1.4 signed")
    assert (
        faceprint("people", "consent", person["person_id"], f"@{form}", "--expires", "2099-01-01")[
            0
        ]
        == 0
    )
    _, out, _ = faceprint("people", "show", "Eileen Collins", "--json")
    shown = json.loads(out)
    assert shown["notes"] == "shuttle commander"
    assert shown["consents"][1]["document_name"] == "form.pdf"
    assert len(shown["templates"]) == 1
    faceprint("enrol", "eileen", astronaut, "--consent", "x", "--new")
    assert faceprint("people", "merge", "Eileen Collins", "eileen")[0] == 0
    archive = tmp_path / "people.zip"
    assert faceprint("people", "export", archive)[0] == 0
    code, out, _ = faceprint("people", "erase", "Eileen Collins", "--yes", "--json")
    assert code == 0
    assert json.loads(out)["templates"] >= 1
    assert faceprint("people", "show", "Eileen Collins")[0] == 2
    assert faceprint("people", "import", archive)[0] == 0
    assert "Eileen Collins" in faceprint("people", "list")[1]


def test_models_are_listed_shown_and_verified(faceprint: Run) -> None:
    _, out, _ = faceprint("models", "list", "--json")
    states = {entry["name"]: entry["state"] for entry in json.loads(out)}
    assert states["yunet"] == states["sface"] == states["mtcnn"] == "ready"
    assert states["arcface-r100"] == "to pull"
    _, out, _ = faceprint("models", "show", "sface")
    assert "Apache-2.0" in out
    assert faceprint("models", "show", "nosuch")[0] == 2
    assert faceprint("models", "verify")[0] == 0
    assert faceprint("models", "verify", "arcface-r100")[0] == 2


def test_offline_says_what_to_put_where(faceprint: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPRINT_OFFLINE", "1")
    code, _, err = faceprint("models", "pull", "retail-0095")
    assert code == 2
    for part in ("face-reidentification-retail-0095.xml", "sha384:", "put it at"):
        assert part in err


def test_commercial_only_refuses_in_plain_words(
    faceprint: Run, monkeypatch: pytest.MonkeyPatch, astronaut: Path
) -> None:
    monkeypatch.setenv("FACEPRINT_COMMERCIAL_ONLY", "true")
    code, _, err = faceprint("detect", astronaut)
    assert code == 2
    assert "WIDER FACE" in err


def test_doctor_is_content_here(faceprint: Run) -> None:
    code, out, _ = faceprint("doctor", "--json")
    assert code == 0
    found = {check["what"]: check for check in json.loads(out)["checks"]}
    assert found["runs on"]["finding"].startswith("openvino on cpu")
    assert found["calibration"]["state"] == "ok"


@pytest.mark.parametrize(
    "arguments",
    [
        ["enrol"],
        ["enrol", "ada"],
        ["enrol", "--folder", "nowhere"],
        ["enrol", "ada", "x.jpg", "--folder", "."],
        ["enrol", "ada", "x.jpg", "--consent", "@nowhere.txt"],
        ["enrol", "ada", "x.jpg", "--consent", "x", "--expires", "soon"],
        ["enrol", "ada", "x.jpg", "--keep", "everything", "--consent", "x"],
        ["identify", "nowhere.jpg", "--fpir", "7"],
        ["identify", "."],
        ["detect", "x.jpg", "--detector", "nosuch"],
        ["people", "show", "nobody"],
        ["people", "import", "nowhere.zip"],
        ["calibrate", "nowhere"],
        ["--nosuch"],
        ["nosuch"],
    ],
    ids=" ".join,
)
def test_trouble_is_one_plain_message_and_exit_code_2(
    arguments: list[str], faceprint: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    code, _, err = faceprint(*arguments)
    assert code == 2
    assert err
    assert "Traceback" not in err


def test_calibrate_refuses_too_few_people_and_learns_from_enough(
    faceprint: Run, data_root: Path, tmp_path: Path
) -> None:
    code, _, err = faceprint("calibrate", data_root / "people" / "train")
    assert code == 2
    assert "people" in err
    names = sorted(p.name for p in (data_root / "lfw").iterdir() if len(list(p.glob("*.jpg"))) > 1)[
        :40
    ]
    listed = tmp_path / "people.txt"
    listed.write_text("\n".join(f"{name}\t2" for name in names))
    code, out, _ = faceprint("calibrate", data_root / "lfw", "--people", listed, "--json")
    assert code == 0
    assert json.loads(out)["people"] == 40
    found = json.loads(faceprint("doctor", "--json")[1])["checks"]
    assert any(c["what"] == "calibration" and c["finding"].startswith("lfw") for c in found)


def test_the_installed_command_runs(astronaut: Path, cache_root: Path, tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "faceprint"
    environment = {"FACEPRINT_CACHE": str(cache_root), "PATH": "", "HOME": str(tmp_path)}
    done = subprocess.run(
        [program, "verify", astronaut, astronaut], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "The same person" in done.stdout


ODD_NAME = "[/x] Ann [bold]"


def test_names_and_paths_are_shown_as_they_are(
    faceprint: Run, astronaut: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "[d" / "]"
    folder.mkdir(parents=True)
    photo = folder / "a[draft]\x1b[31m.png"
    photo.write_bytes(astronaut.read_bytes())
    code, out, _ = faceprint("enrol", ODD_NAME, photo, "--consent", "[/c]", "--notes", "[/n]")
    assert code == 0
    assert ODD_NAME in out
    for words in (
        ["people", "list"],
        ["people", "show", ODD_NAME],
        ["identify", photo],
        ["detect", folder],
    ):
        code, out, _ = faceprint(*words)
        assert code == 0
        assert ODD_NAME in out or words[0] == "detect"
        assert "\x1b" not in out
        assert words[0] == "people" or "a[draft]\\x1b[31m.png" in out


def test_labelled_pictures_never_replace_the_photos(faceprint: Run, tmp_path: Path) -> None:
    photo = tmp_path / "astronaut.jpg"
    Pillow.fromarray(data.astronaut()).save(photo)
    before = photo.read_bytes()
    for arguments in (
        ["detect", tmp_path, "--out", tmp_path],
        ["identify", photo, "--out", tmp_path],
    ):
        code, _, err = faceprint(*arguments)
        assert code == 2
        assert "write over the photo" in err
    assert photo.read_bytes() == before


@pytest.mark.parametrize(
    ("variable", "value"),
    [("DEVICE", "gpu"), ("THREADS", "-1"), ("MAX_PIXELS", "0"), ("CACHE", "/proc/nowhere")],
)
def test_settings_that_mean_nothing_are_named(
    variable: str, value: str, faceprint: Run, astronaut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"FACEPRINT_{variable}", value)
    code, _, err = faceprint("verify", astronaut, astronaut)
    assert code == 2
    assert variable.lower() in err.lower()
    assert "not foreseen" not in err


def test_reading_makes_no_gallery(faceprint: Run, tmp_path: Path) -> None:
    typo = tmp_path / "nothere" / "typo.db"
    for words in (
        ["people", "list"],
        ["people", "show", "x"],
        ["people", "export", tmp_path / "x.zip"],
    ):
        code, _, err = faceprint(*words, "--gallery", typo)
        assert code == 2
        assert "no gallery" in err.lower()
    assert not typo.parent.exists()


def test_a_consent_of_today_lasts_until_tonight(faceprint: Run, astronaut: Path) -> None:
    today = datetime.now(UTC).date().isoformat()
    assert faceprint("enrol", "eileen", astronaut, "--consent", "x", "--expires", today)[0] == 0


def test_each_failed_photo_is_named(faceprint: Run, data_root: Path, tmp_path: Path) -> None:
    torn = tmp_path / "torn.jpg"
    torn.write_bytes((data_root / "people" / "obama.jpg").read_bytes()[:5000])
    two = data_root / "people" / "two_people.jpg"
    _, _, err = faceprint("enrol", "x", two, torn, "--consent", "x")
    assert "two_people.jpg" in err
    assert "torn.jpg" in err
    _, _, err = faceprint("verify", two, data_root / "people" / "test" / "kit_with_rose.jpg")
    assert "two_people.jpg" in err
    assert "kit_with_rose.jpg" in err
