"""What parsers that are one network on an aligned crop share."""

from __future__ import annotations

import numpy as np

from faceprint.errors import InputError, ModelError
from faceprint.parse.classes import number_of
from faceprint.runtime import Session
from faceprint.types import Image, Labels
from faceprint.zoo import ModelCard

__all__ = ["NetworkParser", "channel_numbers", "check_crops"]

_BATCH_PIXELS = 512 * 512 * 2
"""Pixels of the crops that go through the network at once: each pixel takes a number for each class."""


class NetworkParser:
    """A network that gives each class a score for each pixel; the highest wins.

    Args:
        card: What it is; `outputs` names the classes of its channels.
        session: Takes (N, S, S, 3) uint8 RGB and gives (N, K, S, S) float32 scores.

    Raises:
        ModelError: The card names other classes than there are.
    """

    def __init__(self, card: ModelCard, session: Session) -> None:
        self.name = card.name
        self.model_id = card.model_id
        self.crop_size_px = card.input_size_px
        self.alignment: str = card.alignment
        self.classes = tuple(name.strip() for name in card.outputs.split(","))
        self._numbers = channel_numbers(card)
        self._session = session

    def parse(self, crops: Image) -> Labels:
        """Class numbers (N, S, S) of (N, S, S, 3) crops.

        Raises:
            InputError: The crops have another shape or dtype.
            ModelError: The network gives other scores.
        """
        check_crops(crops, self.crop_size_px, name=self.name)
        labels = np.empty(crops.shape[:3], dtype=np.uint8)
        step = max(1, _BATCH_PIXELS // self.crop_size_px**2)
        for at in range(0, len(crops), step):
            part = np.ascontiguousarray(crops[at : at + step])
            scores = self._session.run(part)[0]
            if scores.shape != (len(part), len(self.classes), *part.shape[1:3]):
                raise ModelError(
                    f"{self.name} was expected to give {len(self.classes)} scores for a pixel, and gave "
                    f"{scores.shape} for {part.shape}. Pull it, or export it, again."
                )
            labels[at : at + step] = self._numbers[scores.argmax(axis=1)]
        return labels


def channel_numbers(card: ModelCard) -> Labels:
    """The class number of each channel that a card lists: (K,) uint8.

    Raises:
        ModelError: It lists other classes than there are.
    """
    try:
        numbers = [number_of(name.strip()) for name in card.outputs.split(",")]
    except ValueError as error:
        raise ModelError(
            f"The card of {card.name} lists classes that are not known here: {card.outputs!r}."
        ) from error
    return np.array(numbers, dtype=np.uint8)


def check_crops(crops: Image, side: int, *, name: str) -> None:
    """Refuses crops of another shape or dtype.

    Raises:
        InputError: They are not (N, side, side, 3) uint8.
    """
    if crops.ndim != 4 or crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
        raise InputError(
            f"{name} takes crops of shape (N, {side}, {side}, 3) and dtype uint8, got {crops.shape} "
            f"{crops.dtype}. Cut them with faceprint.align.crop."
        )
