"""Likelihood ratios from scores."""

import numpy as np
import pytest

from faceprint.errors import CalibrationError
from faceprint.match import (
    Evidence,
    ScoreCounts,
    compare_all,
    fit_evidence,
    log_likelihood_ratio_cost,
    verification_probability,
)
from faceprint.match.evidence import BINS, score_bins

FOLDS = 5
EVIDENCE = Evidence("isotonic", (0.1, 0.3, 0.5), (-2.0, 0.0, 3.0), 0.1, 0.01, 5)


def count(genuine: np.ndarray, impostor: np.ndarray, people: int) -> ScoreCounts:
    """Scores of equally many people in each fold, dealt out in turn."""
    own = [np.bincount(score_bins(genuine[k::FOLDS]), minlength=BINS) for k in range(FOLDS)]
    pairs = FOLDS * FOLDS
    other = [np.bincount(score_bins(impostor[k::pairs]), minlength=BINS) for k in range(pairs)]
    return ScoreCounts(
        genuine=np.array(own, dtype=np.float64),
        impostor=np.array(other, dtype=np.float64).reshape(FOLDS, FOLDS, BINS),
        genuine_people=people,
        people_pairs=people * (people - 1) // 2,
    )


def normal(mean: float, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.1, size)


def test_two_normal_laws_give_their_straight_line() -> None:
    counts = count(normal(0.5, 20_000, 1), normal(0.1, 200_000, 2), people=2000)
    # Equal spreads: log ratio = (mean difference / variance) * (score - middle) = 40 (s - 0.3).
    scores = np.array([0.2, 0.25, 0.3, 0.35, 0.4])
    true = 40 * (scores - 0.3) / np.log(10)
    for method, tolerance in (("isotonic", 0.15), ("logistic", 0.06)):
        found = fit_evidence(counts, method=method)  # type: ignore[arg-type]
        assert found.method == method
        assert found.log10_ratio(scores) == pytest.approx(true, abs=tolerance)
        assert found.calibration_error < 0.01
        fresh = [found.log10_ratio(normal(mean, 20_000, 3)) for mean in (0.5, 0.1)]
        assert found.cost == pytest.approx(log_likelihood_ratio_cost(*fresh), abs=0.01)


def test_a_hand_worked_case() -> None:
    # Two scores. At 0.5 lie 45 of 50 genuine and 25 of 250 impostor scores; as many people and pairs of
    # people, so that the one person and the one pair more count as one score each.
    low, high = score_bins(np.array([0.0, 0.5]))
    counts = ScoreCounts(np.zeros((FOLDS, BINS)), np.zeros((FOLDS, FOLDS, BINS)), 50, 250)
    counts.genuine[:, [low, high]] = (1, 9)
    counts.impostor[:, :, low], counts.impostor[:, :, high] = 9, 1
    found = fit_evidence(counts, method="isotonic")
    # Genuine: 6 of 51 low, 45 of 51 high. Impostor: 225 of 251 low, 26 of 251 high.
    wanted = np.log10([(6 / 51) / (225 / 251), (45 / 51) / (26 / 251)])
    assert found.log10_ratio([0.0, 0.5]) == pytest.approx(wanted, abs=2e-3)
    assert found.log10_ratio([-np.inf, -1, 1]) == pytest.approx(wanted[[0, 0, 1]], abs=2e-3)


@pytest.mark.parametrize("method", ["isotonic", "logistic", "auto"])
def test_no_ratio_is_larger_than_the_people_support(method: str) -> None:
    apart = count(np.full(100, 0.9), np.full(2500, -0.5), people=20)
    found = fit_evidence(apart, method=method)  # type: ignore[arg-type]
    # 190 pairs of people, and 20 people: one more of each might be the exception.
    assert found.log10_ratio([1.0]) <= np.log10(191) + 1e-3
    assert found.log10_ratio([-1.0]) >= -np.log10(21) - 1e-3
    assert found.log10_ratio([1.0]) > 1.5
    assert found.log10_ratio([-1.0]) < -1


def test_auto_takes_what_does_better_on_people_left_out() -> None:
    rng = np.random.default_rng(0)
    bent = np.concatenate([rng.normal(0.1, 0.02, 190_000), rng.uniform(0.0, 0.6, 10_000)])
    counts = count(rng.uniform(0.2, 0.9, 20_000), bent, people=2000)
    both = [fit_evidence(counts, method=one) for one in ("isotonic", "logistic")]
    assert both[0].cost < both[1].cost
    assert fit_evidence(counts) == both[0]


def test_ratios_never_fall() -> None:
    for seed in range(5):
        found = fit_evidence(count(normal(0.3, 60, seed), normal(0.1, 700, seed + 9), people=40))
        assert (np.diff(found.log10_ratio(np.linspace(-1, 1, 500))) >= 0).all()
        assert len(found.scores) <= 41


def test_people_who_are_less_alike_than_strangers_are_refused() -> None:
    with pytest.raises(CalibrationError, match="one folder a person"):
        fit_evidence(count(normal(0.1, 500, 0), normal(0.5, 5000, 1), people=50))


def test_too_few_people_with_two_photos_are_refused() -> None:
    vectors = np.eye(40, dtype=np.float32)
    people = np.concatenate([[0, 0, 1, 1], np.arange(2, 38)])
    with pytest.raises(CalibrationError, match="two photos or more of at least 5 people"):
        fit_evidence(compare_all(vectors, people).counts)


def test_counts_hold_every_pair_once() -> None:
    vectors = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    people = np.arange(90) // 3
    counts = compare_all(vectors, people).counts
    assert counts.genuine.sum() == 90
    assert counts.impostor.sum() == 90 * 89 / 2 - 90
    assert (counts.genuine.sum(axis=1) == 18).all()
    assert counts.genuine_people == 30
    assert counts.people_pairs == 435
    centres = (np.arange(BINS) + 0.5) * 2 / BINS - 1
    scores = (vectors @ vectors.T)[np.triu_indices(90, 1)]
    everything = counts.genuine.sum(0) + counts.impostor.sum((0, 1))
    assert everything @ centres == pytest.approx(scores.sum(), abs=len(scores) / BINS)


def test_a_nan_score_has_no_ratio() -> None:
    with pytest.raises(CalibrationError, match="NaN"):
        EVIDENCE.log10_ratio([0.1, float("nan")])
    assert verification_probability(float(EVIDENCE.log10_ratio([0.3])[0])) == 0.5


@pytest.mark.parametrize(
    ("scores", "ratios", "reason"),
    [
        ((0.1, 0.3), (1.0, 0.5), "must rise"),
        ((0.3, 0.1), (0.5, 1.0), "must rise"),
        ((0.1, 0.1), (0.5, 1.0), "must rise"),
        ((0.1,), (0.5,), "two knots"),
        ((0.1, 0.2), (0.5,), "two knots"),
        ((0.1, float("nan")), (0.5, 1.0), "finite"),
        ((0.1, 0.2), (0.5, float("inf")), "finite"),
    ],
)
def test_unsound_knots_are_refused(
    scores: tuple[float, ...], ratios: tuple[float, ...], reason: str
) -> None:
    with pytest.raises(CalibrationError, match=reason):
        Evidence("isotonic", scores, ratios, 0.1, 0.01, 5)
