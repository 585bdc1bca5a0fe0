"""Models without a digest of their publisher, on the command line."""

import io
import json
import sys
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
    """Runs a command, offline: exit code, standard output, standard error."""
    monkeypatch.setenv("FACEPRINT_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("FACEPRINT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("FACEPRINT_OFFLINE", "1")

    def command(*arguments: str, typed: str | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["faceprint", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO() if typed is None else Terminal(typed))
        with pytest.raises(SystemExit) as stopped:
            run()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return command


@pytest.fixture
def digest(tmp_path: Path) -> str:
    """Of a file that somebody put in its place."""
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / CARD.files[0].name).write_bytes(b"some weights")
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
    for part in (CARD.files[0].name, "12 bytes", digest, str(tmp_path / "weights"), command):
        assert part in error
    assert not (tmp_path / "weights" / "pins.json").exists()
    assert faceprint(*command.split()[1:])[:2] == (0, f"{CARD.name}: ready, digests right.\n")


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
    assert faceprint("models", "pull", "yunet", CARD.name, "--accept", digest)[0] == 0


def test_lists_show_where_such_a_model_stands(faceprint: Run, digest: str, tmp_path: Path) -> None:
    assert state(faceprint) == "to accept"
    assert faceprint("models", "verify")[0] == 0
    assert faceprint("models", "verify", CARD.name)[0] == 2
    assert "none before its weights are accepted" in faceprint("models", "show", CARD.name)[1]
    faceprint("models", "pull", CARD.name, "--accept", digest)
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
