"""What all tasks share: from crops to a network's outputs, in training and without."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol, cast

import lightning
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from faceprint.errors import TrainingError
from faceprint.train.augment.shapes import resize
from faceprint.train.recipes.config import Recipe
from faceprint.types import FloatArray, Image

__all__ = ["Batch", "Crops", "IntArray", "Rgb", "Task", "diverged"]

IntArray = npt.NDArray[np.int64]
Rgb = tuple[float, float, float]

_CHUNK = 128


class Crops(Protocol):
    """The part of a prepared dataset that tasks look at."""

    @property
    def names(self) -> tuple[str, ...]:
        """What each photo is called."""
        ...

    @property
    def identity(self) -> IntArray:
        """(N,) int64 whose face each photo shows; -1 where that is not known."""
        ...

    @property
    def labels(self) -> Mapping[str, FloatArray]:
        """Each (N,) float32, NaN where not known."""
        ...

    def __len__(self) -> int: ...

    def read(self, rows: IntArray) -> Image:
        """(len(rows), S, S, 3) uint8 RGB."""
        ...


class Batch(NamedTuple):
    """What one step of training is made of.

    Attributes:
        pixels: (M, S, S, 3) uint8 RGB, augmented.
        rows: (M,) int64, of the dataset.
        identity: (M,) int64, -1 where unknown.
        labels: Each (M,) float32, NaN where unknown.
    """

    pixels: Tensor
    rows: Tensor
    identity: Tensor
    labels: dict[str, Tensor]


class Task(lightning.LightningModule, ABC):
    """A network with its loss.

    Args:
        recipe: What the run does.
        network: From (N, 3, S, S) float32 to (N, K).
        mean: Subtracted from the channels R, G and B, 0 to 255.
        std: Divides them after that.
    """

    metric: str
    """Of `measure`: what decides which epoch was the best."""

    _mean: Tensor
    _std: Tensor

    def __init__(self, recipe: Recipe, network: nn.Module, *, mean: Rgb, std: Rgb) -> None:
        super().__init__()
        self.recipe = recipe
        # PyTorch's own annotations do not know of memory formats.
        self.network: nn.Module = cast(Any, network).to(memory_format=torch.channels_last)
        self.side_px = recipe.side_px
        self.mean, self.std = mean, std
        self.averaged: AveragedModel | None = None
        if recipe.optimiser.average:
            rule = _Average(recipe.optimiser.average)
            self.averaged = AveragedModel(self.network, multi_avg_fn=rule, use_buffers=True)
            self.averaged.requires_grad_(False)
        self.register_buffer("_mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("_std", torch.tensor(std)[:, None, None], persistent=False)

    @abstractmethod
    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """The rows of `data` of each step of one epoch.

        Args:
            data: The dataset.
            rows: Those that may be trained on.
            seed: Another for every epoch.
        """

    @abstractmethod
    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """What a step minimises, under "loss", and what it is made of."""

    @abstractmethod
    def measure(self, data: Crops, rows: IntArray) -> dict[str, float]:
        """What the network is worth on a part of the data, without augmentation."""

    def step_average(self) -> None:
        """Moves the average of the network's weights a step on."""
        if self.averaged is not None:
            self.averaged.update_parameters(self.network)

    @property
    def result(self) -> nn.Module:
        """The network as it is measured and exported: its average where one is kept."""
        return self.network if self.averaged is None else self.averaged.module

    def check(self, data: Crops, rows: IntArray) -> None:
        """Looks at what is to be trained on, before anything is written.

        Raises:
            InputError: This cannot be trained on.
        """

    def prepare(self, data: Crops, rows: IntArray) -> None:
        """Makes what depends on the photos; called once before training, and before a checkpoint loads.

        Raises:
            InputError: Something is lacking.
        """

    def teach(self, vectors: FloatArray) -> None:
        """Takes embeddings of other models, which stay as they are: the network sees them, and no crops.

        Args:
            vectors: (N, D) float32, one for each row of the dataset.
        """
        self.register_buffer("given", torch.from_numpy(vectors), persistent=False)

    def answer(self, batch: Batch) -> Tensor:
        """The network's outputs (M, K) for a batch."""
        given: Tensor | None = getattr(self, "given", None)
        out: Tensor = self(batch.pixels) if given is None else self.network(given[batch.rows])
        return out

    def forward(self, pixels: Tensor) -> Tensor:
        """Outputs (M, K) of the network for (M, S, S, 3) uint8 crops."""
        out: Tensor = self.network(self.scaled(pixels))
        return out

    def scaled(self, pixels: Tensor) -> Tensor:
        """(M, 3, S, S) float32 for (M, S, S, 3) uint8 crops, as the network takes them."""
        moved = (pixels.permute(0, 3, 1, 2).float() - self._mean) / self._std
        return moved.contiguous(memory_format=torch.channels_last)

    def outputs(self, data: Crops, rows: IntArray) -> FloatArray:
        """The network's outputs (len(rows), K) float32, in evaluation mode."""
        training = self.training
        self.eval()
        parts = []
        with torch.inference_mode(), torch.autocast(self.device.type, enabled=False):
            for start in range(0, len(rows), _CHUNK):
                seen = self._seen(data, rows[start : start + _CHUNK])
                parts.append(self.result(seen).float().cpu().numpy())
        self.train(training)
        return np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)

    def _seen(self, data: Crops, rows: IntArray) -> Tensor:
        """What the network is shown of some rows."""
        given: Tensor | None = getattr(self, "given", None)
        if given is not None:
            return given[torch.from_numpy(rows).to(self.device)]
        crops = resize(data.read(rows), self.side_px)
        return self.scaled(torch.from_numpy(crops).to(self.device))

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """One step, its losses logged under train_…"""
        found = self.losses(batch)
        if not torch.isfinite(found["loss"]):
            raise TrainingError(diverged("the loss", found["loss"].item(), self.current_epoch))
        for name, value in found.items():
            self.log(
                f"train_{name}",
                value.detach(),
                on_step=False,
                on_epoch=True,
                prog_bar=name == "loss",
                batch_size=len(batch.pixels),
            )
        return found["loss"]

    def configure_optimizers(self) -> Any:
        """Optimiser and schedule of the recipe; biases and normalisations do not decay."""
        config = self.recipe.optimiser
        groups = [
            {"params": list(_parameters(self, decays=True)), "weight_decay": config.decay},
            {"params": list(_parameters(self, decays=False)), "weight_decay": 0.0},
        ]
        groups = [group for group in groups if group["params"]]
        optimiser: torch.optim.Optimizer
        if config.name == "sgd":
            optimiser = torch.optim.SGD(groups, config.rate, momentum=0.9, nesterov=True)
        else:
            optimiser = torch.optim.AdamW(groups, config.rate)
        steps = max(1, int(self.trainer.estimated_stepping_batches))
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _Rate(config, steps))
        return {
            "optimizer": optimiser,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def diverged(what: str, value: float | None, epoch: int) -> str:
    """What is said where a run cannot go on.

    Args:
        what: Is no number any more.
        value: What it became, where that is one number.
        epoch: From 0 on.
    """
    became = "no number" if value is None else f"{value}"
    kept = (
        f"what was learnt up to epoch {epoch} is kept" if epoch else "there is nothing to keep yet"
    )
    return (
        f"In epoch {epoch + 1}, {what} became {became}, so training stopped; {kept}. Start anew in another "
        "folder with a lower learning rate (--set optimiser.rate=…) or precision 32"
        + (", from these weights if you like (--set network.weights=RUN)." if epoch else ".")
    )


class _Average:
    """A moving average that begins short, so that what a network was at first is soon forgotten."""

    def __init__(self, share: float) -> None:
        self._share = share

    def __call__(self, kept: Any, new: Any, count: Tensor | int) -> None:
        steps = int(count)
        share = min(self._share, (1 + steps) / (10 + steps))
        if kept[0].is_floating_point():
            torch._foreach_lerp_(kept, new, 1 - share)
        else:
            torch._foreach_copy_(kept, new)


class _Rate:
    """The learning rate of a step, as a share of the highest."""

    def __init__(self, config: Any, steps: int) -> None:
        self._schedule: str = config.schedule
        self._steps = steps
        self._warm = max(1, round(config.warmup * steps)) if config.warmup else 0

    def __call__(self, step: int) -> float:
        if step < self._warm:
            return (step + 1) / self._warm
        done = min(1.0, (step - self._warm) / max(1, self._steps - self._warm))
        if self._schedule in ("cosine", "onecycle"):
            low = 0.0 if self._schedule == "onecycle" else 0.01
            return float(low + (1 - low) * (1 + np.cos(np.pi * done)) / 2)
        if self._schedule == "step":
            return float(0.1 ** int(done * 3))
        return 1.0


def _parameters(module: nn.Module, *, decays: bool) -> Iterator[nn.Parameter]:
    """What is trained; weights of layers decay, vectors (biases, normalisations) do not."""
    for parameter in module.parameters():
        if parameter.requires_grad and (parameter.ndim > 1) == decays:
            yield parameter
