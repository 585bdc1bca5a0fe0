"""Embedders that are one network on an aligned crop: SFace, MobileFaceNet, retail-0095, ArcFace."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceprint.errors import InputError, ModelError
from faceprint.runtime import RuntimeOptions, Session, open_session
from faceprint.types import Embeddings, FloatArray, Image
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["NetworkEmbedder", "build", "check_crops", "unit"]

_BATCH = 4
"""What one core keeps in its cache: larger batches of 112-pixel crops take up to half as long again."""


def build(
    card: ModelCard, store: WeightStore, options: RuntimeOptions, *, flip: bool = False
) -> NetworkEmbedder:
    """The embedder of a card."""
    path = _network(card, store)
    session = open_session(path, options, sensitive=card.precision == "f32", colour=card.colour)
    return NetworkEmbedder(card, session, flip=flip)


def _network(card: ModelCard, store: WeightStore) -> Path:
    if card.files[0].name.endswith(".xml"):
        return store.files(card)[0]
    return store.prepared(card)


def unit(vectors: FloatArray) -> FloatArray:
    """Rows scaled to L2 norm 1; (N, D) float32. A row of zeros stays zeros."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
    return scaled


def check_crops(crops: Image, *, side_px: int, name: str) -> None:
    """Refuses what are no crops for an embedder.

    Args:
        crops: (N, side_px, side_px, 3) uint8 RGB is right.
        side_px: Side of the crops that the embedder takes.
        name: Of the embedder.

    Raises:
        InputError: The crops have another shape or dtype.
    """
    if crops.ndim != 4 or crops.shape[1:] != (side_px, side_px, 3) or crops.dtype != np.uint8:
        raise InputError(
            f"{name} takes crops of shape (N, {side_px}, {side_px}, 3) and dtype uint8, got "
            f"{crops.shape} {crops.dtype}. Cut them with faceprint.align.crop."
        )


class NetworkEmbedder:
    """A network from crops to embeddings.

    Args:
        card: What it is.
        session: The prepared network.
        flip: Average the embedding of each crop with that of its mirror image.
    """

    def __init__(self, card: ModelCard, session: Session, *, flip: bool = False) -> None:
        self.name = card.name
        self.model_id = f"{card.model_id}+flip" if flip else card.model_id
        self.dimension = card.dimension
        self.crop_size_px = card.input_size_px
        self.alignment = card.alignment
        self._session = session
        self._flip = flip

    def embed(self, crops: Image) -> Embeddings:
        """Embeddings of (N, S, S, 3) uint8 RGB crops.

        Raises:
            InputError: The crops have another shape or dtype.
            ModelError: The network gives embeddings of another length than its card says.
        """
        check_crops(crops, side_px=self.crop_size_px, name=self.name)
        raw = self._run(crops)
        vectors, lengths = unit(raw), np.linalg.norm(raw, axis=1)
        if self._flip:
            raw = self._run(np.ascontiguousarray(crops[:, :, ::-1]))
            vectors = unit(vectors + unit(raw))
            lengths = (lengths + np.linalg.norm(raw, axis=1)) / 2
        return Embeddings(vectors, self.model_id, lengths)

    def _run(self, crops: Image) -> FloatArray:
        if not len(crops):
            return np.zeros((0, self.dimension), dtype=np.float32)
        count = -(-len(crops) // _BATCH)
        parts = [
            self._session.run(np.ascontiguousarray(part))[0]
            for part in np.array_split(crops, count)
        ]
        stacked = np.concatenate(parts).astype(np.float32, copy=False)
        if stacked.size != len(crops) * self.dimension:
            raise ModelError(
                f"{self.name} was expected to give {self.dimension} numbers for a face, as its card says, "
                f"and gave {stacked.shape} for {len(crops)} faces."
            )
        return stacked.reshape(len(crops), self.dimension)
