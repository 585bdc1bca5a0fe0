"""Whole searches, measured: random galleries, and probes of people who are not in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from faceprint.errors import CalibrationError
from faceprint.match import (
    Calibration,
    OpenSet,
    SearchPoint,
    bootstrap_interval,
    compare_all,
    comparison_rate,
    fit_tail,
    open_set,
    operating_points,
    rate,
    spread_people,
)
from faceprint.types import FloatArray

__all__ = ["GalleryPlan", "measure_searches"]

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GalleryPlan:
    """Which galleries are tried.

    Attributes:
        people: Sizes, in people.
        photos: How many templates each person has.
        rates: False positive identification rates to ask for.
        draws: How many galleries of each kind, for each half of the people.
        strangers: How many people at least must be left to be searched for in vain.
        seed: Equal seeds draw equal galleries.
    """

    people: tuple[int, ...] = (10, 100, 1000)
    photos: tuple[int, ...] = (1, 3, 5)
    rates: tuple[float, ...] = (0.1, 0.01)
    draws: int = 10
    strangers: int = 10
    seed: int = 0


def measure_searches(
    calibration: Calibration,
    vectors: FloatArray,
    people: _Ints,
    *,
    plan: GalleryPlan | None = None,
    comparisons: Callable[[int, int], float] = lambda enrolled, photos: enrolled * photos,
) -> tuple[SearchPoint, ...]:
    """Draws galleries from one half of the people and thresholds from the other, and the other way round.

    Args:
        calibration: Of all people; the halves take its labels.
        vectors: (N, D) float32 unit vectors.
        people: (N,) integers from 0, whose photo each is.
        plan: Which galleries are tried; those that the data has too few people for are left out.
        comparisons: For how many comparisons a gallery counts, from its people and templates of each.

    Returns:
        A point for each kind of gallery and rate; none where half of the people are too few to calibrate.
    """
    plan = plan or GalleryPlan()
    halves = spread_people(np.bincount(people), 2)[people]
    try:
        calibrated = [_half(calibration, vectors, people, halves == side) for side in (1, 0)]
    except CalibrationError:
        # Too few people for the rule of 30 in each half: the whole may still do.
        return ()
    found = []
    for photos in plan.photos:
        for enrolled in plan.people:
            trials = [
                trial
                for side in (0, 1)
                for trial in _trials(vectors, people, halves == side, (enrolled, photos), plan)
            ]
            if len(trials) < 2 * plan.draws:
                continue
            for asked in plan.rates:
                fmr = comparison_rate(asked, max(1, round(comparisons(enrolled, photos))))
                derived = [half.threshold(fmr) for half in calibrated]
                if not all(math.isclose(one.estimated_fmr or one.fmr, fmr) for one in derived):
                    continue  # half of the people cannot give what the whole would use
                thresholds = np.repeat([one.score for one in derived], plan.draws)
                found.append(_point(trials, thresholds, (enrolled, photos), asked, len(people)))
    return tuple(found)


def _half(
    calibration: Calibration, vectors: FloatArray, people: _Ints, rows: npt.NDArray[np.bool_]
) -> Calibration:
    _, owners = np.unique(people[rows], return_inverse=True)
    comparison = compare_all(vectors[rows], owners)
    points = operating_points(comparison, resamples=0)
    return replace(calibration, points=points, tail=fit_tail(comparison, points, resamples=0))


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    """One gallery: what the searches gave, and who was searched for in vain."""

    found: OpenSet
    strangers: _Ints


def _trials(
    vectors: FloatArray,
    people: _Ints,
    rows: npt.NDArray[np.bool_],
    size: tuple[int, int],
    plan: GalleryPlan,
) -> Iterator[_Trial]:
    """Galleries of one half of the people; nothing where they are too few."""
    enrolled, photos = size
    counts = np.bincount(people[rows], minlength=people.max() + 1)
    able = np.flatnonzero(counts >= photos)
    if len(able) < enrolled or np.count_nonzero(counts) - enrolled < plan.strangers:
        return
    random = np.random.default_rng(plan.seed)
    mine = np.flatnonzero(rows)
    for _ in range(plan.draws):
        inside = np.isin(people[mine], random.choice(able, enrolled, replace=False))
        known, unknown = mine[inside], mine[~inside]
        template = _places(people[known], random) < photos
        yield _Trial(
            open_set(
                vectors[known[template]],
                people[known[template]],
                vectors[known[~template]],
                people[known[~template]],
                vectors[unknown],
            ),
            people[unknown],
        )


def _places(people: _Ints, random: np.random.Generator) -> _Ints:
    """A random order of the photos of each person: (N,) the place of each, from 0."""
    order = np.lexsort((random.random(len(people)), people))
    _, starts, counts = np.unique(people[order], return_index=True, return_counts=True)
    places = np.empty(len(people), dtype=np.int64)
    places[order] = np.arange(len(people)) - np.repeat(starts, counts)
    return places


def _point(
    trials: list[_Trial],
    thresholds: npt.NDArray[np.float64],
    size: tuple[int, int],
    asked: float,
    count: int,
) -> SearchPoint:
    alarms, searches, missed, known = np.zeros(count), np.zeros(count), 0, 0
    for trial, threshold in zip(trials, thresholds, strict=True):
        hits = trial.found.best_unknown >= threshold
        alarms += np.bincount(trial.strangers, hits, minlength=count)
        searches += np.bincount(trial.strangers, minlength=count)
        if len(trial.found.own_score):
            misses = trial.found.fnir(threshold)
            missed, known = missed + misses.errors, known + misses.trials
    tried = searches > 0
    low, high = bootstrap_interval(
        lambda wrong, all_: float(wrong.sum() / all_.sum()),
        alarms[tried],
        searches[tried],
        resamples=500,
        paired=True,
    )
    if not alarms.any():
        high = rate(0, int(tried.sum())).high
    return SearchPoint(
        people=size[0],
        templates=size[0] * size[1],
        fpir=asked,
        threshold=round(float(thresholds.mean()), 5),
        measured_fpir=round(float(alarms.sum() / searches.sum()), 6),
        low=round(low, 6),
        high=round(high, 6),
        fnir=round(missed / known, 6) if known else None,
        probes=int(searches.sum()),
    )
