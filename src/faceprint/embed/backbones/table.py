"""The table of backbones: what they are, what they take, and in which stages they can be frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from faceprint.embed.backbones.base import Backbone
from faceprint.embed.backbones.inception import inception_resnet_v1
from faceprint.embed.backbones.mobilefacenet import mobilefacenet
from faceprint.embed.backbones.residual import resnet18, resnet50
from faceprint.embed.backbones.small import small, tiny
from faceprint.embed.backbones.vgg import vgg16
from faceprint.errors import InputError, UnknownModelError

__all__ = [
    "BACKBONES",
    "BackboneInfo",
    "backbone_info",
    "build_backbone",
    "freeze",
    "frozen_stages",
]

_MIN_SIDE_PX = 32
_IMAGENET_MEAN = (123.675, 116.28, 103.53)
_IMAGENET_STD = (58.395, 57.12, 57.375)
_HALF = (127.5, 127.5, 127.5)
_SCALE = (128.0, 128.0, 128.0)
_HE = "He et al., Deep Residual Learning for Image Recognition, CVPR 2016"


@dataclass(frozen=True, slots=True)
class BackboneInfo:
    """What is known of a backbone before it is built.

    Attributes:
        name: What recipes call it.
        summary: One sentence.
        paper: Citation.
        default_side_px: Side of the faces that it is meant for.
        stages: From the input on, for freezing, without the embedding at the end. Each is the dotted name
            of a module, or several joined by "+".
        build: Takes `dimension`, `side_px` and `dropout`.
        mean: Subtracted from each channel, red, green, blue, 0 to 255.
        std: Divides each channel after that.
        min_side_px: The smallest side that leaves something to see at the end.
    """

    name: str
    summary: str
    paper: str
    default_side_px: int
    stages: tuple[str, ...]
    build: Callable[..., Backbone]
    mean: tuple[float, float, float] = _HALF
    std: tuple[float, float, float] = _SCALE
    min_side_px: int = _MIN_SIDE_PX


_RESNET_STAGES = ("conv1+bn1", "layer1", "layer2", "layer3", "layer4")

_INFOS = (
    BackboneInfo(
        name="inception-resnet-v1",
        summary="The network of FaceNet; its published weights can be the start.",
        paper="Szegedy et al., Inception-v4, Inception-ResNet and the Impact of Residual Connections "
        "on Learning, AAAI 2017; Schroff et al., FaceNet, CVPR 2015",
        default_side_px=160,
        stages=(
            "conv2d_1a+conv2d_2a+conv2d_2b",
            "conv2d_3b+conv2d_4a+conv2d_4b",
            "repeat_1",
            "mixed_6a+repeat_2",
            "mixed_7a+repeat_3+block8",
        ),
        build=inception_resnet_v1,
        min_side_px=75,
    ),
    BackboneInfo(
        name="resnet18",
        summary="A residual network of 18 layers; ImageNet weights can be the start.",
        paper=_HE,
        default_side_px=112,
        stages=_RESNET_STAGES,
        build=resnet18,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    ),
    BackboneInfo(
        name="resnet50",
        summary="A residual network of 50 layers; ImageNet weights can be the start.",
        paper=_HE,
        default_side_px=112,
        stages=_RESNET_STAGES,
        build=resnet50,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    ),
    BackboneInfo(
        name="vgg16",
        summary="The convolutions of VGG16; ImageNet weights can be the start.",
        paper="Simonyan and Zisserman, Very Deep Convolutional Networks for Large-Scale Image "
        "Recognition, ICLR 2015",
        default_side_px=112,
        stages=(
            "features.0+features.2",
            "features.5+features.7",
            "features.10+features.12+features.14",
            "features.17+features.19+features.21",
            "features.24+features.26+features.28",
        ),
        build=vgg16,
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    ),
    BackboneInfo(
        name="mobilefacenet",
        summary="Inverted bottlenecks for phones, with a weight for each place of the face.",
        paper="Chen et al., MobileFaceNets: Efficient CNNs for Accurate Real-Time Face Verification on "
        "Mobile Devices, CCBR 2018",
        default_side_px=112,
        stages=("stem", "stage1", "stage2", "stage3", "stage4", "stage5"),
        build=mobilefacenet,
    ),
    BackboneInfo(
        name="small",
        summary="Ours for devices: plain 3×3 residual blocks, a weight for each place of the face.",
        paper=_HE,
        default_side_px=112,
        stages=("stem", "stage1", "stage2", "stage3", "stage4"),
        build=small,
    ),
    BackboneInfo(
        name="tiny",
        summary="For tests and first tries: trains in a moment, and learns little.",
        paper=_HE,
        default_side_px=64,
        stages=("stem", "stage1", "stage2", "stage3"),
        build=tiny,
    ),
)

BACKBONES: Mapping[str, BackboneInfo] = MappingProxyType({info.name: info for info in _INFOS})
"""All backbones, by name."""


def backbone_info(name: str) -> BackboneInfo:
    """What is known of a backbone.

    Raises:
        UnknownModelError: There is none of that name.
    """
    if name not in BACKBONES:
        raise UnknownModelError(
            f"No backbone is called {name!r}. There are: {', '.join(BACKBONES)}."
        )
    return BACKBONES[name]


def build_backbone(name: str, *, dimension: int, side_px: int, dropout: float = 0.0) -> Backbone:
    """A backbone with new weights.

    Args:
        name: Of the backbone.
        dimension: Of the embedding.
        side_px: Of the faces.
        dropout: Share of the last features that training drops, from 0 to below 1.

    Returns:
        Takes (N, 3, S, S) float32, scaled with `BackboneInfo.mean` and `std`; gives (N, D) float32, not
        scaled to length 1.

    Raises:
        UnknownModelError: There is no backbone of that name.
        InputError: A number is out of its range.
    """
    info = backbone_info(name)
    if side_px < info.min_side_px:
        raise InputError(
            f"{name} takes faces of {info.min_side_px} pixels and more, got {side_px}. Prepare larger "
            "faces, or choose another backbone."
        )
    if dimension < 1:
        raise InputError(f"An embedding has at least one number, asked were {dimension}.")
    if not 0 <= dropout < 1:
        raise InputError(f"Dropout is a share from 0 to below 1, got {dropout:g}.")
    return info.build(dimension=dimension, side_px=side_px, dropout=dropout)


def frozen_stages(name: str, stages: str) -> tuple[str, ...]:
    """The stages of a backbone that a recipe freezes.

    Args:
        name: Of the backbone.
        stages: "none", "all", or "first:N". The embedding at the end is no stage: it always learns.

    Raises:
        UnknownModelError: There is no backbone of that name.
        InputError: It says something else, or counts more stages than there are.
    """
    there = backbone_info(name).stages
    if stages in ("none", "all"):
        return there if stages == "all" else ()
    word, _, digits = stages.partition(":")
    if word != "first" or not digits.isdecimal():
        raise InputError(f'Freeze "none", "all" or "first:N", got {stages!r}.')
    if int(digits) > len(there):
        raise InputError(
            f"{name} has {len(there)} stages ({', '.join(there)}), and {stages!r} asks for more."
        )
    return there[: int(digits)]


def freeze(network: Backbone, name: str, stages: str) -> tuple[str, ...]:
    """Freezes the first stages of a backbone, and thaws the others.

    Frozen stages keep their weights and their batch statistics, in training mode too.

    Args:
        network: What `build_backbone` gave.
        name: Of the backbone.
        stages: See `frozen_stages`.

    Returns:
        The frozen stages.

    Raises:
        UnknownModelError: There is no backbone of that name.
        InputError: See `frozen_stages`.
    """
    frozen = frozen_stages(name, stages)
    network.freeze([module for stage in frozen for module in stage.split("+")])
    return frozen
