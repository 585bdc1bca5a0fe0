"""A training run: from a task and prepared data to the weights of its best epoch. Needs the extra `train`."""

from __future__ import annotations

import logging
import signal
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.loggers import TensorBoardLogger

from faceprint.errors import DeviceUnavailableError, InputError, TrainingError
from faceprint.train.augment import Augmenter
from faceprint.train.callbacks import EpochEnd, WholeCheckpoints, read_checkpoint
from faceprint.train.folders import RunFolder
from faceprint.train.loading import EpochLoader
from faceprint.train.recipes.config import Recipe
from faceprint.train.tasks.base import Crops, IntArray, Task

__all__ = ["Rows", "Trained", "check_devices", "train_task"]

_PRECISION: Mapping[str, Any] = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Which rows of the data are for what.

    Attributes:
        train: To train on.
        validation: To choose the epoch and the threshold by; may be empty.
        test: For the final figures alone; may be empty.
    """

    train: IntArray
    validation: IntArray
    test: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A finished run.

    Attributes:
        task: With the weights of the best epoch, in evaluation mode, on the CPU.
        epochs: How many were trained, those of runs that this one went on with included.
        best_epoch: From 0 on.
    """

    task: Task
    epochs: int
    best_epoch: int


class _Epochs(lightning.LightningDataModule):
    """The batches of each epoch, drawn from the seed of the run and the number of the epoch."""

    def __init__(self, task: Task, data: Crops, rows: IntArray, *, threads: int) -> None:
        super().__init__()
        recipe = task.recipe
        self._task, self._data, self._rows, self._threads = task, data, rows, threads
        self._augmenter = Augmenter(recipe.augment, side_px=recipe.side_px)

    def train_dataloader(self) -> Any:
        epoch = 0 if self.trainer is None else self.trainer.current_epoch
        seed = int(np.random.SeedSequence([self._task.recipe.seed, epoch]).generate_state(1)[0])
        batches = self._task.batches(self._data, self._rows, seed=seed)
        if self.trainer is not None and self.trainer.world_size > 1:
            # Each GPU takes its share of the steps; all of them must take as many.
            count = len(batches) // self.trainer.world_size
            batches = batches[self.trainer.global_rank :: self.trainer.world_size][:count]
        if not batches:
            raise InputError("There are too few photos to fill a single batch: lower batch.")
        if self.trainer is not None and self.trainer.global_rank:
            seed += self.trainer.global_rank
        return EpochLoader(self._data, batches, self._augmenter, seed=seed, threads=self._threads)


def train_task(
    task: Task,
    data: Crops,
    rows: Rows,
    folder: RunFolder,
    *,
    resume: bool = False,
    devices: str = "auto",
    threads: int = 2,
    progress: bool = True,
) -> Trained:
    """Trains, measures the validation part after each epoch, and takes the best epoch in the end.

    Args:
        task: What is trained; changed.
        data: The crops.
        rows: Which of them are for what.
        folder: Of the run, opened.
        resume: Go on after the last whole epoch, if there is one.
        devices: "auto", "cpu", or how many GPUs.
        threads: That load crops; 0 to load each when it is asked for.
        progress: Show a bar.

    Raises:
        InputError: The data cannot be trained on.
        TrainingError: The loss became no number, or the checkpoint is of another network.
        OutputError: The folder cannot be written.
        KeyboardInterrupt: The user stopped the run; what was finished is kept.
    """
    recipe = task.recipe
    task.check(data, rows.train)
    task.prepare(data, rows.train)
    keeper = EpochEnd(
        folder,
        data,
        rows.validation,
        patience=recipe.stopping.patience,
        metric=recipe.stopping.metric,
    )
    started = _check_last(task, folder) if resume and folder.last.exists() else 0
    with _quiet():
        if started < recipe.epochs and not _had_enough(folder, recipe, resume=resume):
            trainer = _trainer(recipe, folder, keeper, devices=devices, progress=progress)
            epochs = _Epochs(task, data, rows.train, threads=threads)
            last = str(folder.last) if resume and folder.last.exists() else None
            try:
                trainer.fit(task, datamodule=epochs, ckpt_path=last, weights_only=True)
            except SystemExit as ended:
                # So Lightning ends a run at Ctrl-C, with the signal switched off.
                signal.signal(signal.SIGINT, signal.default_int_handler)
                raise KeyboardInterrupt from ended
    return _best(task, folder)


def check_devices(devices: str) -> None:
    """Refuses more GPUs than there are.

    Raises:
        DeviceUnavailableError: There are fewer.
    """
    if devices in ("auto", "cpu"):
        return
    there = torch.cuda.device_count()
    if int(devices) > there:
        raise DeviceUnavailableError(
            f"PyTorch finds {there} GPUs here, and {devices} were asked for. Ask for fewer, or --devices cpu."
        )


def _trainer(
    recipe: Recipe, folder: RunFolder, keeper: EpochEnd, *, devices: str, progress: bool
) -> lightning.Trainer:
    count = 1 if devices in ("auto", "cpu") else int(devices)
    accelerator = "gpu" if devices not in ("auto", "cpu") else devices
    return lightning.Trainer(
        accelerator=accelerator,
        devices=count,
        precision=_PRECISION[recipe.precision],
        max_epochs=recipe.epochs,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.optimiser.clip or None,
        callbacks=[keeper, *([RichProgressBar(leave=False)] if progress else [])],
        plugins=[WholeCheckpoints()],
        logger=TensorBoardLogger(folder.path, name="tensorboard", version=""),
        enable_checkpointing=False,
        enable_progress_bar=progress,
        enable_model_summary=False,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        deterministic="warn" if torch.cuda.is_available() else True,
        default_root_dir=folder.path,
    )


def _check_last(task: Task, folder: RunFolder) -> int:
    """How many epochs the last checkpoint has behind it; it must be of this network."""
    found = read_checkpoint(folder.last)
    _check_fits(task, found["state_dict"], folder.last)
    return int(found["epoch"]) + 1


def _check_fits(task: Task, state: Mapping[str, torch.Tensor], path: Path) -> None:
    mine = {name: tuple(tensor.shape) for name, tensor in task.state_dict().items()}
    other = {name: tuple(tensor.shape) for name, tensor in state.items()}
    wrong = [name for name in mine.keys() | other.keys() if mine.get(name) != other.get(name)]
    if wrong:
        raise TrainingError(
            f"{path} is of another network: {min(wrong)} is {other.get(min(wrong), 'missing')} there, and "
            f"{mine.get(min(wrong), 'missing')} here. Give the recipe that it was made with."
        )


def _had_enough(folder: RunFolder, recipe: Recipe, *, resume: bool) -> bool:
    """Whether the run that is gone on with had stopped early already."""
    rows = folder.rows()
    patience = recipe.stopping.patience
    if not (resume and patience and rows and folder.best.exists()):
        return False
    best = int(read_checkpoint(folder.best)["epoch"])
    return int(rows[-1]["epoch"]) - best >= patience


def _best(task: Task, folder: RunFolder) -> Trained:
    """The task with the weights of the best epoch."""
    found = read_checkpoint(folder.best)
    _check_fits(task, found["state_dict"], folder.best)
    task.cpu().load_state_dict(found["state_dict"])
    last = read_checkpoint(folder.last)
    task.eval()
    return Trained(task, int(last["epoch"]) + 1, int(found["epoch"]))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps Lightning's advice from the user, who did not choose Lightning."""
    logs = [
        logging.getLogger(name) for name in ("lightning", "lightning.pytorch", "lightning.fabric")
    ]
    levels = [log.level for log in logs]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
        for log in logs:
            log.setLevel(logging.ERROR)
        try:
            yield
        finally:
            for log, level in zip(logs, levels, strict=True):
                log.setLevel(level)
