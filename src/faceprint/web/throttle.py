"""Slowing down whoever guesses keys."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Throttle"]


@dataclass(slots=True)
class _Record:
    failures: int
    free_at: float


class Throttle:
    """Makes each address wait longer after every wrong key.

    Args:
        free_tries: Wrong keys before the first wait.
        longest_wait_s: The wait doubles up to this many seconds.
        clock: Seconds that never go back.
    """

    _MOST_ADDRESSES = 4096

    def __init__(
        self,
        *,
        free_tries: int = 5,
        longest_wait_s: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._free_tries = free_tries
        self._longest_wait_s = longest_wait_s
        self._clock = clock
        self._records: OrderedDict[str, _Record] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try again; 0 if it may now."""
        record = self._records.get(address)
        return 0.0 if record is None else max(0.0, record.free_at - self._clock())

    def fail(self, address: str) -> None:
        """Notes a wrong key."""
        record = self._records.pop(address, _Record(0, 0.0))
        record.failures += 1
        over = record.failures - self._free_tries
        if over >= 0:
            record.free_at = self._clock() + min(self._longest_wait_s, 2.0 ** min(over, 16))
        self._records[address] = record
        if len(self._records) > self._MOST_ADDRESSES:
            self._records.popitem(last=False)

    def succeed(self, address: str) -> None:
        """Forgets an address that gave the right key."""
        self._records.pop(address, None)
