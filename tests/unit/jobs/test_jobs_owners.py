"""Locks that tell whether the process behind a job still lives."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from faceprint.jobs.owners import Owner, lives


def test_an_owner_lives_from_claim_to_release(tmp_path: Path) -> None:
    owner = Owner(tmp_path / "locks")
    assert not lives(tmp_path / "locks", owner.name)
    owner.claim()
    owner.claim()
    assert lives(tmp_path / "locks", owner.name)
    owner.release()
    assert not lives(tmp_path / "locks", owner.name)
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_claim_waits_for_a_probe(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    probe = FileLock(tmp_path / f"{owner.name}.lock", thread_local=False)
    probe.acquire()
    timer = threading.Timer(0.05, probe.release)
    timer.start()
    owner.claim()
    timer.join()
    assert lives(tmp_path, owner.name)
    owner.release()


def test_a_claim_outlasts_a_probe_that_removes_the_file(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    path = tmp_path / f"{owner.name}.lock"
    probe = FileLock(path, thread_local=False)
    probe.acquire()

    def finish() -> None:
        time.sleep(0.05)
        if os.name == "posix":
            path.unlink()
        probe.release()

    thread = threading.Thread(target=finish)
    thread.start()
    owner.claim()
    thread.join()
    assert path.exists()
    assert lives(tmp_path, owner.name)
    owner.release()


def test_probes_never_take_a_claimed_owner_for_dead(tmp_path: Path) -> None:
    owner, stop = Owner(tmp_path), threading.Event()
    failures: list[BaseException] = []

    def probe() -> None:
        try:
            while not stop.is_set():
                lives(tmp_path, owner.name)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=probe) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        owner.claim()
        assert (tmp_path / f"{owner.name}.lock").exists()
        assert lives(tmp_path, owner.name)
        owner.release()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_file_of_a_killed_process_is_removed(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom pathlib import Path\nfrom faceprint.jobs.owners import Owner\n"
        "owner = Owner(Path(sys.argv[1]))\nowner.claim()\nprint(owner.name, flush=True)\n"
        "sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        name = running.stdout.readline().strip()
        assert lives(tmp_path, name)
        running.kill()
    assert not lives(tmp_path, name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "../0123456789abcd", "0123456789ABCDEF"])
def test_what_is_no_name_of_an_owner_does_not_live(tmp_path: Path, name: str) -> None:
    assert not lives(tmp_path, name)
