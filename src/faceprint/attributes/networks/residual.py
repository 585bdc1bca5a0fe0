"""Our own network for attributes: residual blocks of two convolutions, small enough for a CPU.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, with the shortcut of He et al., "Bag of
Tricks for Image Classification", CVPR 2019: where a block halves the picture, its shortcut averages.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from faceprint.attributes.networks.grey import grey_layer

__all__ = ["ResidualBlock", "ResidualNetwork"]


class ResidualBlock(nn.Module):
    """Two convolutions of 3 × 3 beside a shortcut.

    Args:
        before: Channels that come in.
        after: Channels that come out.
        stride: 1, or 2 to halve the picture.
    """

    def __init__(self, before: int, after: int, *, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            *_convolution(before, after, stride), nn.ReLU(), *_convolution(after, after, 1)
        )
        self.shortcut: nn.Module = nn.Identity()
        if before != after or stride > 1:
            self.shortcut = nn.Sequential(
                nn.AvgPool2d(3, stride, 1) if stride > 1 else nn.Identity(),
                nn.Conv2d(before, after, 1, bias=False),
                nn.BatchNorm2d(after),
            )
        self.out = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        """(N, after, H / stride, W / stride) for (N, before, H, W)."""
        out: Tensor = self.out(self.body(features) + self.shortcut(features))
        return out


class ResidualNetwork(nn.Module):
    """A stem, stages of residual blocks that each halve the picture, the mean over it, and a linear layer.

    Args:
        width: K, how many numbers come out.
        widths: Channels of each stage.
        blocks: Blocks of each stage.
        dropout: Share of the features before the last layer that are dropped in training.
        grey: Take the colours out first.
        stride: Of the stem: 2 halves large pictures at once.
    """

    def __init__(
        self,
        width: int,
        *,
        widths: Sequence[int] = (24, 48, 96, 192),
        blocks: int = 2,
        dropout: float = 0.3,
        grey: bool = False,
        stride: int = 1,
    ) -> None:
        super().__init__()
        first = nn.Sequential(grey_layer()) if grey else nn.Sequential()
        self.stem = nn.Sequential(
            *first, *_convolution(1 if grey else 3, widths[0], stride), nn.ReLU()
        )
        before = (widths[0], *widths[:-1])
        self.stages = nn.Sequential(
            *(_stage(*ends, blocks) for ends in zip(before, widths, strict=True))
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(widths[-1], width)

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, K) float32 for (N, 3, S, S) float32, scaled; S is 2 to the number of stages, or more."""
        features = self.flat(self.pool(self.stages(self.stem(pixels))))
        out: Tensor = self.head(self.dropout(features))
        return out


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    more = (ResidualBlock(after, after) for _ in range(blocks - 1))
    return nn.Sequential(ResidualBlock(before, after, stride=2), *more)


def _convolution(before: int, after: int, stride: int) -> tuple[nn.Module, nn.Module]:
    layer = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return layer, nn.BatchNorm2d(after)
