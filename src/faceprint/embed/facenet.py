"""FaceNet: Inception-ResNet v1 on the box that MTCNN finds, with a margin, 160 pixels wide.

Schroff et al., "FaceNet: A Unified Embedding for Face Recognition and Clustering", CVPR 2015.
Weights: those of facenet-pytorch (MIT), trained on VGGFace2 or CASIA-WebFace (research only). The
publisher gives no digests, so the user accepts what came once; see `WeightStore.offers`.

PyTorch converts the weights once, when they are pulled or at the first use; the network is kept beside
the weights and runs without PyTorch from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from faceprint.embed.network import NetworkEmbedder
from faceprint.errors import MissingExtraError, WeightsCorruptError
from faceprint.runtime import RuntimeOptions, open_session
from faceprint.types import Array
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.torch_files import read_state_dict

if TYPE_CHECKING:
    from faceprint.embed.inception_resnet_v1 import InceptionResnetV1

__all__ = ["build", "check", "convert", "is_converted"]


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> NetworkEmbedder:
    """FaceNet from its card.

    Raises:
        MissingExtraError: The weights are yet to be converted, and PyTorch is not installed.
    """
    session = open_session(convert(card, store), options, sensitive=card.precision == "f32")
    return NetworkEmbedder(store.resolve(card), session, flip=flip)


def check(card: ModelCard, path: Path) -> None:
    """Looks into a file that nobody has accepted yet, and runs nothing that it may ask for.

    Without PyTorch it is only seen to hold named tensors, not whether they are those of FaceNet.

    Raises:
        WeightsCorruptError: These are no weights of FaceNet.
    """
    arrays = read_state_dict(path.read_bytes(), name=path.name)
    with suppress(MissingExtraError):
        _network(arrays, card)


def convert(card: ModelCard, store: WeightStore) -> Path:
    """The network as it runs without PyTorch, converted unless it is there.

    Raises:
        ModelError: The weights are not here or not accepted; see `WeightStore.files`.
        WeightsCorruptError: What was accepted are no weights of FaceNet.
        MissingExtraError: The weights are yet to be converted, and PyTorch is not installed.
    """

    def make(files: tuple[Path, ...]) -> bytes:
        try:
            network = _network(read_state_dict(files[0].read_bytes(), name=files[0].name), card)
        except WeightsCorruptError as error:
            raise WeightsCorruptError(
                f"{error} First drop the file that was accepted: faceprint models forget {card.name}"
            ) from error
        from faceprint.zoo.torch_graph import convert

        return convert(network, card)

    return store.made(card, _suffix(card), make, keep=True)


def is_converted(card: ModelCard, store: WeightStore) -> bool:
    """Whether it runs without PyTorch.

    Raises:
        WeightsMissingError: Its weights have yet to be accepted.
    """
    return store.made_path(card, _suffix(card), keep=True).exists()


def _suffix(card: ModelCard) -> str:
    return f"r{card.revision}.onnx"


def _network(arrays: Mapping[str, Array], card: ModelCard) -> InceptionResnetV1:
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            f"Converting the weights of {card.name}, which is done once,", extra="torch"
        ) from error
    from faceprint.embed.inception_resnet_v1 import InceptionResnetV1

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
    return network


def _not_facenet(card: ModelCard, wrong: str) -> str:
    return (
        f"The weights of {card.name} are not those of Inception-ResNet v1 ({wrong}). Get the file "
        "again from its publisher."
    )
