"""Several embedders as one, whose score is the weighted mean of their scores.

The vectors of the parts are scaled by the square roots of their weights and put end to end. Their inner
product, and so the cosine of two faces, is then the weighted mean of the cosines that the parts give
(Kittler et al., "On Combining Classifiers", PAMI 1998: the sum rule). Search, thresholds and galleries
need not know. See docs/decisions/0011-fusion.md for the choice of parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import cv2
import numpy as np

from faceprint.embed import load_embedder
from faceprint.embed.network import check_crops, unit
from faceprint.errors import ModelError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Embedder, Embeddings, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["FusionEmbedder", "build"]

_COLUMNS = MappingProxyType({"arcface-112": (0, 112), "arcface-112-columns-8-104": (8, 104)})
"""Which columns of a crop of 112 pixels each alignment shows, over the whole height."""


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> FusionEmbedder:
    """The embedders that the card names, as one.

    Raises:
        ModelError: The weights of a part cannot be had or run.
    """
    parts = [load_embedder(part.card.name, store, options, flip=flip) for part in card.parts]
    return FusionEmbedder(card, parts, flip=flip)


class FusionEmbedder:
    """Embedders side by side on the same crops.

    Args:
        card: What it is, with the weight of each part.
        parts: The embedders of the card's parts, in their order.
        flip: Whether the parts average each embedding with that of the mirror image.

    Raises:
        ModelError: The crops of a part cannot be cut from those that the card takes.
    """

    def __init__(self, card: ModelCard, parts: Sequence[Embedder], *, flip: bool = False) -> None:
        self.name = card.name
        self.model_id = f"{card.model_id}+flip" if flip else card.model_id
        self.dimension = card.dimension
        self.crop_size_px = card.input_size_px
        self.alignment = card.alignment
        self._shares = [np.float32(np.sqrt(part.weight)) for part in card.parts]
        self._parts = tuple(parts)
        for part in self._parts:
            if card.alignment != "arcface-112" or part.alignment not in _COLUMNS:
                raise ModelError(
                    f"{card.name} cuts its crops as {card.alignment}, from which those of {part.name} "
                    f"({part.alignment}) cannot be cut."
                )

    def embed(self, crops: Image) -> Embeddings:
        """Embeddings of (N, S, S, 3) uint8 RGB crops.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        check_crops(crops, side_px=self.crop_size_px, name=self.name)
        vectors = [
            share * part.embed(_recut(crops, part)).vectors
            for share, part in zip(self._shares, self._parts, strict=True)
        ]
        return Embeddings(unit(np.concatenate(vectors, axis=1)), self.model_id)


def _recut(crops: Image, part: Embedder) -> Image:
    """The crops as a part takes them: (N, S, S, 3) uint8 RGB of its own size."""
    side = part.crop_size_px
    left, right = (column * crops.shape[1] // 112 for column in _COLUMNS[part.alignment])
    if (left, right, side) == (0, crops.shape[2], crops.shape[1]):
        return crops
    cut = np.empty((len(crops), side, side, 3), dtype=np.uint8)
    for crop, out in zip(crops, cut, strict=True):
        cv2.resize(crop[:, left:right], (side, side), dst=out, interpolation=cv2.INTER_LINEAR)
    return cut
