"""Erasing a person reaches the results of background jobs."""

from __future__ import annotations

import json
from pathlib import Path

from faceprint.jobs import JobState, JobStore
from faceprint.pipeline.erasing import delete_results

ADA = "5f0c2d0e-1111-4e5f-9a3b-000000000001"


def ended(store: JobStore, name: str | None) -> str:
    job = store.create("video", "x.mp4", actor="test")
    store.start(job.job_id)
    record = {"people": [{"candidates": [{"person_id": name}]}]}
    (store.folder(job.job_id) / "timeline.json").write_text(json.dumps(record))
    store.end(job.job_id, JobState.DONE)
    return job.job_id


def test_results_that_name_the_person_go_and_others_stay(tmp_path: Path) -> None:
    store = JobStore(tmp_path)
    with_ada, without = ended(store, ADA), ended(store, None)
    running = store.create("video", "y.mp4", actor="test")
    (store.folder(running.job_id) / "timeline.json").write_text(ADA)
    assert delete_results(store, ADA) == 1
    assert {job.job_id for job in store.jobs()} == {without, running.job_id}
    assert not (tmp_path / with_ada).exists()
    assert delete_results(store, ADA) == 0
    store.close()


def test_another_process_sees_it_too(tmp_path: Path) -> None:
    mine = JobStore(tmp_path)
    job_id = ended(mine, ADA)
    other = JobStore(tmp_path)
    assert delete_results(other, ADA) == 1
    assert [job.job_id for job in mine.jobs()] == []
    assert job_id not in {path.name for path in tmp_path.iterdir()}
    mine.close()
    other.close()
