from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceprint.errors import CalibrationError
from faceprint.match import search_probabilities, verification_probability

ratios = st.lists(st.floats(-6, 8), min_size=1, max_size=10)


def test_bayes_by_hand() -> None:
    # 1 in 4 pairs is genuine, and the score is 30 times likelier for those: 30 x 1/4 to 1 x 3/4.
    assert verification_probability(np.log10(30), prior=0.25) == pytest.approx(10 / 11)


def test_search_against_every_hypothesis_written_out() -> None:
    # Half the probes are strangers; the others are each of four people equally often.
    likelihoods = np.array([50.0, 4.0, 1.0, 1.0])
    joint = np.append(likelihoods / 4 * 0.5, 0.5)
    found = search_probabilities(np.log10([50, 4]), comparisons=4)
    assert found == pytest.approx(joint[:2] / joint.sum())


def test_one_template_and_one_pair_are_the_same_question() -> None:
    assert search_probabilities([1.7], comparisons=1)[0] == pytest.approx(
        verification_probability(1.7)
    )


@given(ratios, st.integers(10, 10**6))
def test_probabilities_add_up_to_less_than_one_and_keep_the_order(
    given_ratios: list[float], comparisons: int
) -> None:
    found = search_probabilities(given_ratios, comparisons=comparisons)
    assert 0 < found.sum() < 1
    order = np.argsort(given_ratios, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@given(ratios, st.integers(10, 10**5))
def test_the_same_score_means_less_in_a_larger_gallery(
    given_ratios: list[float], comparisons: int
) -> None:
    small = search_probabilities(given_ratios, comparisons=comparisons)
    large = search_probabilities(given_ratios, comparisons=10 * comparisons)
    assert (large < small).all()


def test_nobody_enrolled_gives_no_probabilities() -> None:
    assert len(search_probabilities([], comparisons=0)) == 0


@pytest.mark.parametrize("prior", [0.0, 1.0, -1.0, float("nan")])
def test_a_prior_outside_is_refused(prior: float) -> None:
    with pytest.raises(CalibrationError, match="between 0 and 1"):
        verification_probability(1.0, prior=prior)


def test_more_candidates_than_comparisons_are_refused() -> None:
    with pytest.raises(CalibrationError, match="no more"):
        search_probabilities([1.0, 2.0], comparisons=1)
