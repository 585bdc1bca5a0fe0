"""Inception-ResNet v1 with an embedding of any length; see `faceprint.embed.inception_resnet_v1`."""

from __future__ import annotations

from torch import nn

from faceprint.embed.backbones.base import Backbone
from faceprint.embed.inception_resnet_v1 import InceptionResnetV1

__all__ = ["FACENET_DIMENSION", "FaceNet", "inception_resnet_v1"]

FACENET_DIMENSION = 512


class FaceNet(Backbone, InceptionResnetV1):
    """Inception-ResNet v1, its layers named as in facenet-pytorch.

    Args:
        dimension: Of the embedding; the published weights have 512.
        dropout: Share of the pooled features that training drops.
    """

    _embedding = ("last_linear", "last_bn")

    def __init__(self, *, dimension: int, dropout: float) -> None:
        super().__init__(dropout=dropout)
        if dimension != FACENET_DIMENSION:
            self.last_linear = nn.Linear(self.last_linear.in_features, dimension, bias=False)
            self.last_bn = nn.BatchNorm1d(dimension, eps=self.last_bn.eps)


def inception_resnet_v1(*, dimension: int, side_px: int, dropout: float) -> FaceNet:
    """Inception-ResNet v1, for sides of 75 pixels and more."""
    return FaceNet(dimension=dimension, dropout=dropout)
