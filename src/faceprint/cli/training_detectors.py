"""What `train` does for detectors, which learn from whole photos."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from faceprint.cli.output import Stages, err, escape, out, print_json, progress_of_stages

if TYPE_CHECKING:
    from faceprint.pipeline import Faceprint
    from faceprint.train.cascade.run import FinishedCascade
    from faceprint.train.localizer.run import FinishedLocalizer
    from faceprint.train.recipes.cascade import CascadeRecipe
    from faceprint.train.recipes.localizer import LocalizerRecipe
    from faceprint.train.scenes import Scenes

__all__ = ["DetectorRun", "train_detector"]

_STOPPED = 130


@dataclass(frozen=True, slots=True)
class DetectorRun:
    """What is asked of a run beside its recipe.

    Attributes:
        data: Folders of photos with faces.
        backgrounds: Folders of photos without.
        people: A list of the people whose photos are taken; None for all.
        out: Folder of the run.
        resume: Go on with the run in it.
        devices: "auto", "cpu", or how many GPUs.
        threads: That work.
    """

    data: tuple[Path, ...]
    backgrounds: tuple[Path, ...]
    people: Path | None
    out: Path
    resume: bool
    devices: str
    threads: int


def train_detector(recipe: CascadeRecipe | LocalizerRecipe, run: DetectorRun, *, json: bool) -> int:
    """Trains a detector; gives the exit code.

    Raises:
        FaceprintError: See `find_scenes`, `train_cascade` and `train_localizer`.
    """
    from faceprint.cli.options import open_faceprint
    from faceprint.errors import MissingExtraError
    from faceprint.train.scenes.finding import find_scenes

    command = shlex.join(["faceprint", *sys.argv[1:]])
    if not json:
        err.print(f"{escape(recipe.name)}: {escape(recipe.summary)}")
    try:
        with (
            open_faceprint(create_gallery=False) as faceprint,
            progress_of_stages(show=not json) as step,
        ):
            scenes = find_scenes(
                faceprint,
                run.data,
                run.backgrounds,
                people=run.people,
                seed=recipe.seed,
                kept=faceprint.settings.cache / "scenes",
                progress=step,
            )
            try:
                finished = _launch(recipe, run, scenes, faceprint, command=command, step=step)
            except ImportError as error:
                raise MissingExtraError("Training", extra="train") from error
    except KeyboardInterrupt as stopped:
        err.print(
            "Stopped. What was finished is kept: the same command with --resume goes on from there."
        )
        raise SystemExit(_STOPPED) from stopped
    if json:
        _print_record(finished, recipe)
    else:
        _print_result(finished, recipe)
    return 0


def _print_record(
    finished: FinishedCascade | FinishedLocalizer, recipe: CascadeRecipe | LocalizerRecipe
) -> None:
    from faceprint.evaluate.report.json_ import plain

    record = {
        "run": str(finished.folder.path),
        "model": str(finished.folder.model),
        "figures": plain(finished.report.figures),
    }
    if (cascade := _cascade_of(finished, recipe)) is not None:
        record["ending"] = cascade.ending
    print_json(record)


def _print_result(
    finished: FinishedCascade | FinishedLocalizer, recipe: CascadeRecipe | LocalizerRecipe
) -> None:
    from faceprint.cli.figures import print_figures

    print_figures(finished.report, hint=False)
    out.print(f"Report: {escape(str(finished.folder.report / 'report.html'))}")
    out.print(f"Model: {escape(str(finished.folder.model))}")
    out.print(f"To use it: faceprint detect PHOTO --detector {escape(str(finished.folder.model))}")
    cascade = _cascade_of(finished, recipe)
    if recipe.task == "cascade" and cascade is not None and cascade.ending != "all stages":
        err.print(
            f"[yellow]Training ended early[/], after {len(cascade.cascade.stages)} of {recipe.stages} "
            f"stages: {cascade.ending}."
        )


def _cascade_of(
    finished: FinishedCascade | FinishedLocalizer, recipe: CascadeRecipe | LocalizerRecipe
) -> FinishedCascade | None:
    if recipe.task != "cascade":
        return None
    from faceprint.train.cascade.run import FinishedCascade

    return finished if isinstance(finished, FinishedCascade) else None


def _launch(
    recipe: CascadeRecipe | LocalizerRecipe,
    run: DetectorRun,
    scenes: Scenes,
    faceprint: Faceprint,
    *,
    command: str,
    step: Stages,
) -> FinishedCascade | FinishedLocalizer:
    if recipe.task == "cascade":
        from faceprint.train.cascade.run import CascadeRequest, train_cascade

        request = CascadeRequest(
            scenes, run.out, resume=run.resume, threads=run.threads, command=command
        )
        return train_cascade(recipe, request, progress=step)
    from faceprint.pipeline.models import weight_store
    from faceprint.train.localizer.run import LocalizerRequest, train_localizer

    wanted = LocalizerRequest(
        scenes,
        run.out,
        resume=run.resume,
        devices=run.devices,
        threads=run.threads,
        command=command,
    )
    return train_localizer(recipe, wanted, weight_store(faceprint.settings), progress=step)
