"""Reports as Markdown: to read in a terminal, to keep beside code, to quote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from faceprint.evaluate.report.blocks import (
    Block,
    Chart,
    Column,
    Matrix,
    Pictures,
    Report,
    Table,
    Text,
)
from faceprint.evaluate.report.matrices import matrix_table
from faceprint.evaluate.report.points import points_table
from faceprint.evaluate.report.shapes import (
    figure_interval,
    figure_value,
    is_numeric,
    show_any,
    show_value,
)

__all__ = ["report_markdown"]

_SPECIAL = re.compile(r"[\\`*\[\]<>|]|(?<!\w)_|_(?!\w)|^[#+=~-](?=[#+=~-]*(?:\s|$))")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s)")


def report_markdown(report: Report) -> str:
    """A report as Markdown; charts become a few points each, pictures the paths of their photos."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    made = report.environment
    yield f"# {_text(report.title)}"
    yield ""
    yield f"{_text(report.run)}, {made.date}, faceprint {_text(made.version)}"
    for warning in report.warnings:
        yield from ("", f"> **Mind:** {_text(warning)}")
    if report.figures:
        yield ""
        yield from _table(_figures(report))
    for section in report.sections:
        yield from ("", f"## {_text(section.title)}")
        for block in section.blocks:
            yield ""
            yield from _block(block)
    yield from ("", "## What made these figures", "", *_fence(made.command), "")
    yield from _pairs({"data": made.data, "settings": made.settings, "machine": made.machine})
    for model in made.models:
        yield from ("", f"### {_text(str(model.get('name', 'model')))}", "")
        yield from _pairs({name: value for name, value in model.items() if name != "name"})


def _figures(report: Report) -> Table:
    return Table(
        "",
        (
            Column("figure"),
            Column("value", "number"),
            Column("95 % interval", "number"),
            Column("of"),
        ),
        tuple(
            (figure.name, figure_value(figure), figure_interval(figure), figure.note)
            for figure in report.figures
        ),
    )


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Text):
        yield f"> **Mind:** {_text(block.text)}" if block.warning else _text(block.text)
    elif isinstance(block, Pictures):
        yield from _pictures(block)
    else:
        table = _as_table(block)
        if table.title:
            yield from (f"### {_text(table.title)}", "")
        yield from _table(table)
        if table.note:
            yield from ("", _text(table.note))


def _as_table(block: Chart | Matrix | Table) -> Table:
    if isinstance(block, Chart):
        return points_table(block)
    return matrix_table(block) if isinstance(block, Matrix) else block


def _pictures(block: Pictures) -> Iterator[str]:
    yield from (f"### {_text(block.title)}", "")
    if block.note:
        yield from (_text(block.note), "")
    if not block.items:
        yield "None."
    for item in block.items:
        names = " and ".join(f"**{_text(name)}**" for name in item.names)
        reason = f" ({_text(item.reason)})" if item.reason else ""
        yield f"- {names}: {_text(item.caption)}{reason}"
        for photo in item.photos:
            yield f"  - {_code(str(photo))}"


def _table(table: Table) -> Iterator[str]:
    yield _row([_text(column.name) for column in table.columns])
    yield _row(["---:" if is_numeric(table, k) else "---" for k in range(len(table.columns))])
    for row in table.rows:
        cells = zip(row, table.columns, strict=True)
        yield _row([_text(show_value(cell, column.unit)) for cell, column in cells])


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _pairs(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        yield f"- {_text(name.replace('_', ' '))}: {_text(show_any(value))}"


def _text(text: str) -> str:
    """Text on one line that Markdown and HTML leave as it is."""
    escaped = _SPECIAL.sub(lambda found: f"\\{found[0]}", " ".join(text.split()))
    return _NUMBERED.sub(r"\1\\\2", escaped)


def _code(text: str) -> str:
    """Text as code, whatever backticks are in it."""
    marks = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    inner = " ".join(text.splitlines())
    return f"{marks} {inner} {marks}" if "`" in inner else f"{marks}{inner}{marks}"


def _fence(text: str) -> tuple[str, str, str]:
    marks = "`" * max(3, max(map(len, re.findall("`+", text)), default=0) + 1)
    return f"{marks}sh", text, marks
