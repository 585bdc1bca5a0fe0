"""A folder for each job, with its record and its results."""

from __future__ import annotations

import logging
import re
import secrets
import shutil
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from faceprint.errors import OutputError
from faceprint.jobs.owners import Owner, lives
from faceprint.jobs.record_file import (
    RECORD,
    cannot_write,
    no_job,
    read_record,
    write_record,
)
from faceprint.jobs.records import Job, JobNotFoundError, JobProgress, JobState, JobStateError
from faceprint.jobs.wording import INPUTS, without_paths

__all__ = ["STOPPED_MESSAGE", "JobStore"]

_log = logging.getLogger(__name__)

_OWNERS = ".owners"
_NEW = ".new-"
_LEAVING = ".leaving-"
_STALE_S = 3600.0
_DIED_MESSAGE = "The program ended while this was being worked on. Start it again."
STOPPED_MESSAGE = "The program was stopped while this was being worked on. Start it again."


class JobStore:
    """Jobs in a folder. Thread-safe; several processes may use one folder.

    Jobs that a dead process left behind are marked as interrupted when the store is opened and
    whenever they are read. The folder is made with the first job.

    Args:
        folder: Of all jobs.
        keep_days: `tidy` deletes a job that many days after its end.
    """

    def __init__(self, folder: Path, *, keep_days: float = 7.0) -> None:
        self._folder = folder
        self._keep = timedelta(days=keep_days)
        self._owner = Owner(folder / _OWNERS)
        self._lock = threading.RLock()
        self._own: dict[str, Job] = {}
        self._unsaved: set[str] = set()
        self.jobs()
        self.tidy()

    def create(self, kind: str, title: str, *, actor: str) -> Job:
        """A new job in the state queued, with an empty folder.

        Args:
            kind: What is to be done, as in "video".
            title: What it is to be done to, for people.
            actor: Who asks for it.

        Raises:
            OutputError: The folder cannot be written, or the disk is full.
        """
        job = Job(
            job_id=secrets.token_hex(8),
            kind=kind,
            title=title,
            actor=actor,
            state=JobState.QUEUED,
            created_at=datetime.now(UTC),
            owner=self._owner.name,
        )
        draft = self._folder / f"{_NEW}{job.job_id}"
        try:
            self._owner.claim()
            # The results hold faces.
            draft.mkdir(mode=0o700, parents=True)
            (draft / INPUTS).mkdir()
            write_record(draft, job)
            draft.rename(self._folder / job.job_id)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise cannot_write(self._folder, error) from error
        with self._lock:
            self._own[job.job_id] = job
        return job

    def jobs(self) -> list[Job]:
        """All jobs, newest first.

        Raises:
            OutputError: The folder cannot be used.
        """
        try:
            names = sorted(entry.name for entry in self._folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        found = []
        for name in names:
            with suppress(JobNotFoundError):
                found.append(self.get(name))
        return sorted(found, key=lambda job: job.created_at, reverse=True)

    def get(self, job_id: str) -> Job:
        """One job.

        Raises:
            JobNotFoundError: There is none of that id.
        """
        with self._lock:
            if (own := self._own.get(job_id)) is not None:
                if job_id in self._unsaved:
                    self._save(own)
                return own
        job = read_record(self.folder(job_id))
        alive = job.owner == self._owner.name or lives(self._folder / _OWNERS, job.owner)
        if not job.active or alive:
            return job
        return self._interrupted(job)

    def owns(self, job_id: str) -> bool:
        """Whether this store made the job and has yet to end it."""
        with self._lock:
            return job_id in self._own

    def folder(self, job_id: str) -> Path:
        """Where the results of a job lie.

        Raises:
            JobNotFoundError: There is none of that id.
        """
        folder = self._folder / job_id
        if re.fullmatch("[0-9a-f]{16}", job_id) is None or not folder.is_dir():
            raise no_job(job_id)
        return folder

    def inputs(self, job_id: str) -> Path:
        """Where the input of a job lies, which is deleted when the job ends."""
        return self.folder(job_id) / INPUTS

    def file(self, job_id: str, name: str) -> Path:
        """One file of a job's result.

        Raises:
            JobNotFoundError: There is no such job, or its result names no such file.
        """
        job = self.get(job_id)
        path = self.folder(job_id) / name
        if name not in job.files or path.is_symlink() or not path.is_file():
            raise JobNotFoundError(f"The result of this job has no file {name[:100]!r}.")
        return path

    def produced(self, job_id: str) -> tuple[str, ...]:
        """The files that the work has left in the job's folder, in order, with forward slashes."""
        folder = self.folder(job_id)
        names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        return tuple(
            sorted(
                name.as_posix()
                for name in names
                if name.parts[0] not in (INPUTS, RECORD) and not name.name.startswith(".")
            )
        )

    def retitle(self, job_id: str, title: str) -> Job:
        """Names what an own job works on, once that is known."""
        return self._change(job_id, save=True, title=title)

    def start(self, job_id: str) -> Job:
        """Marks an own job as running."""
        return self._change(job_id, save=True, state=JobState.RUNNING, started_at=datetime.now(UTC))

    def report(self, job_id: str, progress: JobProgress, *, save: bool = True) -> None:
        """Keeps the progress of an own job; says nothing about a job that has ended.

        Args:
            job_id: Of the job.
            progress: As it is now.
            save: Whether it is also written to the disk, for other processes.
        """
        with self._lock:
            if job_id in self._own and self._own[job_id].active:
                self._change(job_id, save=save, progress=progress)

    def end(self, job_id: str, state: JobState, **fields: Any) -> Job:
        """Ends an own job and deletes its input; one that has ended stays as it is.

        Args:
            job_id: Of the job.
            state: An ended one.
            fields: Of `Job`: message, code, summary, files. In the message, files of the job lose
                the path of its folder, which is nothing to whoever reads it.
        """
        with self._lock:
            job = self.get(job_id)
            if not job.active:
                return job
            if job_id not in self._own:
                raise JobStateError("Another process works on this job. End it there.")
            shutil.rmtree(self._folder / job_id / INPUTS, ignore_errors=True)
            if "message" in fields:
                fields["message"] = without_paths(fields["message"], self._folder / job_id)
            return self._change(
                job_id, save=True, state=state, ended_at=datetime.now(UTC), **fields
            )

    def delete(self, job_id: str) -> None:
        """Removes a job that has ended, with all its files.

        Raises:
            JobNotFoundError: There is none of that id.
            JobStateError: It has yet to end.
            OutputError: A file cannot be removed.
        """
        if self.get(job_id).active:
            raise JobStateError("This job has not ended yet. Cancel it first.")
        folder = self.folder(job_id)
        leaving = self._folder / f"{_LEAVING}{job_id}"
        try:
            folder.rename(leaving)
            shutil.rmtree(leaving)
        except OSError as error:
            raise OutputError(
                f"The job in {folder} cannot be deleted: {error.strerror or error}. Remove that "
                f"folder, or {leaving.name} beside it, by hand."
            ) from error
        self._forget(job_id)

    def discard(self, job_id: str) -> None:
        """Removes an own job that never came to be submitted."""
        with suppress(JobNotFoundError):
            self.end(job_id, JobState.CANCELLED)
            self.delete(job_id)

    def tidy(self, *, now: datetime | None = None) -> int:
        """Deletes jobs that ended too long ago, and says how many."""
        oldest = (now or datetime.now(UTC)) - self._keep
        old = [job for job in self.jobs() if job.ended_at is not None and job.ended_at < oldest]
        for job in old:
            with suppress(JobNotFoundError):
                self._tidy_away(job.job_id)
        for rest in self._folder.glob(f"{_LEAVING}*"):
            shutil.rmtree(rest, ignore_errors=True)
        for draft in self._folder.glob(f"{_NEW}*"):
            with suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > _STALE_S:
                    shutil.rmtree(draft, ignore_errors=True)
        return len(old)

    def close(self) -> None:
        """Ends what is still open as interrupted and gives up the ownership of this process."""
        with self._lock:
            for job_id in [job.job_id for job in self._own.values() if job.active]:
                self.end(job_id, JobState.INTERRUPTED, message=STOPPED_MESSAGE)
        self._owner.release()

    def _tidy_away(self, job_id: str) -> None:
        try:
            self.delete(job_id)
        except OutputError as error:
            _log.warning("an old job stays: %s", error)

    def _change(self, job_id: str, *, save: bool, **fields: Any) -> Job:
        with self._lock:
            if job_id not in self._own:
                raise JobStateError("This job has ended, or another process works on it.")
            job = self._own[job_id].model_copy(update=fields)
            self._own[job_id] = job
            if save:
                self._save(job)
            return job

    def _save(self, job: Job) -> None:
        """Writes a record; one that the disk refuses stays in memory and is tried again when read."""
        folder = self._folder / job.job_id
        try:
            write_record(folder, job)
        except OSError as error:
            _log.warning("%s", cannot_write(folder, error))
            self._unsaved.add(job.job_id)
            gone = not folder.exists()
        else:
            self._unsaved.discard(job.job_id)
            gone = True
        if gone and not job.active:
            self._forget(job.job_id)

    def _forget(self, job_id: str) -> None:
        with self._lock:
            self._own.pop(job_id, None)
            self._unsaved.discard(job_id)

    def _interrupted(self, job: Job) -> Job:
        """Ends the job of a dead process, at the time when it last gave a sign of life."""
        folder = self._folder / job.job_id
        try:
            ended = job.model_copy(
                update={
                    "state": JobState.INTERRUPTED,
                    "ended_at": datetime.fromtimestamp((folder / RECORD).stat().st_mtime, UTC),
                    "message": _DIED_MESSAGE,
                    "files": self.produced(job.job_id),
                }
            )
            shutil.rmtree(folder / INPUTS, ignore_errors=True)
            write_record(folder, ended)
        except FileNotFoundError as error:
            raise no_job(job.job_id) from error
        except OSError as error:
            _log.warning("%s", cannot_write(folder, error))
        return ended
