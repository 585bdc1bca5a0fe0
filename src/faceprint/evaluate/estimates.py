"""Figures with intervals, and how they turn into JSON values and report figures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

from faceprint.evaluate.report.blocks import Figure
from faceprint.match import Rate, bootstrap_interval, clopper_pearson

__all__ = [
    "SUPPORT",
    "Estimate",
    "estimate",
    "estimate_figure",
    "independent",
    "json_number",
    "json_rate",
    "widened",
]

SUPPORT = 30
"""Errors that a fixed rate must allow before its figure is a headline, as calibration asks."""

_WORK = 50_000_000
"""Rows that resampling looks at in all, at the least a hundred times each: some seconds."""

_Scores = npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Groups = Sequence[_Ints]


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

    Where no resample moves the figure, as with an error rate without an error, the interval of a share is
    that of Clopper and Pearson, of as many trials as the shorter list has scores; with `groups`, as many
    as it has different people, or pairs of people, since one person's photos may all do alike. Few people
    vary more than drawing them anew shows: the ends are moved out as those of Student for so many people
    are (Cameron, Gelbach, Miller, "Bootstrap-based improvements for inference with clustered errors",
    Review of Economics and Statistics 2008, on the fault).

    Args:
        statistic: Takes the lists; must not depend on the order in them.
        samples: (N,) scores each.
        bounds: What the figure can be.
        groups: (N,) the person of each score, or (N, 2) the two people, where people are to be drawn.
    """
    value = statistic(*samples)
    if math.isnan(value):
        return Estimate(value, value, value)
    independent = None if groups is None else [_shared(group) for group in groups]
    resamples = int(np.clip(_WORK // sum(map(len, samples)), 100, 1000))
    low, high = bootstrap_interval(
        statistic, *samples, resamples=resamples, bounds=bounds, groups=independent
    )
    # A resample may be all failures, and has no figure then.
    low, high = (bounds[k] if math.isnan(end) else end for k, end in enumerate((low, high)))
    if low == high:
        low, high = bounds
        if bounds == (0.0, 1.0):
            trials = min(map(len, samples) if groups is None else map(_different, groups))
            low, high = clopper_pearson(round(value * trials), trials)
    elif groups is not None:
        stretch = _stretch(min(len(np.unique(group)) for group in groups))
        low = max(bounds[0], value - stretch * (value - low))
        high = min(bounds[1], value + stretch * (high - value))
    return Estimate(value, min(low, value), max(high, value))


def _stretch(people: int) -> float:
    """How much wider an interval over few people is than that of drawing them anew."""
    freedom = max(1, people - 1)
    return float(stdtrit(freedom, 0.975) / ndtri(0.975) * math.sqrt(1 + 1 / freedom))


def _shared(people: _Ints) -> _Ints:
    """The two people of each pair, those left out who come in no other.

    A pair whose people come nowhere else is one observation. Drawing both of them would have it vary three
    times as much as drawing the pair.
    """
    if people.ndim == 1:
        return people
    names, codes = np.unique(people, return_inverse=True)
    codes = codes.reshape(people.shape)
    alike = codes[:, 0] == codes[:, 1]
    times = np.bincount(codes[:, 0], minlength=len(names))
    times += np.bincount(codes[~alike, 1], minlength=len(names))
    once = times[codes] == 1
    kept = people.copy()
    kept[once[:, 0], 0] = people[once[:, 0], 1]
    kept[once[:, 1], 1] = people[once[:, 1], 0]
    both = once.all(axis=1)
    kept[both] = people[both, :1]
    return kept


def independent(people: _Ints) -> bool:
    """Whether nobody comes in two pairs.

    Args:
        people: (N, 2) the two people of each pair.
    """
    shared = _shared(people)
    return bool((shared[:, 0] == shared[:, 1]).all()) and _different(shared) == len(shared)


def _different(people: _Ints) -> int:
    """How many different people there are, or pairs of them."""
    ordered = people if people.ndim == 1 else np.sort(people, axis=1)
    return len(np.unique(ordered, axis=0))


def widened(counted: Rate, drawn: Estimate) -> Rate:
    """A counted rate whose interval covers that of resampling too.

    The one knows only how many trials there were, the other also how far a threshold may move, and that
    one person's trials do alike.
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
