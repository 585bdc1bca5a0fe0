"""Several runs of one kind set against each other: what differs, and what differs beyond chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from faceprint.errors import InputError
from faceprint.evaluate.report.blocks import (
    Block,
    Chart,
    Column,
    Environment,
    Figure,
    Matrix,
    Report,
    Table,
)
from faceprint.evaluate.report.charts import chart_figure
from faceprint.evaluate.report.files import OWNER_ALONE, new_folder, writing
from faceprint.evaluate.report.html import render_page
from faceprint.evaluate.report.json_ import plain
from faceprint.evaluate.report.overlay import Overlay, overlay
from faceprint.evaluate.report.shapes import show_any
from faceprint.files import write_whole

__all__ = [
    "ComparedFigure",
    "Comparison",
    "Difference",
    "check_comparison_file",
    "compare",
    "comparison_page",
    "write_comparison",
]

JsonObject = dict[str, Any]

NO_DIFFERENCE = "no difference beyond chance"

_GENERATOR = "faceprint comparison"
_HEAD_BYTES = 2048
_DIGEST_SHOWN = 8


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """One headline figure of all runs.

    Attributes:
        name: Of the figure.
        figures: Of each run; None where a run has none of that name.
        ahead: Indices of the best run and of those whose intervals overlap with its own; empty where
            chance explains all differences, or nothing can be said.
        verdict: What can be said of the differences; empty where nothing can.
    """

    name: str
    figures: tuple[Figure | None, ...]
    ahead: tuple[int, ...]
    verdict: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting, a model or a fact of the data, for each run; "" where a run has none."""

    name: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs differ in it."""
        return len(set(self.values)) > 1


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs set against each other.

    Attributes:
        reports: The runs, under names that are all different.
        figures: In the order in which the runs give them.
        environment: What made them, fact by fact.
        warnings: Why they may not be comparable.
    """

    reports: tuple[Report, ...]
    figures: tuple[ComparedFigure, ...]
    environment: tuple[Difference, ...]
    warnings: tuple[str, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        """What the runs are called."""
        return tuple(report.run for report in self.reports)

    def to_dict(self) -> JsonObject:
        """The comparison as JSON values."""
        runs = self.runs
        return {
            "kind": self.reports[0].kind,
            "runs": list(runs),
            "figures": [
                {
                    "name": compared.name,
                    "values": {
                        run: plain(figure)
                        for run, figure in zip(runs, compared.figures, strict=True)
                    },
                    "ahead": [runs[index] for index in compared.ahead],
                    "verdict": compared.verdict,
                }
                for compared in self.figures
            ],
            "differences": {
                fact.name: dict(zip(runs, fact.values, strict=True))
                for fact in self.environment
                if fact.differs
            },
            "warnings": list(self.warnings),
        }


def compare(reports: Sequence[Report]) -> Comparison:
    """Sets runs against each other.

    A run is ahead where its 95 % interval does not overlap with that of another. This is cautious:
    intervals may overlap a little although a test on the same pairs would tell the runs apart.

    Raises:
        InputError: Fewer than two runs, or runs of different kinds.
    """
    if len(reports) < 2:
        raise InputError(f"A comparison needs two runs or more, got {len(reports)}.")
    kinds = sorted({report.kind for report in reports})
    if len(kinds) > 1:
        raise InputError(
            f"Only runs of one kind can be compared, got {' and '.join(kinds)}. Compare them one kind "
            "at a time."
        )
    named = _with_own_names(reports)
    names = dict.fromkeys(figure.name for report in named for figure in report.figures)
    environment = _environment(named)
    return Comparison(
        named,
        tuple(_compare_figure(name, named) for name in names),
        environment,
        tuple(_warnings(named)),
    )


def comparison_page(comparison: Comparison) -> str:
    """The page of a comparison; like that of a report, it needs nothing else."""
    overlays = _overlays(comparison)
    return render_page(
        "comparison.html",
        charts=bool(overlays),
        generator=_GENERATOR,
        comparison=comparison,
        overlays=[(made.chart, chart_figure(made.chart, made.looks)) for made in overlays],
        tables=_tables(comparison),
        differing=_differing(comparison),
        same={fact.name: fact.values[0] for fact in comparison.environment if not fact.differs},
    )


def check_comparison_file(path: Path) -> None:
    """Says whether a comparison may be written there.

    Raises:
        InputError: It is a folder, or a file that is no comparison.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; a comparison is one file, as in comparison.html.")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"{path} cannot be replaced: {error.strerror or error}.") from error
    if _GENERATOR.encode() not in head:
        raise InputError(
            f"{path} is a file of something else, which the comparison would replace. Choose another "
            "name with --out."
        )


def write_comparison(reports: Sequence[Report], path: Path) -> Comparison:
    """Writes the page of a comparison; an earlier comparison of that name is replaced.

    Raises:
        InputError: See `compare` and `check_comparison_file`.
        OutputError: The disk is full, or the folder may not be written.
    """
    comparison = compare(reports)
    check_comparison_file(path)
    page = comparison_page(comparison).encode("utf-8", "replace")
    with writing(path), new_folder(path.parent):
        write_whole(path, page, mode=OWNER_ALONE)
    return comparison


def _with_own_names(reports: Sequence[Report]) -> tuple[Report, ...]:
    """Numbers behind names that several runs have."""
    often = Counter(report.run for report in reports)
    seen: Counter[str] = Counter()
    named = []
    for report in reports:
        seen[report.run] += 1
        run = f"{report.run} ({seen[report.run]})" if often[report.run] > 1 else report.run
        named.append(replace(report, run=run))
    return tuple(named)


def _compare_figure(name: str, reports: Sequence[Report]) -> ComparedFigure:
    found = tuple(
        next((figure for figure in report.figures if figure.name == name), None)
        for report in reports
    )
    ahead, verdict = _judge(found, [report.run for report in reports])
    return ComparedFigure(name, found, ahead, verdict)


def _judge(figures: Sequence[Figure | None], runs: Sequence[str]) -> tuple[tuple[int, ...], str]:
    given = {
        index: figure
        for index, figure in enumerate(figures)
        if figure is not None and math.isfinite(figure.value)
    }
    directions = {figure.better for figure in given.values()}
    if len(given) < 2 or len(directions) > 1 or None in directions:
        return (), ""
    ends = {index: _interval(figure) for index, figure in given.items()}
    if None in ends.values():
        return (), "without intervals, nothing can be said"
    sign = -1 if directions == {"lower"} else 1
    best = max(given, key=lambda index: sign * given[index].value)
    level = tuple(index for index in given if _overlap(ends[index], ends[best]))
    if len(level) == len(given):
        return (), NO_DIFFERENCE
    if len(level) == 1:
        return level, f"{runs[best]} is best"
    return level, f"{' and '.join(runs[index] for index in level)} are ahead, level with each other"


def _interval(figure: Figure) -> tuple[float, float] | None:
    """The ends; none where they are one: resampling a run without any error shows no spread."""
    if figure.low is None or figure.high is None or not figure.low < figure.high:
        return None
    return figure.low, figure.high


def _overlap(one: tuple[float, float] | None, other: tuple[float, float] | None) -> bool:
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]


def _warnings(reports: Sequence[Report]) -> Iterator[str]:
    data = [report.environment.data for report in reports]
    named = [_dataset(one) for one in data]
    # One set of labels may lie in folders of several names.
    told = [str(one.get("digest") or "") for one in data]
    photos = [show_any(one.get("photos")) for one in data]
    for what, values, identities in (
        ("different data", named, told if all(told) else named),
        ("different numbers of photos", photos, photos),
    ):
        if len(set(identities)) > 1:
            pairs = "; ".join(
                f"{report.run}: {value}" for report, value in zip(reports, values, strict=True)
            )
            yield f"The runs saw {what} ({pairs}): a difference may come from that."
    said: dict[str, list[str]] = {}
    for report in reports:
        for warning in report.warnings:
            said.setdefault(warning, []).append(report.run)
    for warning, runs in said.items():
        yield warning if len(runs) == len(reports) else f"{', '.join(runs)}: {warning}"


def _dataset(data: JsonObject) -> str:
    """What data is called, with the head of the digest of its labels."""
    digest = str(data.get("digest") or "")[:_DIGEST_SHOWN]
    return show_any(data.get("dataset")) + (f", labels {digest}" if digest else "")


def _environment(reports: Sequence[Report]) -> tuple[Difference, ...]:
    facts = [dict(_facts(report.environment)) for report in reports]
    names = dict.fromkeys(name for some in facts for name in some)
    return tuple(Difference(name, tuple(some.get(name, "") for some in facts)) for name in names)


def _facts(environment: Environment) -> Iterator[tuple[str, str]]:
    for model in environment.models:
        role = str(model.get("role", "model"))
        names = {"name": role, "model_id": f"{role}: id", "commercial": f"{role}: commercial use"}
        for key, name in names.items():
            if model.get(key):
                yield name, show_any(model[key])
    for group in (environment.settings, environment.data, environment.machine):
        for key, value in group.items():
            yield key.replace("_", " "), show_any(value)
    yield "faceprint", environment.version
    yield "date", environment.date
    yield "command", environment.command


def _blocks(report: Report) -> Iterator[Block]:
    for section in report.sections:
        yield from section.blocks


def _overlays(comparison: Comparison) -> list[Overlay]:
    groups: dict[tuple[str, ...], dict[int, Chart]] = {}
    for number, report in enumerate(comparison.reports):
        for chart in _blocks(report):
            if isinstance(chart, Chart):
                axes = (chart.x_name, chart.y_name, chart.x_scale, chart.y_scale)
                key = (chart.title, chart.kind, *axes, *chart.categories)
                groups.setdefault(key, {})[number] = chart
    return [overlay(charts, comparison.runs) for charts in groups.values() if len(charts) > 1]


def _differing(comparison: Comparison) -> Table:
    rows = tuple((fact.name, *fact.values) for fact in comparison.environment if fact.differs)
    return Table("What differs", tuple(Column(name) for name in ("", *comparison.runs)), rows)


def _tables(comparison: Comparison) -> dict[str, list[tuple[str, Table | Matrix]]]:
    groups: dict[str, list[tuple[str, Table | Matrix]]] = {}
    for report in comparison.reports:
        for table in _blocks(report):
            if isinstance(table, Table | Matrix):
                groups.setdefault(table.title, []).append((report.run, table))
    return {title: tables for title, tables in groups.items() if len(tables) > 1}
