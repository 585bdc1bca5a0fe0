"""What the work of a job sees of it, and what it gives back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from faceprint.jobs.records import JobProgress
from faceprint.jobs.store import JobStore

__all__ = ["JobContext", "JobOutcome", "JobStopped", "Work"]

_SAVE_EVERY_S = 1.0


class JobStopped(Exception):
    """The job was told to stop, and stops here."""


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What came of a job.

    All files that the work leaves in the job's folder are the result, whether it ends well or not.

    Attributes:
        summary: Numbers and words for lists and machines.
        partial: Why something is missing, in plain words; None if nothing is.
    """

    summary: Mapping[str, JsonValue] = field(default_factory=dict)
    partial: str | None = None


class JobContext:
    """A running job, as its work sees it.

    Args:
        store: That holds the job.
        job_id: Of the job.
        stop: Set once the job is to stop.
    """

    def __init__(self, store: JobStore, job_id: str, stop: threading.Event) -> None:
        self._store = store
        self._job_id = job_id
        self._stop = stop
        self._saved_at = float("-inf")

    @property
    def folder(self) -> Path:
        """Where the result goes; whatever lies there when the work ends is part of it."""
        return self._store.folder(self._job_id)

    @property
    def inputs(self) -> Path:
        """Where what the work needs lies; deleted when the job ends."""
        return self._store.inputs(self._job_id)

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Says how far the work is; cheap enough to be called for every frame.

        Args:
            done: In the unit of `total`.
            total: None where nobody can know.
            text: For people, as in "12 of 40 photos".
        """
        if self._stop.is_set():
            return
        now = time.monotonic()
        save = now - self._saved_at >= _SAVE_EVERY_S
        if save:
            self._saved_at = now
        progress = JobProgress(done=done, total=total, text=text)
        self._store.report(self._job_id, progress, save=save)

    def stopped(self) -> bool:
        """Whether the job is to stop."""
        return self._stop.is_set()

    def check(self) -> None:
        """Stops here if the job is to stop.

        Raises:
            JobStopped: It is.
        """
        if self._stop.is_set():
            raise JobStopped


Work = Callable[[JobContext], JobOutcome]
"""The work of a job. It looks at `stopped` often; an outcome given after that is kept, too."""
