"""The contrastive loss of pairs.

Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006,
equation 4: with d the distance of the two embeddings and m the margin,

    genuine:  d²          impostor:  max(0, m − d)²

Genuine pairs are drawn together without end; impostors are pushed apart until they are m apart, and then left
alone. Embeddings have length 1 here, so that d lies between 0 and 2.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from faceprint.train.losses.vectors import Reduction, average, unit

__all__ = ["contrastive_loss"]


def contrastive_loss(
    first: Tensor,
    second: Tensor,
    genuine: Tensor,
    *,
    margin: float,
    power: Literal[1, 2] = 2,
    reduction: Reduction = "nonzero",
) -> Tensor:
    """How far pairs are from where they should be.

    Args:
        first: (P, D) embeddings, scaled to length 1 here.
        second: (P, D), the other photo of each pair.
        genuine: (P,) bool, whether both show one person.
        margin: The distance that impostors are pushed apart to.
        power: 2 as in the paper; 1 as in pytorch-metric-learning unless it is told otherwise.
        reduction: "nonzero": the mean over the genuine pairs, plus the mean over the impostors that are
            still too near, so that neither outweighs the other by number. "mean": over all pairs.

    Returns:
        () float32.
    """
    # The gradient of the norm of a zero vector is zero: equal embeddings stay where they are.
    distance = torch.linalg.vector_norm(unit(first) - unit(second), dim=1)
    drawn = torch.where(genuine, distance, 0.0) ** power
    pushed = torch.where(genuine, 0.0, torch.relu(margin - distance)) ** power
    if reduction == "mean":
        return average(drawn + pushed, "mean")
    return average(drawn, "nonzero") + average(pushed, "nonzero")
