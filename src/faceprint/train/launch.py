"""From a recipe, a prepared dataset and a folder to a finished run: trained, measured, exported, reported."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faceprint.embed import load_embedder
from faceprint.errors import InputError
from faceprint.evaluate.report import Report
from faceprint.pipeline import Faceprint
from faceprint.pipeline.models import runtime_options, weight_store
from faceprint.train.data.shards import PreparedDataset
from faceprint.train.data.splits import Split, make_split, read_split, write_split
from faceprint.train.finish import finish
from faceprint.train.folders import RunFolder
from faceprint.train.joined import JoinedCrops
from faceprint.train.recipes.config import Recipe
from faceprint.train.run import Rows, check_devices, train_task
from faceprint.train.tasks.base import Task
from faceprint.train.tasks.building import FROZEN, build_task
from faceprint.train.tasks.embedding import EmbeddingTask
from faceprint.train.teachers import embed_crops
from faceprint.types import FloatArray
from faceprint.zoo import WeightStore
from faceprint.zoo.files import file_digest

__all__ = ["FinishedRun", "RunRequest", "launch"]

Progress = Callable[[int, int], None]
"""Told how many photos the models to learn from have seen, and of how many."""


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What is asked of a run beside its recipe.

    Attributes:
        data: A prepared dataset.
        out: Folder of the run.
        split: File of a split of the data; without one, the data is split 60/20/20, by identity where
            that is known.
        more: Prepared datasets whose photos and labels are trained on too, without their people.
        resume: Go on with the run in the folder.
        devices: "auto", "cpu", or how many GPUs.
        threads: That load crops.
        bar: Show the progress of training.
        command: As typed, for the report.
    """

    data: Path
    out: Path
    split: Path | None = None
    more: tuple[Path, ...] = ()
    resume: bool = False
    devices: str = "auto"
    threads: int = 2
    bar: bool = True
    command: str = ""


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What a run left.

    Attributes:
        folder: Of the run.
        report: Its figures.
        start: Of the weights, in words.
        epochs: How many were trained.
        best_epoch: Which is kept, from 1 on.
    """

    folder: RunFolder
    report: Report
    start: str
    epochs: int
    best_epoch: int


def launch(
    recipe: Recipe, request: RunRequest, faceprint: Faceprint, *, progress: Progress | None = None
) -> FinishedRun:
    """Trains as a recipe says, and writes the report, the model and the curves into the run's folder.

    Args:
        recipe: What the run does.
        request: On what, and where.
        faceprint: Gives embedders to learn from, and where weights are.
        progress: Told of the photos that models to learn from have seen.

    Raises:
        InputError: The data cannot be trained on, or the folder is of another run.
        LeakingSplitError: The split has a person or a photo on two sides.
        ModelError: Weights to start from, or a teacher, cannot be had.
        TrainingError: The loss became no number, or the checkpoint is of another network.
        OutputError: The folder cannot be written.
    """
    data = PreparedDataset(request.data)
    others = tuple(PreparedDataset(place) for place in request.more)
    crops = JoinedCrops(data, others)
    folder = RunFolder(request.out)
    _check_side(recipe, data)
    facts = {"data": data.digest, "split": _split_digest(request.split)}
    facts |= {f"more {number}": other.digest for number, other in enumerate(others, 1)}
    built = build_task(recipe, weight_store(faceprint.settings))
    names = _embedders(recipe)
    # What cannot be is said before a folder is made.
    _check_embedders(recipe, names, weight_store(faceprint.settings))
    split = _split(data, request.split, folder, seed=recipe.seed)
    # An embedder is for people that it has never seen: none of those it is tested on may be trained on.
    split.check(data, people=recipe.task != "attributes" and bool(data.people))
    rows = _rows(crops, data, split)
    built.task.check(crops, rows.train)
    _check_parts(built.task, crops, rows)
    check_devices(request.devices)
    first = not int(os.environ.get("LOCAL_RANK", "0"))
    if first:
        folder.open(recipe, facts, resume=request.resume)
        write_split(split, folder.path / "split.json")
    if names:
        built.task.teach(_embedded(names, crops, data, faceprint, folder, progress))
    trained = train_task(
        built.task,
        crops,
        rows,
        folder,
        resume=request.resume,
        devices=request.devices,
        threads=request.threads,
        progress=request.bar,
    )
    if not first:
        # Lightning runs the whole command once for each further GPU; the first one finishes the run.
        raise SystemExit(0)
    report = finish(
        trained,
        data,
        rows,
        folder,
        faceprint=faceprint,
        start=built.start,
        command=request.command,
        others=others,
        ancestors=built.ancestors,
    )
    return FinishedRun(folder, report, built.start, trained.epochs, trained.best_epoch + 1)


def _check_side(recipe: Recipe, data: PreparedDataset) -> None:
    if data.side_px * 2 < recipe.side_px:
        raise InputError(
            f"{data.folder} holds crops of {data.side_px} px, and the recipe {recipe.name} looks at "
            f"{recipe.side_px} px. Prepare larger ones, or set side_px={data.side_px}."
        )


def _split_digest(split: Path | None) -> str:
    return "made for the run" if split is None else file_digest(split, "sha256")


def _split(data: PreparedDataset, given: Path | None, folder: RunFolder, *, seed: int) -> Split:
    """The split that was given, that of the run that is gone on with, or a new one."""
    kept = folder.path / "split.json"
    if given is not None:
        chosen = read_split(given)
    elif kept.exists():
        chosen = read_split(kept)
    else:
        chosen = make_split(data, by="identity" if data.people else "photo", seed=seed)
    return chosen


def _rows(crops: JoinedCrops, data: PreparedDataset, split: Split) -> Rows:
    """The rows of each part; further datasets are trained on but for copies of what is measured."""
    train, validation, test = (split.rows(data, part) for part in ("train", "validation", "test"))
    if len(crops) == len(data):
        return Rows(train, validation, test)
    copies = crops.copies_of(np.concatenate([validation, test]))
    more = np.flatnonzero(~copies[len(data) :]) + len(data)
    return Rows(np.concatenate([train, more]), validation, test)


def _embedders(recipe: Recipe) -> tuple[str, ...]:
    """The models whose embeddings of every crop a run needs."""
    if recipe.task == "attributes":
        config = recipe.attributes
        return (config.embedder,) if config.network == "head" else ()
    if recipe.task == "distillation":
        return recipe.loss.teachers
    return (recipe.network.embedder,) if recipe.network.name == FROZEN else ()


def _check_parts(task: Task, crops: JoinedCrops, rows: Rows) -> None:
    """Refuses parts that nothing could be measured on, before training rather than after it."""
    for name in ("validation", "test"):
        part = getattr(rows, name)
        if not len(part):
            raise InputError(
                f"The split has no {name} part, so nothing could be said of what was trained. Make one with "
                "shares such as .6,.2,.2."
            )
        if isinstance(task, EmbeddingTask):
            known = part[crops.identity[part] >= 0]
            sizes = np.bincount(crops.identity[known]) if len(known) else np.zeros(1)
            if (sizes > 1).sum() < 1 or (sizes > 0).sum() < 2:
                raise InputError(
                    f"The {name} part shows {int((sizes > 0).sum())} people, {int((sizes > 1).sum())} of "
                    "them twice: two people are needed, and one with two photos. Split again, with a "
                    "larger part."
                )


def _check_embedders(recipe: Recipe, names: tuple[str, ...], store: WeightStore) -> None:
    """Refuses embedders whose weights cannot be had, or that give another number of numbers."""
    cards = [store.card(name, kind="embedder") for name in names]
    for card in cards:
        store.files(card)
    given, asked = sum(card.dimension for card in cards), recipe.network.dimension
    if names and given != asked and recipe.network.name != FROZEN:
        raise InputError(
            f"{' and '.join(names)} give {given} numbers for a face, and the recipe {recipe.name} asks for "
            f"{asked}. Set network.dimension={given}."
        )


def _embedded(
    names: tuple[str, ...],
    crops: JoinedCrops,
    data: PreparedDataset,
    faceprint: Faceprint,
    folder: RunFolder,
    progress: Progress | None,
) -> FloatArray:
    """What embedders say of every crop, side by side; kept with the run, since it takes minutes."""
    kept = folder.path / "embeddings.npy"
    if kept.exists():
        found: FloatArray = np.load(kept, allow_pickle=False)
        if len(found) == len(crops):
            return found
    store, options = weight_store(faceprint.settings), runtime_options(faceprint.settings)
    embedders = [load_embedder(name, store, options) for name in names]

    rows = np.arange(len(crops), dtype=np.int64)
    vectors = embed_crops(embedders, crops, rows, alignment=data.alignment, progress=progress)
    buffer = io.BytesIO()
    np.save(buffer, vectors, allow_pickle=False)
    folder.write("embeddings.npy", buffer.getvalue())
    return vectors
