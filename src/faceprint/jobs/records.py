"""What is kept about a job, and what can be wrong with asking for one."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from faceprint.errors import FaceprintError, InputError

__all__ = [
    "Job",
    "JobNotFoundError",
    "JobProgress",
    "JobState",
    "JobStateError",
    "JobsBusyError",
]


class JobNotFoundError(InputError):
    """There is no such job; its results may have been deleted."""

    code = "job_not_found"


class JobStateError(InputError):
    """A job is not in a state in which that can be done."""

    code = "job_state"


class JobsBusyError(FaceprintError):
    """Too many jobs wait already, or the program is shutting down."""

    code = "busy"


class JobState(StrEnum):
    """How far a job is.

    `partial` is done with a reason why something is missing; `cancelled` was stopped by somebody,
    `interrupted` by the program or the machine.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def active(self) -> bool:
        """Whether the job has yet to end.

        >>> JobState.RUNNING.active, JobState.PARTIAL.active
        (True, False)
        """
        return self in (JobState.QUEUED, JobState.RUNNING)


class JobProgress(BaseModel):
    """How much of a job is done.

    Attributes:
        done: In the unit of `total`.
        total: None where nobody can know.
        text: For people, as in "12 of 40 photos".
    """

    model_config = ConfigDict(frozen=True)

    done: float = 0
    total: float | None = None
    text: str = ""

    @property
    def share(self) -> float | None:
        """From 0 to 1; None where the total is not known.

        >>> JobProgress(done=3, total=4).share
        0.75
        """
        if self.total is None or self.total <= 0:
            return None
        return min(max(self.done / self.total, 0.0), 1.0)


class Job(BaseModel):
    """One job, as `job.json` in its folder holds it.

    Attributes:
        job_id: 16 hexadecimal digits.
        kind: What is done, as in "video".
        title: What it is done to, for people.
        actor: Who asked for it.
        created_at: Timezone-aware, as are the other times.
        message: Why it failed, stopped or is partial; empty otherwise.
        code: Stable code of the error; None where there was none.
        summary: What the work says about its result.
        files: The files of the result, relative to the job's folder, with forward slashes.
        owner: The store that works on it, so that others can tell whether it still lives.
    """

    model_config = ConfigDict(frozen=True)

    job_id: str = Field(pattern=r"^[0-9a-f]{16}$")
    kind: str
    title: str
    actor: str
    state: JobState
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    progress: JobProgress = JobProgress()
    message: str = ""
    code: str | None = None
    summary: dict[str, JsonValue] = {}
    files: tuple[str, ...] = ()
    owner: str = ""

    @property
    def active(self) -> bool:
        """Whether the job has yet to end."""
        return self.state.active
