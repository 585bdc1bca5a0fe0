"""The parser that faceprint trained and comes with: a small U-Net on an aligned crop of the whole head.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015. Trained on
labels that nobody drew: see `benchmarks/parser_labels.py` and `benchmarks/parser_training.py`.
"""

from __future__ import annotations

from faceprint.parse.network import NetworkParser
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["build"]


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> NetworkParser:
    """The parser of the card.

    Raises:
        ModelError: Its weights cannot be had or run.
    """
    session = open_session(store.prepared(card), options, sensitive=card.precision == "f32")
    return NetworkParser(card, session)
