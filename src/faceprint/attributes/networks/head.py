"""A head on embeddings: what an embedder that was trained to tell people apart knows of them besides."""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.errors import InputError

__all__ = ["HeadNetwork"]


class HeadNetwork(nn.Module):
    """A hidden layer and a linear one on embeddings of length 1.

    Args:
        dimension: D, of the embeddings.
        width: K, how many numbers come out.
        hidden: Width of the hidden layer.
        dropout: Share of its features that are dropped in training.

    Raises:
        InputError: The dimension is less than 1.
    """

    def __init__(
        self, dimension: int, width: int, *, hidden: int = 256, dropout: float = 0.3
    ) -> None:
        if dimension < 1:
            raise InputError(f"A head needs the dimension of its embeddings, got {dimension}.")
        super().__init__()
        # Coordinates of a vector of length 1 are small: normalisation gives them a common size.
        self.layers = nn.Sequential(
            nn.BatchNorm1d(dimension),
            nn.Linear(dimension, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, width),
        )

    def forward(self, vectors: Tensor) -> Tensor:
        """(N, K) float32 for (N, D) float32 embeddings."""
        out: Tensor = self.layers(vectors)
        return out
