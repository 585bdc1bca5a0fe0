"""Curves as a few numbers, for whoever reads them without a chart."""

from __future__ import annotations

from typing import Final

import numpy as np

from faceprint.evaluate.report.blocks import Cell, Chart, Column, Series, Table
from faceprint.evaluate.report.scales import place, read_interval, read_value, read_x, visible

__all__ = ["points_table"]

_POINTS: Final = 8


def points_table(chart: Chart) -> Table:
    """A few points of each curve: real ones, about evenly spread along the horizontal axis."""
    several = len(chart.series) > 1
    banded = any(series.low for series in chart.series)
    labelled = any(series.labels for series in chart.series)
    names = [
        *([""] if several else []),
        chart.x_name,
        chart.y_name,
        *(["95 % interval"] if banded else []),
        *(["at"] if labelled else []),
    ]
    rows: list[tuple[Cell, ...]] = []
    for series in chart.series:
        for index in _spread(series, chart):
            cells = _point(series, index, chart)
            rows.append(
                (
                    *([series.name] if several else []),
                    *cells[:2],
                    *(cells[2:3] if banded else []),
                    *(cells[3:] if labelled else []),
                )
            )
    return Table(chart.title, tuple(Column(name) for name in names), tuple(rows), chart.note)


def _spread(series: Series, chart: Chart) -> list[int]:
    shown = visible(series, chart)
    if len(shown) == 0:
        return []
    if chart.categories:
        return [int(index) for index in shown]
    x = place(series.x, chart.x_scale)[shown]
    wanted = np.linspace(x.min(), x.max(), _POINTS)
    nearest = np.abs(x[None, :] - wanted[:, None]).argmin(axis=1)
    return sorted({int(shown[index]) for index in nearest}, key=lambda index: series.x[index])


def _point(series: Series, index: int, chart: Chart) -> tuple[str, str, str, str]:
    return (
        read_x(series.x[index], chart),
        read_value(series.y[index], chart.y_name, chart.y_scale),
        read_interval(series, index, chart),
        series.labels[index] if series.labels else "",
    )
