"""BiSeNet trained on CelebAMask-HQ: 19 classes on a crop of 512 pixels.

Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation", ECCV 2018. Weights:
`79999_iter.pth` of face-parsing.PyTorch (MIT), trained on CelebAMask-HQ (non-commercial research). The
publisher gives no digest, so the user accepts what came once; see `WeightStore.offers`.

PyTorch converts the weights once, when they are pulled or at the first use; the network is kept beside the
weights and runs without PyTorch from then on.

Its classes stand in the publisher's order. What that calls left (`l_brow`, 2) is left in the picture, which
is the subject's right. Crops are upright, so the sides are settled by where they lie, whatever a network of
that layout was taught.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np

from faceprint.parse.classes import number_of
from faceprint.parse.network import NetworkParser
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Array, Image, Labels
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.conversions import Conversion, fill, torch_for

if TYPE_CHECKING:
    from faceprint.parse.bisenet_network import BiSeNet

__all__ = ["CONVERSION", "BiSeNetParser", "build", "settle_sides"]

_PAIRS: Final = tuple(
    (number_of(f"right {part}"), number_of(f"left {part}")) for part in ("brow", "eye", "ear")
)


def build(card: ModelCard, store: WeightStore, options: RuntimeOptions) -> BiSeNetParser:
    """BiSeNet from its card.

    Raises:
        ModelError: The weights are not here or not accepted; see `WeightStore.files`.
        MissingExtraError: The weights are yet to be converted, and PyTorch is not installed.
    """
    (path,) = CONVERSION.convert(card, store)
    session = open_session(path, options, sensitive=card.precision == "f32")
    return BiSeNetParser(store.resolve(card), session)


class BiSeNetParser(NetworkParser):
    """BiSeNet, with the sides of brows, eyes and ears as the subject has them."""

    def parse(self, crops: Image) -> Labels:
        """Class numbers (N, S, S) of (N, S, S, 3) crops.

        Raises:
            InputError: The crops have another shape or dtype.
        """
        labels = super().parse(crops)
        for one in labels:
            settle_sides(one)
        return labels


def settle_sides(labels: Labels) -> None:
    """Swaps right and left where what is called right lies right of what is called left.

    Args:
        labels: (H, W) uint8 class numbers of an upright head; changed in place.
    """
    balance = 0.0
    for right, left in _PAIRS:
        columns = [np.nonzero(labels == one)[1] for one in (right, left)]
        if all(len(some) for some in columns):
            balance += float(columns[1].mean() - columns[0].mean())
    if balance < 0:
        swapped = np.arange(256, dtype=np.uint8)
        for right, left in _PAIRS:
            swapped[[right, left]] = left, right
        labels[:] = swapped[labels]


def _network(arrays: Mapping[str, Array], card: ModelCard, _: int) -> BiSeNet:
    torch_for(card)
    from faceprint.parse.bisenet_network import TRAINING_ONLY, BiSeNet

    network = BiSeNet(classes=card.outputs.count(",") + 1)
    kept = {name: array for name, array in arrays.items() if not name.startswith(TRAINING_ONLY)}
    fill(network, kept, card, what="BiSeNet")
    return network


CONVERSION = Conversion(_network, output="scores")
"""How the weights become a network."""
