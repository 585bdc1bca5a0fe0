"""A photo to try: Eileen Collins, NASA, in the public domain, packaged with scikit-image."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from faceprint.errors import MissingExtraError
from faceprint.web.forms import Upload

__all__ = ["sample_available", "sample_photo"]


@cache
def _sample_path() -> Path | None:
    # The file is read without importing scikit-image, which takes a while.
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "data" / "astronaut.png"
    return path if path.is_file() else None


def sample_available() -> bool:
    """Whether the sample can be offered."""
    return _sample_path() is not None


def sample_photo() -> Upload:
    """The sample.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    path = _sample_path()
    if path is None:
        raise MissingExtraError("The sample photo", extra="sample")
    return Upload("astronaut.png", path.read_bytes())
