"""What happens around the steps of a run: measuring, keeping, stopping."""

from __future__ import annotations

import io
import pickle
import time
import warnings
from pathlib import Path
from typing import Any, cast

import lightning
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from faceprint.errors import OutputError, TrainingError
from faceprint.files import is_full, write_whole
from faceprint.train.folders import RunFolder
from faceprint.train.tasks.base import Crops, IntArray, Task, diverged

__all__ = ["EpochEnd", "WholeCheckpoints"]


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all, and are read as tensors and plain values alone."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Writes one.

        Raises:
            OutputError: The disk is full, or writing is not allowed.
        """
        data = io.BytesIO()
        torch.save(checkpoint, data)
        try:
            write_whole(Path(path), data.getvalue())
        except OSError as error:
            why = "the disk is full" if is_full(error) else error.strerror or str(error)
            raise OutputError(
                f"The checkpoint {path} cannot be written: {why}. The one before it is complete: make "
                "room, then go on with --resume."
            ) from error

    def load_checkpoint(
        self, path: Any, map_location: Any = "cpu", weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Reads one.

        Raises:
            TrainingError: The file is no checkpoint.
        """
        del weights_only
        return read_checkpoint(Path(path))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """A checkpoint, read as tensors and plain values alone.

    Raises:
        TrainingError: The file is missing, or is no checkpoint.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch suspects of a strange file is said below
            found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise TrainingError(f"{path} is no checkpoint of a training run: {error}.") from error
    except pickle.UnpicklingError as error:
        raise TrainingError(
            f"{path} is no checkpoint of a training run: it holds more than numbers."
        ) from error
    if not isinstance(found, dict) or not {"state_dict", "epoch"} <= found.keys():
        raise TrainingError(f"{path} is no checkpoint of a training run: it holds something else.")
    return found


def _is_error(name: str) -> bool:
    """Whether less of a metric is better."""
    return name.endswith("loss") or name.startswith(("fnmr", "eer", "age_mae", "age_rmse"))


class EpochEnd(lightning.Callback):
    """Measures the validation part after each epoch, writes the row, keeps the last and the best epoch.

    Args:
        folder: Of the run.
        data: The dataset.
        rows: Of its validation part.
        patience: Epochs without improvement after which the run ends; 0 for never.
        metric: Of validation; the task's own if "".
    """

    def __init__(
        self, folder: RunFolder, data: Crops, rows: IntArray, *, patience: int, metric: str
    ) -> None:
        self._folder = folder
        self._data = data
        self._rows = rows
        self._patience = patience
        self._metric = metric
        self._started = time.monotonic()
        self.best = -float("inf")
        self.best_epoch = -1
        self._steps = 0

    def state_dict(self) -> dict[str, Any]:
        """What a run that is gone on with must know."""
        return {"best": self.best, "best_epoch": self.best_epoch}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up what `state_dict` gave."""
        self.best, self.best_epoch = state_dict["best"], state_dict["best_epoch"]

    def on_train_epoch_start(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """What chance decides within an epoch depends on its number alone, as after an interruption."""
        recipe = cast(Task, pl_module).recipe
        torch.manual_seed(recipe.seed * 100_003 + trainer.current_epoch)
        self._started = time.monotonic()
        self._steps = trainer.global_step

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Measures, writes, keeps, and stops where no better epoch has come for long."""
        task = cast(Task, pl_module)
        seconds = time.monotonic() - self._started
        if not all(torch.isfinite(one).all() for one in task.parameters()):
            raise TrainingError(diverged("a weight", None, trainer.current_epoch))
        measured = task.measure(self._data, self._rows) if len(self._rows) else {}
        shown = {f"validation_{name}": value for name, value in measured.items()}
        for name, value in shown.items():
            task.log(name, value, prog_bar=name == f"validation_{task.metric}", rank_zero_only=True)
        trained = {
            name: float(value)
            for name, value in trainer.callback_metrics.items()
            if name.startswith("train_")
        }
        better = trainer.strategy.broadcast(self._judge(task, measured, trainer.current_epoch))
        row = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "seconds": seconds,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
        }
        if trainer.is_global_zero:
            self._folder.add_row(row | trained | shown)
        # The last one says which was the best, so that must be there before it.
        if better:
            trainer.save_checkpoint(self._folder.best)
        trainer.save_checkpoint(self._folder.last)
        over = trainer.strategy.broadcast(self._is_over(trainer.current_epoch))
        trainer.should_stop = trainer.should_stop or over

    def on_train_batch_end(
        self,
        trainer: lightning.Trainer,
        pl_module: lightning.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Keeps the average of the weights, where the recipe asks for one."""
        if trainer.global_step > self._steps:
            self._steps = trainer.global_step
            cast(Task, pl_module).step_average()

    def _judge(self, task: Task, measured: dict[str, float], epoch: int) -> bool:
        """Whether this epoch is the best so far; without a validation part, the last one is."""
        name = self._metric or task.metric
        if measured and name not in measured:
            raise TrainingError(
                f"There is no metric {name!r} to stop by: this task measures {', '.join(measured)}."
            )
        value = measured.get(name, float(epoch))
        value = -value if measured and _is_error(name) else value
        if not value > self.best:
            return False
        self.best, self.best_epoch = value, epoch
        return True

    def _is_over(self, epoch: int) -> bool:
        return bool(self._patience) and epoch - self.best_epoch >= self._patience
