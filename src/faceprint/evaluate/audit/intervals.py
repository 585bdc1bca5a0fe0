"""Error rates of people and of pairs of people, with intervals that know which pairs share a person.

Pairs that share a person are not independent. The variance of a rate over pairs is therefore summed over
all pairs of pairs that do (Fafchamps, Gubert, "The formation of risk sharing networks", 2007; Aronow,
Samii, Assenova, "Cluster-robust variance estimation for dyadic data", Political Analysis 2015). It says how
many independent trials the data are worth, and these give an interval of Clopper and Pearson (Korn,
Graubard, Survey Methodology 1998), which holds with few errors, and with none. Drawing people anew takes
longer and does not: where false matches are few, it finds up to three times the variance (Owen, "The
pigeonhole bootstrap", Annals of Applied Statistics 2007).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, stdtrit

from faceprint.evaluate.estimates import json_number

__all__ = [
    "PairDesign",
    "PeopleRate",
    "Trials",
    "across",
    "contributors",
    "design_effect",
    "pair_design",
    "pair_rate",
    "person_rate",
    "within",
]

_F64 = npt.NDArray[np.float64]
_I64 = npt.NDArray[np.int64]

Trials = Sequence[tuple[float, _F64, _F64]]
"""How many comparisons two people make: terms (s, u, v) that add up to s (u_i v_j + u_j v_i) / 2."""

_CONFIDENCE = 0.95
_FEW = 5


@dataclass(frozen=True, slots=True)
class PeopleRate:
    """An error rate with its 95 % interval.

    Attributes:
        value: 0 to 1.
        low: Lower end.
        high: Upper end.
        errors: How many.
        trials: Of how many comparisons.
        people: How many people they are of.
        worth: How many independent trials they are worth.
    """

    value: float
    low: float
    high: float
    errors: int
    trials: int
    people: int
    worth: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """The interval of another confidence, 0 to 1."""
        return _interval(self.value, self.worth, confidence)

    def to_dict(self) -> dict[str, Any]:
        """The record as JSON values."""
        return {
            "value": json_number(self.value),
            "low": json_number(self.low),
            "high": json_number(self.high),
            "errors": self.errors,
            "trials": self.trials,
            "people": self.people,
        }


@dataclass(frozen=True, slots=True)
class PairDesign:
    """How much less than independent ones comparisons are worth.

    Attributes:
        alike: Correlation, 0 or more, of the errors of pairs of people that share a person.
        repeated: How many comparisons of the same two people are worth one; None where that is not known,
            and two people are worth one.
    """

    alike: float = 0.0
    repeated: float | None = None


def within(photos: _F64) -> Trials:
    """Each photo with each of other people, where (P,) says how many photos people have."""
    return ((1.0, photos, photos),)


def across(first: _F64, second: _F64) -> Trials:
    """Each photo of one kind with each of another kind of other people; (P,) photos of people each."""
    return ((2.0, first, second),)


def person_rate(errors: _F64, trials: _F64, *, alike: float | None = None) -> PeopleRate | None:
    """The rate of comparisons that each are of one person; None without any.

    Args:
        errors: (P,) how many of each person's go wrong.
        trials: (P,) of how many.
        alike: How many comparisons of a person are worth one, at the least (`design_effect` of more
            people); a person is worth one anyway. None: nothing more than each person is known.
    """
    some = trials > 0
    errors, trials = errors[some], trials[some]
    if not len(trials):
        return None
    people, total = len(trials), float(trials.sum())
    value = float(errors.sum()) / total
    most = float(people) if alike is None else max(float(people), total / max(1.0, alike))
    worth = most
    if 0 < value < 1:
        rest = errors - value * trials
        variance = float((rest**2).sum()) / total**2 * people / max(1, people - 1)
        worth = _worth(value, variance, people, most=most)
    return _rate(value, errors.sum(), total, people, worth)


def design_effect(errors: _F64, trials: _F64) -> float | None:
    """How many comparisons of a person are worth an independent one; None where too few go wrong to say."""
    found = person_rate(errors, trials, alike=1.0)
    if found is None or min(found.errors, found.trials - found.errors) < _FEW:
        return None
    return max(1.0, found.trials / found.worth)


def pair_rate(
    errors: _I64, trials: Trials, *, design: PairDesign | None = None
) -> PeopleRate | None:
    """The rate of comparisons that each are of two people; None without any.

    Args:
        errors: (F, 2) the two people of each false match, as indices of the arrays of `trials`.
        trials: How many comparisons any two people make.
        design: How little comparisons are worth at the least (`pair_design` of more people).
    """
    rows, total = _rows(trials)
    if total <= 0:
        return None
    people = int(np.count_nonzero(rows))
    value = len(errors) / total
    design = design or PairDesign()
    effect = 1 + 2 * max(0, people - 2) * design.alike
    squares = _squares(trials)
    pairs = total**2 / squares
    if design.repeated is not None:
        pairs = max(pairs, total / design.repeated)
    worth = most = max(1.0, pairs / effect)
    if 0 < len(errors) < total:
        shared, single = _variances(errors, trials, rows, total, squares)
        worth = _worth(value, max(shared, single * effect), people, most=most)
    return _rate(value, len(errors), total, people, worth)


def pair_design(errors: _I64, trials: Trials) -> PairDesign:
    """What the comparisons of some people are worth; as of `pair_rate`, whose intervals it is for."""
    rows, total = _rows(trials)
    people = int(np.count_nonzero(rows))
    if people < 3 or min(len(errors), total - len(errors)) < _FEW:
        return PairDesign()
    shared, single = _variances(errors, trials, rows, total, _squares(trials))
    value = len(errors) / total
    alike = max(0.0, (shared / single - 1) / (2 * (people - 2)))
    return PairDesign(alike, max(1.0, single / (value * (1 - value) / total)))


def contributors(trials: Trials) -> int:
    """How many people have comparisons with others."""
    return int(np.count_nonzero(_rows(trials)[0]))


def _rows(trials: Trials) -> tuple[_F64, float]:
    """(P,) comparisons that each person is part of, and of how many comparisons there are."""
    rows = sum(s * (u * (v.sum() - v) + v * (u.sum() - u)) / 2 for s, u, v in trials)
    found = np.asarray(rows, dtype=np.float64)
    return found, float(found.sum()) / 2


def _squares(trials: Trials) -> float:
    """The sum over pairs of people of the square of their comparisons."""
    found = 0.0
    for s, u, v in trials:
        for t, x, y in trials:
            ends = (u * x).sum() * (v * y).sum() - (u * x * v * y).sum()
            crossed = (u * y).sum() * (v * x).sum() - (u * y * v * x).sum()
            found += s * t * float(ends + crossed) / 4
    return found


def _variances(
    errors: _I64, trials: Trials, rows: _F64, total: float, squares: float
) -> tuple[float, float]:
    """The variance of the rate, and what it would be if pairs that share a person were independent.

    Each pair of people (i, j) moves the rate by e_ij = (errors_ij - rate * trials_ij) / total.
    """
    value = len(errors) / total
    pairs, counts = np.unique(np.sort(errors, axis=1), axis=0, return_counts=True)
    i, j = pairs.T
    made = sum(s * (u[i] * v[j] + u[j] * v[i]) / 2 for s, u, v in trials)
    single = float((counts**2 - 2 * value * counts * made).sum() + value**2 * squares) / total**2
    moved = np.bincount(errors.ravel(), minlength=len(rows)) - value * rows
    people = int(np.count_nonzero(rows))
    correction = people / max(1, people - 1)
    shared = (float((moved**2).sum()) / total**2 - single) * correction
    return shared, single


def _worth(value: float, variance: float, people: int, *, most: float) -> float:
    """Independent trials of the same variance; fewer where few people let the variance be known badly."""
    found = value * (1 - value) / variance if variance > 0 else most
    if people > 1:
        tail = (1 - _CONFIDENCE) / 2
        found *= float((stdtrit(math.inf, tail) / stdtrit(people - 1, tail)) ** 2)
    return max(1.0, min(found, most))


def _rate(value: float, errors: float, trials: float, people: int, worth: float) -> PeopleRate:
    low, high = _interval(value, worth, _CONFIDENCE)
    return PeopleRate(value, low, high, round(errors), round(trials), people, worth)


def _interval(value: float, worth: float, confidence: float) -> tuple[float, float]:
    """Clopper and Pearson's, of a number of trials that need not be whole."""
    tail = (1 - confidence) / 2
    errors = value * worth
    rest = worth - errors
    # Of less than one independent error nothing bounds the rate from below, nor above by symmetry.
    low = 0.0 if errors < 1 else float(betaincinv(errors, rest + 1, tail))
    high = 1.0 if rest < 1 else float(betaincinv(errors + 1, rest, 1 - tail))
    return min(low, value), max(high, value)
