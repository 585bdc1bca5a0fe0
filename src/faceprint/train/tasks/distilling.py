"""Distillation: a small network learns to see faces as a large embedder does.

Hinton et al., "Distilling the Knowledge in a Neural Network", 2015; Park et al., "Relational Knowledge
Distillation", CVPR 2019. The teacher sees each face as it is, the student turned, blurred, dark, far away or
half hidden, and has to say the same of it.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from faceprint.errors import InputError
from faceprint.train.losses import distillation_loss
from faceprint.train.sampling import photo_batches
from faceprint.train.tasks.base import Batch, Crops, IntArray
from faceprint.train.tasks.embedding import EmbeddingTask
from faceprint.types import FloatArray

__all__ = ["DistillationTask"]


class DistillationTask(EmbeddingTask):
    """A student that is shown what its teacher makes of the same photos. `teach` it before training."""

    metric = "cosine"

    def teach(self, vectors: FloatArray) -> None:
        """What the teacher says.

        Args:
            vectors: (N, D) float32 of length 1, one for each row of the dataset.

        Raises:
            InputError: The recipe asks for embeddings of another dimension.
        """
        if vectors.shape[1] != self.recipe.network.dimension:
            raise InputError(
                f"The teacher gives {vectors.shape[1]} numbers for a face, the student is to give "
                f"{self.recipe.network.dimension}. Set network.dimension={vectors.shape[1]}."
            )
        self.register_buffer("teacher", torch.from_numpy(vectors), persistent=False)

    def check(self, data: Crops, rows: IntArray) -> None:
        """Any photos will do."""

    def prepare(self, data: Crops, rows: IntArray) -> None:
        """The teacher must have seen all photos."""
        if len(self.get_buffer("teacher")) != len(data):
            raise InputError("The teacher has seen other photos than those to train on.")

    def batches(self, data: Crops, rows: IntArray, *, seed: int) -> list[IntArray]:
        """Photos in any order."""
        return [rows[part] for part in photo_batches(len(rows), size=self.recipe.batch, seed=seed)]

    def losses(self, batch: Batch) -> dict[str, Tensor]:
        """How far the student is from its teacher, and its view of who is like whom from the teacher's."""
        student = self.embed(batch)
        teacher = self.get_buffer("teacher")[batch.rows]
        cosine, relational = distillation_loss(student, teacher)
        weight = self.recipe.loss.relational
        return {
            "loss": cosine + weight * relational,
            "cosine": 1 - cosine,
            "relational": relational,
        }

    def measure(self, data: Crops, rows: IntArray) -> dict[str, float]:
        """Cosine to the teacher, and what every embedder is measured by where people are known."""
        teacher = self.get_buffer("teacher").cpu().numpy()[rows]
        student = F.normalize(torch.from_numpy(self.outputs(data, rows)), dim=1).numpy()
        found = {"cosine": float(np.einsum("nd,nd->n", student, teacher).mean())}
        known = rows[data.identity[rows] >= 0]
        sizes = np.bincount(data.identity[known], minlength=2)
        if (sizes > 1).any() and (sizes > 0).sum() > 1:
            found |= super().measure(data, known)
        return found
