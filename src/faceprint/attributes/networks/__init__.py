"""Networks that estimate age, gender and emotion, to be trained from scratch. Needs the extra `torch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import nn

from faceprint.attributes.networks.classic import ClassicNetwork
from faceprint.attributes.networks.head import HeadNetwork
from faceprint.attributes.networks.residual import ResidualNetwork
from faceprint.attributes.serving import output_columns
from faceprint.errors import InputError

__all__ = [
    "AttributeNetworkConfig",
    "ClassicNetwork",
    "HeadNetwork",
    "ResidualNetwork",
    "build_attribute_network",
]

_SMALLEST_PX = 32


class AttributeNetworkConfig(Protocol):
    """What a network is built from."""

    @property
    def network(self) -> str:
        """Which one: "classic", "residual" or "head"."""
        ...

    @property
    def outputs(self) -> str:
        """Its columns, as in "age:101 female:1"."""
        ...

    @property
    def widths(self) -> Sequence[int]:
        """Channels of each stage of "residual"."""
        ...

    @property
    def blocks(self) -> int:
        """Residual blocks of each stage."""
        ...

    @property
    def stride(self) -> int:
        """Of the first convolution of "residual"."""
        ...

    @property
    def hidden(self) -> int:
        """Width of the hidden layer of "head"."""
        ...

    @property
    def dropout(self) -> float:
        """Share of the features that are dropped in training."""
        ...

    @property
    def grey(self) -> bool:
        """Whether colours are taken out first, as for a network that is trained on grey photos."""
        ...


def build_attribute_network(
    config: AttributeNetworkConfig, side_px: int, *, dimension: int = 0
) -> nn.Module:
    """A network with random weights.

    Args:
        config: Which one.
        side_px: Side S of the crops that it takes, 32 and more.
        dimension: Length D of the embeddings that "head" takes instead.

    Returns:
        From (N, 3, S, S) float32, scaled, to (N, K) float32, whose columns are those of `config.outputs`;
        "head" from (N, D).

    Raises:
        InputError: There is no such network, or the crops are too small.
    """
    width = sum(columns.stop - columns.start for columns in output_columns(config.outputs).values())
    if config.network == "head":
        return HeadNetwork(dimension, width, hidden=config.hidden, dropout=config.dropout)
    if side_px < _SMALLEST_PX:
        raise InputError(
            f"Attribute networks take crops of {_SMALLEST_PX} pixels and more, got {side_px}."
        )
    if config.network == "classic":
        return ClassicNetwork(side_px, width, dropout=config.dropout, grey=config.grey)
    if config.network == "residual":
        return ResidualNetwork(
            width,
            widths=config.widths,
            blocks=config.blocks,
            dropout=config.dropout,
            grey=config.grey,
            stride=config.stride,
        )
    raise InputError(
        f"There is no attribute network called {config.network!r}. Choose classic, residual or head."
    )
