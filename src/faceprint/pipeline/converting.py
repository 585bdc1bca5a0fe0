"""Weights that PyTorch converts once, after which they run without it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final

from faceprint.zoo import ModelCard, WeightStore
from faceprint.zoo.conversions import Conversion

__all__ = ["check", "convert", "is_converted_once", "is_runnable"]

_CONVERTED: Final = MappingProxyType(
    {
        "facenet": "faceprint.embed.facenet",
        "bisenet": "faceprint.parse.bisenet",
        "minifasnet": "faceprint.liveness.minifasnet",
    }
)
"""By implementation, the module that says how."""


def is_converted_once(card: ModelCard) -> bool:
    """Whether its weights are converted before they run."""
    return card.implementation in _CONVERTED


def is_runnable(card: ModelCard, store: WeightStore) -> bool:
    """Whether weights that are here run: those converted once are converted, or PyTorch is here to do it.

    Raises:
        WeightsMissingError: Its weights have yet to be accepted.
    """
    if card.extra is None or find_spec(card.extra) is not None:
        return True
    return is_converted_once(card) and _conversion(card).is_converted(card, store)


def check(card: ModelCard, path: Path) -> None:
    """Looks into a file that nobody has accepted yet, and runs nothing that it may ask for.

    Raises:
        WeightsCorruptError: These are no weights of the model.
    """
    if is_converted_once(card):
        _conversion(card).check(card, path)


def convert(card: ModelCard, store: WeightStore) -> None:
    """Converts the weights of a model, if it is one whose weights are converted.

    Raises:
        MissingExtraError: They are yet to be converted, and PyTorch is not installed.
        WeightsCorruptError: These are no weights of the model.
    """
    if is_converted_once(card):
        _conversion(card).convert(card, store)


def _conversion(card: ModelCard) -> Conversion:
    found: Conversion = import_module(_CONVERTED[card.implementation]).CONVERSION
    return found
