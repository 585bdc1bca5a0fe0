"""The card of what was trained: its terms are those of the data it was trained on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, cast

from faceprint.errors import InputError
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.recipes.config import Recipe
from faceprint.train.tasks.base import Task
from faceprint.zoo.cards import Alignment, Commercial, Licence, ModelCard, WeightFile

__all__ = ["model_name", "own_card", "shared_terms"]

_APACHE = Licence("Apache-2.0", "allowed")
_STRICTEST: tuple[Commercial, ...] = ("forbidden", "undocumented", "allowed")


def model_name(text: str) -> str:
    """A name for a model after the name of a folder.

    >>> model_name("My run (3)")
    'my-run-3'
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    if not name:
        raise InputError(f"{text!r} gives no name for a model. Name the folder with letters.")
    return name[:64]


def own_card(
    task: Task,
    onnx: bytes,
    *,
    name: str,
    kind: Literal["embedder", "attributes"],
    data: Sequence[PreparedDataset],
    people: int,
    photos: int,
    start: str,
    teachers: Sequence[ModelCard] = (),
    outputs: str = "",
    base: ModelCard | None = None,
) -> ModelCard:
    """The card of a trained network.

    Args:
        task: What was trained.
        onnx: The network as exported.
        name: Of the model.
        kind: What it does.
        data: What it was trained on.
        people: How many people were trained on; 0 where they are not known.
        photos: How many photos were.
        start: Of the weights, in words.
        teachers: Cards of the embedders that it learnt from, whose terms hold for it too.
        outputs: Of an attribute network, what its columns are.
        base: The embedder that a head was put behind, whose pixels the whole takes.
    """
    recipe = task.recipe
    terms = shared_terms([*(one.terms for one in data), *(card.data_licence for card in teachers)])
    whose = f"{photos:,} photos" + (f" of {people:,} people" if people else "")
    names = ", ".join(one.name for one in data)
    taught = f"; taught by {', '.join(card.name for card in teachers)}" if teachers else ""
    digest = f"sha256:{hashlib.sha256(onnx).hexdigest()}"
    card = ModelCard(
        name=name,
        kind=kind,
        implementation="network" if kind == "embedder" else "own",
        summary=_summary(recipe),
        files=(WeightFile(f"{name}.onnx", digest, len(onnx), ()),),
        code_licence=_APACHE,
        weights_licence=shared_terms([terms, *(card.weights_licence for card in teachers)]),
        data_licence=terms,
        training_data=f"{names}: {whose}{taught}; {start}; data {data[0].digest[:12]}",
        paper=recipe.paper,
        input_size_px=recipe.side_px,
        mean=task.mean,
        std=task.std,
        alignment=cast(Alignment, data[0].alignment),
        dimension=recipe.network.dimension if kind == "embedder" else 0,
        precision="any" if kind == "embedder" else "f32",
        outputs=outputs,
    )
    if base is None:
        return card
    return replace(
        card,
        input_size_px=base.input_size_px,
        colour=base.colour,
        mean=base.mean,
        std=base.std,
        alignment=base.alignment,
        precision=base.precision,
    )


def shared_terms(terms: Sequence[Licence]) -> Licence:
    """The strictest of several terms, with all their names."""
    strictest = min((one.commercial for one in terms), key=_STRICTEST.index)
    return Licence("; ".join(dict.fromkeys(one.name for one in terms)), strictest)


def _summary(recipe: Recipe) -> str:
    what = recipe.summary.rstrip(".") or recipe.name
    return f"Trained here with the recipe {recipe.name}: {what[0].lower()}{what[1:]}."
