"""From a recipe, photos with the faces in them and a folder to a finished run. Needs the extra `train`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from faceprint.detect.viola_jones.cascade import Cascade, Stage, cascade_text
from faceprint.detect.viola_jones.detector import ViolaJones
from faceprint.detect.viola_jones.lookups import look_up
from faceprint.errors import OutputError, TrainingError
from faceprint.evaluate.report import Report, write_report
from faceprint.train.cards import model_name
from faceprint.train.cascade.checkpoints import CascadeState
from faceprint.train.cascade.samples import stages_passed
from faceprint.train.cascade.training import CascadeTrainer, Ending, Progress, trained_stages
from faceprint.train.cascade.tuning import Tuned, tune
from faceprint.train.folders import RunFolder
from faceprint.train.recipes.cascade import CascadeRecipe
from faceprint.train.results.cascade import cascade_report
from faceprint.train.scenes import Scenes
from faceprint.train.scenes.records import GreyArray
from faceprint.zoo.cards import Licence, ModelCard
from faceprint.zoo.own import CASCADE_FILE, completed, write_folder

__all__ = ["CascadeRequest", "FinishedCascade", "cascade_card", "train_cascade"]

_APACHE: Final = Licence("Apache-2.0", "allowed")
_HISTORY: Final = "history.json"


@dataclass(frozen=True, slots=True, eq=False)
class CascadeRequest:
    """What is asked of a run beside its recipe.

    Attributes:
        scenes: Photos with the faces in them.
        out: Folder of the run.
        resume: Go on with the run in the folder.
        threads: That sort, search and look.
        command: As typed, for the report.
    """

    scenes: Scenes
    out: Path
    resume: bool = False
    threads: int = 2
    command: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FinishedCascade:
    """What a run left.

    Attributes:
        folder: Of the run; `folder.model` is what `--detector` takes.
        report: Its figures.
        cascade: What was trained.
        ending: Why training ended.
        tuned: How sure a find must be.
    """

    folder: RunFolder
    report: Report
    cascade: Cascade
    ending: Ending
    tuned: Tuned


def train_cascade(
    recipe: CascadeRecipe, request: CascadeRequest, *, progress: Progress | None = None
) -> FinishedCascade:
    """Trains as a recipe says, and writes the report, the model and the history into the run's folder.

    After each stage the run is kept, so that Ctrl-C loses no more than the one that was being trained.
    Where no backgrounds are left that the cascade takes for faces, or nothing else is left to train on, it
    ends with the stages that are done.

    Args:
        recipe: What the run does.
        request: On what, and where.
        progress: Told what is done, how much of it, and of how much.

    Raises:
        InputError: The photos show no faces, or the folder is of another run.
        TrainingError: Not even the first stage could be trained.
        OutputError: The folder cannot be written.
    """
    scenes, folder = request.scenes, RunFolder(request.out)
    folder.open(recipe, {"photos": scenes.digest}, resume=request.resume)
    trainer = CascadeTrainer(recipe, scenes, threads=request.threads)
    state, ending = trained_stages(
        trainer, recipe, folder, trained_on=_trained_on(scenes), progress=progress
    )
    if not state.cascade.stages:
        raise TrainingError(
            f"Not one stage could be trained: {ending}. Give more photos, or lower the numbers of windows "
            "that the recipe asks for."
        )
    tuned = _tuned_before(folder, state.cascade) or tune(
        state.cascade, scenes.part("validation"), recipe.tuning, progress=progress
    )
    cascade = replace(state.cascade, min_score=tuned.min_score)
    folder.write(_HISTORY, _history(cascade, ending, tuned))
    card = _export(cascade, recipe, scenes, folder)
    report = cascade_report(
        cascade,
        ViolaJones(cascade, name=card.name),
        scenes,
        name=request.out.name,
        recipe=recipe.model_dump(mode="json"),
        facts=_facts(trainer, cascade, ending, tuned),
        command=request.command,
        left_over=_left_over(replace(state, cascade=cascade)),
    )
    write_report(report, folder.report)
    return FinishedCascade(folder, report, cascade, ending, tuned)


def cascade_card(
    cascade: Cascade, recipe: CascadeRecipe, *, name: str, terms: Licence
) -> ModelCard:
    """The card of a cascade; its terms are those of the photos that it was trained on."""
    what = recipe.summary.rstrip(".") or recipe.name
    return ModelCard(
        name=name,
        kind="detector",
        implementation="viola_jones",
        summary=f"Trained here with the recipe {recipe.name}: {what[0].lower()}{what[1:]}.",
        files=(),
        code_licence=_APACHE,
        weights_licence=terms,
        data_licence=terms,
        training_data=cascade.trained_on,
        paper=recipe.paper,
    )


def _export(
    cascade: Cascade, recipe: CascadeRecipe, scenes: Scenes, folder: RunFolder
) -> ModelCard:
    contents = {CASCADE_FILE: cascade_text(cascade).encode()}
    name = model_name(folder.path.resolve().name)
    card = completed(cascade_card(cascade, recipe, name=name, terms=scenes.terms), contents)
    try:
        write_folder(folder.model, card, contents, calibration=None)
    except OSError as error:
        raise OutputError(
            f"{folder.model} cannot be written: {error.strerror or error}. The stages are kept: make room, "
            "then go on with --resume."
        ) from error
    return card


def _trained_on(scenes: Scenes) -> str:
    return f"{scenes.sources}; faces found by {scenes.teacher or 'labels'}; photos {scenes.digest[:12]}"


def _history(cascade: Cascade, ending: Ending, tuned: Tuned) -> bytes:
    record = {
        "ending": ending,
        "tuning": asdict(tuned),
        "stages": [_stage_row(stage) for stage in cascade.stages],
    }
    return (json.dumps(record, indent=1) + "\n").encode()


def _tuned_before(folder: RunFolder, cascade: Cascade) -> Tuned | None:
    """What was chosen when the run was broken off after it; None where it must be chosen (again)."""
    try:
        record = json.loads((folder.path / _HISTORY).read_text("utf-8"))
        if record["stages"] != [_stage_row(stage) for stage in cascade.stages]:
            return None
        return Tuned(**record["tuning"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stage_row(stage: Stage) -> Mapping[str, Any]:
    row = asdict(stage)
    return {**row, "stumps": len(stage.stumps)}


def _facts(
    trainer: CascadeTrainer, cascade: Cascade, ending: Ending, tuned: Tuned
) -> dict[str, str]:
    seconds = sum(stage.seconds for stage in cascade.stages)
    cpu_seconds = sum(stage.cpu_seconds for stage in cascade.stages)
    seen = sum(stage.windows_seen for stage in cascade.stages)
    return {
        "stopped": ending,
        "features to choose from": ", ".join(
            f"{count:,} {kind}" for kind, count in trainer.table.counts().items()
        ),
        "windows of faces to draw from": f"{trainer.faces:,}",
        "windows scanned for backgrounds": f"{seen:,}",
        "training": f"{seconds / 60:.1f} min; {cpu_seconds / 60:.1f} min of one core",
        "least score of a find": f"{cascade.min_score:.4f}, for {tuned.false_positives:.3f} false finds "
        f"a photo on {tuned.photos:,} validation photos, where {tuned.found:.1%} of all faces are found",
    }


def _left_over(state: CascadeState) -> GreyArray | None:
    """Held-out backgrounds in hand that the whole cascade takes for faces."""
    windows = state.held_out.windows
    passed = stages_passed(look_up(state.cascade), windows) == len(state.cascade.stages)
    return windows[passed] if passed.any() else None
