"""Bounds on what happens at the same time: uploads held in memory, and blocking work in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import anyio
import anyio.to_thread
from starlette.exceptions import HTTPException

__all__ = ["Slots", "WorkQueue"]

P = ParamSpec("P")
R = TypeVar("R")

_RETRY_AFTER_S = 2


class Slots:
    """A number of places; who comes when all are taken is refused.

    Args:
        most: How many places there are.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Takes a place for as long as the block runs.

        Raises:
            HTTPException: 503 with Retry-After when all are taken.
        """
        if self._taken >= self._most:
            raise HTTPException(
                503,
                "Too much is waiting already. Try again in a moment.",
                headers={"Retry-After": str(_RETRY_AFTER_S)},
            )
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


class WorkQueue:
    """Runs functions in threads, so that the event loop never waits; refuses when too many wait.

    Args:
        workers: How many run at the same time.
        queue: How many may wait.
    """

    def __init__(self, *, workers: int, queue: int) -> None:
        self._limiter = anyio.CapacityLimiter(workers)
        self._slots = Slots(workers + queue)

    async def run(self, job: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The job's result.

        Raises:
            HTTPException: 503 with Retry-After when too many jobs wait.
        """
        with self._slots.hold():
            return await anyio.to_thread.run_sync(
                lambda: job(*args, **kwargs), limiter=self._limiter
            )
