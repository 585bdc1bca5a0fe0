"""All models that a machine knows: those that faceprint comes with, those added, and model folders."""

from __future__ import annotations

import os
from pathlib import Path

from faceprint.errors import ModelError, UnknownModelError
from faceprint.zoo.cards import Kind, ModelCard, words_of
from faceprint.zoo.own import own_folder, own_names, read_folder
from faceprint.zoo.table import CARDS

__all__ = ["Catalogue"]


class Catalogue:
    """Cards by name; each card of a folder is read once.

    Args:
        weights: Folder of pulled weights, and of added models.
    """

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._read: dict[str, ModelCard] = {}

    def card(self, name: str, *, kind: Kind | None = None) -> ModelCard:
        """The card of that name, or in that folder; see `WeightStore.card`."""
        found = CARDS.get(name)
        if found is None:
            found = self._own(name)
        elif os.path.isdir(own_folder(self._weights, name)):  # noqa: PTH112 (never fails)
            raise ModelError(
                f"{name!r} is a model that faceprint comes with by now, and one that was added. Add that one "
                f"under another name (faceprint models add {own_folder(self._weights, name)} --name OTHER), "
                f"then run: faceprint models remove {name}"
            )
        if found is None:
            raise UnknownModelError(
                f"There is no {words_of(kind)} called {name!r}. Choose one of: {self._names(kind)}."
            )
        if kind not in (None, found.kind):
            raise UnknownModelError(
                f"There is no {words_of(kind)} called {name!r}: its kind is {words_of(found.kind)}. Choose "
                f"one of: {self._names(kind)}."
            )
        return found

    def cards(self) -> tuple[ModelCard, ...]:
        """All cards but those of folders elsewhere; see `WeightStore.cards`."""
        return (*CARDS.values(), *(self._added(name) for name in own_names(self._weights)))

    def forget(self, name: str) -> None:
        """Reads the card of an added model anew when it is asked for next."""
        self._read.pop(name, None)

    def _own(self, name: str) -> ModelCard | None:
        if name not in self._read:
            if Path(name).name != name:
                self._read[name] = read_folder(Path(name))
            elif name in own_names(self._weights):
                self._read[name] = self._added(name)
        return self._read.get(name)

    def _added(self, name: str) -> ModelCard:
        folder = own_folder(self._weights, name)
        found = read_folder(folder)
        if found.name != name:
            raise ModelError(
                f"{folder} holds the card of {found.name!r}, so somebody moved it. Remove it and add it "
                f"again: faceprint models remove {name}"
            )
        return found

    def _names(self, kind: Kind | None) -> str:
        known = [name for name, card in CARDS.items() if kind in (None, card.kind)]
        return ", ".join(known + [n for n in own_names(self._weights) if self._may_be(n, kind)])

    def _may_be(self, name: str, kind: Kind | None) -> bool:
        """Whether an added model is of that kind, as far as its card can be read."""
        try:
            return kind in (None, self._added(name).kind)
        except ModelError:
            return True
