"""What a student is to learn from its teacher: where each face lies, and which faces are alike.

Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, gave the idea. For embeddings,
with s and t the student's and the teacher's of length 1,

    cosine      mean over faces i of 1 − sᵢ·tᵢ
    relational  mean over pairs i ≠ j of (sᵢ·sⱼ − tᵢ·tⱼ)²

The second is that of Tung and Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019, in the spirit
of Park et al., "Relational Knowledge Distillation", CVPR 2019: it needs no common dimension.
"""

from __future__ import annotations

from torch import Tensor

from faceprint.errors import InputError
from faceprint.train.losses.vectors import full_precision, unit

__all__ = ["distillation_loss", "relational_loss"]


def distillation_loss(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """How far a student is from its teacher.

    Args:
        student: (N, D) embeddings, scaled to length 1 here.
        teacher: (N, D), of the same faces.

    Returns:
        The cosine and the relational part, () float32 each.

    Raises:
        InputError: They have different dimensions.
    """
    if student.shape != teacher.shape:
        raise InputError(
            f"A student of shape {tuple(student.shape)} cannot be laid over a teacher of shape "
            f"{tuple(teacher.shape)}. Give it the teacher's dimension, or use relational_loss alone."
        )
    cosine = 1 - (unit(student) * unit(teacher)).sum(1)
    return cosine.mean(), relational_loss(student, teacher)


def relational_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """How differently student and teacher see who is like whom.

    Args:
        student: (N, D) embeddings, scaled to length 1 here.
        teacher: (N, E), of the same faces.

    Returns:
        () float32; 0 for a single face.
    """
    with full_precision(student):
        s, t = unit(student), unit(teacher)
        gap = (s @ s.T - t @ t.T).square()
        count = max(1, len(s) * (len(s) - 1))
        return (gap.sum() - gap.diagonal().sum()) / count
