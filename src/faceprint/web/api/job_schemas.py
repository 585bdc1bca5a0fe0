"""The shapes of the API's background jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel, Field

from faceprint.jobs import Job, JobState

__all__ = ["JobOut", "JobsOut"]


class ProgressOut(BaseModel):
    """How much of a job is done."""

    share: float | None = Field(description="0 to 1; null where nobody can know.")
    text: str = Field(examples=["12 of 40 photos"])


class JobFileOut(BaseModel):
    """One file of a result."""

    name: str
    url: str = Field(description="Where to get it, whole or in ranges.")


class JobOut(BaseModel):
    """A background job."""

    job_id: str
    kind: str = Field(examples=["video", "folder"])
    title: str
    actor: str = Field(description="Who asked for it.")
    state: JobState
    ended: bool
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    progress: ProgressOut
    message: str = Field(description="Why it failed, stopped, or is partial.")
    code: str | None = Field(description="Code of the error, where there was one.")
    summary: dict[str, Any] = Field(description="Numbers that sum up the result.")
    files: list[JobFileOut] = Field(description="Of the result; deleted with the job.")

    @classmethod
    def of(cls, job: Job) -> JobOut:
        """The body for a job."""
        base = f"/api/v1/jobs/{job.job_id}/files"
        return cls(
            **job.model_dump(exclude={"progress", "files", "owner"}),
            ended=not job.active,
            progress=ProgressOut(share=job.progress.share, text=job.progress.text),
            files=[JobFileOut(name=name, url=f"{base}/{quote(name)}") for name in job.files],
        )


class JobsOut(BaseModel):
    """Background jobs, newest first."""

    total: int
    jobs: list[JobOut]
