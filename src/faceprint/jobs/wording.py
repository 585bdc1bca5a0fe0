"""What people read of a job, without the places of its files on the server."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["INPUTS", "without_paths"]

INPUTS = "input"
"""The folder in a job's folder where its input lies, each file in a numbered one if need be."""


def without_paths(text: str, folder: Path) -> str:
    """A message in which the files of a job have only their names.

    Args:
        text: For people.
        folder: Of the job; need not exist.
    """
    for place in (folder.resolve(), folder.absolute(), folder):
        known, slash = re.escape(str(place)), r"[/\\]"
        text = re.sub(rf"{known}{slash}({INPUTS}{slash}(\d+{slash})?)?", "", text)
        text = text.replace(str(place), "the job's folder")
    return text
