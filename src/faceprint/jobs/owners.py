"""Which processes still live: each that works on jobs holds a locked file as long as it runs."""

from __future__ import annotations

import re
import secrets
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

__all__ = ["Owner", "lives"]

_PATIENCE_S: Final = 5.0


class Owner:
    """This process, or one of several stores in it; the lock goes when the process does.

    Args:
        folder: Of the locks; made at the first `claim`.
    """

    def __init__(self, folder: Path) -> None:
        self.name = secrets.token_hex(8)
        self._path = _path(folder, self.name)
        self._lock = FileLock(self._path, thread_local=False)
        self._mutex = threading.Lock()

    def claim(self) -> None:
        """Takes the lock, once.

        Raises:
            OSError: The folder cannot be written.
        """
        with self._mutex:
            if not self._lock.is_locked:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                # Others hold the lock for a moment while they look whether this owner lives.
                self._lock.acquire(timeout=_PATIENCE_S, poll_interval=0.005)

    def release(self) -> None:
        """Gives the lock up."""
        with self._mutex:
            if self._lock.is_locked:
                _remove(self._path, self._lock)


def lives(folder: Path, name: str) -> bool:
    """Whether the owner of that name still holds its lock; a dead one's file is removed."""
    path = _path(folder, name)
    if re.fullmatch("[0-9a-f]{16}", name) is None or not path.exists():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        # Without the file, the owner has given it up just now.
        return path.exists()
    except PermissionError:
        return True
    _remove(path, lock)
    return False


def _remove(path: Path, lock: FileLock) -> None:
    """Removes a lock's file before the lock goes, so that nobody can have claimed it meanwhile.

    Where an open file cannot be removed, as on Windows, releasing the lock does it.
    """
    with suppress(OSError):
        path.unlink(missing_ok=True)
    lock.release()


def _path(folder: Path, name: str) -> Path:
    return folder / f"{name}.lock"
