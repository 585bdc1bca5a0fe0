import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from faceprint.match import (
    clopper_pearson,
    comparison_rate,
    false_match_rate,
    false_non_match_rate,
)


def test_error_rates_worked_by_hand() -> None:
    impostor = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    genuine = np.array([0.3, 0.5, 0.6, 0.7], np.float32)
    assert false_match_rate(impostor, 0.3) == 0.5
    assert false_non_match_rate(genuine, 0.5) == 0.25


@settings(deadline=None)
@given(st.integers(1, 400), st.data())
def test_intervals_agree_with_scipy(trials: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, trials))
    reference = binomtest(errors, trials).proportion_ci(0.95, "exact")
    assert clopper_pearson(errors, trials) == pytest.approx((reference.low, reference.high))


@settings(deadline=None)
@given(st.floats(1e-6, 0.5), st.integers(1, 10**6))
def test_the_rate_of_one_comparison_gives_back_the_rate_of_the_search(fpir: float, n: int) -> None:
    fmr = comparison_rate(fpir, n)
    assert 1 - (1 - fmr) ** n == pytest.approx(fpir, rel=1e-4)
    assert fmr <= fpir * (1 + 1e-12)
