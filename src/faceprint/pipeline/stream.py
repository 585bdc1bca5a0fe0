"""Work on a stream of items side by side, in order, with bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from faceprint.types import Photo

__all__ = ["chunks", "in_order"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_CHUNK_PHOTOS = 8
_CHUNK_BYTES = 2 * 1024 * 1024
"""Of encoded photos. A chunk is decoded whole, and a photo of 12 megapixels encodes to about 4 MiB."""

_UNKNOWN_BYTES = 512 * 1024


def chunks(photos: Iterable[Photo]) -> Iterator[list[Photo]]:
    """Photos in small groups: few large ones, more small ones."""
    group: list[Photo] = []
    total = 0
    try:
        for photo in photos:
            size = _encoded_bytes(photo)
            if group and (total + size > _CHUNK_BYTES or len(group) == _CHUNK_PHOTOS):
                yield group
                group, total = [], 0
            group.append(photo)
            total += size
    except Exception:
        # What came before the source failed is not lost.
        if group:
            yield group
        raise
    if group:
        yield group


def in_order(
    work: Callable[[Item], list[Result]], items: Iterable[Item], *, workers: int
) -> Iterator[Result]:
    """Results of `work` on each item, in order; never more than a few items ahead of the reader.

    An error in `work` is raised at its place, one in `items` after the results of what came before it.
    Closing the iterator drops what has not started.
    """
    source = iter(items)
    failure: Exception | None = None
    with ThreadPoolExecutor(workers, thread_name_prefix="faceprint") as pool:
        ahead: deque[Future[list[Result]]] = deque()
        try:
            while failure is None:
                try:
                    item = next(source)
                except StopIteration:
                    break
                except Exception as error:  # noqa: BLE001 - raised below, after what came before it
                    failure = error
                    break
                ahead.append(pool.submit(work, item))
                if len(ahead) > workers + 1:
                    yield from ahead.popleft().result()
            while ahead:
                yield from ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
    if failure is not None:
        raise failure


def _encoded_bytes(photo: Photo) -> int:
    if isinstance(photo, str | Path):
        try:
            return Path(photo).stat().st_size
        except (OSError, ValueError):
            return 0
    if isinstance(photo, bytes):
        return len(photo)
    return photo.nbytes // 8 if isinstance(photo, np.ndarray) else _UNKNOWN_BYTES
