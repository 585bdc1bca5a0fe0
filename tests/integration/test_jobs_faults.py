"""Jobs through kills, two processes and a full disk, each for real."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faceprint.errors import OutputError
from faceprint.jobs import JobProgress, JobState, JobStore

WORK = """
import sys, time
from pathlib import Path
from faceprint.jobs import JobOutcome, JobRunner, JobStore
store = JobStore(Path(sys.argv[1]))
runner = JobRunner(store)
job = store.create("test", "a test", actor="me")
def work(context):
    (context.folder / "half.json").write_text("{}")
    print(job.job_id, flush=True)
    while not context.stopped():
        context.progress(1, 2, "busy")
        time.sleep(0.01)
    return JobOutcome(partial="Half of it.")
runner.submit(job.job_id, work)
sys.stdin.readline()
runner.close()
store.close()
"""


@contextlib.contextmanager
def working(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process with a running job, and the id of that."""
    command = [sys.executable, "-c", WORK, str(folder)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_a_killed_process_leaves_interrupted_jobs(tmp_path: Path) -> None:
    with working(tmp_path) as (process, job_id):
        store = JobStore(tmp_path)
        assert store.get(job_id).state is JobState.RUNNING
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        [job] = store.jobs()
    assert (job.job_id, job.state) == (job_id, JobState.INTERRUPTED)
    assert job.files == ("half.json",)
    assert "ended while" in job.message
    assert JobStore(tmp_path).get(job_id) == job
    store.delete(job_id)
    assert not list((tmp_path / ".owners").iterdir())


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    with working(tmp_path) as (first, a), working(tmp_path) as (second, b):
        store = JobStore(tmp_path)
        first.kill()
        first.wait(10)
        assert store.get(a).state is JobState.INTERRUPTED
        assert store.get(b).state is JobState.RUNNING
        second.communicate("stop\n", timeout=20)
        ended = store.get(b)
    assert ended.state is JobState.INTERRUPTED
    assert (ended.files, ended.message.endswith("Half of it.")) == (("half.json",), True)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 128 KiB, where this machine lets us make one."""
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=128k", "tmpfs"]
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounting needs rights that this machine does not give")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def test_a_full_disk_loses_no_ending(tmp_path: Path) -> None:
    folder = tmp_path / "small"
    with small_disk(folder):
        store = JobStore(folder)
        job_id = store.create("test", "a test", actor="me").job_id
        store.start(job_id)
        fill(folder / "filler")
        with pytest.raises(OutputError, match="disk is full"):
            store.create("test", "another", actor="me")
        store.report(job_id, JobProgress(done=1, total=2))
        store.end(job_id, JobState.FAILED, message="The disk is full.")
        assert store.get(job_id).state is JobState.FAILED
        (folder / "filler").unlink()
        store.get(job_id)
        assert JobStore(folder).get(job_id).message == "The disk is full."
        assert [job.title for job in store.jobs()] == ["a test"]
        store.close()
