"""Keeps what takes long to a share of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["Pace"]


class Pace:
    """Says when something may run again, by how long it took.

    Args:
        share: Of the time that it may take, up to 1.
        clock: Seconds that never go back.

    Attributes:
        took_s: How long it took the last time; None before that.
    """

    def __init__(self, share: float, clock: Callable[[], float]) -> None:
        self._share = share
        self._clock = clock
        self._next_s = float("-inf")
        self.took_s: float | None = None

    @property
    def due(self) -> bool:
        """Whether it may run."""
        return self._clock() >= self._next_s

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Measures how long the block takes."""
        began_s = self._clock()
        yield
        self.took_s = self._clock() - began_s
        self._next_s = began_s + self.took_s / self._share
