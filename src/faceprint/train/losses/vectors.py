"""What the losses share: vectors of length 1, averages of what is still wrong, and full precision."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

__all__ = ["Reduction", "average", "full_precision", "unit"]

Reduction = Literal["nonzero", "mean"]
"""Over which losses to average: those that are not zero, as the library does, or all of them."""

_SHORTEST = 1e-6


def unit(vectors: Tensor) -> Tensor:
    """Rows scaled to length 1, in float32.

    A row of (nearly) no length has no direction: it becomes a row of zeros, and passes on no gradient,
    where dividing by its length would pass on one without bounds.

    Args:
        vectors: (N, D).
    """
    vectors = vectors.float()
    lengths = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    long = lengths > _SHORTEST
    return torch.where(long, vectors / torch.where(long, lengths, 1.0), 0.0)


def average(losses: Tensor, reduction: Reduction) -> Tensor:
    """The mean of (N,) losses; zero, with a gradient of zeros, where none is left to average.

    Args:
        losses: Of pairs or triplets, none below zero.
        reduction: Which of them count.
    """
    count = len(losses) if reduction == "mean" else int((losses > 0).sum())
    return losses.sum() / max(1, count)


def full_precision(vectors: Tensor) -> torch.autocast:
    """A context in which sums of products are not rounded, whatever the precision of the run."""
    return torch.autocast(vectors.device.type, enabled=False)
