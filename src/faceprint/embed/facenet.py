"""FaceNet: Inception-ResNet v1 on the box that MTCNN finds, with a margin, 160 pixels wide.

Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015.
Weights: those of facenet-pytorch (MIT), trained on VGGFace2 or CASIA-WebFace (research only). The
publisher gives no digests, so the user accepts what came once; see `WeightStore.offers`.

PyTorch converts the weights once, when they are pulled or at the first use; the network is kept beside
the weights and runs without PyTorch from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from faceprint.embed.network import NetworkEmbedder
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Array
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.conversions import Conversion, fill, torch_for

if TYPE_CHECKING:
    from faceprint.embed.inception_resnet_v1 import InceptionResnetV1

__all__ = ["CONVERSION", "build"]


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> NetworkEmbedder:
    """FaceNet from its card.

    Raises:
        MissingExtraError: The weights are yet to be converted, and PyTorch is not installed.
    """
    (path,) = CONVERSION.convert(card, store)
    session = open_session(path, options, sensitive=card.precision == "f32")
    return NetworkEmbedder(store.resolve(card), session, flip=flip)


def _network(arrays: Mapping[str, Array], card: ModelCard, _: int) -> InceptionResnetV1:
    torch_for(card)
    from faceprint.embed.inception_resnet_v1 import InceptionResnetV1

    network = InceptionResnetV1()
    kept = {
        name: array
        for name, array in arrays.items()
        if not name.startswith("logits.")  # the classifier of the people trained on
    }
    fill(network, kept, card, what="Inception-ResNet v1")
    return network


CONVERSION = Conversion(_network)
"""How the weights become a network."""
