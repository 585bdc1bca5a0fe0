"""Runs set against each other."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import typer

from faceprint.cli import comparing
from faceprint.errors import InputError, OutputError
from faceprint.evaluate.report import (
    Chart,
    Column,
    Environment,
    Figure,
    Report,
    Section,
    Series,
    Table,
    compare,
    comparison_page,
    write_comparison,
    write_report,
)

ENVIRONMENT = Environment(
    command="faceprint evaluate verification",
    date="2026-07-01",
    version="0.4.0",
    machine={"cpu": "Some CPU"},
    models=({"role": "embedder", "name": "sface", "model_id": "sface:1:1"},),
    settings={"flip": False},
    data={"dataset": "pairs", "photos": 1000},
)


def run(name: str, value: float, low: float | None, high: float | None) -> Report:
    series = Series("curve", (0.01, 0.1), (value, value / 2))
    return Report(
        "verification",
        "Verification on pairs",
        name,
        (Figure("FNMR", value, "share", low, high, "lower"),),
        (
            Section(
                "Curves",
                (
                    Chart("DET", "FMR", "FNMR", (series,)),
                    Table("Rates", (Column("FNMR", "share"),), ((value,),)),
                ),
            ),
        ),
        ENVIRONMENT,
    )


GOOD = run("good", 0.01, 0.005, 0.02)
FAIR = run("fair", 0.015, 0.01, 0.03)
POOR = run("poor", 0.2, 0.1, 0.3)


@pytest.mark.parametrize(
    ("runs", "ahead", "verdict"),
    [
        ((GOOD, FAIR), (), "no difference beyond chance"),
        ((POOR, GOOD), (1,), "good is best"),
        ((GOOD, POOR, FAIR), (0, 2), "good and fair are ahead, level with each other"),
        ((GOOD, run("bare", 0.5, None, None)), (), "without intervals, nothing can be said"),
        ((POOR, run("spotless", 0.0, 0.0, 0.0)), (), "without intervals, nothing can be said"),
        ((GOOD, run("nothing", float("nan"), None, None)), (), ""),
    ],
)
def test_only_what_chance_does_not_explain_is_called_better(
    runs: Sequence[Report], ahead: tuple[int, ...], verdict: str
) -> None:
    (figure,) = compare(runs).figures
    assert (figure.ahead, figure.verdict) == (ahead, verdict)


def test_higher_may_be_better_and_some_figures_have_no_direction() -> None:
    def turned(report: Report, **fields: object) -> Report:
        return replace(report, figures=(replace(report.figures[0], **fields),))  # type: ignore[arg-type]

    (figure,) = compare([turned(r, better="higher") for r in (GOOD, POOR)]).figures
    assert figure.verdict == "poor is best"
    (figure,) = compare([turned(r, better=None) for r in (GOOD, POOR)]).figures
    assert (figure.ahead, figure.verdict) == ((), "")


def test_runs_that_lack_a_figure_leave_a_gap() -> None:
    more = replace(GOOD, run="more", figures=(*GOOD.figures, Figure("d′", 5.0, "number")))
    first, second = compare([GOOD, more]).figures
    assert [figure is None for figure in first.figures] == [False, False]
    assert [figure is None for figure in second.figures] == [True, False]


def test_what_differs_is_told() -> None:
    other = replace(
        POOR,
        run="good",
        warnings=("Few pairs.",),
        environment=replace(
            ENVIRONMENT,
            settings={"flip": True},
            models=({"role": "embedder", "name": "dlib", "model_id": "dlib:2:1"},),
            data={"dataset": "others", "photos": 1000},
        ),
    )
    comparison = compare([GOOD, other])
    assert comparison.runs == ("good (1)", "good (2)")
    assert comparison.to_dict()["differences"] == {
        "embedder": {"good (1)": "sface", "good (2)": "dlib"},
        "embedder: id": {"good (1)": "sface:1:1", "good (2)": "dlib:2:1"},
        "flip": {"good (1)": "no", "good (2)": "yes"},
        "dataset": {"good (1)": "pairs", "good (2)": "others"},
    }
    assert comparison.warnings == (
        "The runs saw different data (good (1): pairs; good (2): others): a difference may come from "
        "that.",
        "good (2): Few pairs.",
    )


def test_labels_tell_data_apart_and_not_names() -> None:
    def on(digest: str, dataset: str = "pairs") -> Report:
        data = ENVIRONMENT.data | {"digest": digest, "dataset": dataset}
        return replace(GOOD, environment=replace(ENVIRONMENT, data=data))

    first, other = on("aaaaaaaaaa"), replace(on("bbbbbbbbbb"), run="fair")
    assert compare([first, other]).warnings == (
        "The runs saw different data (good: pairs, labels aaaaaaaa; fair: pairs, labels bbbbbbbb): a "
        "difference may come from that.",
    )
    assert compare([first, on("aaaaaaaaaa", dataset="the same elsewhere")]).warnings == ()
    assert len(compare([GOOD, on("", dataset="others")]).warnings) == 1


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="two runs or more, got 1"):
        compare([GOOD])
    with pytest.raises(InputError, match="got detection and verification"):
        compare([GOOD, replace(GOOD, kind="detection")])


def test_the_page() -> None:
    page = comparison_page(compare([GOOD, POOR]))
    assert page.count("plotly.js v") == 1
    assert page.count('class="plot"') == 1
    assert '"name":"good"' in page
    assert "★" in page
    assert page.count("<table>") == 4 + 1


def test_only_a_comparison_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "comparison.html"
    write_comparison([GOOD, POOR], path)
    write_comparison([GOOD, FAIR], path)
    assert "no difference beyond chance" in path.read_text("utf-8")
    other = tmp_path / "page.html"
    other.write_text("mine")
    with pytest.raises(InputError, match="something else"):
        write_comparison([GOOD, POOR], other)
    with pytest.raises(InputError, match="is a folder"):
        write_comparison([GOOD, POOR], tmp_path)
    with pytest.raises((InputError, OutputError), match=r"page\.html"):
        write_comparison([GOOD, POOR], other / "below.html")
    assert other.read_text() == "mine"


def test_its_owner_alone_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "comparison.html"
    write_comparison([GOOD, POOR], path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def command(*arguments: str | Path) -> int:
    app = typer.Typer()
    app.callback()(lambda: None)
    comparing.register(app)
    code: int = app(["compare", *map(str, arguments)], standalone_mode=False)
    return code


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_report(GOOD, tmp_path / "good")
    poor = write_report(POOR, tmp_path / "poor").json
    assert command(tmp_path / "good", poor) == 0
    said = capsys.readouterr().out
    assert "1.00 % (0.50 to 2.00 %)" in said
    assert "good is best" in said
    assert "--out FILE.html" in said
    page = tmp_path / "comparison.html"
    assert command(tmp_path / "good", poor, "--out", page, "--json") == 0
    assert json.loads(capsys.readouterr().out)["figures"][0]["ahead"] == ["good"]
    assert page.exists()
    with pytest.raises(InputError, match="There is no report"):
        command(tmp_path / "good", tmp_path / "none")
