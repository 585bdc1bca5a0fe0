"""What ages, gender and emotions cost."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax
from scipy.stats import norm
from sklearn.metrics import log_loss

from faceprint.train.tasks.attribute_losses import (
    age_distribution_loss,
    age_error_loss,
    emotion_loss,
    female_loss,
)


def test_squared_error_is_in_units_of_20_years() -> None:
    outputs = torch.tensor([[0.0], [1.0]])
    assert float(age_error_loss(outputs, torch.tensor([35.0, 35.0]))) == pytest.approx(0.5)


def test_the_age_distribution_agrees_with_scipy() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(6, 101)).astype(np.float32)
    ages = np.array([0, 1, 26, 50, 99, 116], dtype=np.float32)
    found, off = age_distribution_loss(
        torch.from_numpy(logits), torch.from_numpy(ages), spread=1.0, growth=0.05
    )
    years, held = np.arange(101), np.minimum(ages, 100)
    goal = norm.pdf(years, held[:, None], (1 + 0.05 * held)[:, None])
    goal /= goal.sum(axis=1, keepdims=True)
    expected = -(goal * log_softmax(logits.astype(np.float64), axis=1)).sum(axis=1).mean()
    assert float(found) == pytest.approx(expected, rel=1e-5)
    away = np.abs(softmax(logits.astype(np.float64), axis=1) @ years - held)
    smooth = np.where(away < 1, 0.5 * away**2, away - 0.5).mean()
    assert float(off) == pytest.approx(smooth, rel=1e-4)


def test_the_age_distribution_costs_least_where_it_is_the_goal() -> None:
    ages = torch.tensor([30.0])
    spread = torch.tensor(2.5)
    goal = -((torch.arange(101.0) - 30) ** 2) / (2 * spread**2)
    best, off = age_distribution_loss(goal[None], ages, spread=1.0, growth=0.05)
    shifted, _ = age_distribution_loss(goal.roll(3)[None], ages, spread=1.0, growth=0.05)
    wider, _ = age_distribution_loss(goal[None] / 2, ages, spread=1.0, growth=0.05)
    assert float(best) < min(float(shifted), float(wider))
    assert float(off) == pytest.approx(0, abs=1e-3)


def test_gender_agrees_with_scikit_learn() -> None:
    logits = torch.tensor([[2.0], [-1.0], [0.3], [-3.0]])
    female = torch.tensor([1.0, 0.0, 0.0, 1.0])
    stated = torch.sigmoid(logits[:, 0]).numpy().astype(np.float64)
    found = female_loss(logits, female, smoothing=0.0)
    assert float(found) == pytest.approx(log_loss(female.numpy(), stated), rel=1e-5)
    both = [log_loss(labels, stated) for labels in (female.numpy(), 1 - female.numpy())]
    smoothed = female_loss(logits, female, smoothing=0.1)
    assert float(smoothed) == pytest.approx(0.95 * both[0] + 0.05 * both[1], rel=1e-5)


def test_emotions_agree_with_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20, 7)).astype(np.float32)
    classes = rng.integers(0, 7, 20)
    shares = softmax(logits.astype(np.float64), axis=1)
    arguments = (torch.from_numpy(logits), torch.from_numpy(classes.astype(np.float32)))
    plain = emotion_loss(*arguments, smoothing=0.0)
    assert float(plain) == pytest.approx(log_loss(classes, shares, labels=range(7)), rel=1e-5)
    weights = np.linspace(0.5, 2, 7)
    weighted = emotion_loss(*arguments, smoothing=0.0, weights=torch.from_numpy(weights).float())
    expected = log_loss(classes, shares, labels=range(7), sample_weight=weights[classes])
    assert float(weighted) == pytest.approx(expected, rel=1e-5)
    smoothed = emotion_loss(*arguments, smoothing=0.1)
    even = -np.log(shares).mean()
    assert float(smoothed) == pytest.approx(0.9 * float(plain) + 0.1 * even, rel=1e-5)
