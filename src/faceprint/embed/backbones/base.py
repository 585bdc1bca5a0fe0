"""What all backbones share: stages that can be frozen, an embedding at the end, and how weights begin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from torch import Tensor, nn

__all__ = ["Backbone", "Embedding", "halved", "initialise"]


class Backbone(nn.Module):
    """A network from scaled faces (N, 3, S, S) to embeddings (N, D), not scaled to length 1.

    Frozen modules keep their weights, and their batch statistics and dropout stay as in use, whatever
    mode the network as a whole is put into.
    """

    _frozen: tuple[str, ...] = ()
    _embedding: tuple[str, ...] = ("embedding",)

    @property
    def embedding_names(self) -> tuple[str, ...]:
        """Names of the tensors that make an embedding of features, after the last stage."""
        begin = tuple(f"{name}." for name in self._embedding)
        return tuple(name for name in self.state_dict() if name.startswith(begin))

    def freeze(self, modules: Sequence[str]) -> None:
        """Freezes these modules, and thaws all others.

        Args:
            modules: Dotted names, as in `named_modules`.
        """
        self._frozen = tuple(modules)
        self.requires_grad_(True)
        for name in self._frozen:
            self.get_submodule(name).requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Puts all but the frozen modules into training mode, or out of it."""
        super().train(mode)
        for name in self._frozen:
            self.get_submodule(name).eval()
        return self


class Embedding(nn.Module):
    """Features to an embedding: dropout, one linear layer, batch normalisation.

    Args:
        width: Of the features.
        dimension: Of the embedding.
        dropout: Share of the features that training drops.
    """

    def __init__(self, width: int, dimension: int, *, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(width, dimension, bias=False)
        self.norm = nn.BatchNorm1d(dimension)

    def forward(self, features: Tensor) -> Tensor:
        """(N, D) float32 from (N, width) float32."""
        out: Tensor = self.norm(self.linear(self.dropout(features)))
        return out


def initialise(network: nn.Module, *, silent: Sequence[nn.Module] = ()) -> None:
    """Starts weights after He et al., "Delving Deep into Rectifiers", ICCV 2015.

    Args:
        network: Convolutions get normal weights scaled to what they read, linear layers too.
        silent: Last batch normalisations of residual branches: they start at zero, so that at first each
            block passes on what it was given (Goyal et al., "Accurate, Large Minibatch SGD", 2017).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="linear")
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    for norm in silent:
        nn.init.zeros_(norm.weight)  # type: ignore[arg-type]


def halved(side_px: int, times: int) -> int:
    """The side of maps after that many steps of stride 2 that round up, as padded ones do."""
    return -(-side_px // (1 << times))
