"""Heat maps and pictures of crops in reports: on the page, as Markdown, as JSON, side by side."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np

from faceprint.evaluate.report import (
    Chart,
    Environment,
    Matrix,
    Pictures,
    Report,
    Section,
    Series,
    compare,
    comparison_page,
    crops_picture,
)
from faceprint.evaluate.report.charts import chart_figure
from faceprint.evaluate.report.html import report_page
from faceprint.evaluate.report.json_ import report_from_json, report_json
from faceprint.evaluate.report.markdown import report_markdown
from faceprint.evaluate.report.matrices import is_dense, matrix_cells
from faceprint.evaluate.report.overlay import overlay
from faceprint.media import read_image

MATRIX = Matrix(
    "Confusion",
    "true",
    "answered",
    ("match", "none"),
    ("<yes>", "no"),
    ((0.9, 0.1), (None, -0.5)),
    texts=(("9 (90 %)", "1 (10 %)"), ("", "half")),
    note="Rows are what is true.",
)


def report_with(*blocks: Matrix | Pictures, run: str = "one") -> Report:
    environment = Environment("faceprint x", "2026-07-01", "0", {}, (), {}, {})
    return Report("kind", "Title", run, (), (Section("Part", blocks),), environment)


def test_cells_are_the_darker_the_larger_and_negative_ones_of_another_colour() -> None:
    cells = matrix_cells(replace(MATRIX, limit=0.5))
    assert [cell.heat for row in cells for cell in row] == [100, 20, 0, 100]
    assert [cell.negative for row in cells for cell in row] == [False, False, False, True]
    assert cells[1][0].text == "–"
    assert matrix_cells(replace(MATRIX, texts=()))[0][0].text == "90.00 %"


def test_the_page_has_each_cell_and_escapes_names() -> None:
    page = report_page(report_with(MATRIX))
    assert '<td class="n" style="--heat:90%">9 (90 %)</td>' in page
    assert '<td class="n negative" style="--heat:50%">half</td>' in page
    assert "&lt;yes&gt;" in page
    assert "<yes>" not in page


def test_many_columns_say_their_numbers_where_the_pointer_rests() -> None:
    names = tuple(f"label {k}" for k in range(13))
    large = Matrix("Large", "", "", names, names, ((0.25,) * 13,) * 13, unit="number")
    assert is_dense(large)
    page = report_page(report_with(large))
    assert 'title="label 0, label 12: 0.25"></td>' in page


def test_markdown_has_it_as_a_table() -> None:
    text = report_markdown(report_with(MATRIX))
    assert "| true \\\\ answered |" in text
    assert "| match | 9 (90 %) | 1 (10 %) |" in text
    assert "Rows are what is true." in text


def test_json_and_back_and_runs_side_by_side() -> None:
    report = report_with(MATRIX)
    assert report_from_json(report_json(report), name="report.json") == report
    page = comparison_page(compare([report, report_with(MATRIX, run="two")]))
    assert page.count("9 (90 %)") == 2


def test_crops_are_on_the_page_and_not_in_the_json() -> None:
    crops = np.full((2, 40, 40, 3), (200, 40, 40), dtype=np.uint8)
    photos = ["Ada_Lovelace/Ada_Lovelace_0001.jpg", "Ada/2.jpg"]
    picture = crops_picture(crops, photos, "score 0.1")
    assert picture.names == ("Ada_Lovelace_0001", "Ada/2")
    assert picture.photos == tuple(map(Path, photos))
    pixels = read_image(picture.encoded[0]).pixels
    assert np.abs(pixels.astype(int) - crops[0]).max() < 8
    report = report_with(Pictures("Worst", (picture,)))
    assert base64.b64encode(picture.encoded[0]).decode() in report_page(report)
    data = report_json(report)
    assert b"encoded" not in data
    again = report_from_json(data, name="report.json")
    assert "cannot be read any more" in report_page(again)


def test_bars_of_categories_stand_beside_each_other() -> None:
    series = tuple(Series(name, (0.0, 1.0), (3.0, 4.0)) for name in ("a", "b"))
    chart = Chart("Count", "class", "photos", series, "bars", categories=("x", "y"))
    first, second = chart_figure(chart)["data"]
    assert (first["offset"], first["width"]) == (-0.4, 0.4)
    assert (second["offset"], second["width"]) == (0.0, 0.4)
    assert overlay({0: chart, 1: chart}, ("one", "two")).chart.kind == "points"
