"""One function in a thread of its own, whose failure is not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

__all__ = ["Background"]


class Background:
    """A thread that the end of the program does not wait for: it may hang in a read that nobody ends.

    Args:
        work: What to do.
        name: Of the thread.
    """

    def __init__(self, work: Callable[[], None], *, name: str) -> None:
        self._work = work
        self._future: Future[None] = Future()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        """Begins; does nothing the second time."""
        if self._thread.ident is None:
            self._thread.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Waits for the end; whether it came in time. What was never started has ended.

        Raises:
            Exception: What the work failed with.
        """
        if self._thread.ident is None:
            return True
        # The end of the thread, not only of the work: what a thread of C++ libraries cleans up must not
        # meet the end of the interpreter.
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        self._future.result()
        return True

    def _main(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
            self._future.set_exception(error)
        else:
            self._future.set_result(None)
