"""Equal charts of several runs laid over each other: a colour for each run, a dash for each curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Final, Literal, TypeVar

from faceprint.evaluate.report.blocks import Chart, Mark, Series
from faceprint.evaluate.report.charts import COLOURS, DASHES, Look

__all__ = ["Overlay", "overlay"]

Kind = Literal["line", "step", "bars", "points"]
Part = TypeVar("Part", Series, Mark)

_COMMON: Final = "var(--mark)"


@dataclass(frozen=True, slots=True)
class Overlay:
    """One chart with the curves of several runs, and how each is drawn."""

    chart: Chart
    looks: tuple[Look, ...]


def overlay(charts: Mapping[int, Chart], runs: Sequence[str]) -> Overlay:
    """Lays charts over each other; what is the same in several of them is drawn once.

    Args:
        charts: By the number of their run, with equal axes; at least one.
        runs: What all runs are called.
    """
    single = all(len(chart.series) == 1 for chart in charts.values())
    common = _everywhere([chart.series for chart in charts.values()])
    common_marks = _everywhere([chart.marks for chart in charts.values()])
    series, looks = list(common), [Look(_COMMON, DASHES[2]) for _ in common]
    marks: list[Mark] = list(common_marks)
    for number, chart in charts.items():
        run, colour = runs[number], COLOURS[number % len(COLOURS)]
        own = [curve for curve in chart.series if curve not in common]
        for curve, dash in zip(own, cycle(DASHES)):
            series.append(replace(curve, name=run if single else f"{run}: {curve.name}"))
            looks.append(Look(colour, dash))
        marks += [
            replace(mark, name=f"{run}: {mark.name}")
            for mark in chart.marks
            if mark not in common_marks
        ]
    first = next(iter(charts.values()))
    # Filled bars of several runs would hide each other.
    instead: Kind = "points" if first.categories else "step"
    kind = instead if first.kind == "bars" else first.kind
    made = replace(first, kind=kind, series=tuple(series), marks=tuple(marks))
    return Overlay(made, tuple(looks))


def _everywhere(groups: Sequence[Sequence[Part]]) -> list[Part]:
    """What all groups hold, as the diagonal of chance."""
    return [part for part in groups[0] if all(part in group for group in groups[1:])]
