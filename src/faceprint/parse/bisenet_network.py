"""BiSeNet, the network of face-parsing.PyTorch, as a PyTorch module.

Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation", ECCV 2018, with the
features of ResNet-18 (He et al., CVPR 2016) at an eighth of the size in place of the paper's spatial path.
The layers are named as in face-parsing.PyTorch, so that its published state dict loads.

Needs the extra `torch`; the module is imported only to convert weights.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["TRAINING_ONLY", "BiSeNet"]

TRAINING_ONLY = ("conv_out16.", "conv_out32.")
"""Layers of the published state dict that only the losses of training read."""


class _Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, channels: int, width: int, kernel: int, *, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, padding=padding, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(maps)))


class _Block(nn.Module):
    """The basic block of ResNet: two 3×3 convolutions, added to what came in."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or channels != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, maps: Tensor) -> Tensor:
        inner = torch.relu(self.bn1(self.conv1(maps)))
        return torch.relu(self.downsample(maps) + self.bn2(self.conv2(inner)))


class _ResNet18(nn.Module):
    """ResNet-18 without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(_Block(64, 64, 1), _Block(64, 64, 1))
        self.layer2 = nn.Sequential(_Block(64, 128, 2), _Block(128, 128, 1))
        self.layer3 = nn.Sequential(_Block(128, 256, 2), _Block(256, 256, 1))
        self.layer4 = nn.Sequential(_Block(256, 512, 2), _Block(512, 512, 1))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features at 1/8, 1/16 and 1/32 of the size."""
        maps = self.layer1(self.maxpool(torch.relu(self.bn1(self.conv1(pixels)))))
        eighth = self.layer2(maps)
        sixteenth = self.layer3(eighth)
        return eighth, sixteenth, self.layer4(sixteenth)


class _Refinement(nn.Module):
    """Attention refinement (ARM): channels weighed by what the whole image shows."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv = _Unit(channels, width, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv_atten = nn.Conv2d(width, width, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(width)

    def forward(self, maps: Tensor) -> Tensor:
        kept = self.conv(maps)
        weights = torch.sigmoid(self.bn_atten(self.conv_atten(self.pool(kept))))
        return torch.mul(kept, weights)


class _ContextPath(nn.Module):
    """What is where, seen from far: ResNet-18 and a global mean, brought back to 1/8 of the size."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = _ResNet18()
        self.arm16 = _Refinement(256, 128)
        self.arm32 = _Refinement(512, 128)
        self.conv_head32 = _Unit(128, 128, 3, padding=1)
        self.conv_head16 = _Unit(128, 128, 3, padding=1)
        self.conv_avg = _Unit(512, 128, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        eighth, sixteenth, last = self.resnet(pixels)
        whole = self.arm32(last) + self.conv_avg(self.pool(last))
        whole = self.conv_head32(F.interpolate(whole, scale_factor=2, mode="nearest"))
        near = self.arm16(sixteenth) + whole
        return eighth, self.conv_head16(F.interpolate(near, scale_factor=2, mode="nearest"))


class _Fusion(nn.Module):
    """Feature fusion (FFM): both paths joined, channels weighed, and added."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.convblk = _Unit(channels, width, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.conv1 = nn.Conv2d(width, width // 4, 1, bias=False)
        self.conv2 = nn.Conv2d(width // 4, width, 1, bias=False)

    def forward(self, near: Tensor, far: Tensor) -> Tensor:
        joined = self.convblk(torch.cat([near, far], dim=1))
        weights = torch.sigmoid(self.conv2(torch.relu(self.conv1(self.pool(joined)))))
        fused: Tensor = torch.mul(joined, weights) + joined
        return fused


class _Head(nn.Module):
    """From features to a score for each class."""

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        self.conv = _Unit(channels, width, 3, padding=1)
        self.conv_out = nn.Conv2d(width, classes, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        scores: Tensor = self.conv_out(self.conv(maps))
        return scores


class BiSeNet(nn.Module):
    """Scores of classes for each pixel: (N, 3, S, S) in, (N, classes, S, S) out; S is a multiple of 32.

    Args:
        classes: How many.
    """

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        self.cp = _ContextPath()
        self.ffm = _Fusion(256, 256)
        self.conv_out = _Head(256, 256, classes)

    def forward(self, pixels: Tensor) -> Tensor:
        """Scores (N, classes, S, S) of (N, 3, S, S) pixels."""
        near, far = self.cp(pixels)
        scores = self.conv_out(self.ffm(near, far))
        return F.interpolate(scores, scale_factor=8, mode="bilinear", align_corners=True)
