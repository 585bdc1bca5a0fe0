"""What ages, gender and emotions cost. All take float32 and rows whose label is known, at least one."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from faceprint.attributes.serving import AGE_MIDDLE_YEARS, AGE_UNIT_YEARS

__all__ = ["age_distribution_loss", "age_error_loss", "emotion_loss", "female_loss"]


def age_error_loss(outputs: Tensor, ages: Tensor) -> Tensor:
    """Mean squared error, in squares of 20 years.

    Args:
        outputs: (M, 1), ages in the unit that `AttributeServing` reads.
        ages: (M,) years.
    """
    return F.mse_loss(outputs[:, 0], (ages - AGE_MIDDLE_YEARS) / AGE_UNIT_YEARS)


def age_distribution_loss(
    logits: Tensor, ages: Tensor, *, spread: float, growth: float
) -> tuple[Tensor, Tensor]:
    """Cross-entropy to a normal distribution over the years about the label, and the error of the mean.

    Geng, Yin, Zhou, "Facial Age Estimation by Learning from Label Distributions", PAMI 2013; the mean as
    in Rothe et al., "DEX", ICCV Workshops 2015. People of an age look ever less alike, so that the
    distribution is wider for older ones.

    Args:
        logits: (M, Y), of the years from 0 on.
        ages: (M,) years; those over the last one count as that.
        spread: Standard deviation in years for newborns.
        growth: What it grows by with each year.

    Returns:
        The cross-entropy in nats, and the smooth absolute error of the mean in years.
    """
    years = torch.arange(logits.shape[1], device=logits.device, dtype=logits.dtype)
    ages = ages.clamp(0, logits.shape[1] - 1)
    scale = (spread + growth * ages)[:, None]
    goal = (-((years - ages[:, None]) ** 2) / (2 * scale**2)).softmax(1)
    stated = logits.log_softmax(1)
    return -(goal * stated).sum(1).mean(), F.smooth_l1_loss(stated.exp() @ years, ages)


def female_loss(outputs: Tensor, female: Tensor, *, smoothing: float) -> Tensor:
    """Binary cross-entropy.

    Args:
        outputs: (M, 1) logits.
        female: (M,) 0 or 1.
        smoothing: Share of a label that is taken from it and spread over both.
    """
    goal = female * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(outputs[:, 0], goal)


def emotion_loss(
    logits: Tensor, classes: Tensor, *, smoothing: float, weights: Tensor | None = None
) -> Tensor:
    """Cross-entropy.

    Args:
        logits: (M, E).
        classes: (M,) numbers of classes.
        smoothing: Share of a label that is taken from it and spread over all.
        weights: (E,) what a photo of each class counts for.
    """
    return F.cross_entropy(logits, classes.long(), weight=weights, label_smoothing=smoothing)
