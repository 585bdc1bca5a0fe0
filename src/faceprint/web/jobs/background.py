"""The background jobs of one app: opened with the app, stopped with it."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path

from faceprint.errors import OutputError
from faceprint.jobs import JobRunner, JobStore
from faceprint.web.options import WebOptions

__all__ = ["Background"]

_log = logging.getLogger(__name__)

_PATIENCE_S = 10.0


class Background:
    """The store and the runner of an app, opened at first use. Thread-safe; its methods block.

    Args:
        folder: Of the jobs.
        options: How many run and wait, and how long results are kept.
    """

    def __init__(self, folder: Path, options: WebOptions) -> None:
        self._folder = folder
        self._options = options
        self._lock = threading.Lock()
        self._opened: tuple[JobStore, JobRunner] | None = None

    @property
    def store(self) -> JobStore:
        """The jobs."""
        return self._both()[0]

    @property
    def runner(self) -> JobRunner:
        """What works on them."""
        return self._both()[1]

    def open(self) -> None:
        """Marks what an earlier process left behind; a folder that cannot be used is told later."""
        try:
            self._both()
        except OutputError as error:
            _log.warning("background jobs will not work: %s", error)

    def tidy(self) -> None:
        """Deletes results that are too old."""
        with self._lock:
            opened = self._opened
        if opened is not None:
            try:
                opened[0].tidy()
            except OutputError as error:
                _log.warning("old results stay: %s", error)

    def close(self) -> None:
        """Stops what runs and marks it as interrupted."""
        with self._lock:
            opened = self._opened
        if opened is not None:
            store, runner = opened
            runner.close(patience_s=_PATIENCE_S)
            store.close()

    def free_bytes(self) -> int:
        """How much more the disk of the jobs holds."""
        place = next((one for one in (self._folder, *self._folder.parents) if one.is_dir()), None)
        return shutil.disk_usage(place or Path.cwd()).free

    def _both(self) -> tuple[JobStore, JobRunner]:
        with self._lock:
            if self._opened is None:
                options = self._options
                store = JobStore(self._folder, keep_days=options.keep_jobs_days)
                runner = JobRunner(
                    store, workers=options.job_workers, queue_limit=options.job_queue
                )
                self._opened = (store, runner)
            return self._opened
