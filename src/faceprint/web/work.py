"""Blocking work in a bounded number of threads, so that the event loop never waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException

__all__ = ["WorkQueue"]

P = ParamSpec("P")
R = TypeVar("R")

RETRY_AFTER_S = 2


class WorkQueue:
    """Runs functions in threads, some at a time; refuses when too many wait.

    Args:
        workers: How many run at the same time.
        queue: How many may wait.
    """

    def __init__(self, *, workers: int, queue: int) -> None:
        self._limiter = anyio.CapacityLimiter(workers)
        self._most = workers + queue
        self._pending = 0

    async def run(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The job's result.

        Raises:
            HTTPException: 503 with Retry-After when too many jobs wait.
        """
        if self._pending >= self._most:
            raise HTTPException(
                503,
                "Too many photos are waiting. Try again in a moment.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            )
        self._pending += 1
        try:
            return await anyio.to_thread.run_sync(
                lambda: job(*args, **kwargs), limiter=self._limiter
            )
        finally:
            self._pending -= 1
