"""Where training starts: with published weights, or with those of another run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from faceprint.embed.backbones.base import Backbone
from faceprint.errors import InputError, WeightsCorruptError
from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.cards import Progress
from faceprint.zoo.torch_files import read_state_dict

__all__ = ["Start", "load_published", "load_weights", "read_weights"]

_CLASSIFIERS = ("fc.", "classifier.", "logits.")
"""What published networks end in: it names objects or people that nobody asks for here."""

_TOLD = 3


@dataclass(frozen=True, slots=True)
class Start:
    """What a network's weights were when training began.

    Attributes:
        kind: Those of a model card's publisher, or those of another network of ours.
        source: The card with its file and digest, or what the caller called it.
        new: Tensors that began anew all the same: the embedding after published convolutions.
    """

    kind: Literal["published", "run"]
    source: str
    new: tuple[str, ...] = ()


def load_published(
    network: Backbone, card: ModelCard, store: WeightStore, *, progress: Progress | None = None
) -> Start:
    """Begins with the weights of a card's publisher.

    The publisher's classifier is left out. Where the network ends in an embedding that the publisher's
    does not have, or has in another length, it begins anew.

    Args:
        network: Of the architecture that the card's weights are for.
        card: Its first file is a state dict, as those of `IMAGENET` and of FaceNet.
        store: Where weights are, and whether they may be downloaded.
        progress: Told of a download.

    Raises:
        LicenceRefusedError: See `WeightStore.check_licence`.
        WeightsMissingError: The file is not here and cannot be downloaded, or has yet to be accepted.
        WeightsCorruptError: The file is another one, or holds no weights of this architecture.
    """
    (path, *_) = store.pull(card, progress=progress)
    file = store.resolve(card).files[0]
    tensors = {n: t for n, t in read_weights(path).items() if not n.startswith(_CLASSIFIERS)}
    own = network.state_dict()
    new = {
        name
        for name in network.embedding_names
        if name not in tensors or tensors[name].shape != own[name].shape
    }
    tensors = {name: tensor for name, tensor in tensors.items() if name not in new}
    if wrong := _differences(network, tensors, new=new):
        raise WeightsCorruptError(
            f"{file.name} holds no weights of a {type(network).__name__}: {wrong}. Delete {path} and get it "
            "again from its publisher."
        )
    network.load_state_dict(tensors, strict=False)
    return Start("published", f"{card.name} ({file.name}, {file.digest})", tuple(sorted(new)))


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a state dict that `torch.save` wrote; nothing in it is run.

    Raises:
        InputError: The file cannot be read.
        WeightsCorruptError: It holds anything but named tensors.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The weights {path} cannot be read: {error.strerror}.") from error
    arrays = read_state_dict(content, name=path.name)
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def load_weights(
    network: Backbone, tensors: Mapping[str, Tensor], *, source: str, prefix: str = ""
) -> Start:
    """Begins with the weights of another network of the same architecture.

    Args:
        network: Takes them.
        tensors: By name, as in `state_dict()`; see `read_weights`.
        source: What to call them in messages and in the record.
        prefix: Only names that begin so are looked at, and lose it: "network." for the network of a task,
            "averaged.module." for the average of its weights.

    Raises:
        InputError: They are of another architecture; the message names the first tensors that differ.
    """
    named = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
    if wrong := _differences(network, named):
        raise InputError(
            f"{source} holds weights of another network than this {type(network).__name__}: {wrong}. "
            "Train with the same backbone, dimension and side, or start anew."
        )
    network.load_state_dict(named, strict=False)
    return Start("run", source)


def _differences(
    network: Backbone, tensors: Mapping[str, Tensor], *, new: Collection[str] = ()
) -> str:
    """What keeps tensors from being the network's, in the order of its layers; empty if nothing does."""
    own = network.state_dict()
    found = []
    for name, tensor in own.items():
        # Files of early PyTorch do not count the batches seen.
        if name in new or name.endswith(".num_batches_tracked"):
            continue
        if name not in tensors:
            found.append(f"{name} is missing there")
        elif tensors[name].shape != tensor.shape:
            there, here = tuple(tensors[name].shape), tuple(tensor.shape)
            found.append(f"{name} is {there} there and {here} here")
    found += [f"{name} is there only" for name in tensors if name not in own]
    more = f"; and {len(found) - _TOLD} more" if len(found) > _TOLD else ""
    return "; ".join(found[:_TOLD]) + more
