"""Models without a digest of their publisher, on the command line."""

import io
import json
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from faceprint.cli.app import run
from faceprint.zoo import WeightStore, card

CARD = card("facenet-vggface2")
OTHER = f"sha256:{'0' * 64}"
Run = Callable[..., tuple[int, str, str]]


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def faceprint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Runs a command, offline and without PyTorch: exit code, standard output, standard error."""
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("FACEPRINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FACEPRINT_OFFLINE", "1")
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed

    def command(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        with pytest.raises(SystemExit) as stopped:
            run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


def state_dict() -> bytes:
    """What torch.save makes of {"a": torch.zeros(1)}, near enough."""
    asked = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0" + b"0X\x03\0\0\0cpuK\x01tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + asked + b"K\0K\x01\x85K\x01\x85\x89}tR"
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("some/data.pkl", b"\x80\x02}X\x01\0\0\0a" + tensor + b"s.")
        archive.writestr("some/data/0", struct.pack("<f", 0))
    return stream.getvalue()


WEIGHTS = state_dict()


@pytest.fixture
def digest(tmp_path: Path) -> str:
    """Of a file that somebody put in its place."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / CARD.files[0].name).write_bytes(WEIGHTS)
    (offer,) = WeightStore(folder, tmp_path, offline=True).offers(CARD)
    return offer.digest


def state(faceprint: Run) -> str:
    return str(json.loads(faceprint("models", "show", CARD.name, "--json")[1])["state"])


@pytest.mark.parametrize("given", [[], ["--accept", OTHER]], ids=["nothing", "another digest"])
def test_what_came_is_shown_with_the_command_that_accepts_it(
    given: list[str], faceprint: Run, digest: str, tmp_path: Path
) -> None:
    code, printed, error = faceprint("models", "pull", CARD.name, *given)
    command = f"faceprint models pull {CARD.name} --accept {digest}"
    assert (code, printed) == (2, "")
    for part in (
        CARD.files[0].name,
        f"{len(WEIGHTS)} bytes",
        digest,
        str(tmp_path / "weights"),
        command,
    ):
        assert part in error
    assert not (tmp_path / "weights" / "pins.json").exists()
    assert faceprint(*command.split()[1:])[0] == 0
    assert (tmp_path / "weights" / "pins.json").exists()


def written_otherwise(digest: str) -> dict[str, str]:
    digits = digest.partition(":")[2]
    return {"capitals": digest.upper(), "bare": digits, "both": digits.upper(), "as is": digest}


@pytest.mark.parametrize("way", written_otherwise("sha256:"))
def test_digests_are_taken_however_they_are_written(way: str, faceprint: Run, digest: str) -> None:
    given = written_otherwise(digest)[way]
    assert faceprint("models", "pull", CARD.name, "--accept", given)[0] == 0


def test_what_holds_no_weights_is_refused_before_anybody_is_asked(
    faceprint: Run, digest: str, tmp_path: Path
) -> None:
    place = tmp_path / "weights" / CARD.files[0].name
    place.write_bytes(b"<html>sign in</html>")
    code, _, error = faceprint("models", "pull", CARD.name, typed="y\n")
    assert code == 2
    assert "cannot be used" in error
    assert f"Delete {place}" in error
    assert "Accept this file" not in error
    assert place.exists()  # it is the user's
    waiting = place.rename(place.with_name(f"{place.name}.unaccepted"))
    assert "It was removed" in faceprint("models", "pull", CARD.name, "--accept", digest)[2]
    assert not waiting.exists()
    assert not (tmp_path / "weights" / "pins.json").exists()


def test_without_torch_one_step_is_left(faceprint: Run, digest: str) -> None:
    code, printed, error = faceprint("models", "pull", CARD.name, "--accept", digest)
    assert (code, printed) == (0, f"{CARD.name}: digests right; one step is left.\n")
    for part in ("pip install 'faceprint[torch]'", f"faceprint models pull {CARD.name}"):
        assert part in error
    code, printed, _ = faceprint("models", "pull", "yunet", CARD.name, "--json")
    yunet, facenet = json.loads(printed)
    assert code == 0
    assert (yunet["ready"], yunet["left"], facenet["ready"]) == (True, None, False)
    assert "faceprint[torch]" in facenet["left"]


def test_what_was_accepted_can_be_forgotten(faceprint: Run, digest: str, tmp_path: Path) -> None:
    place = tmp_path / "weights" / CARD.files[0].name
    faceprint("models", "pull", CARD.name, "--accept", digest)
    code, printed, _ = faceprint("models", "forget", CARD.name, "yunet", "--json")
    assert code == 0
    assert json.loads(printed) == [
        {"name": CARD.name, "removed": [str(place)]},
        {"name": "yunet", "removed": []},
    ]
    assert state(faceprint) == "to pull"
    assert "nothing was accepted" in faceprint("models", "forget", CARD.name)[1]


def test_a_person_is_asked(faceprint: Run, digest: str, tmp_path: Path) -> None:
    code, _, error = faceprint("models", "pull", CARD.name, typed="n\n")
    assert code == 2
    assert digest in error
    assert "was not accepted" in error
    assert not (tmp_path / "weights" / "pins.json").exists()
    assert faceprint("models", "pull", CARD.name, typed="y\n")[0] == 0
    assert faceprint("models", "pull", CARD.name)[0] == 0


def test_programs_are_not_asked(faceprint: Run, digest: str) -> None:
    code, printed, _ = faceprint("models", "pull", CARD.name, "--json", typed="y\n")
    assert code == 2
    assert digest in json.loads(printed)["error"]["message"]


def test_what_is_accepted_stays(faceprint: Run, digest: str) -> None:
    faceprint("models", "pull", CARD.name, "--accept", digest)
    code, _, error = faceprint("models", "pull", CARD.name, "--accept", OTHER)
    assert code == 2
    assert f"as {digest} already" in error
    assert f"faceprint models forget {CARD.name}" in error
    assert faceprint("models", "pull", "yunet", CARD.name, "--accept", digest)[0] == 0


def test_lists_show_where_such_a_model_stands(faceprint: Run, digest: str, tmp_path: Path) -> None:
    assert state(faceprint) == "to accept"
    assert faceprint("models", "verify")[0] == 0
    assert faceprint("models", "verify", CARD.name)[0] == 2
    assert "none before its weights are accepted" in faceprint("models", "show", CARD.name)[1]
    faceprint("models", "pull", CARD.name, "--accept", digest)
    assert state(faceprint) == "extra torch"
    converted = tmp_path / "weights" / f"{CARD.name}-{digest[7:19]}-r{CARD.revision}.onnx"
    converted.write_bytes(b"a network")
    assert state(faceprint) == "ready"
    assert faceprint("models", "verify", CARD.name)[0] == 0
    shown = json.loads(faceprint("models", "show", CARD.name, "--json")[1])
    assert shown["model_id"] == f"{CARD.name}:{digest[7:19]}:1"
    assert shown["files"][0]["digest"] == digest
    (tmp_path / "weights" / CARD.files[0].name).write_bytes(b"other weights")
    assert state(faceprint) == "corrupt"
    assert faceprint("models", "verify")[0] == 2


def test_offline_says_where_to_put_the_file(faceprint: Run, tmp_path: Path) -> None:
    code, _, error = faceprint("models", "pull", CARD.name)
    assert code == 2
    assert str(tmp_path / "weights" / CARD.files[0].name) in error
