"""Charts as Plotly figures: plain JSON values, which `plotly.graph_objects.Figure` takes as they are.

Colours are CSS variables (`var(--s0)` to `var(--s7)` for series, `var(--s0-band)` to `var(--s7-band)` for
their intervals, `var(--mark)`): the page that shows a figure gives them their values, so that one figure
does by day, by night and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

import numpy as np

from faceprint.evaluate.report.blocks import Chart, Mark, Series
from faceprint.evaluate.report.scales import (
    Floats,
    Indices,
    Scale,
    deviate_ticks,
    is_share,
    place,
    read_interval,
    read_value,
    read_x,
    thinned,
)

__all__ = ["COLOURS", "DASHES", "Look", "chart_figure"]

JsonObject = dict[str, Any]

COLOURS: Final = tuple(f"var(--s{number})" for number in range(8))
"""Of series, in order; they start again where there are more."""

DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
"""Of lines, where colour alone does not tell them apart."""

_MARK_COLOUR: Final = "var(--mark)"
_SYMBOLS: Final = ("diamond", "circle", "square", "triangle-up", "cross", "star")
_BAR_OPACITY: Final = 0.55
_CATEGORY_WIDTH: Final = 0.8


@dataclass(frozen=True, slots=True)
class Look:
    """How one series is drawn."""

    colour: str
    dash: str = "solid"


def chart_figure(chart: Chart, looks: Sequence[Look] | None = None) -> JsonObject:
    """A chart as a Plotly figure: {"data": [...], "layout": {...}}, without NaN.

    Points that an axis cannot show, as a rate of 0 on a log axis, are left out, and series of more
    than 2,000 points are thinned.

    Args:
        chart: What to draw.
        looks: Of each series; a colour for each unless given.
    """
    chosen = looks or [Look(colour) for colour in islice(cycle(COLOURS), len(chart.series))]
    floor = _floor(chart)
    bands: list[JsonObject] = []
    curves: list[JsonObject] = []
    for number, (series, look) in enumerate(zip(chart.series, chosen, strict=True)):
        kept = thinned(series, chart)
        if len(kept):
            bands += _band(series, kept, chart, look, floor, number)
            curves.append(_trace(series, kept, chart, look, number))
    points = [mark for mark in chart.marks if mark.x is not None and mark.y is not None]
    curves += [_point(mark, chart, symbol) for mark, symbol in zip(points, cycle(_SYMBOLS))]
    data = bands + curves
    layout: JsonObject = {
        "xaxis": _x_axis(chart, [trace["x"] for trace in data]),
        "yaxis": _axis(chart.y_name, chart.y_scale, [trace["y"] for trace in data]),
        "shapes": _lines(chart),
        "showlegend": len(chart.series) + len(chart.marks) > 1,
        "barmode": "overlay",
        "bargap": 0,
        "hovermode": "x unified" if chart.kind == "bars" else "closest",
    }
    return {"data": data, "layout": layout}


def _trace(series: Series, kept: Indices, chart: Chart, look: Look, number: int) -> JsonObject:
    trace: JsonObject = {
        "name": _text(series.name),
        "legendgroup": str(number),
        "x": _coordinates(series.x, kept, chart.x_scale),
        "y": _coordinates(series.y, kept, chart.y_scale),
        "customdata": [_said(series, int(index), chart) for index in kept],
        "hovertemplate": _hover(series, chart),
    }
    if chart.kind == "bars":
        offset, width = _bar_place(series, kept, chart, number)
        return trace | {
            "type": "bar",
            "offset": offset,
            "width": width,
            "opacity": _BAR_OPACITY,
            "marker": {"color": look.colour, "line": {"width": 0}},
        }
    trace |= {
        "type": "scatter",
        "mode": "markers" if chart.kind == "points" else "lines",
        "line": {
            "color": look.colour,
            "dash": look.dash,
            "width": 2.2,
            "shape": "hv" if chart.kind == "step" else "linear",
        },
        "marker": {"color": look.colour, "size": 8},
    }
    if chart.kind == "points" and series.low and series.high:
        trace["error_y"] = _error_bars(series, kept, chart, look)
    return trace


def _error_bars(series: Series, kept: Indices, chart: Chart, look: Look) -> JsonObject:
    middle, low, high = (
        _coordinates(values, kept, chart.y_scale) for values in (series.y, series.low, series.high)
    )
    above = [_distance(end, value) for end, value in zip(high, middle, strict=True)]
    below = [_distance(value, end) for end, value in zip(low, middle, strict=True)]
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "color": look.colour,
        "thickness": 1.4,
        "width": 4,
    }


def _distance(upper: float | None, lower: float | None) -> float:
    return 0.0 if upper is None or lower is None else max(0.0, upper - lower)


def _band(
    series: Series, kept: Indices, chart: Chart, look: Look, floor: float, number: int
) -> list[JsonObject]:
    """Two edges without a line, the upper one filled down to the lower; they toggle with the series."""
    if chart.kind not in ("line", "step") or not (series.low and series.high):
        return []
    x = _coordinates(series.x, kept, chart.x_scale)
    shape = "hv" if chart.kind == "step" else "linear"
    common = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "legendgroup": str(number),
        "showlegend": False,
        "hoverinfo": "skip",
        "line": {"width": 0, "shape": shape, "color": look.colour},
    }
    ceiling = 1 - floor if chart.y_scale == "deviate" else math.inf
    low, high = (
        _coordinates(np.clip(np.asarray(ends, float), floor, ceiling), kept, chart.y_scale)
        for ends in (series.low, series.high)
    )
    filled = {"fill": "tonexty", "fillcolor": look.colour.replace(")", "-band)")}
    return [common | {"y": low}, common | {"y": high} | filled]


def _floor(chart: Chart) -> float:
    """How far down a band may go: ends of intervals at 0 have no place on a log axis."""
    if chart.y_scale == "linear":
        return -math.inf
    shown = [value for series in chart.series for value in series.y if value > 0]
    smallest = min(shown, default=0.01)
    return min(smallest, 0.25) / 2


def _point(mark: Mark, chart: Chart, symbol: str) -> JsonObject:
    x, y = float(mark.x or 0.0), float(mark.y or 0.0)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": _text(mark.name),
        "x": _coordinates([x], np.array([0]), chart.x_scale),
        "y": _coordinates([y], np.array([0]), chart.y_scale),
        "customdata": [
            [
                _hover_value(x, chart.x_name, chart.x_scale),
                _hover_value(y, chart.y_name, chart.y_scale),
            ]
        ],
        "hovertemplate": _hover(None, chart),
        "marker": {
            "color": _MARK_COLOUR,
            "symbol": symbol,
            "size": 11,
            "line": {"width": 1.5, "color": "var(--card)"},
        },
    }


def _lines(chart: Chart) -> list[JsonObject]:
    """Marks of one coordinate: lines across the whole chart, with a place in the legend."""
    lines: list[JsonObject] = []
    single = [mark for mark in chart.marks if (mark.x is None) != (mark.y is None)]
    for mark, dash in zip(single, cycle(DASHES[1:])):
        upright = mark.x is not None
        value = mark.x if mark.x is not None else mark.y
        scale = chart.x_scale if upright else chart.y_scale
        at = _coordinates([float(value or 0.0)], np.array([0]), scale)[0]
        if at is None or (scale == "log" and at <= 0):
            continue
        along, across = ("x", "y") if upright else ("y", "x")
        lines.append(
            {
                "type": "line",
                f"{along}0": at,
                f"{along}1": at,
                f"{across}0": 0,
                f"{across}1": 1,
                f"{across}ref": "paper",
                "name": _text(mark.name),
                "showlegend": True,
                "line": {"color": _MARK_COLOUR, "width": 1.6, "dash": dash},
            }
        )
    return lines


def _x_axis(chart: Chart, coordinates: list[list[float | None]]) -> JsonObject:
    if not chart.categories:
        return _axis(chart.x_name, chart.x_scale, coordinates)
    return {
        "title": {"text": _text(chart.x_name)},
        "automargin": True,
        "zeroline": False,
        "tickmode": "array",
        "tickvals": list(range(len(chart.categories))),
        "ticktext": [_text(name) for name in chart.categories],
        "range": [-0.5, len(chart.categories) - 0.5],
    }


def _axis(name: str, scale: Scale, coordinates: list[list[float | None]]) -> JsonObject:
    axis: JsonObject = {"title": {"text": _text(name)}, "automargin": True, "zeroline": False}
    shown = [value for some in coordinates for value in some if value is not None]
    if scale == "log":
        axis["type"] = "log"
    if scale == "deviate":
        places, labels = deviate_ticks(np.asarray(shown or [0.0]))
        return axis | {"tickmode": "array", "tickvals": places, "ticktext": labels}
    if is_share(name, scale):
        axis["tickformat"] = ".6~%"
        axis |= {"dtick": 1} if scale == "log" else {"rangemode": "nonnegative"}
    elif scale == "log":
        axis |= {"exponentformat": "none", "separatethousands": True, "dtick": 1}
    return axis


def _coordinates(
    values: Sequence[float] | Floats, kept: Indices, scale: Scale
) -> list[float | None]:
    """Six digits are finer than any screen, and keep the page small."""
    chosen = np.asarray(values, dtype=np.float64)[kept]
    placed = place(chosen, scale) if scale == "deviate" else chosen
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in placed]


def _bar_place(
    series: Series, kept: Indices, chart: Chart, number: int
) -> tuple[float, float | None]:
    """Where a bar begins beside its x, and how wide it is: bars of categories stand side by side."""
    if not chart.categories:
        return 0, _bin_width(series, kept)
    width = _CATEGORY_WIDTH / len(chart.series)
    return number * width - _CATEGORY_WIDTH / 2, width


def _bin_width(series: Series, kept: Indices) -> float | None:
    edges = np.unique(np.asarray(series.x)[kept])
    return float(f"{np.diff(edges).min():.6g}") if len(edges) > 1 else None


def _said(series: Series, index: int, chart: Chart) -> list[str]:
    x = series.x[index]
    said = [
        _text(read_x(x, chart))
        if chart.categories
        else _hover_value(x, chart.x_name, chart.x_scale),
        _hover_value(series.y[index], chart.y_name, chart.y_scale),
    ]
    if series.low and series.high:
        said.append(read_interval(series, index, chart))
    if series.labels:
        said.append(_text(series.labels[index]))
    return said


def _hover(series: Series | None, chart: Chart) -> str:
    lines = [
        "<b>%{fullData.name}</b>",
        f"{_text(chart.x_name)}: %{{customdata[0]}}",
        f"{_text(chart.y_name)}: %{{customdata[1]}}",
    ]
    following = 2
    if series is not None and series.low and series.high:
        lines.append("95 % interval: %{customdata[2]}")
        following = 3
    if series is not None and series.labels:
        lines.append(f"%{{customdata[{following}]}}")
    return "<br>".join(lines) + "<extra></extra>"


def _hover_value(value: float, name: str, scale: Scale) -> str:
    """Small rates in both ways of writing, as in "0.012 % (1.2e-04)"."""
    text = read_value(value, name, scale)
    return f"{text} ({value:.2g})" if 0 < value < 1e-2 and is_share(name, scale) else text


def _text(text: str) -> str:
    """Text for Plotly, which reads a little HTML, and %{...} as a place to fill."""
    plain = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("%{", "% {")
