"""The axes of charts: what they measure, where points and ticks stand, and which points to keep."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from faceprint.evaluate.report.blocks import Chart, Series, Unit
from faceprint.evaluate.report.shapes import interval, percent, show_number

__all__ = [
    "Scale",
    "deviate_ticks",
    "is_share",
    "place",
    "read_interval",
    "read_value",
    "read_x",
    "thinned",
    "visible",
]

Scale = Literal["linear", "log", "deviate"]
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

MOST_POINTS: Final = 2000

_SHARES: Final = re.compile(
    r"\b(FMR|FNMR|FPIR|FNIR|TAR|TPR|FPR|FTE|FTA|rates?|shares?|recall|precision|accuracy|probability)\b",
    re.IGNORECASE,
)
_RATES: Final = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 0.99, 0.999, 0.9999)
_FINE_RATES: Final = (
    *(digit * 10.0**power for power in range(-6, -1) for digit in (1, 2, 5)),
    *(0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999),
)
_FEWEST_TICKS: Final = 3


def is_share(name: str, scale: Scale) -> bool:
    """Whether an axis of that name holds shares, to be read as percent.

    >>> is_share("FNMR", "linear"), is_share("score", "linear"), is_share("", "deviate")
    (True, False, True)
    """
    return scale == "deviate" or _SHARES.search(name) is not None


def place(values: Sequence[float] | Floats, scale: Scale) -> Floats:
    """Where values stand on an axis; NaN for those that have no place there, as 0 on a log axis.

    Args:
        values: (N,) numbers.
        scale: Of the axis: `log` takes base-10 logarithms, `deviate` standard normal deviates.
    """
    given = np.asarray(values, dtype=np.float64)
    with np.errstate(all="ignore"):
        placed = given
        if scale == "log":
            placed = np.log10(given)
        elif scale == "deviate":
            placed = ndtri(given)
    return np.where(np.isfinite(placed), placed, np.nan)


def visible(series: Series, chart: Chart) -> Indices:
    """Indices of the points that both axes can show."""
    x, y = place(series.x, chart.x_scale), place(series.y, chart.y_scale)
    return np.flatnonzero(np.isfinite(x) & np.isfinite(y))


def thinned(series: Series, chart: Chart) -> Indices:
    """Indices of the visible points, at most 2,000 of them, evenly spread along the drawn curve."""
    kept = visible(series, chart)
    if len(kept) <= MOST_POINTS:
        return kept
    axes = (place(series.x, chart.x_scale)[kept], place(series.y, chart.y_scale)[kept])
    steps = sum(np.abs(np.diff(axis)) / (np.ptp(axis) or 1.0) for axis in axes)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0.0, length[-1], MOST_POINTS)
    picked = np.minimum(np.searchsorted(length, wanted), len(kept) - 1)
    chosen: Indices = kept[np.unique(picked)]
    return chosen


def deviate_ticks(placed: Floats) -> tuple[list[float], list[str]]:
    """Places and labels of the ticks of an axis of deviates that shows these places."""
    chosen: Sequence[float] = ()
    for rates in (_RATES, _FINE_RATES):
        where = place(rates, "deviate")
        inside = (where >= placed.min() - 0.1) & (where <= placed.max() + 0.1)
        chosen = [rate for rate, here in zip(rates, inside, strict=True) if here]
        if len(chosen) >= _FEWEST_TICKS:
            break
    return place(chosen, "deviate").tolist(), [f"{rate * 100:.6g}%" for rate in chosen]


def read_value(value: float, name: str, scale: Scale) -> str:
    """A value of an axis as people read it."""
    return percent(value) if is_share(name, scale) else show_number(value, None)


def read_x(x: float, chart: Chart) -> str:
    """Where a point stands on the x axis, as people read it."""
    if chart.categories:
        return chart.categories[round(x)]
    return read_value(x, chart.x_name, chart.x_scale)


def read_interval(series: Series, index: int, chart: Chart) -> str:
    """The interval of a point as people read it; empty without one."""
    if not (series.low and series.high):
        return ""
    unit: Unit | None = "share" if is_share(chart.y_name, chart.y_scale) else None
    return interval(series.low[index], series.high[index], unit)
