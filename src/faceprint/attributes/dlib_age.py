"""dlib's age predictor, in ONNX.

A ResNet-10 with a class for each year up to 80, after Qawaqneh et al., "Deep Convolutional Neural Network for
Age Estimation based on VGG-Face Model", arXiv 2017. Weights: Cydral Technology, CC0; trained on a private set
of about 110,000 photos.
"""

from __future__ import annotations

import numpy as np

from faceprint.attributes.network import CropNetwork, open_network
from faceprint.attributes.records import AttributeEstimates
from faceprint.runtime import RuntimeOptions
from faceprint.types import FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["DlibAge", "build"]

# The class of babies stands for a quarter of a year.
_YEARS = np.array([0.25, *range(1, 81)], dtype=np.float32)
_LEVELS = (0.1, 0.9)


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> DlibAge:
    """The network of the card."""
    return DlibAge(open_network(card, store, options, classes=len(_YEARS)))


class DlibAge:
    """Age in years: the mean of the 81 classes by their probability, at most 80.

    Args:
        network: Gives the probabilities (N, 81).
    """

    def __init__(self, network: CropNetwork) -> None:
        self.name = network.card.name
        self.model_id = network.card.model_id
        self.crop_size_px = network.card.input_size_px
        self.alignment = network.card.alignment
        self._network = network

    def predict(self, crops: Image) -> AttributeEstimates:
        """Ages, and the years between which 80 % of the probability lies.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        shares = self._network.run(crops)
        interval = np.stack([_quantile(shares, level) for level in _LEVELS], axis=1)
        return AttributeEstimates(self.model_id, age_years=shares @ _YEARS, age_interval=interval)


def _quantile(shares: FloatArray, level: float) -> FloatArray:
    """The age below which that part of the probability lies, (N,) float32 years.

    A class stands for the year around its age, over which its share is spread evenly.
    """
    ends = np.cumsum(shares, axis=1, dtype=np.float64)
    goals = level * ends[:, -1]
    place = (ends < goals[:, None]).sum(axis=1)
    rows = np.arange(len(shares))
    share = np.maximum(shares[rows, place], 1e-12)
    years = place + 0.5 - (ends[rows, place] - goals) / share
    found: FloatArray = np.maximum(years, 0).astype(np.float32)
    return found
