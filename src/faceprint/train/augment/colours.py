"""How light and colourful a crop is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faceprint.train.recipes.config import AugmentConfig
from faceprint.types import FloatArray, Image

__all__ = ["change_colours"]

_LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def change_colours(crops: Image, config: AugmentConfig, rng: np.random.Generator) -> None:
    """Changes brightness, contrast, saturation and the tint of crops, in place.

    Each is one matrix on the colours of a crop: out = M in + b.
    """
    count = len(crops)
    grey = rng.random(count) < config.grey
    if not config.colour and not grey.any():
        return
    matrices, offsets = _matrices(count, config.colour, rng)
    matrices[grey] = matrices[grey] @ np.broadcast_to(_LUMA, (3, 3))
    mean = crops.reshape(count, -1, 3).mean(axis=1, dtype=np.float32)
    offsets += mean - np.einsum("nij,nj->ni", matrices, mean)
    for crop, matrix, offset in zip(crops, matrices, offsets, strict=True):
        crop[:] = np.clip(crop.reshape(-1, 3) @ matrix.T + offset, 0, 255).reshape(crop.shape)


def _matrices(
    count: int, strength: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """(N, 3, 3) about the mean colour, and what (N, 3) the mean colour moves by."""
    contrast = np.exp(rng.uniform(-0.5, 0.5, (count, 1, 1)) * strength)
    saturation = np.exp(rng.uniform(-0.7, 0.4, (count, 1, 1)) * strength)
    luma = np.broadcast_to(_LUMA, (count, 3, 3))
    mixed = contrast * (luma + saturation * (np.eye(3) - luma))
    tint: npt.NDArray[np.float64] = rng.uniform(-60, 60, (count, 1)) + rng.uniform(
        -15, 15, (count, 3)
    )
    return mixed.astype(np.float32), (tint * strength).astype(np.float32)
