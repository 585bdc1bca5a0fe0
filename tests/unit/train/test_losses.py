"""Our losses are the library's, value and gradient, and stay finite where faces fall together."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses, miners
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.reducers import MeanReducer
from torch import Tensor

from faceprint.errors import InputError
from faceprint.train.losses import (
    Margin,
    MarginHead,
    Mining,
    contrastive_loss,
    distillation_loss,
    library_loss,
    mine_triplets,
    relational_loss,
    triplet_loss,
    unit,
)


def vectors(count: int, *, dimension: int = 16, seed: int = 0) -> Tensor:
    """Some embeddings of a few people, not of length 1."""
    rng = np.random.default_rng(seed)
    people = rng.normal(size=(5, dimension))
    mixed = people[np.arange(count) % 5] + rng.normal(size=(count, dimension))
    return torch.tensor(mixed * 3, dtype=torch.float32, requires_grad=True)


def same(own: Tensor, other: Tensor, *leaves: Tensor, tolerance: float = 1e-5) -> None:
    """Holds two losses equal, and what they tell the embeddings."""
    assert own.item() > 0
    assert own.item() == pytest.approx(other.item(), rel=tolerance)
    ours = torch.autograd.grad(own, leaves)
    theirs = torch.autograd.grad(other, leaves)
    for a, b in zip(ours, theirs, strict=True):
        assert a.abs().max() > 0
        torch.testing.assert_close(a, b, rtol=1e-3, atol=tolerance)


@pytest.mark.parametrize("margin", [0.5, 1.0, 1.6])
@pytest.mark.parametrize("power", [1, 2])
def test_contrastive_loss_is_the_librarys(margin: float, power: Literal[1, 2]) -> None:
    first, second = vectors(40, seed=1), vectors(40, seed=2)
    genuine = torch.from_numpy(np.random.default_rng(3).random(40) < 0.5)
    own = contrastive_loss(first, second, genuine, margin=margin, power=power)
    other = library_loss("contrastive")(first, second, genuine, margin=margin, power=power)
    same(own, other, first, second)


def test_contrastive_loss_of_power_1_is_the_librarys_as_it_comes() -> None:
    embeddings, people = vectors(12), torch.arange(12) % 5
    a, b = torch.triu_indices(12, 12, 1)
    own = contrastive_loss(
        embeddings[a], embeddings[b], people[a] == people[b], margin=1.0, power=1
    )
    same(own, losses.ContrastiveLoss()(embeddings, people), embeddings)


def test_contrastive_loss_worked_by_hand() -> None:
    first = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    second = torch.tensor([[0.0, 2.0], [0.6, 0.8]])
    genuine = torch.tensor([True, False])
    # Distances √2 and √0.8: 2 for the genuine pair, (1 − √0.8)² for the impostor.
    wanted = 2 + (1 - math.sqrt(0.8)) ** 2
    assert float(contrastive_loss(first, second, genuine, margin=1.0)) == pytest.approx(wanted)
    mean = contrastive_loss(first, second, genuine, margin=1.0, reduction="mean")
    assert float(mean) == pytest.approx(wanted / 2)


@pytest.mark.parametrize("margin", [0.05, 0.2, 1.0])
def test_triplet_loss_is_the_librarys(margin: float) -> None:
    anchor, positive, negative = (vectors(60, seed=seed) for seed in (1, 2, 3))
    own = triplet_loss(anchor, positive, negative, margin=margin)
    other = library_loss("triplet")(anchor, positive, negative, margin=margin)
    same(own, other, anchor, positive, negative)


def test_triplet_loss_can_average_over_all_triplets() -> None:
    embeddings, people = vectors(15), torch.arange(15) % 5
    a, p, n = mine_triplets(embeddings, people, kind="all", margin=4.0)
    theirs = losses.TripletMarginLoss(
        margin=0.2, distance=LpDistance(power=2), reducer=MeanReducer()
    )
    own = triplet_loss(embeddings[a], embeddings[p], embeddings[n], reduction="mean")
    same(own, theirs(embeddings, people), embeddings)
    assert len(a) == 15 * 2 * 12


def test_triplet_loss_worked_by_hand() -> None:
    anchor = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    positive = torch.tensor([[0.6, 0.8], [1.0, 0.0]])
    negative = torch.tensor([[0.8, 0.6], [-1.0, 0.0]])
    # Squared distances 0.8 and 0.4: 0.8 − 0.4 + 0.2; the second triplet is right.
    assert float(triplet_loss(anchor, positive, negative)) == pytest.approx(0.6)
    mean = triplet_loss(anchor, positive, negative, reduction="mean")
    assert float(mean) == pytest.approx(0.3)


@pytest.mark.parametrize("kind", ["all", "semihard", "hard"])
@pytest.mark.parametrize("margin", [0.1, 0.5])
def test_mined_triplets_are_those_of_the_librarys_miner(kind: Mining, margin: float) -> None:
    embeddings, people = vectors(24, seed=4), torch.arange(24) % 6
    miner = miners.TripletMarginMiner(
        margin=margin, type_of_triplets=kind, distance=LpDistance(power=2)
    )
    own, theirs = (
        mine_triplets(embeddings, people, kind=kind, margin=margin),
        miner(embeddings, people),
    )
    assert 0 < len(own[0]) < 24 * 3 * 20
    for a, b in zip(own, theirs, strict=True):
        assert torch.equal(a, b)


def test_photos_of_nobody_known_are_in_no_triplet() -> None:
    people = torch.tensor([0, 0, 1, -1, -1])
    mined = mine_triplets(vectors(5), people, kind="all", margin=4.0)
    assert set(zip(*(part.tolist() for part in mined), strict=True)) == {(0, 1, 2), (1, 0, 2)}


@pytest.mark.parametrize(
    ("kind", "margin", "share"),
    [("arcface", 0.5, 1.0), ("arcface", 1.2, 0.5), ("cosface", 0.35, 1.0), ("cosface", 0.35, 0.2)],
)
def test_margin_softmax_is_the_librarys(kind: Margin, margin: float, share: float) -> None:
    torch.manual_seed(0)
    embeddings, people = vectors(20), torch.arange(20) % 7
    head = MarginHead(16, 7, kind=kind, margin=margin, scale=16)
    own = head.loss(embeddings, people, share=share)
    other = library_loss("margin")(head, embeddings, people, share=share)
    same(own, other, embeddings, head.weight)


@pytest.mark.parametrize("kind", ["arcface", "cosface"])
def test_margin_softmax_is_the_librarys_as_it_comes(kind: Margin) -> None:
    torch.manual_seed(0)
    embeddings, people = vectors(20), torch.arange(20) % 7
    theirs = {"arcface": losses.ArcFaceLoss, "cosface": losses.CosFaceLoss}[kind](7, 16)
    head = MarginHead(
        16, 7, kind=kind, margin=math.radians(28.6) if kind == "arcface" else 0.35, scale=64
    )
    head.weight = torch.nn.Parameter(theirs.W.detach().T.clone())
    same(head.loss(embeddings, people), theirs(embeddings, people), embeddings)


def test_the_arc_margin_worked_by_hand() -> None:
    head = MarginHead(2, 2, margin=0.5, scale=10)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
    angle = torch.tensor([0.3, math.pi - 0.2])
    embeddings = torch.stack([angle.cos(), angle.sin()], 1)
    logits = head(embeddings, torch.tensor([0, 0])).detach()
    # π − 0.2 + 0.5 is beyond π, where the logit goes on falling instead.
    wanted = [math.cos(0.8), math.cos(math.pi - 0.2) - 0.5 * math.sin(0.5)]
    torch.testing.assert_close(logits[:, 0], 10 * torch.tensor(wanted), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(logits[:, 1], 10 * angle.sin(), atol=1e-4, rtol=1e-4)


def test_the_easy_margin_spares_what_is_far_away() -> None:
    head = MarginHead(2, 1, margin=0.5, scale=1, easy=True)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[1.0, 0.0]]))
    angle = torch.tensor([0.3, 2.0])
    logits = head(torch.stack([angle.cos(), angle.sin()], 1), torch.tensor([0, 0]))
    wanted = torch.tensor([[math.cos(0.8)], [math.cos(2.0)]])
    torch.testing.assert_close(logits.detach(), wanted, atol=1e-5, rtol=1e-5)


def test_distillation_worked_by_hand() -> None:
    student = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    teacher = torch.tensor([[1.0, 0.0], [0.6, 0.8]])
    cosine, relational = distillation_loss(student, teacher)
    assert float(cosine) == pytest.approx((0 + 0.2) / 2)
    assert float(relational) == pytest.approx(0.6**2)


def test_a_student_that_is_its_teacher_turned_round_sees_the_same_relations() -> None:
    teacher = vectors(8).detach()
    turn, _ = torch.linalg.qr(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)))
    cosine, relational = distillation_loss(teacher @ turn, teacher)
    assert float(cosine) > 0.1
    assert float(relational) == pytest.approx(0, abs=1e-10)
    assert float(relational_loss(torch.nn.functional.pad(teacher, (0, 5)), teacher)) < 1e-10


def test_a_student_of_another_dimension_is_refused() -> None:
    with pytest.raises(InputError, match="dimension"):
        distillation_loss(torch.ones(2, 3), torch.ones(2, 4))


DEGENERATE = {
    "equal": torch.tensor([[0.6, 0.8], [0.6, 0.8], [0.6, 0.8]]),
    "opposite": torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]]),
    "zero": torch.zeros(3, 2),
    "one zero": torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]),
    "almost zero": torch.full((3, 2), 1e-30),
    "huge": torch.tensor([[1e18, 0.0], [0.0, 1e18], [1e18, 1e18]]),
}


def _margin(kind: Margin) -> Callable[[Tensor], Tensor]:
    head = MarginHead(2, 2, kind=kind)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.6, 0.8], [1.0, 0.0]]))
    return lambda v: head.loss(v, torch.tensor([0, 1, 1]))


LOSSES: dict[str, Callable[[Tensor], Tensor]] = {
    "contrastive": lambda v: contrastive_loss(
        v, v.roll(1, 0), torch.tensor([True, False, False]), margin=1.0
    ),
    "contrastive of power 1": lambda v: contrastive_loss(
        v, v.roll(1, 0), torch.tensor([True, False, False]), margin=1.0, power=1
    ),
    "triplet": lambda v: triplet_loss(v, v.roll(1, 0), v.roll(2, 0)),
    "arcface": _margin("arcface"),
    "cosface": _margin("cosface"),
    "distillation": lambda v: sum(distillation_loss(v, v.detach().flip(0)), torch.zeros(())),
}


@pytest.mark.parametrize("case", DEGENERATE)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_gradients_stay_finite(name: str, case: str) -> None:
    embeddings = DEGENERATE[case].clone().requires_grad_()
    loss = LOSSES[name](embeddings)
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert torch.isfinite(loss)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() < 1e3


def test_nothing_to_learn_from_is_a_loss_of_zero() -> None:
    embeddings = vectors(4)
    mined = mine_triplets(embeddings, torch.zeros(4, dtype=torch.int64), kind="all", margin=4.0)
    loss = triplet_loss(*(embeddings[part] for part in mined))
    (gradient,) = torch.autograd.grad(loss, embeddings)
    assert loss.item() == 0
    assert not gradient.any()


def test_half_precision_is_left_before_sums() -> None:
    embeddings, people = vectors(6).detach(), torch.arange(6) % 3
    head = MarginHead(16, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = head(embeddings, people)
        cosine, relational = distillation_loss(embeddings.bfloat16(), embeddings)
    torch.testing.assert_close(logits, head(embeddings, people))
    assert cosine.dtype == relational.dtype == torch.float32


def test_rows_without_a_direction_become_zero() -> None:
    scaled = unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(scaled, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
