"""From a recipe to its task: the network with the weights that it starts from, and its loss."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from faceprint.embed.backbones import Backbone, backbone_info, build_backbone, freeze
from faceprint.embed.backbones.head import EmbeddingHead
from faceprint.embed.backbones.imagenet import IMAGENET, load_imagenet
from faceprint.embed.backbones.weights import Start, load_published, load_weights
from faceprint.errors import InputError, WeightsMissingError
from faceprint.train.callbacks import read_checkpoint
from faceprint.train.export.folder import read_model
from faceprint.train.folders import RunFolder
from faceprint.train.recipes.config import Recipe
from faceprint.train.tasks.attributes import attribute_task
from faceprint.train.tasks.base import Task
from faceprint.train.tasks.distilling import DistillationTask
from faceprint.train.tasks.embedding import (
    ContrastiveTask,
    EmbeddingTask,
    MarginTask,
    SiameseTask,
    TripletTask,
)
from faceprint.zoo import ModelCard, WeightStore

__all__ = ["FROZEN", "BuiltTask", "build_task"]

FROZEN = "frozen"
"""What recipes call a head on the embeddings of a model that stays as it is."""

_NEW = "new weights"

_TASKS: dict[str, type[EmbeddingTask]] = {
    "siamese": SiameseTask,
    "contrastive": ContrastiveTask,
    "triplet": TripletTask,
    "margin": MarginTask,
    "distillation": DistillationTask,
}


@dataclass(frozen=True, slots=True)
class BuiltTask:
    """A task, and where its weights start.

    Attributes:
        task: What is trained.
        start: Of the weights, in words.
        ancestors: Cards of what the weights were before, whose terms hold for what comes of them.
    """

    task: Task
    start: str
    ancestors: tuple[ModelCard, ...] = ()


def build_task(recipe: Recipe, store: WeightStore) -> BuiltTask:
    """The task of a recipe, with new weights, or with those that the recipe starts from.

    Args:
        recipe: What the run does.
        store: Where weights are to start from, and whether they may be downloaded.

    Raises:
        InputError: The recipe asks for what there is not.
        ModelError: The weights to start from cannot be had.
        TrainingError: They are of another network.
    """
    torch.manual_seed(recipe.seed)
    if recipe.task == "attributes":
        return BuiltTask(attribute_task(recipe), _NEW)
    config = recipe.network
    kind = _TASKS[recipe.task]
    if config.name == FROZEN:
        head: nn.Module = EmbeddingHead(
            store.card(config.embedder, kind="embedder").dimension,
            config.dimension,
            hidden=config.hidden,
        )
        task = kind(recipe, head, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
        return BuiltTask(task, f"{config.embedder} as it is, and a head that starts as nothing")
    info = backbone_info(config.name)
    network = build_backbone(
        config.name,
        dimension=config.dimension,
        side_px=recipe.side_px,
        dropout=config.dropout,
    )
    start, ancestors = _start(network, recipe, store)
    if freeze(network, config.name, config.freeze) and start.startswith(_NEW):
        raise InputError(
            f"network.freeze is {config.freeze!r}, but the weights are new: frozen, they would never "
            "learn. Give network.weights, or freeze nothing."
        )
    return BuiltTask(kind(recipe, network, mean=info.mean, std=info.std), start, ancestors)


def _start(
    network: Backbone, recipe: Recipe, store: WeightStore
) -> tuple[str, tuple[ModelCard, ...]]:
    """Where the weights start, in words, and the cards that they come with."""
    name, weights = recipe.network.name, recipe.network.weights
    if weights == "none":
        return _NEW, ()
    if weights in ("imagenet", "imagenet-if-available"):
        try:
            return _said(load_imagenet(network, name, store)), (IMAGENET[name],)
        except WeightsMissingError as error:
            if weights == "imagenet":
                raise
            return f"{_NEW}: those of ImageNet could not be had ({error})", ()
    published = next((card for card in store.cards() if card.name == weights), None)
    if published is not None and published.implementation == "facenet":
        return _said(load_published(network, published, store)), (published,)
    folder = RunFolder(Path(weights))
    if not folder.best.exists():
        raise InputError(
            "network.weights is none, imagenet, imagenet-if-available, the name of a FaceNet model, or the "
            f"folder of a run with its checkpoints, got {weights!r}."
        )
    tensors = read_checkpoint(folder.best)["state_dict"]
    averaged = "averaged.module."
    prefix = averaged if any(name.startswith(averaged) for name in tensors) else "network."
    start = load_weights(network, tensors, source=str(folder.path), prefix=prefix)
    return _said(start), (read_model(folder.path).card,)


def _said(start: Start) -> str:
    return start.source + (", its embedding new" if start.new else "")
