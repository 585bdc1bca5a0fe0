"""Inception-ResNet v1, the network of FaceNet, as a PyTorch module.

Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
AAAI 2017; with the 512-d embedding of Schroff et al., "FaceNet: A Unified Embedding for Face
Recognition and Clustering", CVPR 2015. The layers are named as in facenet-pytorch, so that its
published state dicts load.

Needs the extra `torch`; the module is imported only to convert weights, or to train.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["InceptionResnetV1"]

_BATCH_NORM_EPS = 1e-3


class _Unit(nn.Module):
    """Convolution, batch normalisation, ReLU."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel: int | tuple[int, int],
        *,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=_BATCH_NORM_EPS)
        self.relu = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.relu(self.bn(self.conv(maps)))
        return out


class _Residual(nn.Module):
    """Branches side by side, brought back to the width of what came in, and added to it.

    Args:
        channels: Of what comes in and goes out.
        branches: Each from `channels` to a width of its own.
        widths: Those widths together.
        scale: Of what is added.
        relu: Whether a ReLU follows; the last block of all does without.
    """

    def __init__(
        self,
        channels: int,
        branches: tuple[nn.Module, ...],
        widths: int,
        *,
        scale: float,
        relu: bool = True,
    ) -> None:
        super().__init__()
        for index, branch in enumerate(branches):
            self.add_module(f"branch{index}", branch)
        self.conv2d = nn.Conv2d(widths, channels, 1)
        self.scale = scale
        self.relu = nn.ReLU() if relu else nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        joined = torch.cat([branch(maps) for branch in _branches(self)], 1)
        out: Tensor = self.relu(self.conv2d(joined) * self.scale + maps)
        return out


class _Reduction(nn.Module):
    """Branches side by side, the last of them a pooling, that halve the sides of the maps."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        for index, branch in enumerate((*branches, nn.MaxPool2d(3, stride=2))):
            self.add_module(f"branch{index}", branch)

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([branch(maps) for branch in _branches(self)], 1)


def _branches(block: nn.Module) -> list[nn.Module]:
    return [child for name, child in block.named_children() if name.startswith("branch")]


def _block35() -> _Residual:
    branches = (
        _Unit(256, 32, 1),
        nn.Sequential(_Unit(256, 32, 1), _Unit(32, 32, 3, padding=1)),
        nn.Sequential(_Unit(256, 32, 1), _Unit(32, 32, 3, padding=1), _Unit(32, 32, 3, padding=1)),
    )
    return _Residual(256, branches, 96, scale=0.17)


def _block17() -> _Residual:
    branches = (
        _Unit(896, 128, 1),
        nn.Sequential(
            _Unit(896, 128, 1),
            _Unit(128, 128, (1, 7), padding=(0, 3)),
            _Unit(128, 128, (7, 1), padding=(3, 0)),
        ),
    )
    return _Residual(896, branches, 256, scale=0.10)


def _block8(*, scale: float, relu: bool = True) -> _Residual:
    branches = (
        _Unit(1792, 192, 1),
        nn.Sequential(
            _Unit(1792, 192, 1),
            _Unit(192, 192, (1, 3), padding=(0, 1)),
            _Unit(192, 192, (3, 1), padding=(1, 0)),
        ),
    )
    return _Residual(1792, branches, 384, scale=scale, relu=relu)


class InceptionResnetV1(nn.Module):
    """Faces to embeddings, without a classifier.

    Args:
        dropout: Share of the pooled features that training drops.
    """

    def __init__(self, *, dropout: float = 0.6) -> None:
        super().__init__()
        self.conv2d_1a = _Unit(3, 32, 3, stride=2)
        self.conv2d_2a = _Unit(32, 32, 3)
        self.conv2d_2b = _Unit(32, 64, 3, padding=1)
        self.maxpool_3a = nn.MaxPool2d(3, stride=2)
        self.conv2d_3b = _Unit(64, 80, 1)
        self.conv2d_4a = _Unit(80, 192, 3)
        self.conv2d_4b = _Unit(192, 256, 3, stride=2)
        self.repeat_1 = nn.Sequential(*(_block35() for _ in range(5)))
        self.mixed_6a = _Reduction(
            _Unit(256, 384, 3, stride=2),
            nn.Sequential(
                _Unit(256, 192, 1), _Unit(192, 192, 3, padding=1), _Unit(192, 256, 3, stride=2)
            ),
        )
        self.repeat_2 = nn.Sequential(*(_block17() for _ in range(10)))
        self.mixed_7a = _Reduction(
            nn.Sequential(_Unit(896, 256, 1), _Unit(256, 384, 3, stride=2)),
            nn.Sequential(_Unit(896, 256, 1), _Unit(256, 256, 3, stride=2)),
            nn.Sequential(
                _Unit(896, 256, 1), _Unit(256, 256, 3, padding=1), _Unit(256, 256, 3, stride=2)
            ),
        )
        self.repeat_3 = nn.Sequential(*(_block8(scale=0.20) for _ in range(5)))
        self.block8 = _block8(scale=1.0, relu=False)
        self.avgpool_1a = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.last_linear = nn.Linear(1792, 512, bias=False)
        self.last_bn = nn.BatchNorm1d(512, eps=_BATCH_NORM_EPS)

    def forward(self, faces: Tensor) -> Tensor:
        """Embeddings, not yet scaled to length 1.

        Args:
            faces: (N, 3, 160, 160) float32 RGB, each value (x - 127.5) / 128.

        Returns:
            (N, 512) float32.
        """
        maps = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(faces)))
        maps = self.conv2d_3b(self.maxpool_3a(maps))
        maps = self.repeat_1(self.conv2d_4b(self.conv2d_4a(maps)))
        maps = self.repeat_2(self.mixed_6a(maps))
        maps = self.block8(self.repeat_3(self.mixed_7a(maps)))
        features = self.dropout(self.avgpool_1a(maps).flatten(1))
        out: Tensor = self.last_bn(self.last_linear(features))
        return out
