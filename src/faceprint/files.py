"""Files that appear whole or not at all, and how to know a full disk."""

from __future__ import annotations

import errno
import os
import uuid
from pathlib import Path
from typing import Final

__all__ = ["is_full", "write_whole"]

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write_whole(
    path: Path, data: bytes, *, replace: bool = True, durable: bool = True, mode: int = 0o666
) -> None:
    """Writes a file that is seen whole or not at all, also by other processes.

    It is drafted beside its place under a hidden name of its own, and moved there. Where that fails,
    no draft stays, and what was there stays as it was.

    Args:
        path: The file; its folder must exist.
        data: All of it.
        replace: Take the place of an existing file.
        durable: Wait until the disk has the data, so that a power cut cannot leave an empty file.
        mode: Permissions of the file, less what the umask takes away.

    Raises:
        FileExistsError: The file is there already and may not be replaced.
        OSError: The disk refuses.
    """
    draft = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        if replace:
            draft.replace(path)
        else:
            _claim(path, draft)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def is_full(error: BaseException) -> bool:
    """Whether an error of the system says that the disk, the quota or the largest file is full."""
    return getattr(error, "errno", None) in _FULL


def _claim(path: Path, draft: Path) -> None:
    """Gives a draft its name unless that is taken: a second name fails then, a move would not."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # FAT and some network drives know no second names.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        draft.replace(path)
    else:
        draft.unlink()
