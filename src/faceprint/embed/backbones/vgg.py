"""VGG16: its convolutions, then an average over the picture.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015.
The convolutions are named as in torchvision, so that its ImageNet state dict loads. The dense layers of
4096, which hold nine tenths of the published weights and know only objects at 224 pixels, are left
out: an `Embedding` of the averaged features stands in their place.
"""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.embed.backbones.base import Backbone, Embedding, initialise

__all__ = ["VGG16", "vgg16"]

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(Backbone):
    """Thirteen 3×3 convolutions in five groups, each group ending in a pooling.

    Args:
        dimension: Of the embedding.
        dropout: Share of the averaged features that training drops.
    """

    def __init__(self, *, dimension: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for group in _WIDTHS:
            for width in group:
                layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.embedding = Embedding(channels, dimension, dropout=dropout)
        initialise(self)

    def forward(self, faces: Tensor) -> Tensor:
        """(N, D) float32 from (N, 3, S, S) float32."""
        out: Tensor = self.embedding(self.avgpool(self.features(faces)).flatten(1))
        return out


def vgg16(*, dimension: int, side_px: int, dropout: float) -> VGG16:
    """VGG16, for any side."""
    return VGG16(dimension=dimension, dropout=dropout)
