"""Networks that can be trained to be embedders: one file a family, and a table of them all.

Needs the extra `train`; the modules are imported only to train, or to look into what was trained.
"""

from faceprint.embed.backbones.base import Backbone
from faceprint.embed.backbones.head import EmbeddingHead
from faceprint.embed.backbones.imagenet import IMAGENET, load_imagenet
from faceprint.embed.backbones.table import (
    BACKBONES,
    BackboneInfo,
    backbone_info,
    build_backbone,
    freeze,
    frozen_stages,
)
from faceprint.embed.backbones.weights import Start, load_published, load_weights, read_weights

__all__ = [
    "BACKBONES",
    "IMAGENET",
    "Backbone",
    "BackboneInfo",
    "EmbeddingHead",
    "Start",
    "backbone_info",
    "build_backbone",
    "freeze",
    "frozen_stages",
    "load_imagenet",
    "load_published",
    "load_weights",
    "read_weights",
]
