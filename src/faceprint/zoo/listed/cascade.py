"""The cascade of Viola and Jones that faceprint trained and comes with."""

from __future__ import annotations

from faceprint.zoo.cards import ModelCard

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = ()
