"""The small U-Net of the parser `faceprint-parser`, as a PyTorch module.

Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation", MICCAI 2015; with plain
3×3 convolutions, and its finest maps at half of the size.

Needs the extra `torch`; the module is imported only to train and to export.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["UNet"]

_LAST = 24


class _Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(maps)))


class UNet(nn.Module):
    """Scores of classes for each pixel: (N, 3, S, S) in, (N, classes, S, S) out; S is a multiple of 16.

    Args:
        classes: How many.
        widths: Channels at 1/2, 1/4, 1/8 and 1/16 of the size.
    """

    def __init__(self, classes: int, widths: tuple[int, int, int, int] = (16, 32, 64, 128)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.one = nn.Sequential(_Unit(3, a, 2), _Unit(a, a))
        self.two = nn.Sequential(_Unit(a, b, 2), _Unit(b, b))
        self.three = nn.Sequential(_Unit(b, c, 2), _Unit(c, c))
        self.four = nn.Sequential(_Unit(c, d, 2), _Unit(d, d), _Unit(d, d))
        self.up3 = _Unit(d + c, c)
        self.up2 = _Unit(c + b, b)
        self.up1 = _Unit(b + a, _LAST)
        self.head = nn.Conv2d(_LAST, classes, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scores (N, classes, S, S) of (N, 3, S, S) pixels."""
        one = self.one(pixels)
        two = self.two(one)
        three = self.three(two)
        maps = self.up3(torch.cat([_twice(self.four(three)), three], 1))
        maps = self.up2(torch.cat([_twice(maps), two], 1))
        maps = self.up1(torch.cat([_twice(maps), one], 1))
        return _twice(self.head(maps))


def _twice(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
