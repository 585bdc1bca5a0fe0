import numpy as np
import pytest
from scipy.stats import bootstrap

from faceprint.errors import InputError
from faceprint.match import (
    area_under_roc,
    bootstrap_interval,
    brier_score,
    equal_error_rate,
    error_curve,
    rate,
    true_accept_rate,
)

RANDOM = np.random.default_rng(0)
GENUINE, IMPOSTOR = RANDOM.normal(0.5, 0.2, 400), RANDOM.normal(0.1, 0.2, 900)


def test_intervals_agree_with_scipy() -> None:
    reference = bootstrap(
        (GENUINE, IMPOSTOR),
        lambda genuine, impostor: area_under_roc(genuine, impostor),
        n_resamples=600,
        method="percentile",
        vectorized=False,
        rng=np.random.default_rng(1),
    ).confidence_interval
    low, high = bootstrap_interval(area_under_roc, GENUINE, IMPOSTOR, resamples=600)
    width = reference.high - reference.low
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=0.15 * width)


def test_the_interval_of_a_mean_is_the_one_of_the_textbook() -> None:
    values = RANDOM.normal(0, 1, 2500)
    low, high = bootstrap_interval(np.mean, values, bounds=(-np.inf, np.inf))
    # 1.96 standard errors of 1 / sqrt(2500) on each side.
    assert (low, high) == pytest.approx((values.mean() - 0.0392, values.mean() + 0.0392), abs=0.004)


def test_equal_seeds_give_equal_intervals_and_order_does_not_matter() -> None:
    first = bootstrap_interval(area_under_roc, GENUINE, IMPOSTOR, resamples=50)
    assert bootstrap_interval(area_under_roc, GENUINE[::-1], IMPOSTOR, resamples=50) == first
    assert bootstrap_interval(area_under_roc, GENUINE, IMPOSTOR, resamples=50, seed=1) != first


def test_rates_get_about_the_exact_interval() -> None:
    exact = true_accept_rate(GENUINE, IMPOSTOR, 0.01)
    cut = np.sort(IMPOSTOR)[-10]
    fixed = bootstrap_interval(lambda genuine: np.mean(genuine > cut), GENUINE)
    assert fixed == pytest.approx((exact.low, exact.high), abs=0.01)
    both = bootstrap_interval(
        lambda genuine, impostor: true_accept_rate(genuine, impostor, 0.01).value, GENUINE, IMPOSTOR
    )
    # The threshold is uncertain too, which only resampling of both shows.
    assert both[1] - both[0] > 1.2 * (fixed[1] - fixed[0])


def test_photos_of_one_person_count_as_one_observation() -> None:
    """Ten copies of each score carry no more information than one."""
    people = np.arange(60)
    values = RANDOM.normal(0, 1, 60)
    copied, owners = np.repeat(values, 10), np.repeat(people, 10)
    single = bootstrap_interval(np.mean, values, bounds=(-9, 9))
    grouped = bootstrap_interval(np.mean, copied, groups=[owners], bounds=(-9, 9))
    naive = bootstrap_interval(np.mean, copied, bounds=(-9, 9))
    assert grouped == pytest.approx(single, abs=0.05)
    assert naive[1] - naive[0] < 0.5 * (grouped[1] - grouped[0])


def test_the_rows_of_a_person_come_together() -> None:
    seen = set()

    def record(values: np.ndarray) -> float:
        seen.add(tuple(values))
        return 0.5

    groups = [np.array([0, 1, 0])]
    bootstrap_interval(record, np.array([5.0, 1.0, 4.0]), resamples=50, groups=groups)
    assert seen == {(1.0, 4.0, 5.0), (4.0, 4.0, 5.0, 5.0), (1.0, 1.0)}


def test_pairs_come_as_often_as_both_people() -> None:
    """With two people, a draw has either both once, or one of them twice."""
    genuine, impostor = np.array([0.0, 1.0]), np.array([0.5])
    seen = set()

    def record(own: np.ndarray, other: np.ndarray) -> float:
        seen.add((*own, "|", *other))
        return 0.5

    groups = [np.array([[7, 7], [8, 8]]), np.array([[7, 8]])]
    bootstrap_interval(record, genuine, impostor, resamples=40, groups=groups)
    # Draws of one person twice leave no impostor pair, and are made anew.
    assert seen == {(0.0, 1.0, "|", 0.5)}


def test_pairs_of_three_people_worked_by_hand() -> None:
    scores, people = np.array([1.0, 2.0, 3.0]), np.array([[0, 1], [0, 2], [1, 2]])
    seen = set()

    def record(values: np.ndarray) -> float:
        seen.add(tuple(values))
        return 0.5

    bootstrap_interval(record, scores, resamples=200, groups=[people])
    twice = {(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)}
    assert seen == {(1.0, 2.0, 3.0)} | twice


def test_paired_lists_stay_together() -> None:
    probabilities = RANDOM.random(300)
    outcomes = RANDOM.random(300) < probabilities
    low, high = bootstrap_interval(brier_score, probabilities, outcomes, paired=True, resamples=300)
    assert low < brier_score(probabilities, outcomes) < high
    # Uniform probabilities that are true cost E[p (1 - p)] = 1/6; torn apart they would cost 1/3.
    assert high < 0.22
    owners = [np.arange(300) // 2]
    wider = bootstrap_interval(
        brier_score, probabilities, outcomes, paired=True, resamples=50, groups=owners
    )
    assert wider[0] < brier_score(probabilities, outcomes) < wider[1]


@pytest.mark.parametrize("groups", [None, [np.arange(400), np.zeros(1, int)]])
def test_one_impostor_gives_the_widest_interval(groups: list[np.ndarray] | None) -> None:
    def statistic(genuine: np.ndarray, impostor: np.ndarray) -> float:
        return equal_error_rate(error_curve(genuine, impostor))

    one = np.array([0.3])
    assert bootstrap_interval(statistic, GENUINE, one, resamples=5, groups=groups) == (0, 1)


def test_one_person_gives_the_widest_interval() -> None:
    groups = [np.zeros(400, int)]
    assert bootstrap_interval(np.mean, GENUINE, groups=groups, bounds=(-1, 1)) == (-1, 1)


def test_no_errors_have_no_width_which_is_why_rates_are_exact() -> None:
    assert bootstrap_interval(np.mean, np.zeros(50)) == (0, 0)
    assert rate(0, 50).high > 0.07


def test_lists_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="not empty"):
        bootstrap_interval(np.mean, np.array([]))
    with pytest.raises(InputError, match="not empty"):
        bootstrap_interval(np.mean)
    with pytest.raises(InputError, match=r"one length, got \[400, 900\]"):
        bootstrap_interval(np.mean, GENUINE, IMPOSTOR, paired=True)
    with pytest.raises(InputError, match=r"expected lengths \[400\], got \[3\]"):
        bootstrap_interval(np.mean, GENUINE, groups=[np.arange(3)])
