"""Networks of ours for devices: plain 3×3 residual blocks, which processors compute fastest.

The shape of a ResNet (He et al., CVPR 2016) with the averaging shortcut of its variant D (He et al.,
"Bag of Tricks for Image Classification with Convolutional Neural Networks", CVPR 2019), widths that fit
a phone, and, as faces come aligned, a last layer that sees each place of the maps on its own.
"""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.embed.backbones.base import Backbone, Embedding, halved, initialise

__all__ = ["Small", "small", "tiny"]


class _Block(nn.Module):
    """Two 3×3 convolutions, added to what came in, or to its averaged and widened form.

    Args:
        channels: Of what comes in.
        width: Of what goes out.
        stride: 2 halves the sides.
    """

    def __init__(self, channels: int, width: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        layers: list[nn.Module] = []
        if stride == 2:
            # Of the same size as the convolution's output also where the side is odd.
            layers.append(nn.AvgPool2d(3, 2, 1))
        if stride == 2 or channels != width:
            layers += [nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.shortcut = nn.Sequential(*layers)

    def forward(self, maps: Tensor) -> Tensor:
        change = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps)))))
        out: Tensor = self.relu(change + self.shortcut(maps))
        return out


class Small(Backbone):
    """A stem of stride 2, stages of residual blocks that each begin with stride 2, all places to one layer.

    Args:
        widths: Of the stages; the stem has the first.
        depth: Blocks a stage.
        dimension: Of the embedding.
        side_px: Of the faces; the last layer is built for it.
        dropout: Share of the last features that training drops.
    """

    def __init__(
        self,
        widths: tuple[int, ...],
        *,
        depth: int,
        dimension: int,
        side_px: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 3, 2, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        channels = widths[0]
        for number, width in enumerate(widths, 1):
            blocks = []
            for index in range(depth):
                blocks.append(_Block(channels, width, stride=2 if index == 0 else 1))
                channels = width
            self.add_module(f"stage{number}", nn.Sequential(*blocks))
        self._stages = len(widths)
        places = halved(side_px, 1 + len(widths)) ** 2
        self.embedding = Embedding(channels * places, dimension, dropout=dropout)
        initialise(self, silent=[m.bn2 for m in self.modules() if isinstance(m, _Block)])

    def forward(self, faces: Tensor) -> Tensor:
        """(N, D) float32 from (N, 3, S, S) float32."""
        maps = self.stem(faces)
        for number in range(1, self._stages + 1):
            maps = self.get_submodule(f"stage{number}")(maps)
        out: Tensor = self.embedding(maps.flatten(1))
        return out


def small(*, dimension: int, side_px: int, dropout: float) -> Small:
    """About 65 million multiplications a face of 112 pixels."""
    return Small((24, 48, 96, 192), depth=2, dimension=dimension, side_px=side_px, dropout=dropout)


def tiny(*, dimension: int, side_px: int, dropout: float) -> Small:
    """For tests: trains in a moment, and learns little."""
    return Small((8, 12, 16), depth=1, dimension=dimension, side_px=side_px, dropout=dropout)
