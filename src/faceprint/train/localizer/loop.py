"""The epochs of a run: steps, an average of the weights, what is measured, and what is kept."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel

from faceprint.errors import TrainingError
from faceprint.train.callbacks import WholeCheckpoints, read_checkpoint
from faceprint.train.folders import RunFolder
from faceprint.train.localizer.crops import Crops, CropSource
from faceprint.train.localizer.data import Batch, batches
from faceprint.train.localizer.figures import Found, summed_up
from faceprint.train.localizer.loss import localizer_losses
from faceprint.train.localizer.network import BuiltLocalizer
from faceprint.train.localizer.places import Progress
from faceprint.train.recipes.localizer import LocalizerRecipe
from faceprint.types import FloatArray

__all__ = ["Epochs", "TrainedLocalizer", "look"]

_CHUNK = 128
_FULL_RATE = 25.0
_LAST_RATE = 1000.0


@dataclass(frozen=True, slots=True, eq=False)
class TrainedLocalizer:
    """A finished run.

    Attributes:
        network: With the weights of the best epoch, in evaluation mode, on the CPU.
        epochs: How many were trained, those of runs that this one went on with included.
        best_epoch: From 0 on.
    """

    network: nn.Module
    epochs: int
    best_epoch: int


class Epochs:
    """Trains a network epoch by epoch.

    Args:
        recipe: What the run does.
        built: The network; changed.
        source: Of the crops to train on.
        validation: Crops that epochs are judged by.
        folder: Of the run, opened.
        device: Where to train.
        threads: That draw crops.
    """

    def __init__(
        self,
        recipe: LocalizerRecipe,
        built: BuiltLocalizer,
        source: CropSource,
        validation: Crops,
        folder: RunFolder,
        *,
        device: str = "cpu",
        threads: int = 1,
    ) -> None:
        self._recipe = recipe
        self._built = built
        self._source = source
        self._validation = validation
        self._folder = folder
        self._device = torch.device(device)
        self._threads = threads
        self._steps = max(1, recipe.crops.epoch // recipe.batch)
        config = recipe.optimiser
        self._network = built.network.to(self._device)
        self._averaged = AveragedModel(
            self._network, multi_avg_fn=_Average(config.average), use_buffers=True
        )
        self._optimiser = torch.optim.AdamW(_groups(self._network, config.decay), config.rate)
        self._schedule = OneCycleLR(
            self._optimiser,
            config.rate,
            total_steps=self._steps * recipe.epochs,
            pct_start=config.warmup,
            cycle_momentum=False,
            div_factor=_FULL_RATE,
            final_div_factor=_LAST_RATE,
        )
        self._epoch = 0
        self._best = -float("inf")

    def resume(self) -> None:
        """Takes up the run in the folder after its last whole epoch, if it has one.

        Raises:
            TrainingError: Its checkpoint is damaged, or of another network.
        """
        if not self._folder.last.exists():
            return
        found = read_checkpoint(self._folder.last)
        try:
            self._network.load_state_dict(found["state_dict"])
            self._averaged.load_state_dict(found["averaged"])
            self._optimiser.load_state_dict(found["optimiser"])
            self._schedule.load_state_dict(found["schedule"])
        except (RuntimeError, KeyError, ValueError) as error:
            raise TrainingError(
                f"{self._folder.last} is of another network: {error}. Give the recipe that it was made with."
            ) from error
        self._epoch, self._best = int(found["epoch"]) + 1, float(found["best"])

    def run(self, progress: Progress | None = None) -> TrainedLocalizer:
        """Trains the epochs that are left, and takes the best one.

        Raises:
            TrainingError: The loss became no number.
            OutputError: The folder cannot be written.
        """
        while self._epoch < self._recipe.epochs:
            started = time.monotonic()
            losses = self._train(progress)
            seconds = time.monotonic() - started
            found = look(self._averaged.module, self._built, self._validation)
            measured = self._validation_losses(found) | summed_up(self._validation, found)
            self._keep(seconds, losses, measured)
            self._epoch += 1
        best = read_checkpoint(self._folder.best)
        network = self._averaged.module.cpu()
        network.load_state_dict(best["state_dict"])
        network.eval()
        return TrainedLocalizer(network, self._epoch, int(best["epoch"]))

    def _train(self, progress: Progress | None) -> dict[str, float]:
        """One epoch; the means of its losses."""
        recipe = self._recipe
        # What chance decides within an epoch depends on its number alone, as after an interruption.
        torch.manual_seed(recipe.seed * 100_003 + self._epoch)
        self._network.train()
        drawn = batches(
            self._source,
            seed=(recipe.seed, 1, self._epoch),
            steps=self._steps,
            size=recipe.batch,
            threads=self._threads,
        )
        sums: dict[str, float] = {}
        for step, batch in enumerate(drawn):
            for name, value in self._step(batch).items():
                sums[name] = sums.get(name, 0.0) + float(value.detach())
            if progress is not None:
                done = self._epoch * self._steps + step + 1
                progress("Training", done, self._steps * recipe.epochs)
        return {f"train_{name}": value / self._steps for name, value in sums.items()}

    def _validation_losses(self, found: Found) -> dict[str, float]:
        """What training minimises, of the held-out crops."""
        crops = self._validation
        outputs = torch.from_numpy(np.concatenate([found.logits[:, None], found.boxes], axis=1))
        faces = torch.from_numpy(crops.faces.astype(np.float32))
        losses = localizer_losses(outputs, faces, torch.from_numpy(crops.boxes), self._recipe.loss)
        return {name: float(value) for name, value in losses.items()}

    def _step(self, batch: Batch) -> dict[str, Tensor]:
        pixels, faces, boxes = (one.to(self._device) for one in batch)
        with torch.autocast(
            self._device.type, dtype=torch.bfloat16, enabled=self._recipe.precision == "bf16"
        ):
            outputs = self._network(self._built.scaled(pixels))
        losses = localizer_losses(outputs, faces, boxes, self._recipe.loss)
        if not torch.isfinite(losses["loss"]):
            raise TrainingError(
                f"In epoch {self._epoch + 1} the loss became {losses['loss'].item()}, so training stopped; "
                "whole epochs before it are kept. Start anew in another folder with a lower rate (--set "
                "optimiser.rate=…)."
            )
        self._optimiser.zero_grad()
        losses["loss"].backward()  # type: ignore[no-untyped-call]
        if self._recipe.optimiser.clip:
            nn.utils.clip_grad_norm_(self._network.parameters(), self._recipe.optimiser.clip)
        self._optimiser.step()
        self._schedule.step()
        self._averaged.update_parameters(self._network)
        return losses

    def _keep(self, seconds: float, losses: dict[str, float], measured: dict[str, float]) -> None:
        """Writes the epoch's row, and the checkpoints."""
        shown = {f"validation_{name}": value for name, value in measured.items()}
        row = {
            "epoch": self._epoch,
            "step": (self._epoch + 1) * self._steps,
            "seconds": seconds,
            "learning_rate": self._optimiser.param_groups[0]["lr"],
        }
        self._folder.add_row(row | losses | shown)
        checkpoints = WholeCheckpoints()
        # The last one says which was the best, so that must be there before it.
        if measured["worth"] > self._best:
            self._best = measured["worth"]
            best = {"state_dict": self._averaged.module.state_dict(), "epoch": self._epoch}
            checkpoints.save_checkpoint(best, self._folder.best)
        state: dict[str, Any] = {
            "state_dict": self._network.state_dict(),
            "averaged": self._averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "schedule": self._schedule.state_dict(),
            "epoch": self._epoch,
            "best": self._best,
        }
        checkpoints.save_checkpoint(state, self._folder.last)


def look(network: nn.Module, built: BuiltLocalizer, crops: Crops) -> Found:
    """What a network says of crops, in evaluation mode.

    Args:
        network: On any device.
        built: Scales pixels.
        crops: Of the network's side.
    """
    device = next(network.parameters()).device
    training = network.training
    network.eval()
    rows: list[FloatArray] = []
    with torch.inference_mode():
        for start in range(0, len(crops), _CHUNK):
            pixels = torch.from_numpy(crops.pixels[start : start + _CHUNK]).to(device)
            rows.append(network(built.scaled(pixels)).float().cpu().numpy())
    network.train(training)
    outputs = np.concatenate(rows)
    return Found(outputs[:, 0], outputs[:, 1:])


class _Average:
    """A moving average that begins short, so that what a network was at first is soon forgotten."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, kept: Any, new: Any, count: Tensor | int) -> None:
        steps = int(count)
        share = min(self._share, (1 + steps) / (10 + steps))
        for old, one in zip(kept, new, strict=True):
            if old.is_floating_point():
                old.lerp_(one, 1 - share)
            else:
                old.copy_(one)


def _groups(network: nn.Module, decay: float) -> list[dict[str, Any]]:
    """What is trained; weights of layers decay, vectors (biases, normalisations) do not."""
    groups = [
        {"params": list(_parameters(network, vectors=False)), "weight_decay": decay},
        {"params": list(_parameters(network, vectors=True)), "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _parameters(network: nn.Module, *, vectors: bool) -> Iterator[nn.Parameter]:
    for one in network.parameters():
        if one.requires_grad and (one.ndim == 1) == vectors:
            yield one
