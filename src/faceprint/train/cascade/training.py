"""From a recipe and scenes to a trained cascade. Needs the extra `train`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal

import numpy as np

from faceprint.detect.viola_jones.cascade import Cascade, Stage
from faceprint.detect.viola_jones.haar import WINDOW_PX, FeatureTable, enumerate_features
from faceprint.detect.viola_jones.integral import Grey
from faceprint.detect.viola_jones.lookups import look_up
from faceprint.errors import InputError
from faceprint.train.cascade.checkpoints import CascadeState, Quarry, read_state, write_state
from faceprint.train.cascade.mining import Mine
from faceprint.train.cascade.samples import face_pool, stages_passed, validation_faces
from faceprint.train.cascade.stages import StageGoals, StageWindows, train_stage
from faceprint.train.folders import RunFolder
from faceprint.train.recipes.cascade import CascadeRecipe
from faceprint.train.scenes import Scenes

__all__ = ["CascadeTrainer", "Ending", "Progress", "trained_stages"]

log = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Told what is done, how much of it, and of how much."""

Ending = Literal["all stages", "no backgrounds left", "no feature left", "no faces left"]
"""Why training ended."""

_FEWEST_HELD_OUT: Final = 100
_FACES, _FEATURES, _TRAIN, _HELD_OUT = range(4)


class CascadeTrainer:
    """Trains one stage after the other.

    All that is drawn for a stage depends on the recipe's seed and the stage's number alone, so that a run
    that was broken off and taken up again makes the cascade that an unbroken one makes.

    Args:
        recipe: What to do.
        scenes: Photos; those of the parts "train" and "validation" are used.
        threads: That sort, search and look.

    Raises:
        InputError: The scenes have no faces to train on or to validate with.
    """

    def __init__(self, recipe: CascadeRecipe, scenes: Scenes, *, threads: int = 2) -> None:
        self._recipe = recipe
        self._threads = threads
        self.table = enumerate_features(WINDOW_PX)
        train, validation = scenes.part("train"), scenes.part("validation")
        self._faces = face_pool(train, recipe.faces, seed=recipe.seed)
        self._validation = validation_faces(validation, recipe.faces, seed=recipe.seed)
        if not len(self._faces) or not len(self._validation):
            raise InputError(
                f"There are {len(self._faces)} windows of faces to train on, and {len(self._validation)} to "
                "validate with; both are needed. Give photos of more people, or lower faces.smallest_px."
            )
        self._mines = {
            role: Mine(part, recipe.backgrounds, seed=recipe.seed + role, threads=threads)
            for role, part in ((_TRAIN, train), (_HELD_OUT, validation))
        }

    @property
    def faces(self) -> int:
        """How many windows of faces there are to draw from."""
        return len(self._faces)

    def next_stage(self, state: CascadeState) -> CascadeState | Ending:
        """Trains one more stage, or says why there is none.

        Args:
            state: Where training stands.
        """
        started, cpu_started = time.perf_counter(), time.process_time()
        recipe, number = self._recipe, len(state.cascade.stages)
        train, seen = self._filled(_TRAIN, state, recipe.backgrounds.count)
        if len(train.windows) < recipe.backgrounds.fewest:
            return "no backgrounds left"
        held_out, also_seen = self._filled(_HELD_OUT, state, recipe.backgrounds.held_out)
        faces, validation = self._passing_faces(state.cascade, number)
        if not len(faces) or not len(validation):
            return "no faces left"
        enough = len(held_out.windows) >= min(_FEWEST_HELD_OUT, recipe.backgrounds.held_out)
        measured = held_out.windows if enough else train.windows
        windows = StageWindows(faces, train.windows, validation, measured)
        goals = StageGoals(recipe.detection, recipe.false_positives, recipe.stumps)
        try:
            stage = train_stage(self._features(number), windows, goals, threads=self._threads)
        except ValueError as error:
            log.info("stage %d: %s", number + 1, error)
            return "no feature left"
        stage = replace(
            stage,
            windows_seen=seen + also_seen,
            seconds=round(time.perf_counter() - started, 2),
            cpu_seconds=round(time.process_time() - cpu_started, 2),
        )
        cascade = replace(state.cascade, stages=(*state.cascade.stages, stage))
        return CascadeState(cascade, train, held_out)

    def _filled(self, role: int, state: CascadeState, wanted: int) -> tuple[Quarry, int]:
        """The backgrounds in hand that still pass, and more up to the number that is wanted."""
        quarry = state.train if role == _TRAIN else state.held_out
        lookups = look_up(state.cascade)
        passing = stages_passed(lookups, quarry.windows) == len(state.cascade.stages)
        kept, near = quarry.windows[passing], quarry.beside[passing]
        beside = round(wanted * self._recipe.backgrounds.beside) - int(near.sum())
        mined = self._mines[role].mine(
            lookups, wanted - len(kept), beside=beside, start=quarry.next_view
        )
        filled = Quarry(
            np.concatenate([kept, mined.windows]),
            np.concatenate([near, mined.beside]),
            mined.next_view,
        )
        return filled, mined.seen

    def _passing_faces(self, cascade: Cascade, number: int) -> tuple[Grey, Grey]:
        """Faces that pass all stages so far: a draw to train on, and all to validate with."""
        lookups, all_stages = look_up(cascade), len(cascade.stages)
        passing = np.flatnonzero(stages_passed(lookups, self._faces) == all_stages)
        chosen = self._random(number, _FACES).permutation(passing)[: self._recipe.faces.count]
        valid = stages_passed(lookups, self._validation) == all_stages
        return self._faces[np.sort(chosen)], self._validation[valid]

    def _features(self, number: int) -> FeatureTable:
        count = self._recipe.features
        if not 0 < count < len(self.table):
            return self.table
        drawn = self._random(number, _FEATURES).permutation(len(self.table))[:count]
        return self.table.part(np.sort(drawn))

    def _random(self, number: int, role: int) -> np.random.Generator:
        return np.random.default_rng([self._recipe.seed, number, role])


def trained_stages(
    trainer: CascadeTrainer,
    recipe: CascadeRecipe,
    folder: RunFolder,
    *,
    trained_on: str,
    progress: Progress | None = None,
) -> tuple[CascadeState, Ending]:
    """Trains until all stages are there or there is nothing left to train on; keeps each in the folder.

    Args:
        trainer: What trains.
        recipe: What to do.
        folder: Of the run; what it keeps is gone on with.
        trained_on: In words, for the file.
        progress: Told after each stage.

    Raises:
        OutputError: The folder cannot be written.
    """
    blank = Cascade((), features=trainer.table.counts(), trained_on=trained_on)
    state = read_state(folder) or CascadeState(blank)
    while (done := len(state.cascade.stages)) < recipe.stages:
        if progress is not None:
            progress(_standing(state.cascade.stages), done, recipe.stages)
        after = trainer.next_stage(state)
        if not isinstance(after, CascadeState):
            return state, after
        state = after
        write_state(folder, state)
    return state, "all stages"


def _standing(stages: tuple[Stage, ...]) -> str:
    """Where training stands, for the progress bar."""
    if not stages:
        return "stage 1"
    passing = float(np.prod([stage.false_positive_rate for stage in stages]))
    found = float(np.prod([stage.detection_rate for stage in stages]))
    return f"stage {len(stages) + 1}: so far {found:.1%} of faces, {passing:.1e} of backgrounds"
