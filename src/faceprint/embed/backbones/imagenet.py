"""Weights that PyTorch publishes, trained to tell the thousand kinds of objects of ImageNet apart.

Deng et al., "ImageNet: A Large-Scale Hierarchical Image Database", CVPR 2009. The publisher writes the first
eight digits of each file's digest into its name; what stands here in full begins with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from faceprint.embed.backbones.base import Backbone
from faceprint.embed.backbones.table import backbone_info
from faceprint.embed.backbones.weights import Start, load_published
from faceprint.errors import WeightsCorruptError, WeightsMissingError
from faceprint.zoo import Licence, ModelCard, Url, WeightFile, WeightStore
from faceprint.zoo.cards import Progress

__all__ = ["IMAGENET", "load_imagenet"]

_ADDRESS = "https://download.pytorch.org/models"
_BSD = Licence("BSD-3-Clause", "allowed")
_TERMS = Licence("ImageNet terms: non-commercial research and education", "forbidden")
_FILES = (
    (
        "resnet18",
        "resnet18-f37072fd.pth",
        "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
        46_830_571,
    ),
    (
        "resnet50",
        "resnet50-0676ba61.pth",
        "0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
        102_530_333,
    ),
    (
        "vgg16",
        "vgg16-397923af.pth",
        "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
        553_433_881,
    ),
)


def _card(backbone: str, name: str, digest: str, size_bytes: int) -> ModelCard:
    file = WeightFile(name, f"sha256:{digest}", size_bytes, (Url(f"{_ADDRESS}/{name}"),))
    info = backbone_info(backbone)
    return ModelCard(
        name=f"{backbone}-imagenet",
        kind="embedder",
        implementation="backbones",
        summary=f"{backbone}, trained to name objects: a start for training, no embedder by itself.",
        files=(file,),
        code_licence=_BSD,
        weights_licence=_BSD,
        data_licence=_TERMS,
        training_data="ImageNet-1k",
        paper=info.paper,
        mean=info.mean,
        std=info.std,
        extra="train",
    )


IMAGENET: Mapping[str, ModelCard] = MappingProxyType({row[0]: _card(*row) for row in _FILES})
"""The published ImageNet weights, by backbone. They are no models that could be chosen: see `CARDS`."""


def load_imagenet(
    network: Backbone, name: str, store: WeightStore, *, progress: Progress | None = None
) -> Start:
    """Begins with ImageNet weights; the embedding at the end begins anew.

    Args:
        network: What `build_backbone` gave.
        name: Of the backbone.
        store: Where weights are, and whether they may be downloaded.
        progress: Told of a download.

    Raises:
        WeightsMissingError: There are none for this backbone, or they cannot be had.
        WeightsCorruptError: The file is another one than was published.
        LicenceRefusedError: ImageNet's terms forbid commercial use: see `WeightStore.check_licence`.
    """
    if name not in IMAGENET:
        raise WeightsMissingError(
            f"There are no ImageNet weights for {name}. Choose {', '.join(IMAGENET)}, or start with "
            'network.weights="none".'
        )
    card = IMAGENET[name]
    (status,) = store.status(card)
    if store.offline and status.state == "corrupt":
        raise WeightsCorruptError(
            f"{status.path} is not the {status.file.name} that PyTorch publishes: expected "
            f"{status.file.digest}. Delete it, and run this again without offline set."
        )
    return load_published(network, card, store, progress=progress)
