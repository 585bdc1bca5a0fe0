"""Bootstrap intervals: the same figure over data drawn anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from faceprint.errors import InputError

__all__ = ["bootstrap_interval"]

_Counts = npt.NDArray[np.intp]
_Groups = Sequence[npt.NDArray[np.integer[Any]]]

_TRIES = 100
"""How many draws may leave a list empty for each that does not, before there is nothing to draw from."""


def bootstrap_interval(
    statistic: Callable[..., float],
    *samples: npt.NDArray[Any],
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    groups: _Groups | None = None,
    paired: bool = False,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> tuple[float, float]:
    """The percentile bootstrap interval of a figure (Efron, Annals of Statistics 1979).

    A figure that no resample can move, as an error rate without a single error, gets an interval of no
    width: use `rate` there, whose interval is exact.

    Args:
        statistic: Takes the resampled lists, as many as `samples`, and gives a number. Unless `paired`,
            it must not depend on the order in a list, which is lost: one-dimensional lists come sorted.
        samples: Arrays with one row for each observation, as genuine scores and impostor scores.
        resamples: How often to draw.
        seed: Equal seeds give equal intervals.
        confidence: 0 to 1.
        groups: Whose data the rows are, one array for each list: (N,) the person of each row, or (N, 2)
            the two people of each pair. People are then drawn, the same for all lists, and a pair comes
            as often as its people do together, since pairs that share a person are not independent
            (Bolle, Ratha, Pankanti, "Error analysis of pattern recognition systems: the subsets
            bootstrap", 2004; Poh, Martin, Bengio, PAMI 2007).
        paired: The lists describe the same observations: rows are drawn together, and `groups` is one
            array in a list.
        bounds: What the figure can be. It is the interval where there is nothing to draw from: a list of
            one row, or one person.

    Returns:
        Lower and upper end.

    Raises:
        InputError: A list is empty, or lengths do not fit together.
    """
    lists = [np.asarray(sample) for sample in samples]
    owners = None if groups is None else [np.asarray(group) for group in groups]
    _check(lists, owners, paired)
    if not paired:
        lists, owners = _in_order(lists, owners)
    sizes = [len(rows) for rows in (lists[:1] if paired else lists)]
    random = np.random.default_rng(seed)
    draws = _draw_rows(sizes, random) if owners is None else _draw_people(owners, random)
    drawn = [
        statistic(
            *(np.repeat(rows, counts[0 if paired else k], axis=0) for k, rows in enumerate(lists))
        )
        for counts in islice(_not_empty(draws), resamples)
    ]
    if len(drawn) < resamples or min(sizes) < 2:
        return bounds
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    return float(low), float(high)


def _check(
    lists: list[npt.NDArray[Any]], owners: list[npt.NDArray[Any]] | None, paired: bool
) -> None:
    lengths = [len(rows) for rows in lists]
    if not lengths or min(lengths) == 0:
        raise InputError(f"Resampling needs lists that are not empty, got lengths {lengths}.")
    if paired and len(set(lengths)) > 1:
        raise InputError(f"Paired lists have one length, got {lengths}.")
    if owners is not None:
        wanted = lengths[:1] if paired else lengths
        if [len(group) for group in owners] != wanted:
            raise InputError(
                f"Groups name the people of each row: expected lengths {wanted}, "
                f"got {[len(group) for group in owners]}."
            )


def _in_order(
    lists: list[npt.NDArray[Any]], owners: list[npt.NDArray[Any]] | None
) -> tuple[list[npt.NDArray[Any]], list[npt.NDArray[Any]] | None]:
    """The lists sorted, with their groups: a resample of a sorted list is sorted, and cheap to judge."""
    orders = [
        np.argsort(rows, kind="stable") if rows.ndim == 1 else np.arange(len(rows))
        for rows in lists
    ]
    ordered = [rows[order] for rows, order in zip(lists, orders, strict=True)]
    if owners is None:
        return ordered, None
    return ordered, [group[order] for group, order in zip(owners, orders, strict=True)]


def _draw_rows(sizes: list[int], random: np.random.Generator) -> Iterator[list[_Counts]]:
    """How often each row of each list comes, draw after draw."""
    while True:
        yield [np.bincount(random.integers(size, size=size), minlength=size) for size in sizes]


def _draw_people(
    owners: list[npt.NDArray[Any]], random: np.random.Generator
) -> Iterator[list[_Counts]]:
    """How often each row of each list comes when its people are drawn; nothing for one person."""
    names, codes = np.unique(
        np.concatenate([group.ravel() for group in owners]), return_inverse=True
    )
    ends = np.cumsum([group.size for group in owners])[:-1]
    coded = [
        code.reshape(len(group), -1)
        for code, group in zip(np.split(codes, ends), owners, strict=True)
    ]
    count = len(names)
    while count > 1:
        weights = np.bincount(random.integers(count, size=count), minlength=count)
        yield [_pair_counts(people, weights) for people in coded]


def _pair_counts(people: npt.NDArray[np.intp], weights: _Counts) -> _Counts:
    first, second = people[:, 0], people[:, -1]
    return np.where(first == second, weights[first], weights[first] * weights[second])


def _not_empty(draws: Iterator[list[_Counts]]) -> Iterator[list[_Counts]]:
    """The draws that leave no list empty, until too many in a row have."""
    empty = 0
    for counts in draws:
        if all(count.any() for count in counts):
            empty = 0
            yield counts
        elif (empty := empty + 1) > _TRIES:
            return
