"""Model cards, and the way from a card to verified weights on this machine."""

from faceprint.zoo.cards import (
    FolderFile,
    Licence,
    ModelCard,
    OwnResource,
    PackageResource,
    Url,
    WeightFile,
)
from faceprint.zoo.pins import Offer
from faceprint.zoo.store import FileStatus, WeightStore
from faceprint.zoo.table import CARDS, card

__all__ = [
    "CARDS",
    "FileStatus",
    "FolderFile",
    "Licence",
    "ModelCard",
    "Offer",
    "OwnResource",
    "PackageResource",
    "Url",
    "WeightFile",
    "WeightStore",
    "card",
]
