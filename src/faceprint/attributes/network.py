"""What attribute models that are one network on an aligned crop share."""

from __future__ import annotations

import numpy as np

from faceprint.errors import InputError, ModelError
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["CropNetwork", "open_network"]

_BATCH = 16


def open_network(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, classes: int
) -> CropNetwork:
    """The network of a card, which gives so many numbers for each crop."""
    session = open_session(store.prepared(card), options, sensitive=card.precision == "f32")
    return CropNetwork(card, session, classes=classes)


class CropNetwork:
    """A network from crops to a row of numbers, as probabilities of classes.

    Args:
        card: What it is.
        session: Takes (N, S, S, 3) uint8 RGB and gives (N, K) float32.
        classes: K.
    """

    def __init__(self, card: ModelCard, session: Session, *, classes: int) -> None:
        self.card = card
        self._session = session
        self._classes = classes

    def run(self, crops: Image) -> FloatArray:
        """Rows (N, K) float32 for (N, S, S, 3) uint8 RGB crops.

        Raises:
            InputError: The crops have another shape or dtype.
            ModelError: The network gives other rows.
        """
        side = self.card.input_size_px
        if crops.ndim != 4 or crops.shape[1:] != (side, side, 3) or crops.dtype != np.uint8:
            raise InputError(
                f"{self.card.name} takes crops of shape (N, {side}, {side}, 3) and dtype uint8, got "
                f"{crops.shape} {crops.dtype}. Cut them with faceprint.align.crop."
            )
        parts = [np.zeros((0, self._classes), dtype=np.float32)]
        parts += [self._rows(crops[at : at + _BATCH]) for at in range(0, len(crops), _BATCH)]
        return np.concatenate(parts)

    def _rows(self, crops: Image) -> FloatArray:
        rows = self._session.run(np.ascontiguousarray(crops))[0]
        if rows.shape != (len(crops), self._classes):
            raise ModelError(
                f"{self.card.name} was expected to give {self._classes} numbers for a face, and gave "
                f"{rows.shape} for {len(crops)}. Pull it, or export it, again."
            )
        return rows
