"""From a recipe, photos with the faces in them and a folder to a finished run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from faceprint.evaluate.report import Report, write_report
from faceprint.train.cards import model_name, shared_terms
from faceprint.train.export.folder import write_model
from faceprint.train.export.network import export_onnx
from faceprint.train.folders import RunFolder
from faceprint.train.localizer.crops import Crops, CropSource
from faceprint.train.localizer.loop import Epochs, TrainedLocalizer, look
from faceprint.train.localizer.network import BuiltLocalizer, build_localizer
from faceprint.train.localizer.places import Progress, gather_places
from faceprint.train.localizer.report import localizer_report
from faceprint.train.recipes.localizer import LocalizerRecipe
from faceprint.train.run import check_devices
from faceprint.train.scenes import Scenes
from faceprint.zoo.cards import Licence, ModelCard, WeightFile

if TYPE_CHECKING:
    from faceprint.train.data.records import Part
    from faceprint.zoo import WeightStore

__all__ = ["FinishedLocalizer", "LocalizerRequest", "held_out_crops", "train_localizer"]

_APACHE = Licence("Apache-2.0", "allowed")
_PARTS: dict[Part, int] = {"validation": 2, "test": 3}


@dataclass(frozen=True, slots=True, eq=False)
class LocalizerRequest:
    """What is asked of a run beside its recipe.

    Attributes:
        scenes: Photos with the faces in them; all three parts need some.
        out: Folder of the run.
        resume: Go on with the run in the folder.
        devices: "auto", "cpu", or 1 for a GPU.
        threads: That draw crops.
        command: As typed, for the report.
    """

    scenes: Scenes
    out: Path
    resume: bool = False
    devices: str = "auto"
    threads: int = 1
    command: str = ""


@dataclass(frozen=True, slots=True)
class FinishedLocalizer:
    """What a run left.

    Attributes:
        folder: Of the run; `folder.model` is what `--detector` takes.
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


def train_localizer(
    recipe: LocalizerRecipe,
    request: LocalizerRequest,
    store: WeightStore,
    *,
    progress: Progress | None = None,
) -> FinishedLocalizer:
    """Trains as a recipe says, and writes the report, the model and the curves into the run's folder.

    After each epoch the run is kept, so that Ctrl-C loses no more than the one that was running.

    Args:
        recipe: What the run does.
        request: On what, and where.
        store: Where ImageNet weights are, and whether they may be downloaded.
        progress: Told what is done, how much of it, and of how much.

    Raises:
        InputError: The folder is of another run, or holds something else.
        ModelError: The weights to start from cannot be had.
        TrainingError: A part of the photos shows no face, or the loss became no number.
        OutputError: The folder cannot be written.
    """
    check_devices(request.devices)
    built = build_localizer(recipe, store)
    scenes = request.scenes
    training = gather_places(
        scenes.part("train"),
        side_px=recipe.side_px,
        smallest=recipe.crops.smallest,
        what="photos to train on",
        progress=progress,
    )
    source = CropSource(training, recipe.crops, side_px=recipe.side_px, changes=recipe.changes)
    validation = held_out_crops(recipe, scenes, "validation", progress=progress)
    test = held_out_crops(recipe, scenes, "test", progress=progress)
    folder = RunFolder(request.out)
    folder.open(recipe, {"photos": scenes.digest}, resume=request.resume)
    epochs = Epochs(
        recipe,
        built,
        source,
        validation,
        folder,
        device=_device(request.devices),
        threads=request.threads,
    )
    if request.resume:
        epochs.resume()
    trained = epochs.run(progress)
    card = _export(trained, built, recipe, request, folder)
    report = localizer_report(
        card=card,
        recipe=recipe,
        metrics=folder.metrics,
        scenes=scenes,
        crops=test,
        found=look(trained.network, built, test),
        facts=_facts(trained, built, scenes),
        command=request.command,
        kept=trained.best_epoch,
    )
    write_report(report, folder.report)
    return FinishedLocalizer(folder, report, built.start, trained.epochs, trained.best_epoch + 1)


def held_out_crops(
    recipe: LocalizerRecipe, scenes: Scenes, part: Part, *, progress: Progress | None = None
) -> Crops:
    """The crops that a run is measured on: the same ones for the same recipe and photos.

    Args:
        recipe: How many, and how large faces are in them.
        scenes: All photos.
        part: "validation" or "test".
        progress: Told of the photos read.

    Raises:
        TrainingError: The part shows no face.
    """
    places = gather_places(
        scenes.part(part),
        side_px=recipe.side_px,
        smallest=recipe.crops.smallest,
        what=f"photos for {part}",
        progress=progress,
    )
    count = recipe.crops.validation if part == "validation" else recipe.crops.test
    source = CropSource(places, recipe.crops, side_px=recipe.side_px)
    return source.draw(count, np.random.default_rng((recipe.seed, _PARTS[part])))


def _device(devices: str) -> str:
    wanted = torch.cuda.is_available() if devices == "auto" else devices != "cpu"
    return "cuda" if wanted else "cpu"


def _export(
    trained: TrainedLocalizer,
    built: BuiltLocalizer,
    recipe: LocalizerRecipe,
    request: LocalizerRequest,
    folder: RunFolder,
) -> ModelCard:
    """Writes the model; its card."""
    name = model_name(request.out.resolve().name)
    onnx = export_onnx(trained.network, side_px=recipe.side_px, name=name, output="face_and_box")
    scenes = request.scenes
    terms = shared_terms([scenes.terms, *(card.data_licence for card in built.ancestors)])
    train = scenes.part("train")
    digest = f"sha256:{hashlib.sha256(onnx).hexdigest()}"
    summary = recipe.summary.rstrip(".") or recipe.name
    card = ModelCard(
        name=name,
        kind="detector",
        implementation="localizer",
        summary=f"Trained here with the recipe {recipe.name}: {summary[0].lower()}{summary[1:]}.",
        files=(WeightFile(f"{name}.onnx", digest, len(onnx)),),
        code_licence=_APACHE,
        weights_licence=shared_terms([terms, *(card.weights_licence for card in built.ancestors)]),
        data_licence=terms,
        training_data=(
            f"{len(train):,} photos with {train.faces:,} faces ({scenes.sources}); faces by "
            f"{scenes.teacher}; {built.start}; photos {scenes.digest[:12]}"
        ),
        paper=recipe.paper,
        input_size_px=recipe.side_px,
        mean=built.mean,
        std=built.std,
        precision="f32",
    )
    write_model(folder.model, card, onnx)
    return card


def _facts(trained: TrainedLocalizer, built: BuiltLocalizer, scenes: Scenes) -> dict[str, str]:
    parts = {name: scenes.part(name) for name in ("train", "validation", "test")}
    photos = {name: f"{len(one):,} photos, {one.faces:,} faces" for name, one in parts.items()}
    return {
        "start": built.start,
        "epochs": f"{trained.epochs}, the best one was number {trained.best_epoch + 1}",
        "to train on": photos["train"],
        "to choose by": photos["validation"],
        "to test on": photos["test"],
        "photos": scenes.sources,
        "faces by": scenes.teacher,
        "parameters": f"{sum(one.numel() for one in trained.network.parameters()):,}",
    }
