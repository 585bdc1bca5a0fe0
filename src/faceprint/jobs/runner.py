"""A few threads that work on jobs, one after the other."""

from __future__ import annotations

import logging
import queue
import secrets
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from faceprint.errors import FaceprintError, OutputError
from faceprint.files import is_full
from faceprint.jobs.context import JobContext, JobOutcome, JobStopped, Work
from faceprint.jobs.records import (
    Job,
    JobNotFoundError,
    JobProgress,
    JobsBusyError,
    JobState,
    JobStateError,
)
from faceprint.jobs.store import STOPPED_MESSAGE, JobStore

__all__ = ["JobRunner"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Order:
    """A job that waits or runs."""

    job_id: str
    work: Work
    stop: threading.Event = field(default_factory=threading.Event)
    ending: JobState = JobState.CANCELLED


class JobRunner:
    """Works on the jobs of a store. Thread-safe.

    Args:
        store: Where the jobs are kept; whoever made it closes it after the runner.
        workers: How many jobs run at the same time.
        queue_limit: How many may wait.
    """

    def __init__(self, store: JobStore, *, workers: int = 1, queue_limit: int = 16) -> None:
        self._store = store
        self._workers = workers
        self._most = workers + queue_limit
        self._queue: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._orders: dict[str, _Order] = {}
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def check_room(self) -> None:
        """Says early whether another job would be taken, before its input is sent.

        Raises:
            JobsBusyError: Too many wait, or the runner is closed.
        """
        if self._closed:
            raise JobsBusyError("The program is shutting down and takes no more work.")
        if len(self._orders) >= self._most:
            raise JobsBusyError(
                f"Too much waits already (places for jobs: {self._most}). Wait for a job to end, "
                "or cancel one."
            )

    def submit(self, job_id: str, work: Work) -> Job:
        """Hands a queued job over to be worked on.

        Raises:
            JobsBusyError: Too many wait, or the runner is closed.
            JobStateError: The job was cancelled before.
            JobNotFoundError: It was deleted before.
        """
        with self._lock:
            self.check_room()
            job = self._store.get(job_id)
            if job.state is not JobState.QUEUED:
                raise JobStateError(f"This job is {job.state} and cannot be started.")
            order = _Order(job_id, work)
            self._orders[job_id] = order
            self._queue.put(order)
            self._start_threads()
        return job

    def cancel(self, job_id: str) -> Job:
        """Tells a job to stop; one that has ended stays as it is.

        Raises:
            JobNotFoundError: There is none of that id.
            JobStateError: Another process works on it.
        """
        with self._lock:
            job = self._store.get(job_id)
            order = self._orders.get(job_id)
            if order is not None:
                order.stop.set()
                self._store.report(job_id, job.progress.model_copy(update={"text": "Stopping"}))
            elif job.active and not self._store.owns(job_id):
                raise JobStateError("Another process works on this job. Cancel it there.")
            if job.state is JobState.QUEUED:
                self._orders.pop(job_id, None)
                return self._store.end(job_id, JobState.CANCELLED, message="It was cancelled.")
        return self._store.get(job_id)

    def close(self, *, patience_s: float = 5.0) -> None:
        """Stops all jobs and marks them as interrupted.

        Args:
            patience_s: How long to wait for running jobs to come to a stop by themselves.
        """
        with self._lock:
            self._closed = True
            for order in self._orders.values():
                if not order.stop.is_set():
                    order.ending = JobState.INTERRUPTED
                    order.stop.set()
            threads = list(self._threads)
            for _ in threads:
                self._queue.put(None)
        deadline = time.monotonic() + patience_s
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        for order in list(self._orders.values()):
            self._end(order, JobState.INTERRUPTED, message=STOPPED_MESSAGE)

    def _start_threads(self) -> None:
        for number in range(len(self._threads), min(self._workers, len(self._orders))):
            # A job that never comes to a stop must not keep the program from ending.
            thread = threading.Thread(target=self._serve, name=f"job-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        while True:
            order = self._queue.get()
            if order is None:
                return
            if order.job_id in self._orders:
                self._work_on(order)

    def _work_on(self, order: _Order) -> None:
        try:
            with self._lock:
                if order.stop.is_set():
                    raise JobStopped
                self._store.start(order.job_id)
            outcome = order.work(JobContext(self._store, order.job_id, order.stop))
        except JobStopped:
            self._end_stopped(order, JobOutcome())
        except Exception as error:  # noqa: BLE001 - a thread has nobody above it to tell
            self._end(order, JobState.FAILED, **_failure(order.job_id, error))
        else:
            self._end_with(order, outcome)

    def _end_with(self, order: _Order, outcome: JobOutcome) -> None:
        if order.stop.is_set():
            self._end_stopped(order, outcome)
        elif outcome.partial is not None:
            summary = dict(outcome.summary)
            self._end(order, JobState.PARTIAL, message=outcome.partial, summary=summary)
        else:
            self._end(order, JobState.DONE, summary=dict(outcome.summary))

    def _end_stopped(self, order: _Order, outcome: JobOutcome) -> None:
        cancelled = order.ending is JobState.CANCELLED
        message = "It was cancelled." if cancelled else STOPPED_MESSAGE
        message = f"{message} {outcome.partial}" if outcome.partial else message
        self._end(order, order.ending, message=message, summary=dict(outcome.summary))

    def _end(self, order: _Order, state: JobState, **fields: Any) -> None:
        try:
            job = self._store.get(order.job_id)
            progress = job.progress.model_copy(update={"text": ""})
            if state is JobState.DONE:
                progress = JobProgress(done=1, total=1)
            self._store.end(
                order.job_id, state, files=self._files(order.job_id), progress=progress, **fields
            )
        except JobNotFoundError:
            _log.warning("job %s was deleted before it ended", order.job_id)
        finally:
            with self._lock:
                self._orders.pop(order.job_id, None)

    def _files(self, job_id: str) -> tuple[str, ...]:
        try:
            return self._store.produced(job_id)
        except JobNotFoundError:
            return ()


def _failure(job_id: str, error: Exception) -> dict[str, Any]:
    if isinstance(error, FaceprintError):
        return {"message": str(error), "code": error.code}
    if is_full(error):
        message = "The disk is full. Free some space, or delete old jobs, and start this again."
        return {"message": message, "code": OutputError.code}
    incident = secrets.token_hex(4)
    _log.error("job %s failed, incident %s", job_id, incident, exc_info=error)
    message = f"Something went wrong here. The log of the server has it as incident {incident}."
    return {"message": message, "code": "internal"}
