"""Figures with intervals, and how they turn into JSON values and report figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from faceprint.evaluate.report.blocks import Figure
from faceprint.match import Rate, bootstrap_interval

__all__ = ["Estimate", "estimate", "estimate_figure", "json_number", "json_rate", "widened"]

_WORK = 50_000_000
"""Rows that resampling looks at in all, at the least a hundred times each: some seconds."""

_Scores = npt.NDArray[np.float32]
_Groups = Sequence[npt.NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % bootstrap interval.

    Attributes:
        value: NaN where the data do not give it.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {name: json_number(getattr(self, name)) for name in ("value", "low", "high")}


def estimate(
    statistic: Callable[..., float],
    *samples: _Scores,
    bounds: tuple[float, float] = (0.0, 1.0),
    groups: _Groups | None = None,
) -> Estimate:
    """A figure of some lists, with the interval over lists drawn anew.

    Args:
        statistic: Takes the lists; must not depend on the order in them.
        samples: (N,) scores each.
        bounds: What the figure can be.
        groups: The person of each score, where people are to be drawn.
    """
    value = statistic(*samples)
    if math.isnan(value):
        return Estimate(value, value, value)
    resamples = int(np.clip(_WORK // sum(map(len, samples)), 100, 1000))
    low, high = bootstrap_interval(
        statistic, *samples, resamples=resamples, bounds=bounds, groups=groups
    )
    # A resample may be all failures, and has no figure then.
    low, high = (bounds[k] if math.isnan(end) else end for k, end in enumerate((low, high)))
    return Estimate(value, min(low, value), max(high, value))


def widened(counted: Rate, drawn: Estimate) -> Rate:
    """A counted rate whose interval covers that of resampling too.

    The one knows only how many trials there were, the other also how far a threshold may move.
    """
    return replace(counted, low=min(counted.low, drawn.low), high=max(counted.high, drawn.high))


def json_number(value: float) -> float | None:
    """A number for JSON, which knows no NaN and no infinity."""
    return round(value, 6) if math.isfinite(value) else None


def json_rate(counted: Rate) -> dict[str, Any]:
    """A rate as JSON values."""
    return {
        "value": json_number(counted.value),
        "low": json_number(counted.low),
        "high": json_number(counted.high),
        "errors": counted.errors,
        "trials": counted.trials,
    }


def estimate_figure(
    name: str,
    found: Estimate,
    *,
    better: Literal["higher", "lower"],
    unit: Literal["share", "number", "score"] = "share",
    note: str = "",
) -> Figure:
    """A headline figure of a report."""
    return Figure(name, found.value, unit, found.low, found.high, better, note)
