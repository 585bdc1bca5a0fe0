"""Reports as files: JSON and back, Markdown, the page, and what may be replaced."""

from __future__ import annotations

import errno
import json
import math
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceprint.errors import InputError, OutputError
from faceprint.evaluate.report import (
    Chart,
    Column,
    Environment,
    Figure,
    Mark,
    Picture,
    Pictures,
    Report,
    Section,
    Series,
    Table,
    Text,
    check_report_folder,
    read_report,
    write_report,
)
from faceprint.evaluate.report.html import report_page
from faceprint.evaluate.report.json_ import report_from_json, report_json
from faceprint.evaluate.report.markdown import report_markdown
from faceprint.evaluate.report.pictures import cut_out
from faceprint.files import write_whole
from faceprint.media import write_image

EVIL = "</script><script>alert(1)</script>"
ENVIRONMENT = Environment(
    command="faceprint evaluate verification pairs --pairs 'my pairs.csv'",
    date="2026-07-01",
    version="0.4.0",
    machine={"cpu": "Some CPU", "cores": 2},
    models=({"role": "detector", "name": "yunet", "licences": {"code": "MIT"}, "digest": ["a"]},),
    settings={"flip": False, "levels": [1, 2.5]},
    data={"dataset": "pairs", "photos": 3, "failures": 0},
)
REPORT = Report(
    kind="verification",
    title="Verification on pairs",
    run="yunet + sface",
    figures=(
        Figure("FNMR at FMR 1e-3", 0.012, "share", 0.004, 0.027, "lower", "6 of 500"),
        Figure("d′", 5.0, "number"),
    ),
    sections=(
        Section(
            "Curves",
            (
                Text("Low is better."),
                Text("Labels may be wrong.", warning=True),
                Chart(
                    "DET",
                    "FMR",
                    "FNMR",
                    (
                        Series(
                            "sface", (0.01, 0.1), (0.2, 0.1), (0.1, 0.05), (0.3, 0.2), ("a", "b")
                        ),
                    ),
                    "step",
                    "deviate",
                    "log",
                    (Mark("in use", x=0.01), Mark("point", 0.01, 0.2)),
                    "A note.",
                ),
                Table(
                    "Cells",
                    (Column("name"), Column("rate", "share"), Column("n", "count"), Column("ok")),
                    (("Ada | Lovelace", 0.5, 3, True), ("", None, 4, False), ("1", 1.0, 1, None)),
                ),
                Pictures(
                    "Misses",
                    (
                        Picture(
                            (Path("a/Ada_1.jpg"), Path("b.jpg")),
                            ((1.0, 2.0, 3.0, 4.0), None),
                            ("Ada_1", "*b*"),
                            "score 0.1",
                            "the first is blurred",
                        ),
                    ),
                ),
                Pictures("False matches", ()),
            ),
        ),
    ),
    environment=ENVIRONMENT,
    warnings=("Few pairs.",),
)


def test_json_and_back() -> None:
    again = report_from_json(report_json(REPORT), name="report.json")
    assert again == REPORT
    cells = again.sections[0].blocks[3]
    assert isinstance(cells, Table)
    assert [type(cell) for cell in cells.rows[0]] == [str, float, int, bool]
    assert type(cells.rows[2][0]) is str


def test_numbers_that_are_none_become_null() -> None:
    series = Series("x", (1.0, 2.0), (math.nan, 1.0), (-math.inf, 0.0), (1.0, 2.0))
    broken = replace(
        REPORT,
        figures=(Figure("none", math.nan, low=math.inf, high=None, note="no pairs"),),
        sections=(Section("x", (Chart("x", "x", "y", (series,)),)),),
    )
    data = report_json(broken)
    assert b"NaN" not in data
    assert b"Infinity" not in data
    again = report_from_json(data, name="report.json")
    assert math.isnan(again.figures[0].value)
    assert again.figures[0].low is None
    chart = again.sections[0].blocks[0]
    assert isinstance(chart, Chart)
    assert math.isnan(chart.series[0].y[0])
    assert chart.series[0].y[1] == 1.0


def test_numpy_scalars_and_odd_file_names_are_written() -> None:
    odd = Path(os.fsdecode(b"caf\xe9.jpg"))
    picture = Picture((odd,), (None,), ("café",), "x")
    report = replace(
        REPORT,
        figures=(Figure("x", np.float32(0.5)),),  # type: ignore[arg-type]
        sections=(Section("x", (Pictures("x", (picture,)),)),),
    )
    again = report_from_json(report_json(report), name="report.json")
    assert again.figures[0].value == 0.5
    pictures = again.sections[0].blocks[0]
    assert isinstance(pictures, Pictures)
    assert pictures.items[0].photos == (odd,)


def test_a_folder_gets_three_files_and_keeps_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    files = write_report(REPORT, folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        "notes.txt",
        "report.html",
        "report.json",
        "report.md",
    ]
    assert read_report(folder) == read_report(files.json) == REPORT
    write_report(replace(REPORT, run="again"), folder)
    assert read_report(folder).run == "again"
    assert (folder / "notes.txt").read_text() == "mine"


def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    write_report(REPORT, tmp_path)
    (tmp_path / "report.html").chmod(0o644)
    files = write_report(REPORT, tmp_path)
    for path in (files.html, files.markdown, files.json):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_disk_leaves_nothing_of_a_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes, **options: int) -> None:
        if path.suffix == ".html":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_whole(path, data)

    monkeypatch.setattr("faceprint.evaluate.report.files.write_whole", full)
    with pytest.raises(OutputError, match="No space left"):
        write_report(REPORT, tmp_path / "new" / "run")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="No space left"):
        write_report(REPORT, tmp_path / "mine")
    assert (tmp_path / "mine" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["report.md", "report.html", "report.json"])
def test_files_of_something_else_stay(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"mine": 1}')
    for act in (check_report_folder, lambda folder: write_report(REPORT, folder)):
        with pytest.raises(InputError, match=f"{name} of something else"):
            act(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == '{"mine": 1}'


def test_places_that_cannot_hold_a_report(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file; a report needs a folder"):
        write_report(REPORT, tmp_path / "file")
    with pytest.raises(OutputError, match="cannot be written"):
        write_report(REPORT, tmp_path / "file" / "below")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is not a report"),
        (b"\xff\xfe", "is not a report"),
        (b"[1, 2]", "is not a report"),
        (b'{"scores": []}', "is not a report"),
        (b"[" * 100_000, "is not a report"),
        (b'{"format": "faceprint report", "version": 2}', "Update faceprint"),
        (b'{"format": "faceprint report", "version": 1}', "damaged"),
        (b'{"format": "faceprint report", "version": 1, "report": {"kind": 1}}', "damaged"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_report(path)


def test_a_value_of_another_type_is_named(tmp_path: Path) -> None:
    record = json.loads(report_json(REPORT))
    record["report"]["figures"][0]["value"] = "high"
    with pytest.raises(InputError, match=r"figures\.0\.value"):
        report_from_json(json.dumps(record).encode(), name="report.json")


def test_a_missing_report_says_how_to_make_one(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(InputError, match="--out of an evaluation"):
            read_report(path)


def test_markdown() -> None:
    text = report_markdown(REPORT)
    assert text.startswith(
        "# Verification on pairs\n\nyunet + sface, 2026-07-01, faceprint 0.4.0\n"
    )
    assert "> **Mind:** Few pairs." in text
    assert "| FNMR at FMR 1e-3 | 1.20 % | 0.40 to 2.70 % | 6 of 500 |" in text
    assert "| Ada \\| Lovelace | 50.00 % | 3 | yes |" in text
    assert "|  | – | 4 | no |" in text
    assert "| 1.00 % | 20.00 % | 10.00 to 30.00 % | a |" in text
    assert (
        "- **Ada_1** and **\\*b\\***: score 0.1 (the first is blurred)\n  - `a/Ada_1.jpg`" in text
    )
    assert "```sh\nfaceprint evaluate verification pairs --pairs 'my pairs.csv'\n```" in text
    assert "- licences: code: MIT" in text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<b>&", "\\<b\\>&"),
        ("# a", "\\# a"),
        ("- a", "\\- a"),
        ("-0.5", "-0.5"),
        ("1. a", "1\\. a"),
        ("1.23 %", "1.23 %"),
        ("_a_ b_c", "\\_a\\_ b_c"),
        ("[a](b)", "\\[a\\](b)"),
        ("a\n\n# b", "a # b"),
    ],
)
def test_names_do_not_become_markdown(text: str, escaped: str) -> None:
    lines = report_markdown(replace(REPORT, warnings=(text,))).splitlines()
    assert f"> **Mind:** {escaped}" in lines


def test_a_path_of_backticks_stays_code() -> None:
    picture = Picture((Path("a``b`.jpg"),), (None,), ("x",), "y")
    text = report_markdown(replace(REPORT, sections=(Section("x", (Pictures("x", (picture,)),)),)))
    assert "  - ``` a``b`.jpg ```" in text


def test_the_page_escapes_names_everywhere() -> None:
    chart = Chart(EVIL, EVIL, EVIL, (Series(EVIL, (1.0,), (1.0,), labels=(EVIL,)),), note=EVIL)
    picture = Picture((Path(EVIL),), (None,), (EVIL,), EVIL, EVIL)
    blocks = (
        Text(EVIL),
        chart,
        Table(EVIL, (Column(EVIL),), ((EVIL,),)),
        Pictures(EVIL, (picture,)),
    )
    environment = replace(
        ENVIRONMENT, command=EVIL, models=({"name": EVIL, EVIL: [EVIL]},), data={EVIL: EVIL}
    )
    page = report_page(
        Report(EVIL, EVIL, EVIL, (Figure(EVIL, 1),), (Section(EVIL, blocks),), environment, (EVIL,))
    )
    assert "<script>alert" not in page
    assert page.count("<script") == page.count("</script") == 3


def test_the_page_holds_plotly_once_and_allows_nothing_else() -> None:
    page = report_page(REPORT)
    assert page.count("plotly.js v") == 1
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].count("sha256-") == 2
    assert "default-src &#39;none&#39;" in policy[1]
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert len(own) < 30_000
    assert "http" not in own.replace("http-equiv", "")


def test_a_chart_without_a_point_says_so() -> None:
    chart = Chart("DET", "FMR", "FNMR", (Series("x", (0.0,), (0.0,)),), x_scale="deviate")
    page = report_page(replace(REPORT, sections=(Section("x", (chart,)),)))
    assert "There is nothing to draw" in page
    assert 'class="plot"' not in page


def test_a_page_without_charts_is_small() -> None:
    page = report_page(replace(REPORT, sections=()))
    assert len(page) < 20_000
    assert "<script" not in page


def test_pictures_are_cut_around_the_face(tmp_path: Path) -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[100:200, 300:400] = 255
    part = cut_out(image, (300, 100, 400, 200))
    assert part.shape == (160, 160, 3)
    assert part[80, 80].tolist() == [255, 255, 255]
    assert part[5, 5].tolist() == [0, 0, 0]
    assert cut_out(image, None).shape == (107, 160, 3)
    assert cut_out(image, (math.nan, 0, 1, 1)).shape == (107, 160, 3)
    assert cut_out(image, (900, 900, 950, 950)).shape == (107, 160, 3)
    assert cut_out(image, (-50, -50, 20, 20)).shape == (44, 44, 3)
    write_image(tmp_path / "a.jpg", image)
    picture = Picture((tmp_path / "a.jpg", tmp_path / "b.jpg"), (None, None), ("a", "b"), "x")
    page = report_page(replace(REPORT, sections=(Section("x", (Pictures("x", (picture,)),)),)))
    assert page.count("data:image/jpeg;base64,") == 1
    assert page.count("cannot be read any more") == 1
