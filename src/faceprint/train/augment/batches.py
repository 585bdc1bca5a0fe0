"""Batches of crops, changed at random, each crop for itself."""

from __future__ import annotations

import numpy as np

from faceprint.train.augment.colours import change_colours
from faceprint.train.augment.photos import blur, hide, recompress, shrink
from faceprint.train.augment.shapes import resize, warp
from faceprint.train.recipes.config import AugmentConfig
from faceprint.types import Image

__all__ = ["Augmenter"]


class Augmenter:
    """Changes crops as a recipe says.

    Args:
        config: What is done, and how often.
        side_px: Side of the crops that come out.
    """

    def __init__(self, config: AugmentConfig, *, side_px: int) -> None:
        self.config = config
        self.side_px = side_px
        self._still = config == AugmentConfig(flip=config.flip)

    def __call__(self, crops: Image, *, rng: np.random.Generator) -> Image:
        """Changed crops.

        Args:
            crops: (N, S, S, 3) uint8 RGB; not changed themselves.
            rng: What everything is drawn from: the same state gives the same crops.

        Returns:
            (N, side_px, side_px, 3) uint8 RGB.
        """
        config = self.config
        out = resize(crops, self.side_px) if self._still else warp(crops, self.side_px, config, rng)
        mirrored = rng.random(len(out)) < config.flip
        out[mirrored] = out[mirrored, :, ::-1]
        if self._still:
            return out
        change_colours(out, config, rng)
        for change, share in (
            (blur, config.blur),
            (shrink, config.shrink),
            (hide, config.occlude),
            (recompress, config.jpeg),
        ):
            for row in np.flatnonzero(rng.random(len(out)) < share):
                change(out[row], rng)
        return out
