"""Which parser and which test of liveness are meant by "auto"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from faceprint.errors import LicenceRefusedError
from faceprint.pipeline.converting import is_runnable
from faceprint.zoo import CARDS, ModelCard, WeightStore

__all__ = ["LIVENESS", "PARSERS", "best_here"]

PARSERS: Final = ("faceprint-parser", "grabcut")
"""Parsers that "auto" may stand for, the best first."""

LIVENESS: Final = ("minifasnet",)
"""The same for tests of liveness."""


def best_here(names: Sequence[str], store: WeightStore) -> str | None:
    """The first of some cards whose weights are here, run here and may be used; None where there is none."""
    return next((name for name in names if name in CARDS and _usable(CARDS[name], store)), None)


def _usable(card: ModelCard, store: WeightStore) -> bool:
    try:
        store.check_licence(card)
    except LicenceRefusedError:
        return False
    ready = all(status.state == "ready" for status in store.status(card))
    return ready and is_runnable(card, store)
