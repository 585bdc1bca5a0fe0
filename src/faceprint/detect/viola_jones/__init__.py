"""Viola and Jones: a cascade of boosted Haar-like features over an integral image."""

from __future__ import annotations

from faceprint.detect.viola_jones.cascade import read_cascade
from faceprint.detect.viola_jones.detector import ViolaJones
from faceprint.errors import ModelError
from faceprint.runtime import RuntimeOptions
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["ViolaJones", "build"]


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> ViolaJones:
    """The cascade of the card; it runs on the CPU, whatever the options.

    Raises:
        ModelError: The cascade cannot be had or read, or has no stage.
    """
    (path,) = store.files(card)
    cascade = read_cascade(path)
    if not cascade.stages:
        raise ModelError(
            f"{path} has no stage, and would take everything for a face. Train it anew."
        )
    return ViolaJones(cascade, name=card.name)
