"""Colours taken out inside a network, so that it sees photos in colour as it saw grey ones."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["grey_layer"]

_LUMA = (0.299, 0.587, 0.114)
"""Shares of R, G and B in the brightness (ITU-R BT.601), as in OpenCV and Pillow."""


def grey_layer() -> nn.Conv2d:
    """(N, 3, H, W) to (N, 1, H, W), never trained: pixels that are grey keep their value."""
    layer = nn.Conv2d(3, 1, 1, bias=False)
    layer.weight = nn.Parameter(torch.tensor(_LUMA).reshape(1, 3, 1, 1), requires_grad=False)
    return layer
