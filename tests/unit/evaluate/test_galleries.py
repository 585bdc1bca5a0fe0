"""False positives of whole searches."""

import numpy as np
import pytest

from faceprint.evaluate.galleries import GalleryPlan, measure_searches
from faceprint.match import Calibration, compare_all, operating_points

PLAN = GalleryPlan(people=(10, 50, 900), photos=(1, 3), rates=(0.1,), draws=4)


def labelled(people: int, photos: int) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of unit vectors."""
    rng = np.random.default_rng(0)
    owners = np.repeat(np.arange(people), photos)
    rows = rng.normal(size=(people, 24))[owners] + 0.6 * rng.normal(size=(len(owners), 24))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), owners


def bare(vectors: np.ndarray, people: np.ndarray) -> Calibration:
    points = operating_points(compare_all(vectors, people), resamples=0)
    return Calibration("d", "m", "x", 1, 1, 0, 1, 1, "2026-01-01", "x", points)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return labelled(240, 4)


@pytest.fixture(scope="module")
def whole(data: tuple[np.ndarray, np.ndarray]) -> Calibration:
    return bare(*data)


def test_searches_give_about_the_rate_that_was_asked_for(
    data: tuple[np.ndarray, np.ndarray], whole: Calibration
) -> None:
    points = measure_searches(whole, *data, plan=PLAN)
    # Halves of 120 people have no gallery of 900.
    assert [(p.people, p.templates) for p in points] == [(10, 10), (50, 50), (10, 30), (50, 150)]
    for point in points:
        assert point.low <= point.measured_fpir <= point.high
        # Several photos of one person fail together, so the derived rate is an upper one.
        assert 0.03 < point.measured_fpir < 0.14
        assert point.fnir is not None
        assert point.fnir < 0.2
        assert point.probes == 2 * PLAN.draws * 4 * (120 - point.people)
    assert points[1].threshold > points[0].threshold


def test_counting_people_for_templates_lets_too_many_through(
    data: tuple[np.ndarray, np.ndarray], whole: Calibration
) -> None:
    plan = GalleryPlan(people=(50,), photos=(3,), rates=(0.1,), draws=4)
    (templates,) = measure_searches(whole, *data, plan=plan)
    (people,) = measure_searches(whole, *data, plan=plan, comparisons=lambda n, _: n)
    assert people.measured_fpir > 1.5 * templates.measured_fpir


def test_without_photos_to_spare_there_are_no_misses_to_count() -> None:
    data = labelled(120, 1)
    plan = GalleryPlan(people=(10,), photos=(1, 2), rates=(0.1,), draws=2)
    (point,) = measure_searches(bare(*data), *data, plan=plan)
    assert point.fnir is None
    assert point.probes == 2 * 2 * 50


def test_too_few_people_give_no_points() -> None:
    data = labelled(36, 3)
    assert measure_searches(bare(*data), *data, plan=PLAN) == ()


def test_no_false_positive_still_has_an_interval() -> None:
    vectors, people = labelled(120, 2)
    plan = GalleryPlan(people=(1,), photos=(1,), rates=(1e-4,), draws=1)
    (point,) = measure_searches(bare(vectors, people), vectors, people, plan=plan)
    assert (point.measured_fpir, point.low) == (0, 0)
    # None of 118 strangers: at most 3.1 %, with 97.5 % confidence.
    assert point.high == pytest.approx(0.0308, abs=2e-4)
