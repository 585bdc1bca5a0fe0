"""What a localiser minimises: is there a face, and where.

Boxes count only where there is a face. The squared errors are of the corner (x1, y1) and of the size (w, h),
as in YOLO (Redmon et al., CVPR 2016) and the courses that followed it; the overlap is the generalised one of
Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from faceprint.train.recipes.localizer import LocalizerLossConfig

__all__ = ["generalised_overlap", "localizer_losses"]


def localizer_losses(
    outputs: Tensor, faces: Tensor, boxes: Tensor, config: LocalizerLossConfig
) -> dict[str, Tensor]:
    """The loss of a step, and what it is made of.

    Args:
        outputs: (N, 5) of the network: logit, x1, y1, x2, y2.
        faces: (N,) float32, 1 where there is a face, else 0.
        boxes: (N, 4) float32, x1 y1 x2 y2 as shares of the side.
        config: Weights of the terms.

    Returns:
        Scalars: "loss", "face_loss" (binary cross-entropy), "box_loss" (squared errors) and "overlap_loss",
        the last two as means over the faces.
    """
    outputs = outputs.float()
    found = outputs[:, 1:]
    face = functional.binary_cross_entropy_with_logits(outputs[:, 0], faces)
    corner = (found[:, :2] - boxes[:, :2]).square().sum(1)
    size = ((found[:, 2:] - found[:, :2]) - (boxes[:, 2:] - boxes[:, :2])).square().sum(1)
    count = faces.sum().clamp(min=1)
    box = ((corner + size) * faces).sum() / count
    overlap = ((1 - generalised_overlap(found, boxes)) * faces).sum() / count
    loss = config.face * face + config.box * box + config.overlap * overlap
    return {"loss": loss, "face_loss": face, "box_loss": box, "overlap_loss": overlap}


def generalised_overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of pairs of boxes, less the share of their hull that neither covers.

    Args:
        a: (N, 4) x1 y1 x2 y2; a box turned inside out has no area.
        b: (N, 4).

    Returns:
        (N,), above -1 and up to 1.
    """
    tiny = torch.finfo(a.dtype).eps
    shared = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    both = shared.prod(1)
    union = sum(((one[:, 2:] - one[:, :2]).clamp(min=0).prod(1) for one in (a, b)), -both)
    first = torch.minimum(torch.minimum(a[:, :2], a[:, 2:]), b[:, :2])
    last = torch.maximum(torch.maximum(a[:, :2], a[:, 2:]), b[:, 2:])
    hull = (last - first).prod(1)
    return both / (union + tiny) - (hull - union) / (hull + tiny)
