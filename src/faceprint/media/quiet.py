"""Silence for the decoder's warnings about odd metadata, which say nothing about the pixels."""

from __future__ import annotations

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

__all__ = ["quiet_decoder"]

# The comment in the pattern makes the filter ours, so that removing it never removes a caller's.
_MODULES = r"PIL\.(?#faceprint)"
_Filter = tuple[Any, ...]
_lock = threading.Lock()
_inside = 0


@contextmanager
def quiet_decoder() -> Iterator[None]:
    """Ignores the warnings of Pillow's modules while at least one thread is inside.

    `warnings.catch_warnings` is not safe in threads before Python's context-aware warnings: two
    that overlap can leave the filters of one behind for good. Adding and taking away one filter
    cannot.
    """
    if getattr(sys.flags, "context_aware_warnings", False):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=_MODULES)
            yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside
    with _lock:
        _inside += 1
        if _inside == 1:
            warnings.filterwarnings("ignore", module=_MODULES)


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if _inside == 0:
            filters = cast("list[_Filter]", warnings.filters)
            filters[:] = [item for item in filters if not _is_ours(item)]


def _is_ours(item: _Filter) -> bool:
    return getattr(item[3], "pattern", item[3]) == _MODULES
