"""Viola and Jones: a cascade of boosted Haar-like features over an integral image."""

from __future__ import annotations

from faceprint.detect.viola_jones.cascade import read_cascade
from faceprint.detect.viola_jones.detector import ViolaJones
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["ViolaJones", "build"]


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> ViolaJones:
    """The cascade of the card; it runs on the CPU, whatever the options.

    Raises:
        ModelError: The cascade cannot be had, or is none.
    """
    (path,) = store.files(card)
    return ViolaJones(read_cascade(path), name=card.name)
