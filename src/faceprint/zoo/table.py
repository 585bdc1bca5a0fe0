"""The table of model cards. A new model is one entry in `listed` and one file in the room of its kind.

Digests are the publishers' own; a file without one is pinned by the user who accepts it. What a
licence says of commercial use is our reading of the publisher's terms, not legal advice;
"undocumented" means that the publisher does not say what the data was.
"""

from __future__ import annotations

from types import MappingProxyType

from faceprint.errors import UnknownModelError
from faceprint.zoo.cards import Kind, ModelCard, words_of
from faceprint.zoo.listed import (
    attributes,
    cascade,
    detectors,
    dlib,
    embedders,
    landmarkers,
    liveness,
    localizer,
    ours,
    parsing,
    pose,
)

__all__ = ["CARDS", "card"]

_ALL = (
    *detectors.CARDS,
    *cascade.CARDS,
    *localizer.CARDS,
    *landmarkers.CARDS,
    *dlib.CARDS,
    *embedders.CARDS,
    *ours.CARDS,
    *attributes.CARDS,
    *parsing.CARDS,
    *pose.CARDS,
    *liveness.CARDS,
)

CARDS = MappingProxyType({entry.name: entry for entry in _ALL})
"""All cards by name."""


def card(name: str, *, kind: Kind | None = None) -> ModelCard:
    """The card of that name.

    Raises:
        UnknownModelError: There is none, or it is of another kind; the message lists those there are.
    """
    found = CARDS.get(name)
    if found is not None and kind in (None, found.kind):
        return found
    known = ", ".join(c.name for c in _ALL if kind in (None, c.kind))
    raise UnknownModelError(
        f"There is no {words_of(kind)} called {name!r}. Choose one of: {known}."
    )
