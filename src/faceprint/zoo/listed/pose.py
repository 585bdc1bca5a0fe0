"""Estimators of head pose."""

from __future__ import annotations

from faceprint.zoo.cards import ModelCard

__all__ = ["CARDS"]

CARDS: tuple[ModelCard, ...] = ()
