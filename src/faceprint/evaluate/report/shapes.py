"""How numbers read in reports, the same on the page, in Markdown and in the terminal."""

from __future__ import annotations

import math
import re
from typing import Any, Literal, Protocol

from faceprint.evaluate.report.blocks import Cell, Figure, Table, Unit

__all__ = [
    "NONE",
    "RateLike",
    "figure_cell",
    "figure_interval",
    "figure_of",
    "figure_value",
    "interval",
    "is_numeric",
    "percent",
    "rate_cell",
    "show_any",
    "show_number",
    "show_value",
]

NONE = "–"
"""What stands where there is nothing to give."""

_PERCENT_STEP = 0.1

_NUMBER = re.compile(r"[+−–-]?\d[\d,.]*(e[+-]?\d+)?( ?%| ms| s)?( \(.*\)| to .*)?$|–$")


class RateLike(Protocol):
    """A share of trials with its 95 % interval, as `faceprint.match.Rate`."""

    @property
    def value(self) -> float:
        """Errors through trials."""
        ...

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        ...

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        ...

    @property
    def errors(self) -> int:
        """How many were counted."""
        ...

    @property
    def trials(self) -> int:
        """Of how many."""
        ...


def percent(share: float) -> str:
    """A share as percent: two decimals, more where they would read as nothing or as all.

    >>> percent(0.0123), percent(0.00012), percent(0), percent(1), percent(0.99996)
    ('1.23 %', '0.012 %', '0 %', '100 %', '99.996 %')
    """
    return _percent_number(share) + (" %" if math.isfinite(share) else "")


def rate_cell(rate: RateLike) -> str:
    """A rate with its interval, as "1.23 % (0.94 to 1.59)"."""
    return f"{percent(rate.value)} ({_percent_number(rate.low)} to {_percent_number(rate.high)})"


def figure_of(
    name: str, rate: RateLike, *, better: Literal["higher", "lower"] = "lower", note: str = ""
) -> Figure:
    """A headline figure of a rate; the note says what was counted unless one is given."""
    counted = f"{rate.errors:,} of {rate.trials:,}"
    return Figure(name, rate.value, "share", rate.low, rate.high, better, note or counted)


def show_number(value: float, unit: Unit | None) -> str:
    """A number as its unit reads; a dash where it is none.

    >>> show_number(0.3634, "score"), show_number(3200, "count"), show_number(0.0042, "seconds")
    ('0.363', '3,200', '4.2 ms')
    """
    if not math.isfinite(value):
        return NONE if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if unit == "share":
        return percent(value)
    if unit == "score":
        return f"{value:.3f}"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "seconds":
        return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:,.4g} s"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def show_value(value: Cell, unit: Unit | None = None) -> str:
    """A cell of a table as text."""
    if value is None:
        return NONE
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    return show_number(value, unit)


def interval(low: float | None, high: float | None, unit: Unit | None) -> str:
    """An interval as "0.94 to 1.59 %"; empty without one."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return ""
    first = _percent_number(low) if unit == "share" else show_number(low, unit)
    return f"{first} to {show_number(high, unit)}"


def figure_value(figure: Figure) -> str:
    """The value of a figure as text."""
    return show_number(figure.value, figure.unit)


def figure_interval(figure: Figure) -> str:
    """The interval of a figure as text; empty without one."""
    return interval(figure.low, figure.high, figure.unit)


def figure_cell(figure: Figure | None) -> str:
    """A figure with its interval, as in "1.23 % (0.94 to 1.59 %)"; empty without one."""
    if figure is None:
        return ""
    ends = figure_interval(figure)
    return f"{figure_value(figure)} ({ends})" if ends else figure_value(figure)


def show_any(value: Any) -> str:
    """A value of an environment as text: lists with semicolons, tables with colons.

    >>> show_any({"code": "MIT", "weights": ["a", "b"]}), show_any(False)
    ('code: MIT; weights: a; b', 'no')
    """
    if isinstance(value, dict):
        return "; ".join(f"{key}: {show_any(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(show_any(each) for each in value)
    return show_value(value) if isinstance(value, str | int | float | None) else str(value)


def is_numeric(table: Table, index: int) -> bool:
    """Whether a column holds numbers, and so stands to the right."""
    if table.columns[index].unit is not None:
        return True
    cells = [row[index] for row in table.rows if row[index] is not None]
    return bool(cells) and all(_is_number(cell) for cell in cells)


def _is_number(cell: object) -> bool:
    if isinstance(cell, str):
        return cell == "" or _NUMBER.match(cell) is not None
    return not isinstance(cell, bool)


def _percent_number(share: float) -> str:
    value = share * 100
    if not math.isfinite(value):
        return NONE
    if value in (0, 100):
        return f"{value:.0f}"
    if abs(value) < 1e-6:
        return f"{value:.1e}"
    if abs(value) < _PERCENT_STEP:
        return f"{value:.{1 - math.floor(math.log10(abs(value)))}f}"
    decimals = math.ceil(-math.log10(100 - value)) if value < 100 else 0
    return f"{value:.{max(2, decimals)}f}"
