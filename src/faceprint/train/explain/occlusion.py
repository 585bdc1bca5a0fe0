"""Which parts of a face an answer rests on: hide one after the other, and see how the answer changes.

Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, section 4.2. Nothing
needs to be known of the network, so that this works for any embedder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from faceprint.errors import InputError
from faceprint.types import Embedder, FloatArray, Image

__all__ = ["OcclusionMap", "Score", "likeness", "occlusion_map"]

Score = Callable[[Image], FloatArray]
"""From crops (N, S, S, 3) uint8 RGB to one answer each, (N,) float32: a similarity, a probability, an age."""

_BATCH = 32
_PATCHES_A_SIDE = 7


@dataclass(frozen=True, slots=True, eq=False)
class OcclusionMap:
    """How an answer changes as parts of a crop are hidden.

    Attributes:
        drops: (S, S) float32, by how much hiding a place lowers the answer: the mean over all patches that
            cover it, those with it in their middle counting most. Below zero where hiding raises the
            answer.
        score: The answer with nothing hidden.
        lowest: The lowest answer of all patches.
        highest: The highest.
        patch_px: Side of the square that is hidden.
    """

    drops: FloatArray
    score: float
    lowest: float
    highest: float
    patch_px: int


def likeness(embedder: Embedder, reference: FloatArray) -> Score:
    """The cosine similarity of crops to an embedding.

    Args:
        embedder: Of that embedding.
        reference: (D,) float32 of length 1: of another photo, to see what a match rests on; or of the crop
            itself, to see what its embedding rests on.
    """

    def score(crops: Image) -> FloatArray:
        found: FloatArray = embedder.embed(crops).vectors @ reference
        return found

    return score


def occlusion_map(
    score: Score, crop: Image, *, patch_px: int | None = None, stride_px: int | None = None
) -> OcclusionMap:
    """Hides one square after the other behind the mean colour of the crop.

    Args:
        score: What is asked.
        crop: (S, S, 3) uint8 RGB, as the network takes it.
        patch_px: Side of the square; a seventh of the crop unless given.
        stride_px: How far apart the squares are; half a square unless given, so that they overlap.

    Raises:
        InputError: The crop is none, or the squares do not fit it.
    """
    if crop.ndim != 3 or crop.shape[0] != crop.shape[1] or crop.shape[2] != 3:
        raise InputError(f"Expected a crop (S, S, 3), got an array of shape {crop.shape}.")
    side = len(crop)
    patch = max(2, round(side / _PATCHES_A_SIDE)) if patch_px is None else patch_px
    stride = max(1, patch // 2) if stride_px is None else stride_px
    if not 1 <= patch < side or not 1 <= stride <= patch:
        raise InputError(
            f"Squares of {patch} px, {stride} px apart, cannot cover a crop of {side} px: expected "
            "1 ≤ stride ≤ patch < side."
        )
    whole = float(score(crop[None])[0])
    answers = np.zeros(0, dtype=np.float32)
    starts = _starts(side, patch, stride)
    places = list(product(starts, starts))
    for hidden in _hidden(crop, places, patch):
        answers = np.concatenate([answers, score(hidden)])
    drops = _spread(whole - answers, places, side, patch)
    return OcclusionMap(drops, whole, float(answers.min()), float(answers.max()), patch)


def _spread(values: FloatArray, places: list[tuple[int, int]], side: int, patch: int) -> FloatArray:
    """What each place gets of the patches over it: between their middles, the values blend."""
    slope = 0.5 + np.minimum(np.arange(patch), np.arange(patch)[::-1])
    weight = np.outer(slope, slope)
    sums, weights = np.zeros((side, side)), np.zeros((side, side))
    for (top, left), value in zip(places, values, strict=True):
        area = np.s_[top : top + patch, left : left + patch]
        sums[area] += weight * value
        weights[area] += weight
    return (sums / weights).astype(np.float32)


def _starts(side: int, patch: int, stride: int) -> list[int]:
    """Where squares begin; the last one ends with the crop."""
    return [*range(0, side - patch, stride), side - patch]


def _hidden(crop: Image, places: list[tuple[int, int]], patch: int) -> Iterator[Image]:
    fill = crop.reshape(-1, 3).mean(0).round().astype(np.uint8)
    for start in range(0, len(places), _BATCH):
        part = places[start : start + _BATCH]
        crops = np.repeat(crop[None], len(part), axis=0)
        for one, (top, left) in zip(crops, part, strict=True):
            one[top : top + patch, left : left + patch] = fill
        yield crops
