"""The localiser that faceprint trained, where it comes with one."""

from __future__ import annotations

from faceprint.zoo.cards import ModelCard

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = ()
