"""The log of searches and exports: who looked, when and what for.

Searches are noted in memory and written about once a second, so that a search neither waits for the
disk nor for another process that is writing. A killed process loses at most that second. A gallery
that cannot be written is still searched; its log then says once, through `logging`, that it is not
kept.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from faceprint.errors import GalleryError
from faceprint.gallery.database import Database
from faceprint.gallery.names import clean_text
from faceprint.gallery.records import AccessKind, Call
from faceprint.gallery.schema import accesses

__all__ = ["AccessLog"]

_log = logging.getLogger(__name__)

_WRITE_EVERY_S = 1.0
_MOST_WAITING = 100_000


class AccessLog:
    """Collects accesses and writes them in batches. Thread-safe."""

    def __init__(self, database: Database) -> None:
        """Takes the database to write to; a thread runs only while something is waiting."""
        self._database = database
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._complained = False

    def add(self, kind: AccessKind, call: Call, *, asked: int, answered: int) -> None:
        """Notes one access; it is written within about a second.

        Args:
            kind: What was done.
            call: Who did it and what for.
            asked: How many probes, or people, it was about.
            answered: How many candidates, or people, were given out.
        """
        if self._database.read_only:
            self._complain("the gallery is open read-only")
            return
        entry = {
            "kind": kind,
            "at": datetime.now(UTC),
            "actor": clean_text(call.actor),
            "purpose": clean_text(call.purpose),
            "asked": asked,
            "answered": answered,
        }
        with self._lock:
            self._waiting.append(entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="faceprint-access")
                self._thread.start()

    def flush(self) -> None:
        """Writes what is waiting; what cannot be written now keeps waiting."""
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if not batch:
            return
        try:
            with self._database.write() as connection:
                connection.execute(insert(accesses), batch)
        except GalleryError as error:
            with self._lock:
                self._waiting.extendleft(reversed(batch))
            self._complain(error)

    def close(self) -> None:
        """Writes what is waiting and ends the thread."""
        self._stop.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()
        self.flush()

    def _complain(self, reason: object) -> None:
        if not self._complained:
            self._complained = True
            _log.warning("Searches are not being recorded: %s", reason)

    def _run(self) -> None:
        while True:
            self._stop.wait(_WRITE_EVERY_S)
            self.flush()
            with self._lock:
                # The interpreter waits for this thread at its end; a locked database must not hold
                # it.
                ending = self._stop.is_set() or not threading.main_thread().is_alive()
                if ending or not self._waiting:
                    self._thread = None
                    return
