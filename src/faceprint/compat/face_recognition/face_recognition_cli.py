"""What programs import from face_recognition's command line: the photos of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from faceprint.compat.face_recognition.errors import MissingPhotoError, WrongValueError

__all__ = ["image_files_in_folder"]

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


def image_files_in_folder(folder: str | Path) -> list[str]:
    """Paths of the JPEG and PNG files in a folder, by name; folders in it are left alone.

    Raises:
        ImageNotFoundError: There is no such folder; also a FileNotFoundError.
        InputError: It is no path; also a ValueError.
    """
    if not isinstance(folder, str | os.PathLike):
        raise WrongValueError(f"Expected the path of a folder, got {type(folder).__name__}.")
    root = Path(folder)
    if not root.is_dir():
        raise MissingPhotoError(f"There is no folder {folder}. Check the path.")
    return [str(path) for path in sorted(root.iterdir()) if path.suffix.lower() in _SUFFIXES]
