"""Transfer from an embedder whose weights stay as they are: a small network on its embeddings."""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.errors import InputError

__all__ = ["EmbeddingHead"]


class EmbeddingHead(nn.Module):
    """Embeddings to embeddings, at first the same ones.

    A linear layer that begins as the identity, and beside it, where `hidden` says so, two layers with a ReLU
    between them whose sum begins at zero. So the start is the frozen embedder, and what training adds can be
    told from it.

    Args:
        dimension_in: Of the frozen embeddings.
        dimension: Of the new ones; what is more than `dimension_in` begins at zero, and changes no cosine.
        hidden: Width of the two layers; 0 for none.

    Raises:
        InputError: The new embeddings would be shorter, so that they could not begin as the old ones.
    """

    def __init__(self, dimension_in: int, dimension: int, *, hidden: int = 0) -> None:
        super().__init__()
        if dimension < dimension_in:
            raise InputError(
                f"A head that begins as the embedder gives at least its {dimension_in} numbers, asked "
                f"were {dimension}. Set network.dimension={dimension_in}."
            )
        self.linear = nn.Linear(dimension_in, dimension, bias=False)
        nn.init.eye_(self.linear.weight)
        self.more: nn.Sequential | None = None
        if hidden:
            last = nn.Linear(hidden, dimension)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.more = nn.Sequential(nn.Linear(dimension_in, hidden), nn.ReLU(), last)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(N, dimension) float32, not scaled to length 1, of (N, dimension_in) float32."""
        kept: Tensor = self.linear(embeddings)
        return kept if self.more is None else kept + self.more(embeddings)
