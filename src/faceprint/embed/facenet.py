"""FaceNet: Inception-ResNet v1 on the box that MTCNN finds, with a margin, 160 pixels wide.

Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015.
Weights: those of facenet-pytorch (MIT), trained on VGGFace2 or CASIA-WebFace (research only). The
publisher gives no digests, so the user accepts what came once; see `WeightStore.offers`.

PyTorch converts the weights at the first use; the network runs without it from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from faceprint.embed.network import NetworkEmbedder
from faceprint.errors import MissingExtraError, WeightsCorruptError
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Array
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.torch_files import read_state_dict

__all__ = ["build"]


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> NetworkEmbedder:
    """FaceNet from its card.

    Raises:
        MissingExtraError: The weights are yet to be converted, and PyTorch is not installed.
    """

    def make(files: tuple[Path, ...]) -> bytes:
        return _convert(read_state_dict(files[0].read_bytes(), name=files[0].name), card)

    path = store.made(card, f"r{card.revision}.onnx", make)
    session = open_session(path, options, sensitive=card.precision == "f32")
    return NetworkEmbedder(store.resolve(card), session, flip=flip)


def _convert(arrays: Mapping[str, Array], card: ModelCard) -> bytes:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            f"{card.name} is converted once, at its first use, which", extra="torch"
        ) from error
    from faceprint.embed.inception_resnet_v1 import InceptionResnetV1
    from faceprint.zoo.torch_graph import convert

    network = InceptionResnetV1()
    tensors = {
        name: torch.from_numpy(array)
        for name, array in arrays.items()
        if not name.startswith("logits.")  # the classifier of the people trained on
    }
    try:
        found = network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise WeightsCorruptError(
            _not_facenet(card, str(error).splitlines()[-1].strip())
        ) from error
    # Files of early PyTorch do not count the batches seen, which only training asks for.
    missing = [name for name in found.missing_keys if not name.endswith(".num_batches_tracked")]
    if missing or found.unexpected_keys:
        wrong = f"missing {missing[:1]}, unexpected {found.unexpected_keys[:1]}"
        raise WeightsCorruptError(_not_facenet(card, wrong))
    return convert(network, card)


def _not_facenet(card: ModelCard, wrong: str) -> str:
    return (
        f"The weights of {card.name} are not those of Inception-ResNet v1 ({wrong}). Get the file "
        "again from its publisher."
    )
