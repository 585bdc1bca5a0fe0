"""Records, folders, owners and retention of jobs."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from faceprint.errors import OutputError
from faceprint.jobs import (
    Job,
    JobNotFoundError,
    JobProgress,
    JobState,
    JobStateError,
    JobStore,
)


def make(store: JobStore, title: str = "clip.mp4") -> Job:
    return store.create("video", title, actor="web:local")


def end(store: JobStore, job: Job, *names: str) -> Job:
    store.start(job.job_id)
    for name in names:
        path = store.folder(job.job_id) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return store.end(job.job_id, JobState.DONE, files=store.produced(job.job_id))


def test_a_job_goes_through_its_states(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    assert (job.state, job.active, job.started_at) == (JobState.QUEUED, True, None)
    running = store.start(job.job_id)
    assert running.started_at is not None
    store.report(job.job_id, JobProgress(done=1, total=4, text="1 of 4"))
    assert store.get(job.job_id).progress.share == 0.25
    ended = store.end(job.job_id, JobState.PARTIAL, message="cut short", summary={"people": 2})
    assert ended.ended_at is not None
    read = JobStore(tmp_path).get(job.job_id)
    assert read == ended
    assert (read.message, read.summary, read.active) == ("cut short", {"people": 2}, False)


def test_an_ended_job_stays_as_it_is(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    ended = store.end(job.job_id, JobState.CANCELLED)
    store.report(job.job_id, JobProgress(done=9))
    assert store.end(job.job_id, JobState.DONE) == ended
    assert store.get(job.job_id) == ended


def test_nothing_is_made_before_the_first_job(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "jobs")
    assert store.jobs() == []
    assert store.tidy() == 0
    store.close()
    assert not (tmp_path / "jobs").exists()


def test_jobs_come_newest_first(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    made = [make(store, title).job_id for title in ("a", "b", "c")]
    assert [job.job_id for job in store.jobs()] == made[::-1]


def test_folders_are_private_and_inputs_go_with_the_end(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    (store.inputs(job.job_id) / "clip.mp4").write_bytes(b"x")
    assert store.folder(job.job_id).stat().st_mode & 0o077 == 0
    store.end(job.job_id, JobState.FAILED, message="no")
    assert not store.inputs(job.job_id).exists()


def test_only_files_of_the_result_are_given(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = end(store, make(store), "timeline.json", "faces/p1-1.jpg", ".hidden")
    assert job.files == ("faces/p1-1.jpg", "timeline.json")
    assert store.file(job.job_id, "faces/p1-1.jpg").read_bytes() == b"x"
    (tmp_path / "secret").write_bytes(b"s")
    (store.folder(job.job_id) / "timeline.json").unlink()
    (store.folder(job.job_id) / "timeline.json").symlink_to(tmp_path / "secret")
    for name in ("job.json", "../secret", "/etc/passwd", "faces", "", ".hidden", "timeline.json"):
        with pytest.raises(JobNotFoundError):
            store.file(job.job_id, name)


@pytest.mark.parametrize("job_id", ["", ".", "..", "../x", "0" * 16, "A" * 16, "0" * 17, "\0"])
def test_other_names_are_no_jobs(tmp_path: Path, job_id: str) -> None:
    store = JobStore(tmp_path / "jobs")
    make(store)
    (tmp_path / "x").mkdir()
    with pytest.raises(JobNotFoundError):
        store.get(job_id)
    with pytest.raises(JobNotFoundError):
        store.delete(job_id)
    assert (tmp_path / "x").exists()


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    with pytest.raises(JobStateError, match="Cancel it first"):
        store.delete(job.job_id)
    end(store, job, "faces/p1-1.jpg")
    store.delete(job.job_id)
    assert [path.name for path in tmp_path.iterdir()] == [".owners"]
    with pytest.raises(JobNotFoundError):
        store.get(job.job_id)


def test_discarding_takes_back_a_job_that_never_began(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    store.discard(job.job_id)
    store.discard(job.job_id)
    assert store.jobs() == []


def test_old_results_are_deleted(tmp_path: Path) -> None:
    store = JobStore(tmp_path, keep_days=7)
    old, active = end(store, make(store), "a.json"), make(store)
    now = datetime.now(UTC)
    assert store.tidy(now=now + timedelta(days=6.9)) == 0
    assert store.tidy(now=now + timedelta(days=7.1)) == 1
    assert [job.job_id for job in store.jobs()] == [active.job_id]
    assert not (tmp_path / old.job_id).exists()


def test_old_results_are_deleted_on_opening(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    end(store, make(store))
    leaving = tmp_path / ".leaving-0000000000000000"
    leaving.mkdir()
    (leaving / "face.jpg").write_bytes(b"x")
    assert JobStore(tmp_path, keep_days=0).jobs() == []
    assert not leaving.exists()


def test_jobs_of_a_closed_store_are_interrupted(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    store.start(job.job_id)
    store.close()
    read = JobStore(tmp_path).get(job.job_id)
    assert read.state is JobState.INTERRUPTED
    assert "Start it again" in read.message
    assert not list((tmp_path / ".owners").iterdir())


def test_jobs_of_another_living_store_are_left_alone(tmp_path: Path) -> None:
    first, second = JobStore(tmp_path), JobStore(tmp_path)
    job = make(first)
    first.start(job.job_id)
    assert second.get(job.job_id).state is JobState.RUNNING
    with pytest.raises(JobStateError, match="Another process"):
        second.end(job.job_id, JobState.CANCELLED)
    with pytest.raises(JobStateError):
        second.delete(job.job_id)
    first.end(job.job_id, JobState.DONE)
    assert second.get(job.job_id).state is JobState.DONE


def test_jobs_of_a_dead_process_are_interrupted_when_it_last_lived(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    job = make(store)
    (store.inputs(job.job_id) / "clip.mp4").write_bytes(b"x")
    record = store.folder(job.job_id) / "job.json"
    died = time.time() - 3600
    text = record.read_text().replace(job.owner, "0" * 16)
    store.end(job.job_id, JobState.DONE)
    record.write_text(text)
    (store.folder(job.job_id) / "input").mkdir()
    os.utime(record, (died, died))
    read = JobStore(tmp_path).get(job.job_id)
    assert read.state is JobState.INTERRUPTED
    assert read.ended_at is not None
    assert abs(read.ended_at.timestamp() - died) < 1
    assert not (store.folder(job.job_id) / "input").exists()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"job_id": "x"}', None])
def test_a_lost_record_can_be_seen_and_deleted(tmp_path: Path, content: bytes | None) -> None:
    store = JobStore(tmp_path)
    job = end(store, make(store), "face.jpg")
    record = tmp_path / job.job_id / "job.json"
    record.unlink()
    if content is not None:
        record.write_bytes(content)
    [read] = store.jobs()
    assert (read.state, read.files) == (JobState.FAILED, ())
    assert "Delete it" in read.message
    store.delete(job.job_id)
    assert store.jobs() == []


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("")
    with pytest.raises(OutputError, match="FACEPRINT_JOBS"):
        JobStore(tmp_path / "jobs")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    store = JobStore(tmp_path / "file" / "jobs")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="FACEPRINT_JOBS"):
        make(store)
