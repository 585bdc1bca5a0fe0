"""Losses, written to be read: each cites its equation. Needs the extra `train`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor

from faceprint.train.losses.contrastive import contrastive_loss
from faceprint.train.losses.distillation import distillation_loss, relational_loss
from faceprint.train.losses.margins import Margin, MarginHead
from faceprint.train.losses.triplets import Mining, mine_triplets, triplet_loss
from faceprint.train.losses.vectors import Reduction, unit

__all__ = [
    "Margin",
    "MarginHead",
    "Mining",
    "Reduction",
    "contrastive_loss",
    "distillation_loss",
    "library_loss",
    "mine_triplets",
    "relational_loss",
    "triplet_loss",
    "unit",
]


def library_loss(name: Literal["contrastive", "triplet", "margin"]) -> Callable[..., Tensor]:
    """A loss of pytorch-metric-learning that is called as ours is.

    Args:
        name: "contrastive" and "triplet" are called as `contrastive_loss` and `triplet_loss`; "margin" with a
            `MarginHead`, then as its method `loss`.
    """
    # The library takes seconds to import.
    from faceprint.train.losses import library

    found: dict[str, Callable[..., Tensor]] = {
        "contrastive": library.contrastive,
        "triplet": library.triplet,
        "margin": library.margin,
    }
    return found[name]
