"""ResNet-18 and ResNet-50.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016; ResNet-50 with the stride in the
3×3 convolution of a block, as the published weights have it. The layers are named as in torchvision,
so that its ImageNet state dicts load. The classifier gives way to an `Embedding`.
"""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.embed.backbones.base import Backbone, Embedding, initialise

__all__ = ["ResNet", "resnet18", "resnet50"]


class _Block(nn.Module):
    """Convolutions, added to what came in.

    Args:
        channels: Of what comes in.
        width: Of the 3×3 convolutions.
        stride: Of the first of these.
    """

    expansion: int
    downsample: nn.Sequential | None

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.relu = nn.ReLU()
        self.downsample = None
        wide = width * self.expansion
        if stride != 1 or channels != wide:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def _add(self, change: Tensor, maps: Tensor) -> Tensor:
        shortcut = maps if self.downsample is None else self.downsample(maps)
        out: Tensor = self.relu(change + shortcut)
        return out


class _Basic(_Block):
    expansion = 1

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__(channels, width, stride=stride)
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    @property
    def last_norm(self) -> nn.Module:
        return self.bn2

    def forward(self, maps: Tensor) -> Tensor:
        change = self.relu(self.bn1(self.conv1(maps)))
        return self._add(self.bn2(self.conv2(change)), maps)


class _Bottleneck(_Block):
    expansion = 4

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__(channels, width, stride=stride)
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * width)

    @property
    def last_norm(self) -> nn.Module:
        return self.bn3

    def forward(self, maps: Tensor) -> Tensor:
        change = self.relu(self.bn1(self.conv1(maps)))
        change = self.relu(self.bn2(self.conv2(change)))
        return self._add(self.bn3(self.conv3(change)), maps)


class ResNet(Backbone):
    """A stem and four stages of residual blocks, averaged over the picture.

    Args:
        block: Of which kind the blocks are.
        depths: Blocks of each stage.
        dimension: Of the embedding.
        dropout: Share of the averaged features that training drops.
    """

    def __init__(
        self,
        block: type[_Basic | _Bottleneck],
        depths: tuple[int, int, int, int],
        *,
        dimension: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, depth in enumerate(depths):
            width, blocks = 64 * 2**stage, []
            for index in range(depth):
                stride = 2 if index == 0 and stage > 0 else 1
                blocks.append(block(channels, width, stride=stride))
                channels = width * block.expansion
            self.add_module(f"layer{stage + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.embedding = Embedding(channels, dimension, dropout=dropout)
        silent = [m.last_norm for m in self.modules() if isinstance(m, _Basic | _Bottleneck)]
        initialise(self, silent=silent)

    def forward(self, faces: Tensor) -> Tensor:
        """(N, D) float32 from (N, 3, S, S) float32."""
        maps = self.maxpool(self.relu(self.bn1(self.conv1(faces))))
        for stage in range(1, 5):
            maps = self.get_submodule(f"layer{stage}")(maps)
        out: Tensor = self.embedding(self.avgpool(maps).flatten(1))
        return out


def resnet18(*, dimension: int, side_px: int, dropout: float) -> ResNet:
    """ResNet-18, for any side."""
    return ResNet(_Basic, (2, 2, 2, 2), dimension=dimension, dropout=dropout)


def resnet50(*, dimension: int, side_px: int, dropout: float) -> ResNet:
    """ResNet-50, for any side."""
    return ResNet(_Bottleneck, (3, 4, 6, 3), dimension=dimension, dropout=dropout)
