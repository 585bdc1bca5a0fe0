"""Embeddings of crops that are cut out already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from faceprint.align import ALIGNMENTS
from faceprint.train.data.shards import PreparedDataset
from faceprint.types import Embedder, FloatArray, Image

__all__ = ["crop_vectors", "why_unfit"]

_AT_ONCE: Final = 256
_SMALLEST: Final = 0.5
"""Share of the side that an embedder takes: enlarging smaller crops shows it what it has not learnt."""


def why_unfit(data: PreparedDataset, embedder: Embedder) -> str:
    """Why an embedder cannot be shown the crops of a dataset; empty where it can.

    Crops of the same alignment and another side are scaled, as long as they are half as large at least.

    Args:
        data: The dataset.
        embedder: What embeds.
    """
    name, alignment, side_px = embedder.name, embedder.alignment, embedder.crop_size_px
    if data.alignment != alignment:
        return (
            f"the crops are cut out as {data.alignment!r}, and {name} takes {alignment!r}: prepare "
            f"with --alignment {alignment}, or take another embedder"
        )
    if data.side_px != side_px and alignment not in ALIGNMENTS:
        return f"the crops have a side of {data.side_px} px, and {name} takes {side_px}"
    if data.side_px < _SMALLEST * side_px:
        return (
            f"the crops have a side of {data.side_px} px, too small to be enlarged to the {side_px} that "
            f"{name} takes"
        )
    return ""


def crop_vectors(
    data: PreparedDataset,
    embedder: Embedder,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> FloatArray:
    """Embeddings (N, D) float32 of length 1 of all crops of a dataset.

    Args:
        data: The dataset; see `why_unfit`.
        embedder: What embeds.
        progress: Told how many are done, and of how many.

    Raises:
        DatasetError: A crop cannot be read.
    """
    found = np.empty((len(data), embedder.dimension), dtype=np.float32)
    for start in range(0, len(data), _AT_ONCE):
        rows = np.arange(start, min(start + _AT_ONCE, len(data)))
        found[rows] = embedder.embed(_fitted(data.read(rows), embedder.crop_size_px)).vectors
        if progress is not None:
            progress(start + len(rows), len(data))
    return found


def _fitted(crops: Image, side_px: int) -> Image:
    if crops.shape[1] == side_px:
        return crops
    way = cv2.INTER_AREA if crops.shape[1] > side_px else cv2.INTER_LINEAR
    scaled = [cv2.resize(crop, (side_px, side_px), interpolation=way) for crop in crops]
    return np.stack(scaled).astype(np.uint8)
