"""Names of uploaded files: to show, and to write to the disk."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from faceprint.web.forms import display_name

__all__ = ["disk_name", "display_path"]

_MAX_PATH_LENGTH = 160
_MAX_DISK_NAME_BYTES = 120


def display_path(raw: str) -> str:
    """A path within a folder as text to show: safe parts, cut at the front.

    >>> display_path("../holiday/img 1.jpg"), display_path("C:\\\\x\\\\a.mp4"), display_path("")
    ('holiday/img 1.jpg', 'C:/x/a.mp4', 'file')
    """
    parts = [display_name(part) for part in re.split(r"[/\\]", raw) if part.strip(" .")]
    path = "/".join(parts) or "file"
    return path if len(path) <= _MAX_PATH_LENGTH else "…" + path[1 - _MAX_PATH_LENGTH :]


def disk_name(shown: str) -> str:
    """A name that every file system takes; it matters only as what a video is called.

    >>> disk_name("holiday/wörk: 1?.mp4"), disk_name("a" * 300 + ".mp4")[-5:]
    ('wörk_ 1_.mp4', 'a.mp4')
    """
    name = re.sub(r"[^\w .()+-]", "_", unicodedata.normalize("NFC", shown.rpartition("/")[2]))
    path = Path(name.strip(" .") or "file")
    stem = path.stem.encode()[:_MAX_DISK_NAME_BYTES].decode(errors="ignore").strip(" .")
    return f"{stem or 'file'}{path.suffix[:10]}"
