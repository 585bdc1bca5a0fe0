"""Batches of an epoch, drawn ahead on threads, each from a seed of its own: threads change nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from faceprint.train.localizer.crops import Crops, CropSource

__all__ = ["Batch", "batches"]

_AHEAD = 3


class Batch(NamedTuple):
    """What one step is made of.

    Attributes:
        pixels: (N, S, S, 3) uint8 RGB.
        faces: (N,) float32, 1 where there is a face, else 0.
        boxes: (N, 4) float32 shares of the side.
    """

    pixels: Tensor
    faces: Tensor
    boxes: Tensor


def batches(
    source: CropSource, *, seed: tuple[int, ...], steps: int, size: int, threads: int = 1
) -> Iterator[Batch]:
    """The batches of an epoch.

    Args:
        source: Draws crops.
        seed: Of the epoch.
        steps: How many batches.
        size: Crops of each.
        threads: That draw ahead; 0 to draw each when it is asked for.
    """

    def draw(step: int) -> Batch:
        return _as_batch(source.draw(size, np.random.default_rng((*seed, step))))

    if not threads:
        yield from map(draw, range(steps))
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="crops") as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for step in range(steps):
                waiting.append(pool.submit(draw, step))
                if len(waiting) > threads * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def _as_batch(crops: Crops) -> Batch:
    return Batch(
        torch.from_numpy(crops.pixels),
        torch.from_numpy(crops.faces.astype(np.float32)),
        torch.from_numpy(crops.boxes),
    )
