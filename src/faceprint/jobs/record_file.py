"""The record of a job on the disk: whole or not at all, and what to say where that fails."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from faceprint.errors import OutputError
from faceprint.files import is_full, write_whole
from faceprint.jobs.records import Job, JobNotFoundError, JobState

__all__ = ["RECORD", "cannot_write", "no_job", "read_record", "write_record"]

_log = logging.getLogger(__name__)

RECORD = "job.json"
"""Name of the record in the folder of a job."""


def read_record(folder: Path) -> Job:
    """The record in the folder of a job; a failed job where it cannot be read.

    Raises:
        JobNotFoundError: There is no such folder.
    """
    try:
        return Job.model_validate_json((folder / RECORD).read_bytes())
    except (OSError, ValidationError) as error:
        return _unreadable(folder, error)


def write_record(folder: Path, job: Job) -> None:
    """Replaces the record in the folder of a job; only the last one waits for the disk.

    Raises:
        OSError: The disk refuses.
    """
    data = job.model_dump_json(indent=1).encode()
    write_whole(folder / RECORD, data, durable=not job.active)


def cannot_write(folder: Path, error: OSError) -> OutputError:
    """What the disk refused, and what to do."""
    if is_full(error):
        return OutputError(
            f"The disk is full: nothing more can be written to {folder}. Free some space, or delete "
            "old jobs."
        )
    return OutputError(
        f"{folder} cannot be written: {error.strerror or error}. Allow writing there, or choose "
        "another folder for jobs (FACEPRINT_JOBS)."
    )


def no_job(job_id: str) -> JobNotFoundError:
    """The error for an id that no job has."""
    return JobNotFoundError(f"There is no job {job_id[:40]!r}. It may have been deleted.")


def _unreadable(folder: Path, error: Exception) -> Job:
    """A job whose record is lost can still be seen, deleted and tidied away."""
    job_id = folder.name
    with suppress(FileNotFoundError):
        moment = datetime.fromtimestamp(folder.stat().st_mtime, UTC)
        _log.warning("the record of job %s cannot be read: %s", job_id, type(error).__name__)
        return Job(
            job_id=job_id,
            kind="unknown",
            title="A job without a record",
            actor="",
            state=JobState.FAILED,
            created_at=moment,
            ended_at=moment,
            message="What was kept about this job cannot be read. Delete it and start again.",
            code=OutputError.code,
        )
    raise no_job(job_id) from error
