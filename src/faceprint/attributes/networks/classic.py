"""The small network of many courses, as a baseline."""

from __future__ import annotations

from torch import Tensor, nn

from faceprint.attributes.networks.grey import grey_layer

__all__ = ["ClassicNetwork"]

_HALVINGS = 3


class ClassicNetwork(nn.Module):
    """Three convolutions and a hidden layer of 64, after LeCun et al., Proceedings of the IEEE 1998.

    Convolution of 16 channels and 5 × 5, pooling, dropout; of 32 channels, pooling; of 64 channels, pooling,
    dropout; a layer of 64; a linear one.

    Args:
        side_px: Side S of the crops.
        width: K, how many numbers come out.
        dropout: Share of the features that are dropped in training.
        grey: Take the colours out first.
    """

    def __init__(
        self, side_px: int, width: int, *, dropout: float = 0.25, grey: bool = False
    ) -> None:
        super().__init__()
        channels = (1 if grey else 3, 16, 32, 64)
        self.layers = nn.Sequential(
            grey_layer() if grey else nn.Identity(),
            nn.Conv2d(channels[0], channels[1], 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(dropout),
            nn.Conv2d(channels[1], channels[2], 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels[2], channels[3], 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(dropout),
            nn.Flatten(),
            nn.Linear(channels[3] * (side_px >> _HALVINGS) ** 2, 64),
            nn.ReLU(),
            nn.Linear(64, width),
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """(N, K) float32 for (N, 3, S, S) float32, scaled."""
        out: Tensor = self.layers(pixels)
        return out
