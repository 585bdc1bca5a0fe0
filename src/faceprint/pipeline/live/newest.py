"""A place for the newest of something: whoever is slow misses items, and nothing piles up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Newest"]

Item = TypeVar("Item")


class Newest(Generic[Item]):
    """Holds one item; a newer one takes the place of one that was not fetched. Thread-safe.

    Args:
        notify: Called after each item and at the end, from the thread that gave it; must return at
            once.

    Attributes:
        dropped: How many items were replaced before anybody fetched them.

    >>> place = Newest[int]()
    >>> place.put(1), place.put(2)
    (None, None)
    >>> place.take(), place.take(), place.dropped
    (2, None, 1)
    """

    def __init__(self, notify: Callable[[], object] | None = None) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._closed = False
        self._notify = notify or (lambda: None)
        self.dropped = 0

    @property
    def closed(self) -> bool:
        """Whether nothing more will come; the last item may still be there."""
        return self._closed

    def put(self, item: Item) -> None:
        """Gives an item; ignored once closed."""
        with self._changed:
            if self._closed:
                return
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()
        self._notify()

    def take(self, timeout_s: float = 0.0) -> Item | None:
        """The newest item that nobody has fetched; None where none comes in time.

        Args:
            timeout_s: How long to wait for one.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed, timeout_s)
            item, self._item = self._item, None
            return item

    def close(self) -> None:
        """Ends the waiting; what is there can still be fetched."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._notify()
