"""MiniFASNet V2 and V1SE as PyTorch modules.

MobileFaceNet (Chen et al., CCBR 2018) with its inner widths pruned, as in Silent-Face-Anti-Spoofing of
Minivision; V1SE adds squeeze and excitation (Hu et al., CVPR 2018) at the end of each stage. The layers are
named as there, so that its published state dicts load.

Needs the extra `torch`; the module is imported only to convert weights.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

__all__ = ["V1SE", "V2", "MiniFasNet", "Widths"]

_CLASSES = 3
_EMBEDDING = 128
_LAST_WIDTH = 512
_LAST_SIDE = 5
"""Of the maps that an input of 80 pixels leaves."""
_SQUEEZE = 4


@dataclass(frozen=True, slots=True)
class Widths:
    """Inner widths of a network, which pruning chose.

    Attributes:
        down: Of the blocks that halve the maps, before stages 3, 4 and 5.
        stages: Of the residual blocks of stages 3, 4 and 5.
        excited: Whether the last block of each stage weighs its channels.
    """

    down: tuple[int, int, int]
    stages: tuple[tuple[int, ...], ...]
    excited: bool = False


V2: Final = Widths(
    down=(103, 231, 308), stages=((13, 13, 13, 13), (231, 52, 26, 77, 26, 26), (26, 26))
)
V1SE: Final = Widths(
    down=(103, 231, 308),
    stages=((13, 26, 13, 52), (154, 52, 26, 52, 26, 26), (26, 26)),
    excited=True,
)


def _unit(
    channels: int,
    width: int,
    kernel: int = 1,
    *,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    active: bool = True,
) -> nn.Sequential:
    """Convolution, batch normalisation, and, where active, PReLU."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv=nn.Conv2d(channels, width, kernel, stride, padding, groups=groups, bias=False),
        bn=nn.BatchNorm2d(width),
    )
    if active:
        layers["prelu"] = nn.PReLU(width)
    return nn.Sequential(layers)


class _Excitation(nn.Module):
    """Weighs each channel by what all of them hold on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = channels // _SQUEEZE
        self.avg_pool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(squeezed)
        self.relu = nn.ReLU()
        self.fc2 = nn.Conv2d(squeezed, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.sigmoid = nn.Sigmoid()

    def forward(self, maps: Tensor) -> Tensor:
        squeezed = self.relu(self.bn1(self.fc1(self.avg_pool(maps))))
        weighed: Tensor = maps * self.sigmoid(self.bn2(self.fc2(squeezed)))
        return weighed


class _Block(nn.Module):
    """A bottleneck: widened, filtered channel by channel, narrowed."""

    def __init__(
        self, channels: int, inner: int, width: int, *, stride: int = 1, excited: bool = False
    ) -> None:
        super().__init__()
        self.conv = _unit(channels, inner)
        self.conv_dw = _unit(inner, inner, 3, stride=stride, padding=1, groups=inner)
        self.project = _unit(inner, width, active=False)
        self.se_module = _Excitation(width) if excited else nn.Identity()
        self._added = stride == 1

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.se_module(self.project(self.conv_dw(self.conv(maps))))
        return maps + out if self._added else out


class _Stage(nn.Module):
    """Residual blocks of one width."""

    def __init__(self, channels: int, inner: Sequence[int], *, excited: bool) -> None:
        super().__init__()
        last = len(inner) - 1
        self.model = nn.Sequential(
            *(
                _Block(channels, width, channels, excited=excited and place == last)
                for place, width in enumerate(inner)
            )
        )

    def forward(self, maps: Tensor) -> Tensor:
        out: Tensor = self.model(maps)
        return out


class MiniFasNet(nn.Module):
    """Tells photos of people from photos of photos.

    Args:
        widths: `V2` or `V1SE`.
    """

    def __init__(self, widths: Widths) -> None:
        super().__init__()
        down, stages, excited = widths.down, widths.stages, widths.excited
        self.conv1 = _unit(3, 32, 3, stride=2, padding=1)
        self.conv2_dw = _unit(32, 32, 3, padding=1, groups=32)
        self.conv_23 = _Block(32, down[0], 64, stride=2)
        self.conv_3 = _Stage(64, stages[0], excited=excited)
        self.conv_34 = _Block(64, down[1], 128, stride=2)
        self.conv_4 = _Stage(128, stages[1], excited=excited)
        self.conv_45 = _Block(128, down[2], 128, stride=2)
        self.conv_5 = _Stage(128, stages[2], excited=excited)
        self.conv_6_sep = _unit(128, _LAST_WIDTH)
        self.conv_6_dw = _unit(
            _LAST_WIDTH, _LAST_WIDTH, _LAST_SIDE, groups=_LAST_WIDTH, active=False
        )
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(_LAST_WIDTH, _EMBEDDING, bias=False)
        self.bn = nn.BatchNorm1d(_EMBEDDING)
        self.prob = nn.Linear(_EMBEDDING, _CLASSES, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (N, 3) of (N, 3, 80, 80) float32 BGR from 0 to 255; the middle one is that of a person."""
        maps = self.conv2_dw(self.conv1(pixels))
        maps = self.conv_3(self.conv_23(maps))
        maps = self.conv_4(self.conv_34(maps))
        maps = self.conv_5(self.conv_45(maps))
        vectors = self.linear(self.flatten(self.conv_6_dw(self.conv_6_sep(maps))))
        logits: Tensor = self.prob(self.bn(vectors))
        return logits
