"""Charts as Plotly figures, and as a few numbers."""

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from faceprint.evaluate.report import Chart, Mark, Series
from faceprint.evaluate.report.charts import chart_figure
from faceprint.evaluate.report.overlay import overlay
from faceprint.evaluate.report.points import points_table
from faceprint.evaluate.report.scales import deviate_ticks, place, thinned

RATES = (0.0, 0.001, 0.01, 0.1, 1.0)
CURVE = Series(
    "sface",
    RATES,
    (1.0, 0.2, 0.1, 0.05, 0.0),
    low=(0.9, 0.1, 0.05, 0.0, 0.0),
    high=(1.0, 0.3, 0.2, 0.1, 0.02),
    labels=tuple(f"threshold {number}" for number in range(5)),
)
DET = Chart("DET", "FMR", "FNMR", (CURVE,), "line", "deviate", "deviate")


@pytest.mark.parametrize("kind", ["line", "step", "bars", "points"])
@pytest.mark.parametrize("scale", ["linear", "log", "deviate"])
def test_plotly_takes_every_kind(kind: Any, scale: Any) -> None:
    marks = (Mark("a line", x=0.01), Mark("another", y=0.1), Mark("a point", 0.01, 0.1))
    chart = replace(DET, kind=kind, x_scale=scale, y_scale=scale, marks=marks)
    figure = chart_figure(chart)
    json.dumps(figure, allow_nan=False)
    drawn = go.Figure(figure)
    assert drawn.data[-2].name == "sface"
    assert [shape.name for shape in drawn.layout.shapes] == ["a line", "another"]
    assert len(drawn.data[-2].x) == {"linear": 5, "log": 3, "deviate": 3}[scale]


def test_det_axes_are_normal_deviates() -> None:
    trace = chart_figure(DET)["data"][-1]
    assert trace["x"] == pytest.approx([-3.0902, -2.3263, -1.2816], abs=1e-4)
    axis = chart_figure(DET)["layout"]["xaxis"]
    assert dict(zip(axis["ticktext"], axis["tickvals"], strict=True)) == pytest.approx(
        {"0.1%": -3.0902, "1%": -2.3263, "5%": -1.6449}, abs=1e-4
    )


def test_a_narrow_det_axis_gets_finer_ticks() -> None:
    _, labels = deviate_ticks(place([0.011, 0.04], "deviate"))
    assert labels == ["1%", "2%"]


def test_what_the_pointer_says() -> None:
    trace = chart_figure(DET)["data"][-1]
    assert trace["customdata"][0] == [
        "0.10 % (0.001)",
        "20.00 %",
        "10.00 to 30.00 %",
        "threshold 1",
    ]
    assert trace["hovertemplate"].count("%{customdata") == 4


def test_bands_end_where_a_log_axis_ends() -> None:
    low, high, line = chart_figure(replace(DET, y_scale="log"))["data"]
    assert low["y"] == [0.1, 0.05, 0.025]
    assert high["y"] == [0.3, 0.2, 0.1]
    assert high["fill"] == "tonexty"
    assert low["legendgroup"] == high["legendgroup"] == line["legendgroup"]


def test_bars_are_as_wide_as_their_bins() -> None:
    bars = Series("genuine", (-0.1, 0.0, 0.1, 0.2), (1, 2, 3, 4))
    (trace,) = chart_figure(Chart("Scores", "score", "pairs", (bars,), "bars"))["data"]
    assert (trace["width"], trace["offset"]) == (0.1, 0)


def test_error_bars_on_points() -> None:
    trace = chart_figure(replace(DET, kind="points", x_scale="linear", y_scale="linear"))["data"][
        -1
    ]
    assert trace["error_y"]["array"] == pytest.approx([0, 0.1, 0.1, 0.05, 0.02])
    assert trace["error_y"]["arrayminus"] == pytest.approx([0.1, 0.1, 0.05, 0.05, 0])


def test_long_curves_are_thinned_and_keep_their_shape() -> None:
    fmr = np.arange(1, 100_001) / 100_000
    curve = Series("long", tuple(fmr.tolist()), tuple((1 - fmr**0.1).tolist()))
    chart = replace(DET, series=(curve,), x_scale="log", y_scale="linear")
    kept = thinned(curve, chart)
    assert len(kept) <= 2000
    assert kept[0] == 0
    assert kept[-1] == 99_999
    assert (kept < 1000).mean() > 0.3, "rates below 1 % are three of five decades"
    assert (np.diff(np.log10(fmr[kept])).max()) < 0.31, "neighbours of the data at most"


def test_an_empty_or_hidden_series_leaves_a_chart() -> None:
    nothing = Series("nothing", (), ())
    unseen = Series("unseen", (0.0, math.nan), (0.5, 0.5))
    chart = replace(DET, series=(nothing, unseen), marks=(Mark("off the axis", x=0.0),))
    figure = chart_figure(chart)
    assert figure["data"] == []
    assert figure["layout"]["shapes"] == []
    assert points_table(chart).rows == ()


def test_names_are_text_for_plotly_too() -> None:
    evil = "<a href='https://example.org'>%{x}</a>"
    series = Series(evil, (0.1,), (0.1,), labels=(evil,))
    text = json.dumps(chart_figure(Chart("x", evil, evil, (series,), marks=(Mark(evil, x=1),))))
    assert "<a" not in text
    assert "%{x}" not in text


def test_a_few_points_as_a_table() -> None:
    many = tuple((np.arange(1, 1001) / 1000).tolist())
    table = points_table(replace(DET, series=(CURVE, Series("other", many, many))))
    assert [column.name for column in table.columns] == ["", "FMR", "FNMR", "95 % interval", "at"]
    assert table.rows[0] == ("sface", "0.10 %", "20.00 %", "10.00 to 30.00 %", "threshold 1")
    other = [row for row in table.rows if row[0] == "other"]
    assert 4 <= len(other) <= 8
    assert other[0] == ("other", "0.10 %", "0.10 %", "", "")


def test_runs_over_each_other() -> None:
    chance = Series("chance", RATES, RATES)
    first = replace(DET, series=(CURVE, chance), marks=(Mark("1 %", x=0.01), Mark("own", x=0.02)))
    second = replace(
        DET,
        series=(replace(CURVE, y=RATES), chance),
        marks=(Mark("1 %", x=0.01), Mark("own", x=0.03)),
    )
    made = overlay({0: first, 2: second}, ["one", "two", "three"])
    assert [series.name for series in made.chart.series] == ["chance", "one: sface", "three: sface"]
    assert [look.colour for look in made.looks] == ["var(--mark)", "var(--s0)", "var(--s2)"]
    assert [mark.name for mark in made.chart.marks] == ["1 %", "one: own", "three: own"]
    bars = overlay({0: replace(DET, kind="bars"), 1: replace(DET, kind="bars")}, ["one", "two"])
    assert bars.chart.kind == "step"


GROUPS = Chart(
    "FMR by sex",
    "sex",
    "FMR",
    (Series("FMR", (0.0, 1.0), (0.001, 0.002), (0.0005, 0.001), (0.002, 0.004)),),
    kind="points",
    categories=("<female>", "male"),
)


def test_an_axis_of_names() -> None:
    figure = chart_figure(GROUPS)
    axis = figure["layout"]["xaxis"]
    assert (axis["tickvals"], axis["ticktext"]) == ([0, 1], ["&lt;female&gt;", "male"])
    assert axis["range"] == [-0.5, 1.5]
    assert [said[0] for said in figure["data"][-1]["customdata"]] == ["&lt;female&gt;", "male"]
    go.Figure(figure)


def test_an_axis_of_names_as_a_table_has_every_name() -> None:
    many = replace(
        GROUPS,
        series=(Series("FMR", tuple(map(float, range(20))), (0.1,) * 20),),
        categories=tuple(f"group {k}" for k in range(20)),
    )
    rows = points_table(many).rows
    assert [row[0] for row in rows] == list(many.categories)
