"""Weights of PyTorch that are converted once, and run without PyTorch from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from faceprint.errors import MissingExtraError, WeightsCorruptError
from faceprint.types import Array
from faceprint.zoo.cards import ModelCard
from faceprint.zoo.store import WeightStore
from faceprint.zoo.table import CARDS
from faceprint.zoo.torch_files import read_state_dict

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Conversion", "fill", "torch_for"]


def torch_for(card: ModelCard) -> ModuleType:
    """PyTorch.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            f"Converting the weights of {card.name}, which is done once,", extra="torch"
        ) from error
    return torch


def fill(network: nn.Module, arrays: Mapping[str, Array], card: ModelCard, *, what: str) -> None:
    """Puts a publisher's weights into a network.

    Args:
        network: Takes exactly these.
        arrays: By the names of its parameters and buffers; files of early PyTorch do not count the batches
            seen, which only training asks for.
        card: The model.
        what: The network in words.

    Raises:
        WeightsCorruptError: Some are missing, more than are wanted, or of another shape.
        MissingExtraError: PyTorch is not installed.
    """
    torch = torch_for(card)
    told = (
        f"The weights of {card.name} are not those of {what} ({{}}). Get the file again from its "
        "publisher."
    )
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    try:
        found = network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise WeightsCorruptError(told.format(str(error).splitlines()[-1].strip())) from error
    missing = [name for name in found.missing_keys if not name.endswith(".num_batches_tracked")]
    if missing or found.unexpected_keys:
        wrong = f"missing {missing[:1]}, unexpected {found.unexpected_keys[:1]}"
        raise WeightsCorruptError(told.format(wrong))


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a model's files become networks.

    Attributes:
        network: From the arrays of a file, the card and the number of the file to a network; raises
            WeightsCorruptError for arrays that are not its weights, MissingExtraError without PyTorch.
        output: What the output is called.
        parts: What the network of each file is called; "" where there is one file.
    """

    network: Callable[[Mapping[str, Array], ModelCard, int], nn.Module]
    output: str = "embedding"
    parts: tuple[str, ...] = ("",)

    def check(self, card: ModelCard, path: Path) -> None:
        """Looks into a file that nobody has accepted yet, and runs nothing that it may ask for.

        Without PyTorch it is only seen to hold named tensors, not whether they are those of the model.

        Raises:
            WeightsCorruptError: These are no weights of the model.
        """
        arrays = read_state_dict(path.read_bytes(), name=path.name)
        with suppress(MissingExtraError):
            self.network(arrays, card, 0)

    def convert(self, card: ModelCard, store: WeightStore) -> tuple[Path, ...]:
        """The networks as they run without PyTorch, one for each file, converted unless they are there.

        Raises:
            ModelError: The weights are not here or not accepted; see `WeightStore.files`.
            WeightsCorruptError: They are not those of the model.
            MissingExtraError: They are yet to be converted, and PyTorch is not installed.
        """
        return tuple(self._converted(card, store, number) for number in range(len(self.parts)))

    def is_converted(self, card: ModelCard, store: WeightStore) -> bool:
        """Whether the model runs without PyTorch.

        Raises:
            WeightsMissingError: Its weights have yet to be accepted.
        """
        suffixes = (self._suffix(card, number) for number in range(len(self.parts)))
        return all(store.made_path(card, suffix, keep=True).exists() for suffix in suffixes)

    def _converted(self, card: ModelCard, store: WeightStore, number: int) -> Path:
        def make(files: tuple[Path, ...]) -> bytes:
            path = files[number]
            try:
                network = self.network(
                    read_state_dict(path.read_bytes(), name=path.name), card, number
                )
            except WeightsCorruptError as error:
                if CARDS.get(card.name, card).files[number].digest is not None:
                    raise
                raise WeightsCorruptError(
                    f"{error} First drop the file that was accepted: faceprint models forget {card.name}"
                ) from error
            from faceprint.zoo.torch_graph import convert

            return convert(network, card, output=self.output)

        return store.made(card, self._suffix(card, number), make, keep=True)

    def _suffix(self, card: ModelCard, number: int) -> str:
        part = self.parts[number]
        return f"{part}-r{card.revision}.onnx" if part else f"r{card.revision}.onnx"
