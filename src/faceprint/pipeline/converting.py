"""Weights that PyTorch converts once, after which they run without it."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Final, Protocol, cast

from faceprint.zoo import ModelCard, WeightStore

__all__ = ["check", "convert", "is_converted_once", "is_runnable"]

_CONVERTED: Final = MappingProxyType(
    {
        "facenet": "faceprint.embed.facenet",
        "bisenet": "faceprint.parse.bisenet",
        "minifasnet": "faceprint.liveness.minifasnet",
    }
)
"""By implementation, the module that converts."""

_CHECKED: Final = frozenset({"facenet", "bisenet"})
"""Those whose publishers give no digest: somebody accepts them, and they are looked into before."""


class _Checks(Protocol):
    def check(self, card: ModelCard, path: Path) -> None: ...


class _Converts(Protocol):
    def convert(self, card: ModelCard, store: WeightStore) -> object: ...
    def is_converted(self, card: ModelCard, store: WeightStore) -> bool: ...


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
    return is_converted_once(card) and _module(card).is_converted(card, store)


def check(card: ModelCard, path: Path) -> None:
    """Looks into a file that nobody has accepted yet, and runs nothing that it may ask for.

    Raises:
        WeightsCorruptError: These are no weights of the model.
    """
    if card.implementation in _CHECKED:
        cast(_Checks, import_module(_CONVERTED[card.implementation])).check(card, path)


def convert(card: ModelCard, store: WeightStore) -> None:
    """Converts the weights of a model, if it is one whose weights are converted.

    Raises:
        MissingExtraError: They are yet to be converted, and PyTorch is not installed.
        WeightsCorruptError: These are no weights of the model.
    """
    if is_converted_once(card):
        _module(card).convert(card, store)


def _module(card: ModelCard) -> _Converts:
    return cast(_Converts, import_module(_CONVERTED[card.implementation]))
