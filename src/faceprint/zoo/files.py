"""Digests of files, and writing them whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faceprint.errors import ModelError
from faceprint.files import write_whole

__all__ = ["file_digest", "usable", "write_atomically"]


def file_digest(path: Path, algorithm: str) -> str:
    """Digest of a file as "algorithm:hexadecimal"."""
    with path.open("rb") as stream:
        return f"{algorithm}:{hashlib.file_digest(stream, algorithm).hexdigest()}"


@contextmanager
def usable(folder: Path, variable: str) -> Iterator[None]:
    """Makes a folder and turns trouble with the disk into an error that names it.

    Args:
        folder: The folder to work in.
        variable: The environment variable that chooses another.

    Raises:
        ModelError: The folder cannot be made, or the disk refused what was done within.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise ModelError(
            f"The folder {folder} cannot be used: {error.strerror or error}. Free some space or allow "
            f"writing, or choose another folder with {variable}."
        ) from error


def write_atomically(target: Path, content: bytes) -> None:
    """Writes a file so that it is seen whole or not at all, with the usual permissions."""
    write_whole(target, content)
