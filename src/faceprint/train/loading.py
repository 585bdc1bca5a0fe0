"""From a prepared dataset to the batches of an epoch, the same ones for the same seed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch

from faceprint.train.augment import Augmenter
from faceprint.train.tasks.base import Batch, Crops, IntArray

__all__ = ["EpochLoader"]

_AHEAD = 4


class EpochLoader:
    """The steps of one epoch, each drawn from a seed of its own.

    So an epoch is the same whether the run was interrupted before it or not, and however many threads load
    it. Threads, since nearly all of the work is OpenCV's, which lets others run meanwhile; processes would
    copy this one, with locks that nobody opens in the copy.

    Args:
        data: The dataset.
        batches: Rows of each step.
        augmenter: What is done to the crops.
        seed: Of the epoch.
        threads: That load ahead; 0 to load each step when it is asked for.
    """

    def __init__(
        self,
        data: Crops,
        batches: Sequence[IntArray],
        augmenter: Augmenter,
        *,
        seed: int,
        threads: int,
    ) -> None:
        self._data = data
        self._batches = batches
        self._augmenter = augmenter
        self._seed = seed
        self._threads = threads

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[Batch]:
        if not self._threads:
            yield from map(self._load, range(len(self)))
            return
        with ThreadPoolExecutor(self._threads, thread_name_prefix="crops") as pool:
            waiting: deque[Future[Batch]] = deque()
            try:
                for step in range(len(self)):
                    waiting.append(pool.submit(self._load, step))
                    if len(waiting) > self._threads * _AHEAD:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for one in waiting:
                    one.cancel()

    def _load(self, step: int) -> Batch:
        rows = self._batches[step]
        rng = np.random.default_rng((self._seed, step))
        pixels = self._augmenter(self._data.read(rows), rng=rng)
        return Batch(
            torch.from_numpy(np.ascontiguousarray(pixels)),
            torch.from_numpy(rows),
            torch.from_numpy(self._data.identity[rows].astype(np.int64)),
            {name: torch.from_numpy(all_[rows]) for name, all_ in self._data.labels.items()},
        )
