"""Tasks that estimate age, gender and emotion: from crops, and from embeddings that stay as they are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from faceprint.attributes.networks import build_attribute_network
from faceprint.attributes.serving import AttributeServing, estimates, output_columns
from faceprint.errors import InputError
from faceprint.train.recipes.attributes import EMOTIONS
from faceprint.train.recipes.config import Recipe
from faceprint.train.sampling import photo_batches
from faceprint.train.tasks.attribute_losses import (
    age_distribution_loss,
    age_error_loss,
    emotion_loss,
    female_loss,
)
from faceprint.train.tasks.base import Batch, Crops, IntArray, Rgb, Task
from faceprint.types import FloatArray, Image

__all__ = ["MEAN", "STD", "AttributeTask", "HeadTask", "attribute_metrics", "attribute_task"]

MEAN: Rgb = (127.5, 127.5, 127.5)
STD: Rgb = (64.0, 64.0, 64.0)

_WITHIN_YEARS = 5
_UNMIXED = 0.5


def attribute_task(recipe: Recipe) -> AttributeTask:
    """The task of a recipe, with a network of random weights.

    Raises:
        InputError: The recipe asks for a network that cannot be.
    """
    config = recipe.attributes
    network = build_attribute_network(config, recipe.side_px, dimension=recipe.network.dimension)
    kind = HeadTask if config.network == "head" else AttributeTask
    return kind(recipe, network, mean=MEAN, std=STD)


class AttributeTask(Task):
    """A network whose columns are those of `recipe.attributes.outputs`."""

    def __init__(self, recipe: Recipe, network: nn.Module, *, mean: Rgb, std: Rgb) -> None:
        super().__init__(recipe, network, mean=mean, std=std)
        self.config = recipe.attributes
        self.metric = next(
            metric
            for target, metric in (
                ("age", "age_mae"),
                ("emotion", "emotion_accuracy"),
                ("female", "gender_accuracy"),
            )
            if target in self.config.targets
        )
        self._columns = output_columns(self.config.outputs)
        self.register_buffer("class_weights", torch.ones(len(EMOTIONS)), persistent=False)

    def serving(self) -> AttributeServing:
        """How its outputs are read, with nothing fitted yet."""
        emotions = EMOTIONS if "emotion" in self.config.targets else ()
        return AttributeServing(self.config.outputs, emotions, flip=self.config.flip)

    def check(self, data: Crops, rows: IntArray) -> None:
        """Refuses photos without the labels.

        Raises:
            InputError: A target has no label on any photo to train on, or an emotion has another number.
        """
        for target in self.config.targets:
            if target not in data.labels or np.isnan(data.labels[target][rows]).all():
                raise InputError(
                    f"No photo to train on says {target!r}; these labels are known: "
                    f"{', '.join(sorted(data.labels)) or 'none'}. Take other data, or set "
                    "attributes.targets to what they say."
                )

    def prepare(self, data: Crops, rows: IntArray) -> None:
        """Weighs the classes of emotion.

        Raises:
            InputError: An emotion has another number.
        """
        if "emotion" in self.config.targets:
            classes = data.labels["emotion"][rows]
            self.class_weights = _class_weights(classes, self.config.balanced)

    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """Photos with one of the labels at least, in any order."""
        known = [~np.isnan(data.labels[target][rows]) for target in self.config.targets]
        rows = rows[np.any(known, axis=0)]
        return [rows[part] for part in photo_batches(len(rows), size=self.recipe.batch, seed=seed)]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The weighted sum of the losses of the targets, and these; photos without a label are left out."""
        if not self.config.mix or torch.rand(()) < _UNMIXED:
            return self._losses(self(batch.pixels).float(), batch.labels)
        return self._mixed_losses(self.scaled(batch.pixels), batch.labels)

    def measure(self, data: Crops, rows: IntArray) -> dict[str, float]:
        """The losses, and for each target how good the estimates are; see `attribute_metrics`."""
        outputs = self.outputs(data, rows)
        labels: dict[str, FloatArray] = {
            target: data.labels[target][rows] for target in self.config.targets
        }
        with torch.inference_mode():
            losses = self._losses(
                torch.from_numpy(outputs).to(self.device),
                {name: torch.from_numpy(some).to(self.device) for name, some in labels.items()},
            )
        found = {name: float(value) for name, value in losses.items()}
        return found | attribute_metrics(outputs, self.config.outputs, labels)

    def outputs(self, data: Crops, rows: IntArray) -> FloatArray:
        """The network's outputs (len(rows), K) float32, averaged with those for mirror images if so asked."""
        found = super().outputs(data, rows)
        if self.config.flip:
            found = (found + super().outputs(_Mirrored(data), rows)) / np.float32(2)
        return found

    def _mixed_losses(self, faces: Tensor, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The losses of faces each mixed with another."""
        share = torch.distributions.Beta(self.config.mix, self.config.mix).sample().to(faces)
        order = torch.randperm(len(faces), device=faces.device)
        outputs = self.network(share * faces + (1 - share) * faces[order]).float()
        own = self._losses(outputs, labels)
        others = self._losses(outputs, {name: some[order] for name, some in labels.items()})
        return {name: share * own[name] + (1 - share) * others[name] for name in own}

    def _losses(self, outputs: Tensor, labels: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        total = outputs.sum() * 0.0
        for target, columns in self._columns.items():
            known = ~labels[target].isnan()
            if known.any():
                some = (outputs[known][:, columns], labels[target][known])
                found[f"{target}_loss"], weighted = self._loss(target, *some)
                total = total + weighted
        return {"loss": total, **found}

    def _loss(self, target: str, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of a target to be shown, and with its weight."""
        config = self.config
        if target == "female":
            loss = female_loss(outputs, labels, smoothing=config.female_smoothing)
            return loss, config.female_weight * loss
        if target == "emotion":
            loss = emotion_loss(
                outputs,
                labels,
                smoothing=config.emotion_smoothing,
                weights=self.get_buffer("class_weights"),
            )
            return loss, config.emotion_weight * loss
        if config.age_loss == "mse":
            loss = age_error_loss(outputs, labels)
            return loss, config.age_weight * loss
        loss, off = age_distribution_loss(
            outputs, labels, spread=config.age_spread_years, growth=config.age_spread_growth
        )
        return loss, config.age_weight * (loss + config.age_mean_weight * off)


class HeadTask(AttributeTask):
    """A head on embeddings of an embedder that stays as it is. `teach` it before training.

    The embedder sees each crop as it is: there is no augmentation.
    """

    def teach(self, vectors: FloatArray) -> None:
        """What the embedder says.

        Args:
            vectors: (N, D) float32 of length 1, one for each row of the dataset.

        Raises:
            InputError: The recipe was made for embeddings of another dimension.
        """
        if vectors.shape[1] != self.recipe.network.dimension:
            raise InputError(
                f"{self.config.embedder} gives {vectors.shape[1]} numbers for a face, and the recipe says "
                f"{self.recipe.network.dimension}. Set network.dimension={vectors.shape[1]}."
            )
        self.register_buffer("vectors", torch.from_numpy(vectors), persistent=False)

    def prepare(self, data: Crops, rows: IntArray) -> None:
        """As for every network, and the embedder must have seen all photos.

        Raises:
            InputError: It has not, or labels are missing.
        """
        super().prepare(data, rows)
        taught = dict(self.named_buffers()).get("vectors")
        if taught is None or len(taught) != len(data):
            raise InputError(
                "The embedder has not seen the photos to train on: call teach() first."
            )

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """As for every network, on the embeddings of the photos."""
        vectors = self.get_buffer("vectors")[batch.rows]
        return self._losses(self.network(vectors).float(), batch.labels)

    def outputs(self, data: Crops, rows: IntArray) -> FloatArray:
        """The head's outputs (len(rows), K) float32, in evaluation mode."""
        head, training = self.result, self.training
        self.eval()
        with torch.inference_mode(), torch.autocast(self.device.type, enabled=False):
            found = head(self.get_buffer("vectors")[torch.from_numpy(rows).to(self.device)])
        self.train(training)
        out: FloatArray = found.float().cpu().numpy()
        return out


class _Mirrored(Crops):
    """Crops as a mirror shows them."""

    def __init__(self, data: Crops) -> None:
        self._data = data

    @property
    def names(self) -> tuple[str, ...]:
        return self._data.names

    @property
    def identity(self) -> IntArray:
        return self._data.identity

    @property
    def labels(self) -> Mapping[str, FloatArray]:
        return self._data.labels

    def __len__(self) -> int:
        return len(self._data)

    def read(self, rows: IntArray) -> Image:
        return np.ascontiguousarray(self._data.read(rows)[:, :, ::-1])


def attribute_metrics(
    outputs: FloatArray, columns: str, labels: Mapping[str, FloatArray]
) -> dict[str, float]:
    """What is watched while a network learns.

    Args:
        outputs: (N, K) float32.
        columns: What they are, as in "age:101 female:1".
        labels: (N,) of each target, NaN where not known.

    Returns:
        age_mae and age_rmse (years), age_within_5, gender_accuracy, emotion_accuracy and emotion_f1 (the
        mean of the classes' F1), as far as there are targets and labels.
    """
    emotions = EMOTIONS if "emotion" in output_columns(columns) else ()
    said = estimates(outputs, AttributeServing(columns, emotions=emotions))
    found: dict[str, float] = {}
    if said.age_years is not None and (known := ~np.isnan(labels["age"])).any():
        off = np.abs(said.age_years - labels["age"])[known].astype(np.float64)
        found["age_mae"] = float(off.mean())
        found["age_rmse"] = float(np.sqrt((off**2).mean()))
        found["age_within_5"] = float((off <= _WITHIN_YEARS).mean())
    if said.female_probability is not None and (known := ~np.isnan(labels["female"])).any():
        told = said.female_probability[known] >= 0.5
        found["gender_accuracy"] = float((told == (labels["female"][known] == 1)).mean())
    if said.emotion is not None and (known := ~np.isnan(labels["emotion"])).any():
        told, truth = said.emotion[known].argmax(axis=1), labels["emotion"][known]
        found["emotion_accuracy"] = float((told == truth).mean())
        found["emotion_f1"] = _macro_f1(truth, told)
    return found


def _macro_f1(truth: FloatArray, told: IntArray) -> float:
    """The mean F1 of the classes that there are, among the labels or the answers."""
    scores = []
    for one in range(len(EMOTIONS)):
        both = int(((truth == one) & (told == one)).sum())
        either = int((truth == one).sum() + (told == one).sum())
        if either:
            scores.append(2 * both / either)
    return float(np.mean(scores))


def _class_weights(classes: FloatArray, balanced: float) -> Tensor:
    """What a photo of each class counts for: (mean count / count) to the power of `balanced`."""
    known = classes[~np.isnan(classes)]
    if not (np.isin(known, np.arange(len(EMOTIONS)))).all():
        raise InputError(
            f"Emotions are numbered 0 to {len(EMOTIONS) - 1} ({', '.join(EMOTIONS)}), got "
            f"{known.min():g} to {known.max():g}."
        )
    counts = np.bincount(known.astype(np.int64), minlength=len(EMOTIONS))
    # A class that no photo shows is not met in training, whatever it would count for.
    weights = (counts[counts > 0].mean() / np.maximum(counts, 1)) ** balanced
    return torch.from_numpy(weights.astype(np.float32))
