"""What programs import from face_recognition's command line: the photos of a folder."""

from __future__ import annotations

from pathlib import Path

from faceprint.errors import ImageNotFoundError

__all__ = ["image_files_in_folder"]

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


def image_files_in_folder(folder: str | Path) -> list[str]:
    """Paths of the JPEG and PNG files in a folder, by name; folders in it are left alone.

    Raises:
        ImageNotFoundError: There is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ImageNotFoundError(f"There is no folder {folder}. Check the path.")
    return [str(path) for path in sorted(root.iterdir()) if path.suffix.lower() in _SUFFIXES]
