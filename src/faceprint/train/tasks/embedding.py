"""Tasks that make embedders: contrastive, triplet, margin softmax, and the Siamese classifier.

Contrastive: Hadsell et al., CVPR 2006. Triplet: Schroff et al., CVPR 2015. ArcFace: Deng et al., CVPR 2019.
CosFace: Wang et al., CVPR 2018. Siamese classifier: Koch et al., ICML Deep Learning Workshop 2015.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from faceprint.errors import InputError
from faceprint.train.losses import (
    MarginHead,
    contrastive_loss,
    library_loss,
    mine_triplets,
    triplet_loss,
)
from faceprint.train.recipes.config import Recipe
from faceprint.train.sampling import (
    Pairs,
    identity_batches,
    photo_batches,
    random_pairs,
    random_triplets,
)
from faceprint.train.tasks.base import Batch, Crops, IntArray, Rgb, Task
from faceprint.train.tasks.pairs import part_pairs, score_pairs, scores_to_metrics
from faceprint.types import FloatArray

__all__ = [
    "ContrastiveTask",
    "EmbeddingTask",
    "MarginTask",
    "PairHead",
    "SiameseTask",
    "TripletTask",
]


class EmbeddingTask(Task):
    """A network whose outputs are embeddings, measured by the cosine similarity of pairs."""

    metric = "auc"

    def embed(self, batch: Batch) -> Tensor:
        """Embeddings (M, D) float32 of length 1 of a batch."""
        return F.normalize(self.answer(batch).float(), dim=1)

    def check(self, data: Crops, rows: IntArray) -> None:
        """Refuses photos of which none shows a person that another shows, or that show one person alone."""
        identity = data.identity[rows]
        sizes = np.bincount(identity[identity >= 0])
        if (sizes > 0).sum() < 2:
            raise InputError(
                f"The photos to train on show {int((sizes > 0).sum())} people: the {self.recipe.task} task "
                "needs photos of two people at least."
            )
        if (sizes > 1).sum() < 1:
            raise InputError(
                f"There is one photo of each person to train on: the {self.recipe.task} task needs people "
                "with two photos or more."
            )

    def pairs(self, data: Crops, rows: IntArray) -> Pairs:
        """The pairs that a part is measured on: the same ones whenever it is asked."""
        return part_pairs(data, rows, count=self.recipe.sampling.test_pairs, seed=self.recipe.seed)

    def scores(self, data: Crops, rows: IntArray, pairs: Pairs) -> FloatArray:
        """Cosine similarities (P,) of pairs of those rows."""
        return score_pairs(self.outputs(data, rows), pairs)

    def measure(self, data: Crops, rows: IntArray) -> dict[str, float]:
        """Accuracy, area under the ROC, EER and FNMR at an FMR of 1 % of pairs of a part."""
        pairs = self.pairs(data, rows)
        return scores_to_metrics(self.scores(data, rows, pairs), pairs.genuine)


class PairHead(nn.Module):
    """Whether two embeddings are of one person, as a logit: what differs and what agrees, weighed.

    Args:
        dimension: D, of the embeddings.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension
        self.hidden = nn.Linear(2 * dimension, 64)
        self.out = nn.Linear(64, 1)

    def forward(self, joined: Tensor) -> Tensor:
        """Logits (N, 1) of embeddings of length 1 side by side, (N, 2 D)."""
        first, second = joined[:, : self.dimension], joined[:, self.dimension :]
        features = torch.cat([(first - second).abs(), first * second], 1) * self.dimension**0.5
        out: Tensor = self.out(F.relu(self.hidden(features)))
        return out


class SiameseTask(EmbeddingTask):
    """Pairs and a binary classifier on both embeddings."""

    metric = "head_auc"

    def __init__(self, recipe: Recipe, network: nn.Module, *, mean: Rgb, std: Rgb) -> None:
        super().__init__(recipe, network, mean=mean, std=std)
        self.head = PairHead(recipe.network.dimension)

    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """Steps of so many pairs: first photos, then second ones."""
        return _pair_batches(data, rows, self.recipe, seed)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Binary cross-entropy."""
        first, second, genuine = _halves(self.embed(batch), batch)
        logits = (
            self.head(torch.cat([first, second], 1)) + self.head(torch.cat([second, first], 1))
        ) / 2
        loss = F.binary_cross_entropy_with_logits(logits[:, 0], genuine.float())
        return {"loss": loss, "accuracy": ((logits[:, 0] > 0) == genuine).float().mean()}

    def probabilities(self, data: Crops, rows: IntArray, pairs: Pairs) -> FloatArray:
        """What the classifier says of pairs, (P,) float32."""
        vectors = F.normalize(torch.from_numpy(self.outputs(data, rows)), dim=1).to(self.device)
        first, second = vectors[pairs.first], vectors[pairs.second]
        with torch.inference_mode():
            ways = [torch.cat([first, second], 1), torch.cat([second, first], 1)]
            logits = sum(self.head(way)[:, 0] for way in ways) / 2
        found: FloatArray = torch.sigmoid(torch.as_tensor(logits)).cpu().numpy()
        return found

    def measure(self, data: Crops, rows: IntArray) -> dict[str, float]:
        """As for every embedder, and the classifier's accuracy and area under the ROC."""
        found = super().measure(data, rows)
        pairs = self.pairs(data, rows)
        chance = self.probabilities(data, rows, pairs)
        own = scores_to_metrics(chance, pairs.genuine)
        right = float(((chance > 0.5) == pairs.genuine).mean())
        return found | {"head_auc": own["auc"], "head_accuracy": right}


class ContrastiveTask(EmbeddingTask):
    """Pairs: genuine ones drawn together, impostors pushed apart as far as the margin."""

    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """Steps of so many pairs: first photos, then second ones."""
        return _pair_batches(data, rows, self.recipe, seed)

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The contrastive loss."""
        first, second, genuine = _halves(self.embed(batch), batch)
        loss = contrastive_loss if not self.recipe.loss.library else library_loss("contrastive")
        return {"loss": loss(first, second, genuine, margin=self.recipe.loss.margin)}


class TripletTask(EmbeddingTask):
    """Triplets, drawn at random or mined from batches of several people with several photos."""

    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """Steps of people with several photos each, or of triplets: anchors, positives, negatives."""
        sampling, identity = self.recipe.sampling, data.identity[rows]
        if sampling.people:
            chosen = identity_batches(
                identity, people=sampling.people, photos=sampling.photos, seed=seed
            )
            return [rows[part] for part in chosen]
        triplets = random_triplets(identity, sampling.triplets, seed=seed)
        return [rows[part.T.ravel()] for part in _parts(triplets, self.recipe.batch)]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """The triplet loss, over those triplets that are still wrong."""
        config, vectors = self.recipe.loss, self.embed(batch)
        if self.recipe.sampling.people:
            anchor, positive, negative = mine_triplets(
                vectors, batch.identity, kind=config.mining, margin=config.margin
            )
            # A person with few photos may stand in a batch with one of them twice.
            other = batch.rows[anchor] != batch.rows[positive]
            anchor, positive, negative = anchor[other], positive[other], negative[other]
        else:
            third = len(vectors) // 3
            order = torch.arange(third, device=vectors.device)
            anchor, positive, negative = order, order + third, order + 2 * third
        loss = triplet_loss if not config.library else library_loss("triplet")
        parts = (vectors[anchor], vectors[positive], vectors[negative])
        found = loss(*parts, margin=config.margin) if len(anchor) else vectors.sum() * 0.0
        return {"loss": found, "triplets": torch.tensor(float(len(anchor)))}


class MarginTask(EmbeddingTask):
    """A classifier of the people trained on, made harder by a margin, whose features are embeddings."""

    head: MarginHead

    def prepare(self, data: Crops, rows: IntArray) -> None:
        """Numbers the people to train on."""
        people = np.unique(data.identity[rows])
        people = people[people >= 0]
        classes = np.full(int(people.max()) + 1, -1, dtype=np.int64)
        classes[people] = np.arange(len(people))
        self.register_buffer("classes", torch.from_numpy(classes), persistent=False)
        loss = self.recipe.loss
        self.head = MarginHead(
            self.recipe.network.dimension,
            len(people),
            kind=loss.kind,
            margin=loss.margin,
            scale=loss.scale,
        )

    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """Photos in any order, or several people with several photos each."""
        sampling = self.recipe.sampling
        known = rows[data.identity[rows] >= 0]
        if not sampling.people:
            return [
                known[part] for part in photo_batches(len(known), size=self.recipe.batch, seed=seed)
            ]
        chosen = identity_batches(
            data.identity[known], people=sampling.people, photos=sampling.photos, seed=seed
        )
        return [known[part] for part in chosen]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of the margin softmax."""
        classes = self.get_buffer("classes")[batch.identity]
        warm = self.recipe.loss.warmup_epochs
        share = min(1.0, (self.current_epoch + 1) / warm) if warm else 1.0
        vectors = self.answer(batch)
        if self.recipe.loss.library:
            return {"loss": library_loss("margin")(self.head, vectors, classes, share=share)}
        return {"loss": self.head.loss(vectors, classes, share=share)}


def _pair_batches(data: Crops, rows: IntArray, recipe: Recipe, seed: int) -> list[IntArray]:
    try:
        pairs = random_pairs(data.identity[rows], recipe.sampling.pairs, seed=seed)
    except InputError as error:
        raise InputError(f"{error} That is --set sampling.pairs=N.") from error
    order = np.random.default_rng(seed).permutation(len(pairs.first))
    return [
        rows[np.concatenate([pairs.first[part], pairs.second[part]])]
        for part in _parts(order, recipe.batch)
    ]


def _parts(items: IntArray, size: int) -> list[IntArray]:
    """Parts of that size; a rest of less than half of it is left out."""
    ends = range(0, len(items), size)
    parts = [items[start : start + size] for start in ends]
    return parts[:-1] if len(parts) > 1 and len(parts[-1]) * 2 < size else parts


def _halves(vectors: Tensor, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    half = len(vectors) // 2
    genuine = batch.identity[:half] == batch.identity[half:]
    return vectors[:half], vectors[half:], genuine
