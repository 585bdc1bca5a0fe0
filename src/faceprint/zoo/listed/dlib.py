"""More of dlib: its second detector and its landmarks."""

from __future__ import annotations

from faceprint.zoo.cards import ModelCard

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = ()
