"""What is fitted after training: temperatures, and the interval of ages."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit, softmax
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression

from faceprint.attributes.serving import AttributeServing, estimates
from faceprint.errors import InputError
from faceprint.train.results.attribute_serving import (
    age_levels,
    age_margin,
    emotion_temperature,
    fit_serving,
    gender_temperature,
)
from faceprint.types import FloatArray

EMOTIONS = ("angry", "happy", "sad")


def test_the_temperature_of_gender_is_one_by_the_slope_of_a_logistic_regression() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(scale=6, size=4000)
    female = rng.random(4000) < expit(logits / 3)
    fitted = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-8)
    slope = fitted.fit(logits[:, None], female).coef_[0, 0]
    found = gender_temperature(logits, female)
    assert found == pytest.approx(1 / slope, rel=1e-3)
    assert found == pytest.approx(3, rel=0.1)


def test_the_temperature_of_emotion_makes_the_gradient_vanish() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(scale=2, size=(3000, 3))
    classes = np.array([rng.choice(3, p=row) for row in softmax(logits * 2, axis=1)])

    def gradient(slope: float) -> float:
        shares = softmax(slope * logits, axis=1)
        stated = (shares * logits).sum(axis=1)
        return float((stated - logits[np.arange(len(logits)), classes]).mean())

    expected = 1 / brentq(gradient, 0.1, 10)
    assert emotion_temperature(logits, classes) == pytest.approx(expected, rel=1e-3)


def test_answers_that_are_all_right_have_a_temperature_within_bounds() -> None:
    assert 0.05 <= gender_temperature([4.0, -4.0], [1, 0]) < 0.06
    assert 19 < gender_temperature([4.0, -4.0], [0, 1]) <= 20


def ages_and_logits(count: int, *, sure: float, seed: int) -> tuple[FloatArray, FloatArray]:
    """Ages about stated means, with distributions that are too narrow or too wide for them."""
    rng = np.random.default_rng(seed)
    mean, spread = rng.uniform(15, 70, count), rng.uniform(3, 9, count)
    ages = np.clip(np.round(rng.normal(mean, spread)), 0, 100)
    goal = np.asarray(norm.logpdf(np.arange(101), mean[:, None], (spread / sure)[:, None]))
    return ages.astype(np.float32), goal.astype(np.float32)


@pytest.mark.parametrize("sure", [0.5, 1.0, 2.5])
def test_the_interval_holds_the_share_that_it_was_made_for(sure: float) -> None:
    ages, logits = ages_and_logits(4000, sure=sure, seed=0)
    serving = fit_serving(AttributeServing("age:101"), logits, {"age": ages})
    others, unseen = ages_and_logits(4000, sure=sure, seed=1)
    interval = estimates(unseen, serving).age_interval
    assert interval is not None
    inside = (interval[:, 0] <= others + 0.5) & (others - 0.5 <= interval[:, 1])
    assert inside.mean() == pytest.approx(0.8, abs=0.025)
    assert serving.age_low_level == pytest.approx(1 - serving.age_high_level)
    if sure != 1.0:
        plain = estimates(unseen, AttributeServing("age:101")).age_interval
        assert plain is not None
        held = (plain[:, 0] <= others + 0.5) & (others - 0.5 <= plain[:, 1])
        assert abs(held.mean() - 0.8) > 0.05


def test_an_age_that_is_one_number_gets_an_interval_too() -> None:
    rng = np.random.default_rng(0)
    ages = rng.uniform(10, 80, 3000).astype(np.float32)
    outputs = ((ages + rng.normal(0, 8, 3000) - 35) / 20).astype(np.float32)[:, None]
    serving = fit_serving(AttributeServing("age:1"), outputs, {"age": ages})
    # 80 % of a normal distribution lie within 1.2816 standard deviations; half a year is given.
    assert serving.age_high_years == pytest.approx(1.2816 * 8 - 0.5, rel=0.05)
    assert serving.age_low_years == -serving.age_high_years


def test_levels_by_hand() -> None:
    # Two years of equal shares: years 0 and 1 lie on either side of the median, 3 is out of reach.
    logits = np.log(np.array([[0.5, 0.5, 1e-30, 1e-30]] * 4))
    assert age_levels(logits, [0, 0, 1, 1], coverage=0.5) == pytest.approx((0.5, 0.5))
    assert age_levels(logits, [0, 0, 3, 3], coverage=0.8) == pytest.approx((0.0, 1.0))
    assert age_margin([3.0, -1.5, 0.25, 2.0], coverage=0.6) == pytest.approx(1.5)
    assert age_margin([3.0, -1.5, 0.25, 2.0], coverage=0.99) == pytest.approx(2.5)


def test_what_has_no_labels_stays_as_it_is() -> None:
    outputs = np.random.default_rng(0).normal(size=(60, 105)).astype(np.float32)
    serving = AttributeServing("age:101 female:1 emotion:3", EMOTIONS)
    few = np.where(np.arange(60) < 19, 1.0, np.nan).astype(np.float32)
    assert fit_serving(serving, outputs, {"female": few}) == serving
    assert fit_serving(serving, outputs[:0], {}) == serving
    known = (np.arange(60) % 2).astype(np.float32)
    fitted = fit_serving(serving, outputs, {"female": known, "emotion": known})
    assert fitted.temperature_gender != 1
    assert fitted.temperature_emotion != 1
    assert fitted.age_low_level == serving.age_low_level
    with pytest.raises(InputError, match="60 photos, got 3"):
        fit_serving(serving, outputs, {"age": known[:3]})
