"""Adding models that faceprint does not come with: they are tried before anything depends on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceprint.attributes import load_attributes
from faceprint.embed import load_embedder, load_pair_head
from faceprint.errors import ModelError
from faceprint.match import read_calibration
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.runtime import RuntimeOptions
from faceprint.settings import Settings
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["add_model", "try_model"]

_CROPS = 5
"""More than one batch, and no multiple of one: a fixed batch size shows."""

_LEAST_AGREEMENT = 0.99


def add_model(
    settings: Settings, folder: Path, *, name: str | None = None, replacing: bool = False
) -> ModelCard:
    """Tries the model of a folder, and adds it to those of this machine.

    Args:
        settings: Where weights are kept, and networks run.
        folder: A model folder, or one of a training run.
        name: What to call it; as its card says unless given.
        replacing: Take the place of other weights of that name.

    Returns:
        The card of the copy.

    Raises:
        ModelError: The folder cannot be used, its network does not do what its card says, or the name is
            taken.
        WeightsCorruptError: A file has another digest than the card names.
    """
    # Terms are for those who use a model; adding it is not using it.
    store = weight_store(settings.model_copy(update={"commercial_only": "no"}))
    try_model(folder, store, runtime_options(settings))
    return store.add(folder, name=name, replacing=replacing)


def try_model(folder: Path, store: WeightStore, options: RuntimeOptions) -> ModelCard:
    """Loads the networks of a model folder and runs them on noise.

    Raises:
        ModelError: Something in the folder cannot be loaded, or does not do what the card says.
    """
    path = str(folder.resolve())
    card = store.card(path)
    side = card.input_size_px
    crops = np.random.default_rng(0).integers(0, 256, (_CROPS, side, side, 3), dtype=np.uint8)
    try:
        if card.kind == "attributes":
            load_attributes(path, store, options).predict(crops)
            return card
        embedder = load_embedder(path, store, options)
        vectors = embedder.embed(crops).vectors
        alone = np.concatenate([embedder.embed(crop[None]).vectors for crop in crops])
        head = load_pair_head(card, store, options)
        chances = None if head is None else head.probabilities(vectors[:1], vectors[1:2])
    except (RuntimeError, ValueError) as error:
        # What engines raise where the input is not the (N, 3, S, S) that the card promises.
        raise ModelError(
            f"The network in {folder} cannot be run on crops of {side} pixels: "
            f"{str(error).splitlines()[0]}. Export it again."
        ) from error
    if not (np.linalg.norm(vectors, axis=1) > 0.5).all() or not np.isfinite(vectors).all():
        raise ModelError(f"The network in {folder} gives embeddings that are zero or not finite.")
    if (vectors * alone).sum(axis=1).min() < _LEAST_AGREEMENT:
        raise ModelError(
            f"The network in {folder} gives a face another embedding alone than beside others. Export it "
            "in evaluation mode, with a free batch size."
        )
    if chances is not None and not (0 <= chances[0] <= 1):
        raise ModelError(
            f"The classifier of pairs in {folder} gives {chances[0]} as a probability."
        )
    if (beside := store.calibration_beside(card)) is not None:
        read_calibration(beside)
    return card
