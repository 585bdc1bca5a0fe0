"""Long work in the background: progress, cancelling, results that outlive a restart.

A `JobStore` keeps a folder for each job, a `JobRunner` works on them in a few threads, and the work
itself gets a `JobContext`.
"""

from faceprint.jobs.context import JobContext, JobOutcome, JobStopped, Work
from faceprint.jobs.records import (
    Job,
    JobNotFoundError,
    JobProgress,
    JobsBusyError,
    JobState,
    JobStateError,
)
from faceprint.jobs.runner import JobRunner
from faceprint.jobs.store import JobStore

__all__ = [
    "Job",
    "JobContext",
    "JobNotFoundError",
    "JobOutcome",
    "JobProgress",
    "JobRunner",
    "JobState",
    "JobStateError",
    "JobStopped",
    "JobStore",
    "JobsBusyError",
    "Work",
]
