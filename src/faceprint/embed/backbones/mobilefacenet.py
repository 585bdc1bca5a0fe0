"""MobileFaceNet.

Chen et al., "MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on Mobile
Devices", CCBR 2018. Instead of an average over the picture, whose parts all weigh the same, a depthwise
convolution as large as the last maps weighs each place of an aligned face on its own.
"""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.embed.backbones.base import Backbone, Embedding, halved, initialise

__all__ = ["MobileFaceNet", "mobilefacenet"]

_STAGES = ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1), (4, 128, 1, 2), (2, 128, 2, 1))
"""Expansion, width, blocks, and stride of the first block: table 1 of the paper."""


def _unit(
    channels: int, width: int, kernel: int, *, stride: int = 1, depthwise: bool = False
) -> nn.Sequential:
    """Convolution, batch normalisation, PReLU."""
    groups = channels if depthwise else 1
    convolution = nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.PReLU(width))


class _Bottleneck(nn.Module):
    """Wider by a 1×1 convolution, a 3×3 one of each channel, and narrower by a 1×1 one without PReLU."""

    def __init__(self, channels: int, width: int, *, expansion: int, stride: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = _unit(channels, wide, 1)
        self.depthwise = _unit(wide, wide, 3, stride=stride, depthwise=True)
        self.project = nn.Conv2d(wide, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.residual = stride == 1 and channels == width

    def forward(self, maps: Tensor) -> Tensor:
        change: Tensor = self.norm(self.project(self.depthwise(self.expand(maps))))
        return maps + change if self.residual else change


class MobileFaceNet(Backbone):
    """Inverted bottlenecks and a global depthwise convolution.

    Args:
        dimension: Of the embedding.
        side_px: Of the faces; the last convolution is built for it.
        dropout: Share of the last features that training drops.
    """

    def __init__(self, *, dimension: int, side_px: int, dropout: float) -> None:
        super().__init__()
        self.stem = nn.Sequential(_unit(3, 64, 3, stride=2), _unit(64, 64, 3, depthwise=True))
        channels = 64
        for number, (expansion, width, depth, first) in enumerate(_STAGES, 1):
            blocks = []
            for index in range(depth):
                stride = first if index == 0 else 1
                blocks.append(_Bottleneck(channels, width, expansion=expansion, stride=stride))
                channels = width
            self.add_module(f"stage{number}", nn.Sequential(*blocks))
        self.last = _unit(channels, 512, 1)
        self.places = nn.Conv2d(512, 512, halved(side_px, 4), groups=512, bias=False)
        self.norm = nn.BatchNorm2d(512)
        self.embedding = Embedding(512, dimension, dropout=dropout)
        silent = [m.norm for m in self.modules() if isinstance(m, _Bottleneck) and m.residual]
        initialise(self, silent=silent)
        # Seen from the output this layer has one neighbour, not as many as its size suggests.
        nn.init.kaiming_normal_(self.places.weight, mode="fan_in", nonlinearity="linear")

    def forward(self, faces: Tensor) -> Tensor:
        """(N, D) float32 from (N, 3, S, S) float32."""
        maps = self.stem(faces)
        for number in range(1, len(_STAGES) + 1):
            maps = self.get_submodule(f"stage{number}")(maps)
        features = self.norm(self.places(self.last(maps))).flatten(1)
        out: Tensor = self.embedding(features)
        return out


def mobilefacenet(*, dimension: int, side_px: int, dropout: float) -> MobileFaceNet:
    """MobileFaceNet built for a side."""
    return MobileFaceNet(dimension=dimension, side_px=side_px, dropout=dropout)
