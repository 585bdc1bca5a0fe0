"""The losses of pytorch-metric-learning, called as ours are.

Musgrave, Belongie and Lim, "PyTorch Metric Learning", 2020. Tests hold both equal.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from pytorch_metric_learning import losses
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.reducers import AvgNonZeroReducer
from torch import Tensor

from faceprint.train.losses.margins import MarginHead
from faceprint.train.losses.vectors import full_precision

__all__ = ["contrastive", "margin", "triplet"]


class _Squared(AvgNonZeroReducer):  # type: ignore[misc]
    """Squares what the library leaves as it is, to give the loss of the paper."""

    def element_reduction_helper(self, losses: Tensor, embeddings: Tensor) -> Tensor:
        found: Tensor = super().element_reduction_helper(losses**2, embeddings)
        return found


def contrastive(
    first: Tensor,
    second: Tensor,
    genuine: Tensor,
    *,
    margin: float,
    power: Literal[1, 2] = 2,
) -> Tensor:
    """The library's ContrastiveLoss; see `contrastive_loss`."""
    reducer = _Squared() if power == 2 else AvgNonZeroReducer()
    loss = losses.ContrastiveLoss(neg_margin=margin, reducer=reducer)
    same, other = torch.where(genuine)[0], torch.where(~genuine)[0]
    found: Tensor = loss(
        first.float(), indices_tuple=(same, same, other, other), ref_emb=second.float()
    )
    return found


def triplet(anchor: Tensor, positive: Tensor, negative: Tensor, *, margin: float = 0.2) -> Tensor:
    """The library's TripletMarginLoss on squared distances; see `triplet_loss`."""
    loss = losses.TripletMarginLoss(margin=margin, distance=LpDistance(power=2))
    order = torch.arange(len(anchor), device=anchor.device)
    others = torch.cat([positive, negative]).float()
    found: Tensor = loss(
        anchor.float(), indices_tuple=(order, order, order + len(order)), ref_emb=others
    )
    return found


def margin(head: MarginHead, embeddings: Tensor, identity: Tensor, *, share: float = 1.0) -> Tensor:
    """The library's ArcFaceLoss or CosFaceLoss with a head's weights; see `MarginHead.loss`."""
    kind = losses.ArcFaceLoss if head.kind == "arcface" else losses.CosFaceLoss
    size = head.margin * share
    loss = kind(
        len(head.weight),
        head.weight.shape[1],
        margin=math.degrees(size) if head.kind == "arcface" else size,
        scale=head.scale,
    )
    arguments = (embeddings.float(), identity)
    with full_precision(embeddings):
        found: Tensor = torch.func.functional_call(loss, {"W": head.weight.T}, arguments)
    return found
