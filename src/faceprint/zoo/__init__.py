"""Model cards, and the way from a card to verified weights on this machine."""

from faceprint.zoo.cards import Licence, ModelCard, PackageResource, Url, WeightFile
from faceprint.zoo.pins import Offer
from faceprint.zoo.store import FileStatus, WeightStore
from faceprint.zoo.table import CARDS, card

__all__ = [
    "CARDS",
    "FileStatus",
    "Licence",
    "ModelCard",
    "Offer",
    "PackageResource",
    "Url",
    "WeightFile",
    "WeightStore",
    "card",
]
