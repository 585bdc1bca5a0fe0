"""dlib, where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from faceprint.errors import MissingExtraError

__all__ = ["load_dlib"]


def load_dlib(what: str) -> Any:
    """The library.

    Args:
        what: What needs it, as in "The model dlib-hog".

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return import_module("dlib")
    except ImportError as error:
        raise MissingExtraError(what, extra="dlib") from error
