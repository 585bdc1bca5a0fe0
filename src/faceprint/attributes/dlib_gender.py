"""dlib's gender classifier, in ONNX.

The network of Antipov et al., "Minimalistic CNN-based ensemble model for gender prediction from face images",
Pattern Recognition Letters 2016, on colour photos. Weights: Cydral Technology, CC0; trained on a private set
of about 200,000 photos.
"""

from __future__ import annotations

from faceprint.attributes.network import CropNetwork, open_network
from faceprint.attributes.records import AttributeEstimates
from faceprint.runtime import RuntimeOptions
from faceprint.types import Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["DlibGender", "build"]


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> DlibGender:
    """The network of the card."""
    return DlibGender(open_network(card, store, options, classes=2))


class DlibGender:
    """Gender as a face looks, as a probability.

    Args:
        network: Gives the probabilities (N, 2) of female and male.
    """

    def __init__(self, network: CropNetwork) -> None:
        self.name = network.card.name
        self.model_id = network.card.model_id
        self.crop_size_px = network.card.input_size_px
        self.alignment = network.card.alignment
        self._network = network

    def predict(self, crops: Image) -> AttributeEstimates:
        """How probable it is that each face looks like a woman's.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        shares = self._network.run(crops)
        return AttributeEstimates(self.model_id, female_probability=shares[:, 0].copy())
