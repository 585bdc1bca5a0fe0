"""How numbers read in reports."""

import math
from dataclasses import dataclass

import pytest

from faceprint.evaluate.report import Figure, figure_of, percent, rate_cell
from faceprint.evaluate.report.shapes import (
    figure_cell,
    interval,
    show_any,
    show_number,
    show_value,
)


@dataclass(frozen=True)
class Counted:
    value: float = 0.0123
    low: float = 0.0094
    high: float = 0.0159
    errors: int = 37
    trials: int = 3000


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.00 %"),
        (0.0123, "1.23 %"),
        (0.001, "0.10 %"),
        (0.00012, "0.012 %"),
        (1e-6, "0.00010 %"),
        (3e-10, "3.0e-08 %"),
        (0.9994, "99.94 %"),
        (0.99996, "99.996 %"),
        (-0.5, "-50.00 %"),
        (1.5, "150.00 %"),
        (math.nan, "–"),
    ],
)
def test_shares_read_as_percent(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("errors", range(1, 40))
def test_a_share_never_reads_as_nothing_or_all(errors: int) -> None:
    for share in (errors / 10**7, 1 - errors / 10**7):
        number = float(percent(share).removesuffix(" %"))
        assert 0 < number < 100
        assert number / 100 == pytest.approx(share, rel=0.06, abs=6e-7)


def test_rates() -> None:
    assert rate_cell(Counted()) == "1.23 % (0.94 to 1.59)"
    figure = figure_of("FNMR at FMR 1e-3", Counted())
    assert figure == Figure(
        "FNMR at FMR 1e-3", 0.0123, "share", 0.0094, 0.0159, "lower", "37 of 3,000"
    )
    assert figure_cell(figure) == "1.23 % (0.94 to 1.59 %)"
    assert figure_cell(Figure("d′", 5.3104, "number")) == "5.31"
    assert figure_cell(None) == ""


def test_numbers_with_units() -> None:
    assert show_number(0.36349, "score") == "0.363"
    assert show_number(0.0042, "seconds") == "4.2 ms"
    assert show_number(61.234, "seconds") == "61.23 s"
    assert show_number(499500, "count") == "499,500"
    assert show_number(1234567, "number") == "1,234,567"
    assert show_number(math.inf, "score") == "∞"
    assert interval(0.1, 0.2, "score") == "0.100 to 0.200"
    assert interval(0.1, None, "score") == interval(0.1, math.nan, "score") == ""


def test_cells() -> None:
    cells = [None, math.nan, True, False, 3, 0.5, "a | b"]
    assert [show_value(cell) for cell in cells] == ["–", "–", "yes", "no", "3", "0.5", "a | b"]
    assert show_any({"files": ["a", "b"], "none": None}) == "files: a; b; none: –"
