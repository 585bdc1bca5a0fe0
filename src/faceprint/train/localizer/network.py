"""VGG16's convolutions with two heads on them: face or not, and where.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015. The
convolutions are those of `embed.backbones`, so that published ImageNet weights load into them; or a slim
form of them for training from scratch. The heads see each place of the last maps on its own, since where
something is seen is what they are asked.
"""

from __future__ import annotations

from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from faceprint.embed.backbones import IMAGENET, backbone_info, build_backbone, load_imagenet
from faceprint.embed.backbones.base import initialise
from faceprint.errors import WeightsMissingError
from faceprint.train.recipes.localizer import LocalizerRecipe
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["BuiltLocalizer", "LocalizerNetwork", "build_localizer"]

Rgb = tuple[float, float, float]

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
_LAST = _WIDTHS[-1][-1]
_HALVINGS = len(_WIDTHS)
_MIDDLE = (-1.0, -1.0, 1.0, 1.0)
"""Logits of the box of the middle half."""
_MEAN: Rgb = (127.5, 127.5, 127.5)
_STD: Rgb = (64.0, 64.0, 64.0)


class LocalizerNetwork(nn.Module):
    """Finds the one face of a crop.

    Args:
        features: From (N, 3, S, S) to (N, C, S // 32, S // 32).
        width: Numbers that come out of them for a crop.
        hidden: Width of the hidden layer of each head.
        dropout: Share of what goes into a head that training drops.
        frozen: Layers of the features, from the first on, that stay as they are.
    """

    def __init__(
        self, features: nn.Sequential, width: int, *, hidden: int, dropout: float, frozen: int = 0
    ) -> None:
        super().__init__()
        self.features = features
        self.flatten = nn.Flatten()
        self.face = _head(width, hidden, 1, dropout=dropout)
        self.box = _head(width, hidden, 4, dropout=dropout)
        # To begin with, every box lies in the middle: those of chance may be turned inside out.
        last = cast(nn.Linear, self.box[-1])
        nn.init.zeros_(last.weight)
        last.bias.data = torch.tensor(_MIDDLE)
        self._frozen = frozen
        features[:frozen].requires_grad_(False)

    def forward(self, crops: Tensor) -> Tensor:
        """(N, 5) from (N, 3, S, S): the logit of a face, and its box x1 y1 x2 y2 as shares of the side."""
        seen = self.flatten(self.features(crops))
        return torch.cat([self.face(seen), torch.sigmoid(self.box(seen))], 1)

    def train(self, mode: bool = True) -> Self:
        """Puts all but the frozen layers into training mode, or out of it."""
        super().train(mode)
        self.features[: self._frozen].eval()
        return self


class BuiltLocalizer:
    """A network, and where its weights start.

    Args:
        network: To be trained.
        mean: Subtracted from the channels R, G and B, 0 to 255.
        std: Divides them after that.
        start: Of the weights, in words.
        ancestors: Cards of what the weights were before, whose terms hold for what comes of them.
    """

    def __init__(
        self,
        network: LocalizerNetwork,
        *,
        mean: Rgb,
        std: Rgb,
        start: str,
        ancestors: tuple[ModelCard, ...] = (),
    ) -> None:
        # PyTorch's own annotations do not know of memory formats.
        self.network: LocalizerNetwork = cast(Any, network).to(memory_format=torch.channels_last)
        self.mean, self.std = mean, std
        self.start = start
        self.ancestors = ancestors
        self._mean, self._std = (torch.tensor(one)[:, None, None] for one in (mean, std))

    def scaled(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) float32 for (N, S, S, 3) uint8 crops, as the network takes them."""
        mean, std = self._mean.to(pixels.device), self._std.to(pixels.device)
        moved = (pixels.permute(0, 3, 1, 2).float() - mean) / std
        return moved.contiguous(memory_format=torch.channels_last)


def build_localizer(recipe: LocalizerRecipe, store: WeightStore) -> BuiltLocalizer:
    """The network of a recipe, with new weights or those that it starts from.

    Args:
        recipe: What the run does.
        store: Where ImageNet weights are, and whether they may be downloaded.

    Raises:
        ModelError: The weights to start from cannot be had.
    """
    torch.manual_seed(recipe.seed)
    config = recipe.network
    if config.name == "vgg16-slim":
        widths = [[max(4, width // config.slimness) for width in group] for group in _WIDTHS]
        network = _with_heads(_slim_features(widths), recipe, channels=widths[-1][-1])
        initialise(network.features)
        start = "new weights, no ImageNet"
        return BuiltLocalizer(network, mean=_MEAN, std=_STD, start=start)
    info = backbone_info("vgg16")
    backbone = build_backbone("vgg16", dimension=2, side_px=recipe.side_px)
    start = "new weights, no ImageNet"
    ancestors: tuple[ModelCard, ...] = ()
    if config.weights != "none":
        try:
            begun = load_imagenet(backbone, "vgg16", store)
            start, ancestors = f"{begun.source}, its heads new", (IMAGENET["vgg16"],)
        except WeightsMissingError as error:
            if config.weights == "imagenet":
                raise
            start = f"new weights: those of ImageNet could not be had ({error})"
    features = cast(nn.Sequential, backbone.get_submodule("features"))
    # Weights that are not there cannot stay as they are.
    frozen = _layers_of(features, config.frozen) if ancestors else 0
    network = _with_heads(features, recipe, channels=_LAST, frozen=frozen)
    return BuiltLocalizer(network, mean=info.mean, std=info.std, start=start, ancestors=ancestors)


def _with_heads(
    features: nn.Sequential, recipe: LocalizerRecipe, *, channels: int, frozen: int = 0
) -> LocalizerNetwork:
    config = recipe.network
    places = (recipe.side_px >> _HALVINGS) ** 2
    return LocalizerNetwork(
        features, channels * places, hidden=config.hidden, dropout=config.dropout, frozen=frozen
    )


def _slim_features(widths: list[list[int]]) -> nn.Sequential:
    """The layout of VGG16 with batch normalisation, without which it does not learn from scratch."""
    layers: list[nn.Module] = []
    channels = 3
    for group in widths:
        for width in group:
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            layers += [convolution, nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def _head(width: int, hidden: int, outputs: int, *, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Dropout(dropout), nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


def _layers_of(features: nn.Sequential, groups: int) -> int:
    """How many layers the first groups of convolutions have, their poolings included."""
    ends = [k + 1 for k, layer in enumerate(features) if isinstance(layer, nn.MaxPool2d)]
    return ends[groups - 1] if groups else 0
