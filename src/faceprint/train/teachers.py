"""What embedders say of crops that are cut already: teachers of students, and starts of heads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from faceprint.align import ALIGNMENTS
from faceprint.errors import InputError
from faceprint.train.tasks.base import Crops, IntArray
from faceprint.types import Embedder, FloatArray, Image

__all__ = ["embed_crops", "recut"]

_CHUNK = 64

Progress = Callable[[int, int], None]


def recut(crops: Image, *, alignment: str, embedder: Embedder) -> Image:
    """Crops of one alignment as an embedder takes them.

    Args:
        crops: (N, S, S, 3) uint8 RGB.
        alignment: How they were cut.
        embedder: What they are for.

    Returns:
        (N, side, side, 3) uint8 RGB of the embedder's own alignment and side.

    Raises:
        InputError: The embedder's crops show what these do not.
    """
    side = embedder.crop_size_px
    goal = ALIGNMENTS.get(embedder.alignment)
    if alignment == embedder.alignment:
        if crops.shape[1] == side:
            return crops
        matrix = None
    elif (
        goal is not None
        and alignment in ALIGNMENTS
        and goal.template is ALIGNMENTS[alignment].template
    ):
        fit = goal.size_px / crops.shape[1]
        stretch = np.array(goal.stretch)[:, None]
        matrix = np.concatenate([np.eye(2) * fit * stretch, np.array(goal.shift)[:, None]], axis=1)
    else:
        raise InputError(
            f"{embedder.name} takes {embedder.alignment} crops, which cannot be had from {alignment} ones. "
            f"Prepare the data with --alignment {embedder.alignment}."
        )
    out = np.empty((len(crops), side, side, 3), dtype=np.uint8)
    for crop, target in zip(crops, out, strict=True):
        if matrix is None:
            cv2.resize(crop, (side, side), dst=target, interpolation=cv2.INTER_AREA)
        else:
            cv2.warpAffine(crop, matrix, (side, side), dst=target, flags=cv2.INTER_LINEAR)
    return out


def embed_crops(
    embedders: Sequence[Embedder],
    data: Crops,
    rows: IntArray,
    *,
    alignment: str,
    progress: Progress | None = None,
) -> FloatArray:
    """Embeddings of crops by several embedders, side by side, each of the same weight.

    Args:
        embedders: One or more.
        data: The crops.
        rows: Which.
        alignment: How they were cut.
        progress: Told how many are done, and of how many.

    Returns:
        (len(rows), D) float32 of length 1: a cosine of two is the mean of the embedders' cosines.
    """
    parts: list[FloatArray] = []
    for start in range(0, len(rows), _CHUNK):
        crops = data.read(rows[start : start + _CHUNK])
        sides = [
            one.embed(recut(crops, alignment=alignment, embedder=one)).vectors for one in embedders
        ]
        parts.append(np.concatenate(sides, axis=1) / np.float32(np.sqrt(len(sides))))
        if progress is not None:
            progress(min(start + _CHUNK, len(rows)), len(rows))
    return np.concatenate(parts)
