"""Figures of estimated ages and genders, against references and by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from faceprint.errors import InputError
from faceprint.evaluate.attributes import AgedPhoto, AgedSet, Guesses, attributes_report
from faceprint.evaluate.attributes import measure_attributes as measure
from faceprint.evaluate.attributes.figures import age_figures, gender_figures
from faceprint.evaluate.report import Environment
from faceprint.pipeline.results import Failure


def people(count: int = 300) -> tuple[Any, Any, Any, Any]:
    """Ages, sexes, estimated ages and probabilities that have something to do with them."""
    random = np.random.default_rng(0)
    ages = random.integers(1, 90, count)
    female = random.random(count) < 0.4
    guesses = (ages * 0.8 + 6 + random.normal(0, 7, count)).astype(np.float32)
    stated = np.clip(np.where(female, 0.75, 0.3) + random.normal(0, 0.25, count), 0, 1)
    return ages, female, guesses, stated.astype(np.float32)


def test_ages_agree_with_scikit_learn() -> None:
    ages, female, guesses, _ = people()
    interval = np.stack([guesses - 5, guesses + 5], axis=1)
    found = age_figures("some", ages, female, guesses, interval)
    off = np.abs(guesses - ages)
    assert found.whole.mean_error.value == pytest.approx(metrics.mean_absolute_error(ages, guesses))
    assert found.root_mean_square.value == pytest.approx(
        metrics.root_mean_squared_error(ages, guesses)
    )
    assert found.explained.value == pytest.approx(metrics.r2_score(ages, guesses))
    assert found.whole.within_five.errors == (off <= 5).sum()
    assert found.whole.mean_error.low < found.whole.mean_error.value < found.whole.mean_error.high
    assert sum(part.faces for part in found.bands) == sum(part.faces for part in found.sexes) == 300
    young = next(part for part in found.bands if part.name == "10 to 19 years")
    inside = (ages >= 10) & (ages < 20)
    assert young.bias.value == pytest.approx((guesses - ages)[inside].mean(), abs=1e-5)
    assert found.bands[-1].name == "70 years and more"


def test_ages_by_hand() -> None:
    ages, female = np.array([20, 30]), np.array([True, False])
    guesses = np.array([24, 24], dtype=np.float32)
    interval = np.array([[19, 26], [20, 29]], dtype=np.float32)
    found = age_figures("some", ages, female, guesses, interval)
    assert found.whole.mean_error.value == 5
    assert found.whole.bias.value == -1
    assert found.root_mean_square.value == pytest.approx(np.sqrt((16 + 36) / 2))
    assert found.explained.value == pytest.approx(1 - 52 / 50)
    assert found.whole.within_five.value == 0.5
    assert found.covered is not None
    assert found.covered.value == 0.5


def test_equal_ages_explain_nothing_and_no_interval_covers_nothing() -> None:
    nothing = np.full((2, 2), np.nan, dtype=np.float32)
    ages, female = np.array([20, 20]), np.array([True, True])
    found = age_figures("some", ages, female, np.array([20, 21], np.float32), nothing)
    assert np.isnan(found.explained.value)
    assert found.covered is None
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["r2"]["value"] is None


def test_genders_agree_with_scikit_learn() -> None:
    ages, female, _, stated = people()
    found = gender_figures("some", ages, female, stated)
    told = stated >= 0.5
    assert found.accuracy.value == pytest.approx(metrics.accuracy_score(female, told))
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        female, told, labels=[True, False]
    )
    for place in (0, 1):
        one, other = found.precision[place], found.recall[place]
        assert one is not None
        assert other is not None
        assert one.value == pytest.approx(precision[place])
        assert other.value == pytest.approx(recall[place])
        assert found.f1[place].value == pytest.approx(f1[place])
    table = metrics.confusion_matrix(female, told, labels=[True, False])
    assert found.confusion == tuple(map(tuple, table))
    assert found.brier.value == pytest.approx(metrics.brier_score_loss(female, stated))
    assert sum(part.accuracy.trials for part in found.bands) == 300


def test_one_sex_alone() -> None:
    nobody = np.array([False, False])
    stated = np.array([0.1, 0.2], dtype=np.float32)
    found = gender_figures("some", np.array([20, 30]), nobody, stated)
    assert found.recall[0] is None
    assert found.precision[0] is None
    assert found.accuracy.value == 1
    assert np.isnan(found.f1[0].value)
    json.dumps(found.to_dict(), allow_nan=False)


def test_no_error_among_few_faces_is_no_certainty() -> None:
    ages, female = np.array([20, 30, 40]), np.array([True, True, False])
    found = gender_figures("some", ages, female, np.array([0.9, 0.9, 0.1], np.float32))
    assert found.accuracy.low < 0.3
    assert [one.value for one in found.f1] == [1, 1]
    # Clopper-Pearson, 2 of 2: 0.158, and 2 J / (1 + J).
    assert found.f1[0].low == pytest.approx(2 * 0.158 / 1.158, abs=1e-3)
    assert (found.brier.low, found.brier.high) == (0, 1)
    nothing = np.full((3, 2), np.nan, dtype=np.float32)
    years = age_figures("some", ages, female, np.array([22, 32, 42], np.float32), nothing)
    assert (years.whole.mean_error.low, years.whole.mean_error.high) == (0, np.inf)
    assert years.whole.mean_error.to_dict()["high"] is None


def aged(count: int) -> AgedSet:
    photos = tuple(AgedPhoto(Path(f"{k}.jpg"), 20 + k, k % 2 == 0) for k in range(count))
    return AgedSet(Path("faces"), photos, count, (), 0, ((Path("a.jpg"), Path("b.jpg")),))


def test_photos_without_a_face_are_counted() -> None:
    values = np.full((4, 2, 4), np.nan, dtype=np.float32)
    values[:2, 0, :3] = [[20, 18, 22], [23, 20, 26]]
    values[:2, 1, 3] = [0.9, 0.2]
    failure = Failure("3.jpg", "bad_image", "damaged")
    guesses = Guesses(values, np.array([True, True, False, False]), {3: failure})
    result = measure(aged(4), guesses, ["ages", "genders"], detector="some")
    assert (result.not_found.errors, result.not_found.trials) == (1, 3)
    assert [one.image for one in result.failures] == ["3.jpg", "2.jpg"]
    assert [one.model for one in result.ages] == ["ages"]
    assert [one.model for one in result.genders] == ["genders"]
    assert result.ages[0].whole.mean_error.value == 1
    environment = Environment("…", "2026-01-01", "0", {}, (), {}, {"dataset": "some faces"})
    report = attributes_report(result, environment)
    assert report.title == "Age and gender on some faces"
    assert [part.title for part in report.sections] == [
        "The photos",
        "Age, ages",
        "Gender, genders",
    ]
    assert report.warnings[0] == "There are only 2 faces: the intervals are wide."
    assert "appearance" in report.warnings[1]
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["conflicts"] == [
        ["a.jpg", "b.jpg"]
    ]


def test_no_face_at_all() -> None:
    values = np.full((2, 1, 4), np.nan, dtype=np.float32)
    guesses = Guesses(values, np.array([False, False]), {})
    with pytest.raises(InputError, match="No face was found in 2 photos"):
        measure(aged(2), guesses, ["ages"], detector="some")
