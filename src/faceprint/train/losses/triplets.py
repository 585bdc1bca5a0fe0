"""The triplet loss, and which triplets of a batch to learn from.

Schroff, Kalenichenko and Philbin, "FaceNet: A Unified Embedding for Face Recognition and Clustering",
CVPR 2015, equation 2: with d² the squared distance of embeddings of length 1, of an anchor a to a positive p
(another photo of the same person) and to a negative n (somebody else), and m the margin,

    max(0, d²(a, p) − d²(a, n) + m)
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from faceprint.train.losses.vectors import Reduction, average, full_precision, unit

__all__ = ["Mining", "mine_triplets", "triplet_loss"]

Mining = Literal["all", "semihard", "hard"]


def triplet_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: float = 0.2,
    reduction: Reduction = "nonzero",
) -> Tensor:
    """By how much the positives are not nearer than the negatives.

    Args:
        anchor: (T, D) embeddings, scaled to length 1 here.
        positive: (T, D), of the anchor's person.
        negative: (T, D), of somebody else.
        margin: By how much nearer the positive should be, in squared distance.
        reduction: Whether triplets that are right already count in the mean.

    Returns:
        () float32.
    """
    a, p, n = unit(anchor), unit(positive), unit(negative)
    to_positive = (a - p).square().sum(1)
    to_negative = (a - n).square().sum(1)
    return average(torch.relu(to_positive - to_negative + margin), reduction)


def mine_triplets(
    embeddings: Tensor, identity: Tensor, *, kind: Mining = "semihard", margin: float = 0.2
) -> tuple[Tensor, Tensor, Tensor]:
    """The triplets of a batch that are not right yet.

    With g = d²(a, n) − d²(a, p), all of them have g ≤ margin. The hard ones have g ≤ 0: the negative is
    nearer than the positive. The semi-hard ones have g > 0: the order is right, and only the margin is
    not kept. Learning from hard ones alone can end with all faces at one point (section 3.2 of the paper).

    Args:
        embeddings: (N, D), scaled to length 1 here.
        identity: (N,) whole numbers; photos below 0 show nobody known, and are left out.
        kind: Which triplets.
        margin: See `triplet_loss`.

    Returns:
        Anchors, positives and negatives: (T,) int64 each, rows of `embeddings`, in rising order.
    """
    with torch.no_grad(), full_precision(embeddings):
        vectors = unit(embeddings)
        squared = 2 - 2 * vectors @ vectors.T
        known = identity >= 0
        same = (identity[:, None] == identity[None]) & known
        others = (identity[:, None] != identity[None]) & known
        anchor, positive = torch.where(
            same & ~torch.eye(len(same), dtype=torch.bool, device=same.device)
        )
        gap = squared[anchor] - squared[anchor, positive][:, None]
        wanted = others[anchor] & (gap <= margin)
        if kind == "hard":
            wanted &= gap <= 0
        elif kind == "semihard":
            wanted &= gap > 0
        chosen, negative = torch.where(wanted)
        return anchor[chosen], positive[chosen], negative
