"""Jobs in threads: outcomes, cancelling, limits, shutting down."""

from __future__ import annotations

import errno
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faceprint.errors import VideoFormatError
from faceprint.jobs import (
    Job,
    JobContext,
    JobNotFoundError,
    JobOutcome,
    JobRunner,
    JobsBusyError,
    JobState,
    JobStateError,
    JobStore,
    Work,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    made = JobStore(tmp_path)
    yield made
    made.close()


@pytest.fixture
def runner(store: JobStore) -> Iterator[JobRunner]:
    made = JobRunner(store, workers=1, queue_limit=2)
    yield made
    made.close(patience_s=5)


def begin(store: JobStore, runner: JobRunner, work: Work) -> str:
    job_id = store.create("test", "a test", actor="me").job_id
    runner.submit(job_id, work)
    return job_id


def wait(store: JobStore, job_id: str) -> Job:
    return until(lambda: store.get(job_id), lambda job: not job.active)


def until(ask: Callable[[], Job], good: Callable[[Job], bool]) -> Job:
    deadline = time.monotonic() + 5
    while not good(answer := ask()):
        assert time.monotonic() < deadline, answer
        time.sleep(0.005)
    return answer


def run(store: JobStore, runner: JobRunner, work: Work) -> Job:
    return wait(store, begin(store, runner, work))


def spin(context: JobContext) -> JobOutcome:
    """Runs until it is stopped."""
    while True:
        context.progress(1, 2, "busy")
        context.check()
        time.sleep(0.002)


def test_a_job_ends_with_its_files_and_summary(store: JobStore, runner: JobRunner) -> None:
    def work(context: JobContext) -> JobOutcome:
        assert (context.inputs / "a.txt").read_text() == "hello"
        (context.folder / "b.txt").write_text("bye")
        context.progress(1, 2, "half")
        return JobOutcome({"words": 1})

    job_id = store.create("test", "a test", actor="me").job_id
    (store.inputs(job_id) / "a.txt").write_text("hello")
    runner.submit(job_id, work)
    job = wait(store, job_id)
    assert (job.state, job.files, job.summary) == (JobState.DONE, ("b.txt",), {"words": 1})
    assert (job.progress.share, job.message, job.actor) == (1.0, "", "me")


def test_a_partial_outcome_says_why(store: JobStore, runner: JobRunner) -> None:
    job = run(store, runner, lambda context: JobOutcome(partial="The file ends too early."))
    assert (job.state, job.message) == (JobState.PARTIAL, "The file ends too early.")


def test_a_known_error_becomes_a_failed_job(store: JobStore, runner: JobRunner) -> None:
    def work(context: JobContext) -> JobOutcome:
        (context.folder / "rest.txt").write_text("x")
        raise VideoFormatError("This is no video. Send an MP4.")

    job = run(store, runner, work)
    assert (job.state, job.code) == (JobState.FAILED, "not_a_video")
    assert (job.message, job.files) == ("This is no video. Send an MP4.", ("rest.txt",))


@pytest.mark.parametrize("relative", [False, True])
def test_messages_do_not_say_where_the_server_keeps_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relative: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    store = JobStore(Path("jobs") if relative else tmp_path / "jobs")
    runner = JobRunner(store)

    def fail(context: JobContext) -> JobOutcome:
        raise VideoFormatError(f"{context.inputs / '00001' / 'audio.mp4'} has sound only.")

    def stop_early(context: JobContext) -> JobOutcome:
        words = (
            f"{context.inputs / 'a.mp4'}, {context.folder.resolve() / 'b.mp4'}, {context.folder}."
        )
        return JobOutcome(partial=words)

    assert run(store, runner, fail).message == "audio.mp4 has sound only."
    assert run(store, runner, stop_early).message == "a.mp4, b.mp4, the job's folder."
    runner.close()
    store.close()


def test_an_unforeseen_error_is_logged_and_not_told(
    store: JobStore, runner: JobRunner, caplog: pytest.LogCaptureFixture
) -> None:
    def work(context: JobContext) -> JobOutcome:
        raise RuntimeError("secret detail")

    job = run(store, runner, work)
    assert (job.state, job.code) == (JobState.FAILED, "internal")
    assert "secret" not in job.message
    assert job.message.split()[-1].rstrip(".") in caplog.text
    assert run(store, runner, lambda context: JobOutcome()).state is JobState.DONE


def test_a_full_disk_is_said_in_plain_words(store: JobStore, runner: JobRunner) -> None:
    def work(context: JobContext) -> JobOutcome:
        raise OSError(errno.ENOSPC, "No space left on device")

    job = run(store, runner, work)
    assert (job.state, job.code) == (JobState.FAILED, "output")
    assert "disk is full" in job.message


def test_a_running_job_is_cancelled(store: JobStore, runner: JobRunner) -> None:
    job_id = begin(store, runner, spin)
    until(lambda: store.get(job_id), lambda job: job.progress.done == 1)
    runner.cancel(job_id)
    job = wait(store, job_id)
    assert (job.state, job.message) == (JobState.CANCELLED, "It was cancelled.")
    assert runner.cancel(job_id) == job


def test_what_a_stopped_job_found_is_kept(store: JobStore, runner: JobRunner) -> None:
    def work(context: JobContext) -> JobOutcome:
        while not context.stopped():
            time.sleep(0.002)
        context.progress(9, 9, "said too late")
        (context.folder / "part.json").write_text("{}")
        return JobOutcome({"people": 1}, partial="Up to 3 s.")

    job_id = begin(store, runner, work)
    until(lambda: store.get(job_id), lambda job: job.state is JobState.RUNNING)
    runner.cancel(job_id)
    job = wait(store, job_id)
    assert (job.state, job.files) == (JobState.CANCELLED, ("part.json",))
    assert job.message == "It was cancelled. Up to 3 s."
    assert job.progress.done == 0


def test_a_waiting_job_is_cancelled_at_once(store: JobStore, runner: JobRunner) -> None:
    first, second = begin(store, runner, spin), begin(store, runner, spin)
    assert runner.cancel(second).state is JobState.CANCELLED
    store.delete(second)
    runner.cancel(first)
    assert wait(store, first).state is JobState.CANCELLED
    assert run(store, runner, lambda context: JobOutcome()).state is JobState.DONE


def test_a_job_cancelled_before_it_is_submitted_never_runs(
    store: JobStore, runner: JobRunner
) -> None:
    job_id = store.create("test", "a test", actor="me").job_id
    assert runner.cancel(job_id).state is JobState.CANCELLED
    with pytest.raises(JobStateError, match="cancelled"):
        runner.submit(job_id, spin)


def test_a_job_of_another_store_is_not_cancelled(
    store: JobStore, runner: JobRunner, tmp_path: Path
) -> None:
    job_id = begin(store, runner, spin)
    other = JobStore(tmp_path)
    with pytest.raises(JobStateError, match="Another process"):
        JobRunner(other).cancel(job_id)


def test_too_many_jobs_are_refused(store: JobStore, runner: JobRunner) -> None:
    jobs = [begin(store, runner, spin) for _ in range(3)]
    with pytest.raises(JobsBusyError, match="places for jobs: 3"):
        runner.check_room()
    with pytest.raises(JobsBusyError):
        begin(store, runner, spin)
    runner.cancel(jobs[1])
    runner.check_room()


def test_no_more_jobs_run_at_once_than_workers(store: JobStore) -> None:
    runner = JobRunner(store, workers=2, queue_limit=10)
    running = threading.Semaphore(2)

    def work(context: JobContext) -> JobOutcome:
        assert running.acquire(blocking=False)
        time.sleep(0.01)
        running.release()
        return JobOutcome()

    jobs = [begin(store, runner, work) for _ in range(6)]
    assert [wait(store, job_id).state for job_id in jobs] == [JobState.DONE] * 6
    runner.close()


def test_closing_interrupts_what_runs_and_waits(store: JobStore) -> None:
    runner = JobRunner(store, workers=1)
    jobs = [begin(store, runner, spin) for _ in range(2)]
    runner.close()
    read = [store.get(job_id) for job_id in jobs]
    assert [job.state for job in read] == [JobState.INTERRUPTED] * 2
    assert all("stopped" in job.message for job in read)
    with pytest.raises(JobsBusyError, match="shutting down"):
        begin(store, runner, spin)


def test_closing_does_not_wait_for_a_job_that_will_not_stop(store: JobStore) -> None:
    runner, gate = JobRunner(store), threading.Event()

    def work(context: JobContext) -> JobOutcome:
        gate.wait(5)
        return JobOutcome({"late": True})

    job_id = begin(store, runner, work)
    until(lambda: store.get(job_id), lambda job: job.state is JobState.RUNNING)
    runner.close(patience_s=0.01)
    assert store.get(job_id).state is JobState.INTERRUPTED
    gate.set()
    time.sleep(0.05)
    assert store.get(job_id).summary == {}


def test_a_folder_removed_by_hand_breaks_nothing(
    store: JobStore, runner: JobRunner, tmp_path: Path
) -> None:
    job_id = begin(store, runner, spin)
    until(lambda: store.get(job_id), lambda job: job.progress.done == 1)
    shutil.rmtree(tmp_path / job_id)
    runner.cancel(job_id)
    assert run(store, runner, lambda context: JobOutcome()).state is JobState.DONE
    with pytest.raises(JobNotFoundError):
        store.get(job_id)


def test_progress_is_written_now_and_then(
    store: JobStore, runner: JobRunner, tmp_path: Path
) -> None:
    seen: list[float] = []

    def work(context: JobContext) -> JobOutcome:
        other = JobStore(tmp_path)
        for done in range(1, 50):
            context.progress(done, 50)
            seen.append(other.get(context.folder.name).progress.done)
        return JobOutcome()

    job = run(store, runner, work)
    assert job.state is JobState.DONE
    assert seen[0] == 1
    assert len(set(seen)) < 5
