"""Attribute networks that faceprint trained: ours, and those of whoever trains one.

What the numbers of such a network mean is not the same for each: `attributes.json` says it (`serving`), which
training writes. The card lists it beside the weights, so that its digest is checked as theirs are.
"""

from __future__ import annotations

import numpy as np

from faceprint.attributes.network import CropNetwork, open_network
from faceprint.attributes.records import AttributeEstimates
from faceprint.attributes.serving import (
    SERVING_FILE,
    AttributeServing,
    estimates,
    read_serving,
)
from faceprint.errors import InputError, ModelError
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["OwnAttributes", "build"]


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> OwnAttributes:
    """The network of the card.

    Raises:
        ModelError: What its numbers mean is not told, or is told of other numbers than it gives.
    """
    serving = _read(card, store)
    network = open_network(card, store, options, classes=serving.width)
    side = card.input_size_px
    network.run(np.zeros((1, side, side, 3), dtype=np.uint8))
    return OwnAttributes(network, serving)


class OwnAttributes:
    """Estimates whatever a network of ours was trained to.

    Args:
        network: Gives (N, K) float32 for the K columns that `serving` describes.
        serving: How they are read.
    """

    def __init__(self, network: CropNetwork, serving: AttributeServing) -> None:
        self.name = network.card.name
        self.model_id = network.card.model_id
        self.crop_size_px = network.card.input_size_px
        self.alignment = network.card.alignment
        self._network = network
        self._serving = serving

    def predict(self, crops: Image) -> AttributeEstimates:
        """Estimates of the network's attributes.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        outputs = self._network.run(crops)
        if self._serving.flip:
            outputs = np.float32(0.5) * (outputs + self._network.run(crops[:, :, ::-1]))
        return estimates(outputs, self._serving, model_id=self.model_id)


def _read(card: ModelCard, store: WeightStore) -> AttributeServing:
    paths = zip(card.files, store.files(card), strict=True)
    path = next((path for file, path in paths if file.name.endswith(SERVING_FILE)), None)
    if path is None:
        raise ModelError(
            f"The card of the attribute model {card.name} lists no {SERVING_FILE}, which says how its "
            "outputs are read. Export it again."
        )
    try:
        return read_serving(path)
    except InputError as error:
        raise ModelError(
            f"The attribute model {card.name} cannot be used: {error} Export it again."
        ) from error
