"""Softmax over the people trained on, with a margin that keeps each at a distance from all others.

With θ the angle between an embedding and the direction of its own person, s the scale and m the margin,
the logit of that person s·cos θ becomes

    ArcFace  s·cos(θ + m)      Deng et al., "ArcFace: Additive Angular Margin Loss", CVPR 2019, equation 3
    CosFace  s·(cos θ − m)     Wang et al., "CosFace: Large Margin Cosine Loss", CVPR 2018, equation 4

and the logits of the others stay as they are; cross-entropy follows.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprint.train.losses.vectors import full_precision, unit

__all__ = ["Margin", "MarginHead"]

Margin = Literal["arcface", "cosface"]


class MarginHead(nn.Module):
    """A direction for each person, and logits with a margin.

    Args:
        dimension: Of the embeddings.
        people: How many there are.
        kind: Which margin.
        margin: Radians (ArcFace, 0.5 in its paper) or cosine (CosFace, 0.35).
        scale: What the cosines are multiplied by, 64 in both papers.
        easy: ArcFace: spare embeddings that are more than a right angle away from their person.
    """

    def __init__(
        self,
        dimension: int,
        people: int,
        *,
        kind: Margin = "arcface",
        margin: float = 0.5,
        scale: float = 64.0,
        easy: bool = False,
    ) -> None:
        super().__init__()
        self.kind: Margin = kind
        self.margin, self.scale, self.easy = margin, scale, easy
        self.weight = nn.Parameter(torch.empty(people, dimension))
        nn.init.normal_(self.weight, std=0.01)

    def forward(self, embeddings: Tensor, identity: Tensor, *, share: float = 1.0) -> Tensor:
        """Logits for cross-entropy.

        Args:
            embeddings: (N, D), scaled to length 1 here.
            identity: (N,) int64, whose they are, 0 to people − 1.
            share: Of the margin, 0 to 1: it may grow over the first epochs.

        Returns:
            (N, people) float32.
        """
        with full_precision(embeddings):
            cosines = unit(embeddings) @ unit(self.weight).T
            own = cosines.gather(1, identity[:, None])
            return self.scale * cosines.scatter(1, identity[:, None], self._apart(own, share))

    def loss(self, embeddings: Tensor, identity: Tensor, *, share: float = 1.0) -> Tensor:
        """Mean cross-entropy of the logits, () float32; arguments as in `forward`."""
        return F.cross_entropy(self(embeddings, identity, share=share), identity)

    def _apart(self, own: Tensor, share: float) -> Tensor:
        margin = self.margin * share
        if self.kind == "cosface":
            return own - margin
        # The smallest is that of float32 about 1. Below it the sine has no slope that can be told.
        sine = torch.sqrt((1 - own.square()).clamp_min(1e-7))
        moved = own * math.cos(margin) - sine * math.sin(margin)
        if self.easy:
            return torch.where(own > 0, moved, own)
        # Beyond π the cosine would rise again. From π − m on it goes on falling, in parallel to cos θ.
        return torch.where(own >= -math.cos(margin), moved, own - margin * math.sin(margin))
